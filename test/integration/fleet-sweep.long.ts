import { expect, test } from 'vitest';
import { startFleet } from '../sandbox/fleet.ts';
import { startSandbox } from '../sandbox/sandbox.ts';

const SECRETS = 10_000;
/** Of each call: AWS takes less for most. */
const LATENCY_MS = 100;
const MAX_SECONDS = 30;

test(`a sweep of ${SECRETS} secrets, ${LATENCY_MS} ms a call, takes less than ${MAX_SECONDS} s`, async () => {
  await using sandbox = await startSandbox();
  const fleet = await startFleet(sandbox);
  const credentials = await sandbox.mintCredentials();
  for (let index = 0; index < SECRETS; index++) {
    const SecretId = fleet.add(`retently/account-${index}`, credentials);
    // At rest, and due: each is read in a batch and queued, as in a burst.
    const SecretString = JSON.stringify({ ...credentials, access_token: 'old' });
    sandbox.aws.secretsManager.putSecretValue({
      SecretId,
      SecretString,
      VersionStages: ['AWSCURRENT', 'TOKEN_REFRESH'],
    });
  }
  for (const operation of ['ListSecrets', 'BatchGetSecretValue', 'SendMessageBatch']) {
    sandbox.aws.inject({ kind: 'latency', operation, latencyMs: LATENCY_MS, times: SECRETS });
  }
  const beganAtMs = performance.now();
  const swept = await fleet.sweep({ timeoutMs: 120_000 });
  const seconds = (performance.now() - beganAtMs) / 1000;
  expect(swept).toMatchObject({ kind: 'result', result: { listed: SECRETS } });
  const calls = sandbox.aws.calls.map(({ operation }) => operation);
  const pages = calls.filter((operation) => operation === 'ListSecrets').length;
  console.log(
    `a sweep of ${SECRETS} secrets: ${seconds.toFixed(1)} s, ${pages} pages, ${calls.length - pages} batches`,
  );
  expect(seconds).toBeLessThan(MAX_SECONDS);
});
