import { isSameSecret } from '../../lambda/contract.ts';
import { type ExistingSecret, secretIdOf } from './existing-secret.ts';
import type { Problem } from './schedule-limits.ts';

export interface TokenSecretOptions {
  readonly existingSecret?: ExistingSecret | undefined;
  readonly tokenSecret: boolean | { readonly existing: ExistingSecret };
  readonly tokenReaders: readonly string[];
  readonly kmsKeyArn?: string | undefined;
}

/**
 * The rules between the token secret, its readers and its key.
 *
 * @param account of the stack, if that is known. If not, readers of two accounts cannot both be of it
 */
export function findTokenSecretProblems(options: TokenSecretOptions, account: string | undefined): readonly Problem[] {
  const { existingSecret, tokenSecret, tokenReaders, kmsKeyArn } = options;
  const problems: Problem[] = [];
  const existing = typeof tokenSecret === 'object' ? secretIdOf(tokenSecret.existing) : undefined;
  if (existing !== undefined && existingSecret !== undefined && isSameSecret(existing, secretIdOf(existingSecret))) {
    const requirement = 'be another secret than existingSecret: who reads it must not read the credentials';
    problems.push({ path: ['tokenSecret', 'existing'], requirement });
  }
  if (tokenReaders.length === 0) return problems;
  if (tokenSecret === false) {
    problems.push({ path: ['tokenReaders'], requirement: 'be left out, since there is no token secret' });
  } else if (existing !== undefined) {
    const requirement =
      'be left out with an existing token secret: a resource policy would replace the one that it may have. Add the readers to that one';
    problems.push({ path: ['tokenReaders'], requirement });
  } else if (kmsKeyArn === undefined && isOfOtherAccounts(tokenReaders, account)) {
    const requirement =
      'be of the account of the stack (env.account), or there must be a kmsKeyArn: no other account can use a key of AWS';
    problems.push({ path: ['tokenReaders'], requirement });
  }
  return problems;
}

function isOfOtherAccounts(arns: readonly string[], account: string | undefined): boolean {
  const accounts = new Set(arns.map((arn) => arn.split(':')[4]));
  return accounts.size > 1 || (account !== undefined && !accounts.has(account));
}
