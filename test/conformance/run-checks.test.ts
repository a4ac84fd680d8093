import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { expect, test, vi } from 'vitest';
import type { Check } from './check.ts';
import { checks } from './checks.ts';
import { isAcceptable, runChecks } from './run-checks.ts';

vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');

const client = new SecretsManagerClient({ region: 'us-east-1' });
const pass = async () => {};
const fail = async () => Promise.reject(new Error('seen'));

const fakes: Check[] = [
  { name: 'as AWS', run: pass },
  { name: 'new departure', run: fail },
  { name: 'written down', run: fail, knownDepartures: { moto: 'because' } },
  { name: 'fixed', run: pass, knownDepartures: { moto: 'because' } },
];

test('a departure is acceptable only if it is written down and still there', async () => {
  const results = await runChecks(fakes, client, 'moto');
  expect(results).toEqual([
    { name: 'as AWS', verdict: 'passed' },
    { name: 'new departure', verdict: 'failed', reason: 'Error: seen' },
    { name: 'written down', verdict: 'known departure', reason: 'because' },
    { name: 'fixed', verdict: 'departure is gone', reason: 'because' },
  ]);
  expect(results.map(isAcceptable)).toEqual([true, false, true, false]);
});

test('a known deviation of an emulator excuses no other target', async () => {
  const results = await runChecks(fakes, client);
  expect(results.map(({ verdict }) => verdict)).toEqual(['passed', 'failed', 'failed', 'passed']);
});

test('no two checks have the same name', () => {
  expect(new Set(checks.map(({ name }) => name)).size).toBe(checks.length);
});
