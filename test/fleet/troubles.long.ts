import { describe, expect, it } from 'vitest';
import { toBroken } from './fleet-promises.ts';
import { TROUBLES } from './fleet-server.ts';
import { simulate } from './small-fleet.ts';

describe('a fleet of 300 secrets keeps its healthy tokens', () => {
  it.each(TROUBLES)('while half of the accounts have this trouble: %s', async (failure) => {
    const fleet = await simulate({ secrets: 300, days: 0.4, trouble: { failure, percent: 50 }, troubleHours: 3 });
    expect(toBroken(fleet)).toEqual([]);
    expect(fleet.figures.healthy).toBeGreaterThanOrEqual(150);
  });
});

describe('a fault made on purpose is found:', () => {
  it('so many hanging accounts that the others wait for a run', async () => {
    const broken = toBroken(
      await simulate({
        secrets: 600,
        days: 0.35,
        hours: 1,
        concurrency: 4,
        trouble: { failure: 'hangs', percent: 90 },
      }),
    );
    expect(broken).toContain('healthy tokens that expired');
  });
});
