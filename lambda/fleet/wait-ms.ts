import { MAX_WAIT_SECONDS } from '../contract.ts';
import type { Turn } from './plan-messages.ts';

/** Lateness that is normal for the delivery of a message. */
const ON_TIME_MS = 1_000;
/** Spread of late messages: after a pause of ten seconds, they start within a minute. */
const LATE_FACTOR = 6;

/**
 * Returns how long the run of a message waits for its turn; `undefined` if its turn is over, and the next sweep sends it again.
 * A late message waits for a random time: after a pause of the queue or of Lambda, late messages arrive together, and must not
 * make their claims together.
 *
 * @param random 0 ≤ x < 1
 */
export function waitMs(
  { startAtMs, endAtMs }: Pick<Turn, 'startAtMs' | 'endAtMs'>,
  nowMs: number,
  random: number,
): number | undefined {
  if (startAtMs === undefined || endAtMs === undefined) return 0;
  if (nowMs > endAtMs) return undefined;
  if (nowMs <= startAtMs) return Math.min(startAtMs - nowMs, MAX_WAIT_SECONDS * 1000);
  const lateMs = nowMs - startAtMs;
  return lateMs <= ON_TIME_MS ? 0 : random * Math.min(LATE_FACTOR * lateMs, MAX_WAIT_SECONDS * 1000);
}
