import { dueAfterSeconds } from '../contract.ts';
import type { CredentialsDocument } from './credentials.ts';
import { parseRfc3339 } from './rfc3339.ts';

/** Between two runs, and what is rounded. */
const CLOCKS_DIFFER_MS = 60_000;

/**
 * Returns the seconds until the bearer token of `document` is due for a refresh: negative if it is overdue, `NaN` if there is
 * none, if its lifetime is unknown, or if it may be revoked.
 *
 * @param longestLifetimeSeconds longest lifetime that is believed, whatever the document says
 */
export function secondsUntilDue(
  { members }: CredentialsDocument,
  nowMs: number,
  longestLifetimeSeconds: number,
): number {
  const refreshedAtMs = parseRfc3339(members.refreshed_at);
  const lifetimeSeconds = lifetimeOf({ members });
  // No run can have refreshed it tomorrow.
  const isFromTheFuture = refreshedAtMs > nowMs + CLOCKS_DIFFER_MS;
  if (members.may_be_revoked !== undefined) return Number.NaN;
  if (members.access_token === undefined || lifetimeSeconds <= 0 || isFromTheFuture) return Number.NaN;
  return (refreshedAtMs - nowMs) / 1000 + dueAfterSeconds(Math.min(lifetimeSeconds, longestLifetimeSeconds));
}

/** Returns the lifetime of the access token in seconds; `NaN` if the document does not say. */
export function lifetimeOf({ members }: Pick<CredentialsDocument, 'members'>): number {
  return (parseRfc3339(members.expires_at) - parseRfc3339(members.refreshed_at)) / 1000;
}
