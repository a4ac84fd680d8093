import { MIN_TOKEN_LIFETIME_SECONDS } from '../contract.ts';
import { type CredentialsDocument, hasRoomFor, SECRET_STRING_MAX_BYTES, type TokenMembers } from './credentials.ts';
import type { Exchanged, NotExchanged } from './exchange.ts';
import { sha256 } from './fingerprint.ts';
import { readExpiry } from './read-expiry.ts';
import { parseRfc3339, toRfc3339 } from './rfc3339.ts';

type Token = Extract<Exchanged, { kind: 'token' }>;

/** An `exp` sooner than this is treated as a clock error. An `exp` that differs from `expires_in` by more contradicts it. */
const MIN_EXPIRY_SECONDS = 60;

/** Longest credible lifetime of a refresh token. A longer one is not kept. */
export const MAX_REFRESH_TOKEN_LIFETIME_SECONDS = 100 * 365 * 86_400;

/**
 * Returns the members that an answer writes into the document whose refresh token was exchanged for it.
 *
 * @param spentRefreshToken the one that was sent
 * @param defaultTokenLifetimeSeconds for an answer without a lifetime, or with a longer one, which may be in milliseconds
 */
export function toTokenMembers(
  answer: Exchanged,
  { members }: CredentialsDocument,
  spentRefreshToken: string,
  defaultTokenLifetimeSeconds: number,
): TokenMembers {
  const spent = { spent_refresh_token_sha256: sha256(spentRefreshToken), ...keepDoubt(members, answer.startedAtMs) };
  if (answer.kind === 'refresh-token-only') {
    // The old access token stays valid. Without refreshed_at the document is due, so the next run requests a new one.
    const { access_token, token_type, expires_at } = members;
    return {
      refresh_token: answer.refreshToken,
      refresh_token_obtained_at: toRfc3339(answer.startedAtMs),
      refresh_token_expires_at: refreshTokenExpiresAt(answer),
      access_token,
      token_type,
      expires_at,
      ...spent,
    };
  }
  const refreshedAt = toRfc3339(answer.startedAtMs);
  // Where the server does not rotate, only refreshed_at distinguishes a document from its predecessor.
  const isRepeated = refreshedAt === members.refreshed_at;
  const isRotated = (answer.refreshToken ?? spentRefreshToken) !== spentRefreshToken;
  return {
    // The server may omit refresh_token; then the old one stays valid (RFC 6749 section 6).
    refresh_token: answer.refreshToken ?? spentRefreshToken,
    access_token: answer.accessToken,
    token_type: answer.tokenType,
    expires_at: expiresAt(answer, members, defaultTokenLifetimeSeconds),
    refreshed_at: isRepeated ? toRfc3339(answer.startedAtMs + 1) : refreshedAt,
    refresh_token_expires_at:
      refreshTokenExpiresAt(answer) ?? (isRotated ? undefined : members.refresh_token_expires_at),
    ...spent,
  };
}

/** Returns the doubt about the spent tokens if a run that has sent an earlier token may still revoke the whole grant. */
function keepDoubt(
  { may_be_revoked, reuse_possible_until }: CredentialsDocument['members'],
  startedAtMs: number,
): Pick<TokenMembers, 'may_be_revoked' | 'reuse_possible_until'> {
  const isOver = !(parseRfc3339(reuse_possible_until) > startedAtMs);
  return may_be_revoked === undefined || isOver ? {} : { may_be_revoked, reuse_possible_until };
}

/**
 * Omits an access token that does not fit into the secret beside the other data: the refresh token must not be lost.
 *
 * @returns `answer` if everything fits, and a failure if no new refresh token came with the access token
 */
export function fitIntoSecret(
  answer: Exchanged,
  current: CredentialsDocument,
  tokens: TokenMembers,
): Exchanged | NotExchanged {
  if (answer.kind !== 'token' || hasRoomFor(current, tokens)) return answer;
  const { refreshToken, refreshTokenExpiresInSeconds, startedAtMs } = answer;
  const sizeBytes = Buffer.byteLength(answer.accessToken);
  const reason = `The access token of ${sizeBytes} bytes does not fit into the secret: its other data and both tokens would take more than ${SECRET_STRING_MAX_BYTES} bytes`;
  if (refreshToken === undefined || refreshToken === current.members.refresh_token) {
    return { kind: 'failed', code: 'PROVIDER_UNAVAILABLE', cause: 'oversized', reason };
  }
  return { kind: 'refresh-token-only', refreshToken, refreshTokenExpiresInSeconds, reason, startedAtMs };
}

