import { MAX_WAIT_SECONDS } from '../contract.ts';
import type { Turn } from './plan-messages.ts';

/** Lateness that is normal for the delivery of a message. */
const ON_TIME_MS = 1_000;

/**
 * Returns how long the run of a message waits for its turn; `undefined` if its turn is over, and the next sweep sends it again.
 * A late message waits for a random time: after a pause of the queue or of Lambda, late messages arrive together, and must not
 * make their claims together. This time does not depend on how late it is. Otherwise, the runs that still wait when a queue catches
 * up would start beside those that are on time.
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
  return nowMs - startAtMs <= ON_TIME_MS ? 0 : random * MAX_WAIT_SECONDS * 1000;
}
