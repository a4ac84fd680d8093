import {
  MAX_RECENT_VERSIONS,
  RESERVED_VERSIONS,
  VERSION_RETENTION_SECONDS,
  VERSIONS_PER_ATTEMPT,
} from '../contract.ts';

const RETENTION_MS = VERSION_RETENTION_SECONDS * 1000;

/** Most versions of the last 24 hours that an attempt may leave behind. */
export const VERSION_BUDGET = MAX_RECENT_VERSIONS - RESERVED_VERSIONS;

/** Returns those creation times whose versions Secrets Manager still has to keep. */
export function toRecent(times: readonly number[], nowMs: number): number[] {
  return times.filter((createdAt) => createdAt > nowMs - RETENTION_MS);
}

/**
 * Returns when the version history will have room for an attempt; `undefined` if it has room at `atMs`.
 *
 * @param times creation times of the versions that exist, in any order
 */
export function findRoomAtMs(times: readonly number[], atMs: number): number | undefined {
  const recent = toRecent(times, atMs).sort((a, b) => a - b);
  const lastToAge = recent[recent.length + VERSIONS_PER_ATTEMPT - VERSION_BUDGET - 1];
  return lastToAge === undefined ? undefined : lastToAge + RETENTION_MS;
}

/**
 * Returns when a forced attempt will leave room for every scheduled refresh of the 24 hours after it; `undefined` if it does
 * now. A forced attempt must not use the schedule's room. Versions that are older than a day by then no longer count.
 *
 * @param dueAfterMs how long after a refresh the next one is due
 */
export function findRoomForForcedAtMs(times: readonly number[], nowMs: number, dueAfterMs: number): number | undefined {
  if (hasRoomForDay(times, nowMs, dueAfterMs)) return undefined;
  const moments = toRecent(times, nowMs).map((createdAt) => createdAt + RETENTION_MS);
  return moments.sort((a, b) => a - b).find((atMs) => hasRoomForDay(times, atMs, dueAfterMs)) ?? nowMs + RETENTION_MS;
}

/** Returns whether there is room for an attempt at `fromMs` and at every due time of the 24 hours after it. */
function hasRoomForDay(times: readonly number[], fromMs: number, dueAfterMs: number): boolean {
  const versions = [...times];
  for (let atMs = fromMs; atMs <= fromMs + RETENTION_MS; atMs += dueAfterMs) {
    if (findRoomAtMs(versions, atMs) !== undefined) return false;
    for (let count = 0; count < VERSIONS_PER_ATTEMPT; count++) versions.push(atMs);
  }
  return true;
}
