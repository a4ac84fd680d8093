import { Token } from 'aws-cdk-lib';
import { isSameSecret } from '../../lambda/contract.ts';
import { secretIdOf } from './existing-secret.ts';
import type { Problem } from './schedule-limits.ts';
import type { TokenRefreshSettings } from './schema.ts';

type TokenSecretOptions = Pick<TokenRefreshSettings, 'secret' | 'tokenSecret' | 'tokenReaders' | 'encryptionKey'>;

/**
 * Finds contradictions between the token secret, its readers and its key.
 *
 * @param account AWS account of the stack, if it is known. If not, readers in two accounts cannot both be in the stack's account
 */
export function findTokenSecretProblems(options: TokenSecretOptions, account: string | undefined): readonly Problem[] {
  const { secret, tokenSecret, tokenReaders, encryptionKey } = options;
  const existing = typeof tokenSecret === 'boolean' ? undefined : secretIdOf(tokenSecret);
  const problems: Problem[] = [];
  if (existing !== undefined && secret !== undefined && isSameSecret(existing, secretIdOf(secret))) {
    const requirement = 'differ from the secret of the credentials: consumers must not be able to read the credentials';
    // A token of CDK would only say that the ARN is not known yet.
    const value = Token.isUnresolved(existing) ? undefined : existing;
    problems.push({ path: ['tokenSecret'], value, requirement });
  }
  if (tokenReaders.length === 0) return problems;
  if (tokenSecret === false) {
    problems.push({ path: ['tokenReaders'], requirement: 'be left out, because there is no token secret' });
  } else if (existing !== undefined) {
    const requirement =
      "be left out with an existing token secret: a new resource policy would replace the secret's current one. Add the readers to that policy";
    problems.push({ path: ['tokenReaders'], requirement });
  } else if (encryptionKey === undefined && isOfOtherAccounts(tokenReaders, account)) {
    const requirement =
      "be in the stack's account (env.account), unless you set encryptionKey: no other account can use an AWS managed key";
    problems.push({ path: ['tokenReaders'], requirement });
  }
  return problems;
}

function isOfOtherAccounts(arns: readonly string[], account: string | undefined): boolean {
  const accounts = new Set(arns.map((arn) => arn.split(':')[4]));
  return accounts.size > 1 || (account !== undefined && !accounts.has(account));
}
