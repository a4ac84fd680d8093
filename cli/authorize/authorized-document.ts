import {
  type CredentialsDocument,
  parseDocument,
  renderWithTokens,
  type TokenMembers,
} from '../../lambda/core/credentials.ts';
import { Fault } from '../../lambda/core/fault.ts';
import { sha256 } from '../../lambda/core/fingerprint.ts';
import { toRfc3339 } from '../../lambda/core/rfc3339.ts';
import type { SecretValue } from '../aws/secret.ts';
import { CommandError, EXIT } from '../command-error.ts';
import type { ClientCredentials } from '../oauth/client-credentials.ts';
import type { NewGrant } from '../oauth/exchange-code.ts';

/** What the secret holds, or would hold if it had a value. */
export type KnownDocument = Pick<CredentialsDocument, 'raw' | 'isNested' | 'members'>;

const EMPTY: KnownDocument = { raw: {}, isNested: false, members: {} };

/** @throws CommandError for a value that cannot be kept beside new credentials */
export function readDocument(current: SecretValue | undefined, secretId: string): KnownDocument {
  if (current === undefined) return EMPTY;
  try {
    return parseDocument(current.secretString, `Secret ${secretId}`);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new CommandError(EXIT.unable, `${error.message} See docs/runbook.md#credentials-invalid.`);
  }
}

/** Members of a document of this project, in whichever of its two shapes. */
const OWN_MEMBERS: ReadonlySet<string> = new Set([
  'client_id',
  'client_secret',
  'refresh_token',
  'access_token',
  'token_type',
  'expires_at',
  'refreshed_at',
  'redirect_uri',
  'auth_type',
  'credentials',
]);

/** Returns the names of what a secret holds that no credentials of this project explain. */
export function findForeignMembers({ raw, isNested, members }: KnownDocument): readonly string[] {
  const { client_id, client_secret, refresh_token } = members;
  if (refresh_token !== undefined || (client_id !== undefined && client_secret !== undefined)) return [];
  const inner = isNested ? Object.keys(asObject(raw['credentials'])) : [];
  return [...Object.keys(raw), ...inner].filter((name) => !OWN_MEMBERS.has(name));
}

/**
 * The document with a new grant in it and every other member as it was.
 *
 * Its token members are replaced as a whole. Without `spent_refresh_token_sha256`, for this refresh token was not
 * traded for another one: so the function takes the document for new credentials, whatever its journal says of the old
 * ones. The bearer token that came with the grant is kept with its life, for consumers to use at once.
 */
export function renderAuthorized(
  { raw, isNested }: KnownDocument,
  { clientId, clientSecret }: ClientCredentials,
  grant: NewGrant,
): string {
  const client = { client_id: clientId, client_secret: clientSecret };
  const withClient = isNested
    ? { ...raw, credentials: { ...asObject(raw['credentials']), ...client } }
    : { ...raw, ...client };
  return renderWithTokens({ raw: withClient, isNested }, toTokenMembers(grant));
}

function toTokenMembers({ refreshToken, accessToken, tokenType, expiresInSeconds, askedAtMs }: NewGrant): TokenMembers {
  if (accessToken === undefined) return { refresh_token: refreshToken };
  const bearer = { refresh_token: refreshToken, access_token: accessToken, token_type: tokenType };
  if (expiresInSeconds === undefined) return bearer;
  const expiresAt = toRfc3339(askedAtMs + expiresInSeconds * 1000);
  return { ...bearer, expires_at: expiresAt, refreshed_at: toRfc3339(askedAtMs) };
}

/**
 * Whether somebody brought other credentials between two reads. That the function refreshed meanwhile, or that other
 * members were edited, is no such thing.
 */
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
