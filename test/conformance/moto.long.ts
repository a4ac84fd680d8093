import { expect, test, vi } from 'vitest';
import { isMotoInstalled, startMoto } from '../support/moto-server.ts';
import { checks } from './checks.ts';
import { createEmulatorClient, isAcceptable, runChecks } from './run-checks.ts';

const TIMEOUT_MS = 60_000;
const isMissing = !isMotoInstalled();
const reason = isMissing ? ' (SKIPPED: moto_server is not installed)' : '';

vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');

test.skipIf(isMissing)(
  `moto has only the known departures from AWS${reason}`,
  async () => {
    await using moto = await startMoto();
    const results = await runChecks(checks, createEmulatorClient(moto.url), 'moto');
    expect(results.filter((result) => !isAcceptable(result))).toEqual([]);
    expect(results.filter(({ verdict }) => verdict === 'known departure').length).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);
