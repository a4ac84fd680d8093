import { describe, expect, it } from 'vitest';
import { toBroken } from './fleet-promises.ts';
import { SMALL, simulate } from './small-fleet.ts';

describe('a fleet of 150 secrets, one in ten of them failing', () => {
  it.each(['function', 'provider', 'answers'] as const)('does so after a day without its %s', async (outage) => {
    const fleet = await simulate({ days: 1.12, outage });
    expect(toBroken(fleet)).toEqual([]);
  });

  it('loses what waits longer than the queue keeps it, and the next sweep brings it again', async () => {
    const fleet = await simulate({ days: 1.1, outage: 'function' });
    expect(fleet.queue.expiredInOutage).toBeGreaterThan(100 * SMALL.secrets);
    // A tick, its window, and the longest delay of the queue.
    expect(fleet.figures.betweenRuns.burstMs).toBeLessThan(1_020_000);
  });
});

describe('what is broken on purpose is seen:', () => {
  it('so few that secrets wait and tokens die', async () => {
    const broken = toBroken(await simulate({ secrets: 4_000, days: 0.15, concurrency: 1, hours: 1 }));
    expect(broken).toEqual([
      'longest wait in the queue, s',
      'messages that expired, the outage aside',
      'longest between two runs, s',
      'longest between two runs, in a burst, s',
      'longest overdue, s',
      'longest overdue, in a burst, s',
      'longest dead, the outage aside, s',
    ]);
  });

  it('so many secrets that a sweep takes more than a minute', async () => {
    const broken = toBroken(await simulate({ secrets: 80_000, days: 0.0028 }));
    expect(broken).toContain('longest sweep, s');
  });

  it('ticks so rare that a token of an hour dies', async () => {
    const broken = toBroken(await simulate({ days: 0.5, tickMinutes: 35 }));
    expect(broken).toContain('longest between two runs, s');
    expect(broken).toContain('longest overdue, s');
    expect(broken).toContain('longest dead, the outage aside, s');
  });

  it('more refreshes than a tenth of the quota: a burst of 3,000, and no time without one', async () => {
    const broken = toBroken(await simulate({ secrets: 3_000, days: 0.018 }));
    expect(broken).toContain('writes a second on average');
  });
});
