import type { Action } from '../../lambda/contract.ts';
import type { InjectedFault } from '../sandbox/aws/injected-fault.ts';
import { type Sandbox, SECRET_ID } from '../sandbox/sandbox.ts';
import { plantSecret } from '../support/in-sandbox.ts';

/** A secret that cannot be used; nothing is sent, and it stays as it is. */
export interface BadSecret {
  readonly name: string;
  /** SecretString, made of the credentials that would be right. @default those */
  readonly write?: (credentials: object) => string;
  /** Additional problem. */
  readonly prepare?: (sandbox: Sandbox) => void;
  /** The outcome, or the code of the error. */
  readonly ending: string;
  /** Action that `status` advises. @default the action for all errors of this kind of secret */
  readonly action?: Action;
  /** Part of the message: what is wrong, or what to do. */
  readonly says: string;
}

const AS_JSON = { ending: 'CREDENTIALS_INVALID', says: 'Store one JSON object' };
const INCOMPLETE = 'CREDENTIALS_INCOMPLETE';
const INVALID = 'CREDENTIALS_INVALID';
const DEPTH = 20_000;
const MAX_BYTES = 65_536;

export const BAD_SECRETS: readonly BadSecret[] = [
  { name: 'not JSON', write: () => `client_secret: ${plantSecret()}`, ...AS_JSON },
  { name: 'truncated', write: (credentials) => JSON.stringify(credentials).slice(0, -3), ...AS_JSON },
  { name: 'quoted once too often', write: (credentials) => JSON.stringify(JSON.stringify(credentials)), ...AS_JSON },
  { name: 'an array', write: (credentials) => JSON.stringify([credentials]), ...AS_JSON },
  { name: 'null', write: () => 'null', ...AS_JSON },
  { name: 'a number', write: () => '42', ...AS_JSON },
  { name: 'blank', write: () => '  ', ...AS_JSON },
  {
    name: 'binary',
    prepare: ({ aws }) => {
      const SecretBinary = new TextEncoder().encode(plantSecret());
      aws.secretsManager.putSecretValue({ SecretId: SECRET_ID, SecretBinary });
    },
    ending: INVALID,
    says: 'SecretBinary',
  },
  { name: 'empty', write: () => '{}', ending: INCOMPLETE, says: 'client_id, no client_secret, no refresh_token' },
  {
    name: 'with members that are missing, null and empty',
    write: () => JSON.stringify({ client_secret: null, refresh_token: '', note: plantSecret() }),
    ending: INCOMPLETE,
    says: 'client_id, no client_secret, no refresh_token',
  },
  {
    name: 'with one missing, nested',
    write: (credentials) => JSON.stringify({ credentials: { ...credentials, refresh_token: undefined } }),
    ending: INCOMPLETE,
    says: 'credentials.refresh_token',
  },
  {
    name: 'with members of the wrong type',
    write: () =>
      JSON.stringify({ client_id: 7, client_secret: [plantSecret()], refresh_token: { token: plantSecret() } }),
    ending: INVALID,
    says: 'client_id is a number, client_secret is an array, refresh_token is an object',
  },
  {
    name: 'with credentials in two places',
    write: (credentials) => JSON.stringify({ ...credentials, credentials }),
    ending: INVALID,
    says: 'Keep one of the two',
  },
  {
    name: 'with a number that no double holds',
    write: (credentials) => JSON.stringify({ ...credentials, limit: 0 }).replace('"limit":0', '"limit":1e400'),
    ending: INVALID,
    says: 'too large for a double',
  },
  {
    name: 'nested too deeply',
    write: (credentials) =>
      JSON.stringify({ ...credentials, deep: 0 }).replace(
        '"deep":0',
        `"deep":${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`,
      ),
    ending: INVALID,
    says: 'nested too deeply',
  },
  {
    name: 'with a pasted line break',
    write: (credentials) => JSON.stringify({ ...credentials, client_secret: `${plantSecret()}\n` }),
    ending: INVALID,
    says: 'client_secret has a line break',
  },
  {
    name: 'with the placeholder of an example',
    write: (credentials) => JSON.stringify({ ...credentials, client_id: '…' }),
    ending: INVALID,
    says: 'client_id is a placeholder',
  },
  {
    name: 'one level too deep',
    write: (credentials) => JSON.stringify({ configuration: { credentials } }),
    ending: INCOMPLETE,
    says: 'Credentials were found in configuration.credentials',
  },
  {
    name: 'what PowerShell 5.1 makes of it',
    write: (credentials) => Buffer.from(`\ufeff${JSON.stringify(credentials)}`, 'utf16le').toString('latin1'),
    ending: INVALID,
    says: 'it looks like UTF-16',
  },
  {
    name: 'full',
    write: (credentials) => {
      const freeBytes = MAX_BYTES - Buffer.byteLength(JSON.stringify({ ...credentials, full: [] }));
      return JSON.stringify({ ...credentials, full: new Array(Math.floor(freeBytes / 2)).fill(7) });
    },
    ending: INVALID,
    says: 'Move other data out of this secret',
  },
  {
    name: 'scheduled for deletion',
    prepare: ({ aws }) => void aws.secretsManager.deleteSecret({ SecretId: SECRET_ID }),
    ending: 'SECRET_NOT_FOUND',
    says: 'restore-secret',
  },
  {
    name: 'unknown',
    prepare: ({ aws }) =>
      void aws.secretsManager.deleteSecret({ SecretId: SECRET_ID, ForceDeleteWithoutRecovery: true }),
    ending: 'SECRET_NOT_FOUND',
    says: 'CREDENTIALS_SECRET_ID',
  },
  { name: 'without a value yet', prepare: empty, ending: 'not-configured', says: 'put-secret-value' },
  denied('read', 'access-denied', 'GetSecretValue'),
  denied('count', 'access-denied', 'ListSecretVersionIds'),
  denied('write', 'access-denied', 'PutSecretValue'),
  denied('read, by its key', 'kms', 'GetSecretValue'),
  denied('write, by its key', 'kms', 'PutSecretValue'),
];

function denied(what: string, kind: InjectedFault['kind'], operation: string): BadSecret {
  const prepare = ({ aws }: Sandbox) => aws.inject({ kind, operation, times: 10 });
  return {
    name: `denied on ${what}`,
    prepare,
    ending: 'STORE_DENIED',
    // Status reads only, so it does not meet a denied write.
    ...(operation === 'PutSecretValue' && { action: 'refresh' as const }),
    says: kind === 'kms' ? 'KMS key' : "Check the function's role",
  };
}

function empty(sandbox: Sandbox): void {
  sandbox.recreateSecret();
}
