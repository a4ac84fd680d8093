import { describe, expect, it } from 'vitest';
import { toBroken } from './fleet-promises.ts';
import { SMALL, simulate } from './small-fleet.ts';

describe('a fleet of 150 secrets, one in ten of them failing', () => {
  it('refreshes every token in time, starves no secret, and writes little', async () => {
    const fleet = await simulate();
    expect(toBroken(fleet)).toEqual([]);
    expect(fleet.figures.crashes).toBeGreaterThan(0);
    // In 14 hours, a healthy token of six hours is refreshed at the start and four times more.
    expect(fleet.figures.refreshes).toBeGreaterThan(5 * 0.9 * 0.9 * SMALL.secrets);
  });

  it('has the same history with the same seed', async () => {
    const figuresOf = async () => {
      const { figures, quota, lanes } = await simulate({ days: 0.1 });
      const { runs, refreshes, crashes } = figures;
      const { deadLetters } = lanes.refresh.queue;
      return { runs, refreshes, crashes, writes: quota.writes, peak: quota.peak, deadLetters };
    };
    expect(await figuresOf()).toEqual(await figuresOf());
  });
});
