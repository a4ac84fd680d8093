import { expect, test } from 'vitest';
import { runChaos } from './chaos.ts';

test('real processes that are killed at any moment never spend a token twice, lose a recorded one, or end in silence', async () => {
  const { ticks, kills, recovered, broken } = await runChaos(24, 1);
  expect(broken).toEqual([]);
  expect(ticks).toBeGreaterThanOrEqual(24);
  expect(Math.min(kills, recovered)).toBeGreaterThan(2);
}, 60_000);
