import { isSameSecret } from '../../lambda/contract.ts';
import { secretIdOf } from './existing-secret.ts';
import type { Problem } from './schedule-limits.ts';
import type { TokenRefreshSettings } from './schema.ts';

type TokenSecretOptions = Pick<TokenRefreshSettings, 'secret' | 'tokenSecret' | 'tokenReaders' | 'encryptionKey'>;

/**
 * Returns what breaks the rules between the token secret, its readers and its key.
 *
 * @param account of the stack, if that is known. If not, readers of two accounts cannot both be of it
 */
export function findTokenSecretProblems(options: TokenSecretOptions, account: string | undefined): readonly Problem[] {
  const { secret, tokenSecret, tokenReaders, encryptionKey } = options;
  const existing = typeof tokenSecret === 'boolean' ? undefined : secretIdOf(tokenSecret);
  const problems: Problem[] = [];
  if (existing !== undefined && secret !== undefined && isSameSecret(existing, secretIdOf(secret))) {
    const requirement = 'be another secret than the secret of the credentials: its readers must not read those';
    problems.push({ path: ['tokenSecret'], value: existing, requirement });
  }
  if (tokenReaders.length === 0) return problems;
  if (tokenSecret === false) {
    problems.push({ path: ['tokenReaders'], requirement: 'be left out, since there is no token secret' });
  } else if (existing !== undefined) {
    const requirement =
      'be left out with an existing token secret: a resource policy would replace the one that it may have. Add the readers to that one';
    problems.push({ path: ['tokenReaders'], requirement });
  } else if (encryptionKey === undefined && isOfOtherAccounts(tokenReaders, account)) {
    const requirement =
      'be of the account of the stack (env.account), or there must be an encryptionKey: no other account can use a key of AWS';
    problems.push({ path: ['tokenReaders'], requirement });
  }
  return problems;
}

function isOfOtherAccounts(arns: readonly string[], account: string | undefined): boolean {
  const accounts = new Set(arns.map((arn) => arn.split(':')[4]));
  return accounts.size > 1 || (account !== undefined && !accounts.has(account));
}
