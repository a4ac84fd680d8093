import { dueAfterSeconds } from '../contract.ts';
import type { CredentialsDocument } from './credentials.ts';
import type { DocumentEntry } from './journal.ts';
import { parseRfc3339 } from './rfc3339.ts';

/** Tolerance for the clocks of two runs, and for rounding. */
const CLOCKS_DIFFER_MS = 60_000;

/**
 * Returns the seconds until the access token of `document` is due for a refresh: negative if the token is overdue. Returns
 * `NaN` if there is no token, if its lifetime is unknown, or if it may be revoked.
 *
 * @param longestLifetimeSeconds longest accepted lifetime, whatever the document states
 */
export function secondsUntilDue(
  { members }: CredentialsDocument,
  nowMs: number,
  longestLifetimeSeconds: number,
): number {
  const refreshedAtMs = parseRfc3339(members.refreshed_at);
  const lifetimeSeconds = lifetimeOf({ members });
  // No run can have refreshed a token in the future.
  const isFromTheFuture = refreshedAtMs > nowMs + CLOCKS_DIFFER_MS;
  if (members.may_be_revoked !== undefined) return Number.NaN;
  if (members.access_token === undefined || lifetimeSeconds <= 0 || isFromTheFuture) return Number.NaN;
  return (refreshedAtMs - nowMs) / 1000 + dueAfterSeconds(Math.min(lifetimeSeconds, longestLifetimeSeconds));
}

/** Returns the lifetime of the access token in seconds; `NaN` if the document does not say. */
export function lifetimeOf({ members }: Pick<CredentialsDocument, 'members'>): number {
  return (parseRfc3339(members.expires_at) - parseRfc3339(members.refreshed_at)) / 1000;
}

/** Returns whether the token can expire before a tick refreshes it: the tick before may come just before the token is due. */
export function isTooShort(document: Pick<CredentialsDocument, 'members'>, scheduleSeconds: number): boolean {
  const lifetimeSeconds = lifetimeOf(document);
  return lifetimeSeconds - dueAfterSeconds(lifetimeSeconds) <= scheduleSeconds;
}

/**
 * Returns the seconds until an access token is due, as the metrics report them. A token that expires too soon for the schedule
 * counts as overdue from its beginning, by so much that every alarm on overdue tokens fires. Consumers get an expired token,
 * however often the token is refreshed.
 *
 * @param scheduleSeconds longest time from one tick to the next
 */
export function reportedSecondsUntilDue(
  { document, createdAt }: Pick<DocumentEntry, 'document' | 'createdAt'>,
  nowMs: number,
  longestLifetimeSeconds: number,
  scheduleSeconds: number,
): number {
  const seconds = secondsUntilDue(document, nowMs, longestLifetimeSeconds);
  if (!Number.isNaN(seconds)) {
    return isTooShort(document, scheduleSeconds) ? Math.min(seconds, -3 * scheduleSeconds) : seconds;
  }
  // Each answer without an access token makes a new version with the old token, which has been due since half of its lifetime.
  const leftSeconds = longestLifetimeSeconds - dueAfterSeconds(longestLifetimeSeconds);
  const expiresAtMs = parseRfc3339(document.members.expires_at);
  const ofAgeMs = isHalfRefreshed(document) ? expiresAtMs - leftSeconds * 1000 : Number.NaN;
  // No token, or none with a known lifetime: it has been due since it was written.
  return (Math.min(createdAt, Number.isNaN(ofAgeMs) ? createdAt : ofAgeMs) - nowMs) / 1000;
}

/** Returns whether the document's refresh token came in an answer without an access token. */
export function isHalfRefreshed({ members }: Pick<CredentialsDocument, 'members'>): boolean {
  return members.spent_refresh_token_sha256 !== undefined && members.refreshed_at === undefined;
}
