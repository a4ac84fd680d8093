import { expect, test } from 'vitest';
import { findRoomForForcedAtMs } from '../../../lambda/core/version-budget.ts';
import { HOUR_MS, NOW_MS } from '../../support/secret-documents.ts';

/** Returns the creation times of `count` versions of the same age. */
const versions = (count: number, ageHours: number) => Array<number>(count).fill(NOW_MS - ageHours * HOUR_MS);

// Tokens of six hours are due every three hours. Within the 24 hours of a version now, the forced attempt and seven refreshes
// store 16 of the 90 versions.
test.each<[string, number[], number | undefined]>([
  ['has room beside 74 versions', versions(74, 0), undefined],
  ['waits beside 75 versions until they are a day old', versions(75, 1), NOW_MS + 23 * HOUR_MS],
  ['has room beside 75 versions that are almost a day old', versions(75, 23), undefined],
  ['waits only for the oldest excess version', [...versions(1, 2), ...versions(74, 1)], NOW_MS + 22 * HOUR_MS],
  ['waits for it in any order of the list', [...versions(74, 1), ...versions(1, 2)], NOW_MS + 22 * HOUR_MS],
])('a forced attempt %s', (_what, times, atMs) => {
  expect(findRoomForForcedAtMs(times, NOW_MS, 3 * HOUR_MS)).toBe(atMs);
});
