import { MIN_TOKEN_LIFETIME_SECONDS } from '../contract.ts';
import type { CredentialsDocument, TokenMembers } from './credentials.ts';
import type { Exchanged } from './exchange.ts';
import { sha256 } from './fingerprint.ts';
import { toRfc3339 } from './rfc3339.ts';

/**
 * The members that an answer writes into the document whose refresh token it was traded for.
 *
 * @param spentRefreshToken the one that was sent
 * @param defaultTokenLifetimeSeconds for an answer that gives no life, or a longer one: that may be milliseconds
 */
export function toTokenMembers(
  answer: Exchanged,
  { members }: CredentialsDocument,
  spentRefreshToken: string,
  defaultTokenLifetimeSeconds: number,
): TokenMembers {
  const spent = { spent_refresh_token_sha256: sha256(spentRefreshToken) };
  if (answer.kind === 'refresh-token-only') {
    // The old bearer token lives on. Without refreshed_at the document is due, so the next run asks for a new one.
    const { access_token, token_type, expires_at } = members;
    return { refresh_token: answer.refreshToken, access_token, token_type, expires_at, ...spent };
  }
  const refreshedAt = toRfc3339(answer.startedAtMs);
  // Where the server does not rotate, refreshed_at alone tells a document from its predecessor.
  const isRepeated = refreshedAt === members.refreshed_at;
  return {
    // The server may omit refresh_token; then the old one stays valid (RFC 6749 section 6).
    refresh_token: answer.refreshToken ?? spentRefreshToken,
    access_token: answer.accessToken,
    token_type: answer.tokenType,
    expires_at: expiresAt(answer, members, defaultTokenLifetimeSeconds),
    refreshed_at: isRepeated ? toRfc3339(answer.startedAtMs + 1) : refreshedAt,
    ...spent,
  };
}

/** An answer brought its refresh token and no bearer token: see the first case of {@link toTokenMembers}. */
export function isHalfRefreshed({ members }: CredentialsDocument): boolean {
  return members.spent_refresh_token_sha256 !== undefined && members.refreshed_at === undefined;
}

function expiresAt(
  { accessToken, expiresInSeconds, startedAtMs }: Extract<Exchanged, { kind: 'token' }>,
  members: CredentialsDocument['members'],
  defaultTokenLifetimeSeconds: number,
): string {
  const isSameToken = accessToken === members.access_token;
  // A token that came back unchanged does not live longer for it, unless the server says so.
  if (isSameToken && expiresInSeconds === undefined && members.expires_at !== undefined) return members.expires_at;
  return toRfc3339(startedAtMs + Math.min(expiresInSeconds ?? Infinity, defaultTokenLifetimeSeconds) * 1000);
}

/** What is odd about the life that an answer gives its bearer token; `undefined` if nothing is. */
export function warnAboutLifetime(answer: Exchanged, defaultTokenLifetimeSeconds: number): string | undefined {
  if (answer.kind !== 'token') return undefined;
  const { expiresInSeconds = defaultTokenLifetimeSeconds } = answer;
  if (expiresInSeconds > defaultTokenLifetimeSeconds) {
    return (
      `Retently says that the bearer token lives ${expiresInSeconds} seconds. No more than ${defaultTokenLifetimeSeconds} ` +
      'are believed, which is DEFAULT_TOKEN_LIFETIME_SECONDS. If these are seconds, and not milliseconds, set the option tokenLifetimeSeconds to them.'
    );
  }
  if (expiresInSeconds >= MIN_TOKEN_LIFETIME_SECONDS) return undefined;
  return (
    `The bearer token lives ${expiresInSeconds} seconds. Below ${MIN_TOKEN_LIFETIME_SECONDS} it can be dead between two ` +
    'ticks, and the write budget of the secret does not last for a day.'
  );
}
