import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { toBroken } from './fleet-promises.ts';
import { simulate } from './small-fleet.ts';

describe('a fleet of 150 secrets, one in ten of them failing, keeps its promises', () => {
  it.each([
    ['provider', 24],
    ['answers', 24],
    ['mapping', 1],
    ['mapping', 24],
    ['throttled', 1],
    ['throttled', 24],
    ['concurrency', 1],
    ['concurrency', 24],
  ] as const)('after an outage: %s, for %i hours', async (outage, outageHours) => {
    const fleet = await simulate({ days: 0.12 + outageHours / 24, outage, outageHours });
    expect(toBroken(fleet)).toEqual([]);
  });
});

describe('a fleet of 2,000 secrets without runs for an hour, while sweeps continue', () => {
  it.each(['mapping', 'throttled', 'concurrency'] as const)('writes no faster afterwards: %s', async (outage) => {
    const fleet = await simulate({ secrets: 2_000, days: 0.2, outage, outageHours: 1 });
    expect(toBroken(fleet)).toEqual([]);
    expect(fleet.figures.late).toBeGreaterThan(100);
  });
});

it('a sweep of 10,000 secrets, and the simulation around it, fits into 200 MB', () => {
  const run = fileURLToPath(new URL('run.ts', import.meta.url));
  const args = ['--max-old-space-size=200', '--import', 'tsx', run, '--days', '0.002'];
  const { signal, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(signal).toBeNull();
  expect(stdout).toMatch(/\| longest sweep, s \| \d+ \|/);
});

describe('a fault made on purpose is found:', () => {
  it('so many secrets that a sweep takes more than half a minute', async () => {
    const broken = toBroken(await simulate({ secrets: 40_000, days: 0.0028 }));
    expect(broken).toContain('longest sweep, s');
  });

  it('ticks so rare that a token of an hour expires', async () => {
    const broken = toBroken(await simulate({ days: 0.5, tickMinutes: 35 }));
    expect(broken).toContain('healthy tokens that expired');
    expect(broken).toContain('longest overdue, s');
  });

  it('more refreshes than a tenth of the quota: a burst of 3,000, and no time without one', async () => {
    const broken = toBroken(await simulate({ secrets: 3_000, days: 0.018 }));
    expect(broken).toContain('writes a second on average');
  });
});
