import { expect, test } from 'vitest';
import { runChaos } from './chaos.ts';

test('real processes that are killed at any moment never spend a token twice, lose a recorded one, or end in silence', async () => {
  const { ticks, kills, recovered, broken } = await runChaos(60, 1);
  expect(broken).toEqual([]);
  expect(ticks).toBeGreaterThanOrEqual(60);
  expect(Math.min(kills, recovered)).toBeGreaterThan(5);
}, 60_000);
