import { describe, expect, test } from 'vitest';
import { waitMs } from '../../../lambda/fleet/wait-ms.ts';

const START = 1_700_000_000_000;
const TURN = { startAtMs: START, endAtMs: START + 300_000 };

describe('the run of a message', () => {
  test.each([
    ['starts immediately if it has no turn', { startAtMs: undefined, endAtMs: undefined }, START, 0.9, 0],
    ['waits for its turn', TURN, START - 1_500, 0.9, 1_500],
    ['waits no longer than the function can, whatever a clock says', TURN, START - 600_000, 0.9, 60_000],
    ['starts in its turn', TURN, START, 0.9, 0],
    ['starts although the message took a moment', TURN, START + 1_000, 0.9, 0],
    ['waits for a random part of a minute if the message is late', TURN, START + 1_001, 0.5, 30_000],
    ['waits no longer if the message is very late', TURN, START + 200_000, 0.5, 30_000],
    ['starts while its turn is not over', TURN, START + 300_000, 0, 0],
  ])('%s', (_what, turn, nowMs, random, expected) => {
    expect(waitMs(turn, nowMs, random)).toBe(expected);
  });

  test('does not start when its turn is over', () => {
    expect(waitMs(TURN, START + 300_001, 0)).toBeUndefined();
  });
});
