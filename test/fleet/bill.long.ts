import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PowertoolsTelemetry } from '../../lambda/adapters/powertools-telemetry.ts';
import { FLEET_METRICS, METRICS } from '../../lambda/contract.ts';
import { FRESH } from '../../lambda/core/messages.ts';
import { SweepTelemetry } from '../../lambda/fleet/sweep-telemetry.ts';
import { synthesise } from '../infra/synthesise.ts';
import { captureOutput } from '../support/capture-output.ts';
import { FRESH_LOG_BYTES, SENT_METRICS, stackDollars } from './bill.ts';
import { toBilledParts } from './billed-parts.ts';
import { renderPrices } from './prices.ts';
import { anAccountOf, measureFleets, renderBill } from './render-bill.ts';

/** CloudWatch adds these to each event of a log. */
const EVENT_BYTES = 26;

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the bill', async () => {
  const fleets = await measureFleets();

  it('matches docs/fleet-at-scale.md', () => {
    const page = read('../../docs/fleet-at-scale.md');
    expect(page).toContain(renderBill(fleets));
    expect(page).toContain(renderPrices());
  });

  it.each<[number, 1 | 20, number]>([
    [10, 1, 0.02],
    [10, 20, 0.04],
    [30, 1, 0.02],
  ])(
    'of 10,000 accounts, every %i minutes and with a batch billed as %i, is at most %f dollars an account beside its secret',
    (minutes, batchedAs, most) => {
      const bills = fleets
        .filter(({ tickMinutes }) => tickMinutes === minutes)
        .map((fleet) => anAccountOf(10_000, fleet, batchedAs));
      expect(bills).toEqual([expect.toSatisfy((dollars: number) => dollars > 0 && dollars <= most)]);
    },
  );
});

it('has the costs of a stack that docs/costs.md states', () => {
  const dollars = stackDollars(toBilledParts(synthesise({ dashboard: false })));
  expect(read('../../docs/costs.md')).toContain(`| **total** | **${dollars.toFixed(2)}** |`);
  expect(read('../../docs/costs.md')).toContain(`| **${(100 * dollars).toFixed(2)}** |\n`);
  expect(read('../../README.md')).toContain(`[${dollars.toFixed(2)} USD a month](docs/costs.md)`);
  expect(read('../../docs/performance.md')).toContain(`for everything | ${dollars.toFixed(2)} | `);
});

it('uses the real size of the log of a fresh run', () => {
  const output = captureOutput();
  const telemetry = new PowertoolsTelemetry();
  const secretId = `arn:aws:secretsmanager:us-east-1:123456789012:secret:retently/${'a'.repeat(40)}-AbCdEf`;
  telemetry.begin(
    '11111111-2222-3333-4444-555555555555',
    'RetentlyTokenRefreshFleet-RefreshFunction-AbCdEfGhIjKl',
    secretId,
  );
  telemetry.note({ versionId: 'a'.repeat(64), expiresAt: '2026-11-22T18:00:00.000Z' });
  telemetry.recordStates({
    tokenSecondsRemaining: 12_345,
    tokenSecondsUntilDue: 1_545,
    isReauthorizationRequired: false,
  });
  telemetry.end('info', FRESH, { outcome: 'fresh' });
  const bytes = output.text().length + 2 * EVENT_BYTES;
  expect(output.logs()).toHaveLength(1);
  expect(output.metrics()).toHaveLength(1);
  expect(bytes).toBeLessThanOrEqual(FRESH_LOG_BYTES);
  expect(bytes).toBeGreaterThan(0.9 * FRESH_LOG_BYTES);
});

it('counts the metrics that the two functions of a fleet send', () => {
  const output = captureOutput();
  const refresh = new PowertoolsTelemetry();
  refresh.begin('run', 'Refresh', 'arn');
  refresh.recordStates({ tokenSecondsRemaining: 1, tokenSecondsUntilDue: 1, isReauthorizationRequired: false });
  refresh.countRefreshed();
  refresh.countFailed('STORE_DENIED');
  refresh.countTokenNotStored();
  refresh.countClaimTakenOver();
  refresh.recordExchangeMilliseconds(1);
  refresh.end('info', '', {});
  const sweep = new SweepTelemetry();
  sweep.begin('run', 'Sweep');
  const judgment = {
    arn: 'arn',
    turn: 'none',
    fromMs: 0,
    expiresAtMs: 1,
    secondsUntilDue: 1,
    trouble: undefined,
  } as const;
  sweep.recordSweep({ listed: 1, queued: 0 }, [judgment], 0);
  sweep.end('info', '', {});
  const namesOf = (functionName: string) => {
    const all = output.metrics().filter((each) => each['FunctionName'] === functionName && !('Code' in each));
    const known = Object.values({ ...METRICS, ...FLEET_METRICS });
    return all.flatMap((each) => Object.keys(each).filter((name) => known.some((one) => one === name))).sort();
  };
  expect(namesOf('Refresh')).toEqual([...SENT_METRICS.refresh].sort());
  expect(namesOf('Sweep')).toEqual([...SENT_METRICS.sweep].sort());
});

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}
