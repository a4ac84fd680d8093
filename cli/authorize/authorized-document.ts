import { MAX_TOKEN_LIFETIME_SECONDS } from '../../lambda/contract.ts';
import {
  type CredentialsDocument,
  hasRoomFor,
  MEMBER_NAMES,
  parseDocument,
  renderWithTokens,
  type TokenMembers,
} from '../../lambda/core/credentials.ts';
import { Fault } from '../../lambda/core/fault.ts';
import { sha256 } from '../../lambda/core/fingerprint.ts';
import { toRfc3339 } from '../../lambda/core/rfc3339.ts';
import { MAX_REFRESH_TOKEN_LIFETIME_SECONDS } from '../../lambda/core/token-members.ts';
import type { SecretValue } from '../aws/secret.ts';
import { CommandError, EXIT } from '../command-error.ts';
import type { ClientCredentials } from '../oauth/client-credentials.ts';
import type { NewGrant } from '../oauth/exchange-code.ts';

/** Document in the secret; an empty one if the secret has no value. */
export type KnownDocument = Pick<CredentialsDocument, 'raw' | 'isNested' | 'members'>;

const EMPTY: KnownDocument = { raw: {}, isNested: false, members: {} };

/** Parses the secret's value. @throws CommandError if the value cannot be kept beside new credentials */
export function readDocument(current: SecretValue | undefined, secretId: string): KnownDocument {
  if (current === undefined) return EMPTY;
  try {
    return parseDocument(current.secretString, `Secret ${secretId}`);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new CommandError(EXIT.unable, `${error.message} See docs/runbook.md#credentials-invalid.`);
  }
}

/**
 * Rejects a token secret, which is for the programs that read the access token: its readers would get the client secret and the
 * refresh token. @throws CommandError
 */
export function requireCredentialsSecret({ members }: KnownDocument, secretId: string): void {
  const { access_token, client_id, client_secret, refresh_token } = members;
  if (access_token === undefined || (client_id ?? client_secret ?? refresh_token) !== undefined) return;
  throw toTokenSecretFailure(secretId);
}

/** Returns the error for a secret from which consumers read the access token. */
export function toTokenSecretFailure(secretId: string): CommandError {
  const message = `Secret ${secretId} is a token secret: it has an access token and no credentials. Pass the secret of the credentials, which is the stack output SecretArn.`;
  return new CommandError(EXIT.unable, message);
}

/** Members that this project reads or writes, and `auth_type`, which Airbyte puts beside the credentials. */
const OWN_MEMBERS: ReadonlySet<string> = new Set([...MEMBER_NAMES, 'auth_type']);

/**
 * Returns the names of the members that this project does not know. If the function already refreshed a token in this
 * secret, the list is empty: someone decided earlier that the other members may stay beside the credentials.
 */
export function findForeignMembers({ raw, isNested, members }: KnownDocument): readonly string[] {
  if (members.spent_refresh_token_sha256 !== undefined) return [];
  const inner = isNested ? Object.keys(asObject(raw['credentials'])) : [];
  const outer = Object.keys(raw).filter((name) => !(isNested && name === 'credentials'));
  return [...outer, ...inner].filter((name) => !OWN_MEMBERS.has(name));
}

interface Rendered {
  readonly secretString: string;
  /** False if the access token was left out because it does not fit. */
  readonly isWhole: boolean;
}

/**
 * Renders the document with a new grant in it and every other member unchanged.
 *
 * The token members are replaced as a whole, and `spent_refresh_token_sha256` is left out, because this refresh token was not
 * obtained with an earlier one. So the function treats the document as new credentials, whatever its journal says about
 * the old ones. The access token of the grant is kept with its lifetime, so consumers can use it immediately. If both tokens
 * do not fit into the secret, only the refresh token is kept.
 */
export function renderAuthorized(
  { raw, isNested }: KnownDocument,
  { clientId, clientSecret }: ClientCredentials,
  grant: NewGrant,
): Rendered {
  const client = { client_id: clientId, client_secret: clientSecret };
  const withClient = isNested
    ? { ...raw, credentials: { ...asObject(raw['credentials']), ...client } }
    : { ...raw, ...client };
  const document = { raw: withClient, isNested };
  const tokens = toTokenMembers(grant);
  if (hasRoomFor(document, tokens)) return { secretString: renderWithTokens(document, tokens), isWhole: true };
  const refreshToken = toTokenMembers({ ...grant, bearer: undefined });
  return { secretString: renderWithTokens(document, refreshToken), isWhole: grant.bearer === undefined };
}

function toTokenMembers({ refreshToken, refreshTokenExpiresInSeconds, bearer, askedAtMs }: NewGrant): TokenMembers {
  const refresh = {
    refresh_token: refreshToken,
    refresh_token_expires_at: toExpiry(refreshTokenExpiresInSeconds, MAX_REFRESH_TOKEN_LIFETIME_SECONDS, askedAtMs),
  };
  if (bearer === undefined) return refresh;
  const access = { access_token: bearer.accessToken, token_type: bearer.tokenType };
  const expiresAt = toExpiry(bearer.expiresInSeconds, MAX_TOKEN_LIFETIME_SECONDS, askedAtMs);
  if (expiresAt === undefined) return { ...refresh, ...access };
  return { ...refresh, ...access, expires_at: expiresAt, refreshed_at: toRfc3339(askedAtMs) };
}

/** Returns the end of a lifetime, unless no token lives that long. */
function toExpiry(seconds: number | undefined, maxSeconds: number, startMs: number): string | undefined {
  return seconds === undefined || seconds > maxSeconds ? undefined : toRfc3339(startMs + seconds * 1000);
}

/** Returns whether someone stored other credentials between two reads. A refresh and an edit of other members do not count. */
export function hasOtherCredentials(before: KnownDocument, after: KnownDocument): boolean {
  const isSameClient =
    before.members.client_id === after.members.client_id &&
    before.members.client_secret === after.members.client_secret;
  const { refresh_token: old } = before.members;
  const isSameGrant =
    after.members.refresh_token === old ||
    (old !== undefined && after.members.spent_refresh_token_sha256 === sha256(old));
  return !isSameClient || !isSameGrant;
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
