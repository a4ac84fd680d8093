import { describe, expect, test } from 'vitest';
import { isStraceUsable, killAtEveryWrite, NOT_RECOVERED, type ServerKind } from './crash-points.ts';

const RECOVERIES = ['refreshed', 'adopted', 'fresh'];

describe.skipIf(!isStraceUsable())('the deployed bundle, killed at every write of a refresh', () => {
  test.each<[ServerKind, number]>([
    ['rotation', 1],
    ['grace', 0],
    ['no-rotation', 0],
  ])('%s: %d of the points needs a new authorization', async (kind, expected) => {
    const points = (await killAtEveryWrite(kind)).filter(({ isKilled }) => isKilled);
    const lost = points.filter(({ next }) => next === NOT_RECOVERED);
    expect(lost).toHaveLength(expected);
    // The server has answered, and only the claim is stored: the write that was not made is the one that stores the answer.
    expect(lost.every(({ posts, puts }) => posts === 1 && puts === 1)).toBe(true);
    expect(points.filter((point) => !lost.includes(point) && !RECOVERIES.includes(point.next))).toEqual([]);
    // A claim, an answer, a promotion, a copy, an event and a result: if fewer were killed, strace missed some.
    expect(points.length).toBeGreaterThan(10);
  });
});