function refreshTokenExpiresAt({ refreshTokenExpiresInSeconds: seconds, startedAtMs }: Exchanged): string | undefined {
  if (seconds === undefined || seconds > MAX_REFRESH_TOKEN_LIFETIME_SECONDS) return undefined;
  return toRfc3339(startedAtMs + seconds * 1000);
}

function expiresAt(
  answer: Token,
  members: CredentialsDocument['members'],
  defaultTokenLifetimeSeconds: number,
): string {
  const { accessToken, expiresInSeconds, startedAtMs } = answer;
  const isSameToken = accessToken === members.access_token;
  // A token that was returned unchanged keeps its expiry, unless the server states a new one.
  if (isSameToken && expiresInSeconds === undefined && members.expires_at !== undefined) return members.expires_at;
  const lifetimeSeconds = Math.min(toLifetimeSeconds(answer) ?? Infinity, defaultTokenLifetimeSeconds);
  return toRfc3339(startedAtMs + Math.round(lifetimeSeconds * 1000));
}

/** Returns `expires_in`, or else the time until the access token's `exp`; `undefined` if neither makes sense. */
function toLifetimeSeconds({ accessToken, expiresInSeconds, startedAtMs }: Token): number | undefined {
  if (expiresInSeconds !== undefined) return expiresInSeconds;
  const seconds = secondsUntilExpiry(accessToken, startedAtMs);
  return seconds >= MIN_EXPIRY_SECONDS ? seconds : undefined;
}

/** Returns the seconds until the access token's `exp`. `NaN` if it has none: every comparison with `NaN` is false. */
function secondsUntilExpiry(accessToken: string, nowMs: number): number {
  return (readExpiry(accessToken) ?? Number.NaN) - nowMs / 1000;
}

/** Returns what is odd about the lifetime that an answer gives its access token; `undefined` if nothing is. */
export function warnAboutLifetime(answer: Exchanged, defaultTokenLifetimeSeconds: number): string | undefined {
  if (answer.kind !== 'token') return undefined;
  const lifetimeSeconds = toLifetimeSeconds(answer) ?? defaultTokenLifetimeSeconds;
  if (answer.expiresInSeconds !== undefined && lifetimeSeconds > defaultTokenLifetimeSeconds) {
    return (
      `expires_in is ${lifetimeSeconds}, but at most ${defaultTokenLifetimeSeconds} seconds are accepted ` +
      '(DEFAULT_TOKEN_LIFETIME_SECONDS). If the value is in seconds, not milliseconds, set the option tokenLifetime to it.'
    );
  }
  if (lifetimeSeconds >= MIN_TOKEN_LIFETIME_SECONDS) return undefined;
  return (
    `The lifetime is ${Math.floor(lifetimeSeconds)} seconds. Below ${MIN_TOKEN_LIFETIME_SECONDS}, a token can expire between two ` +
    "ticks, and the secret's version budget does not last for a day."
  );
}

/**
 * Returns how `exp` of the access token contradicts the answer; `undefined` if it does not. The text quotes no other claim, and
 * this one is not a secret.
 */
export function warnAboutExpiry(answer: Exchanged): string | undefined {
  if (answer.kind !== 'token') return undefined;
  const { accessToken, expiresInSeconds, startedAtMs } = answer;
  const seconds = secondsUntilExpiry(accessToken, startedAtMs);
  const exp = `exp of the access token leaves ${Math.floor(seconds)} seconds`;
  if (expiresInSeconds === undefined) {
    return seconds < MIN_EXPIRY_SECONDS ? `The response has no expires_in, and ${exp}: ignored.` : undefined;
  }
  const isContradiction = Math.abs(seconds - expiresInSeconds) > MIN_EXPIRY_SECONDS;
  return isContradiction ? `expires_in is ${expiresInSeconds}, but ${exp}. expires_in decides.` : undefined;
}
