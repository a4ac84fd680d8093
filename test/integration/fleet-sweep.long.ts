import { expect, test } from 'vitest';
import { startFleet } from '../sandbox/fleet.ts';
import { startSandbox } from '../sandbox/sandbox.ts';

const SECRETS = 10_000;
/** Ends a sweep that hangs: no load makes one take this long. */
const HANG_MS = 300_000;

test(`a sweep of ${SECRETS} due secrets lists each page once, reads each secret once and queues it`, async () => {
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
  const swept = await fleet.sweep({ timeoutMs: HANG_MS });
  expect(swept).toMatchObject({ kind: 'result', result: { listed: SECRETS, queued: SECRETS, deferred: 0 } });
  const counts = new Map<string, number>();
  for (const { operation } of sandbox.aws.calls) counts.set(operation, (counts.get(operation) ?? 0) + 1);
  expect(Object.fromEntries(counts)).toEqual({
    ListSecrets: SECRETS / 100,
    BatchGetSecretValue: SECRETS / 20,
    GetQueueAttributes: 2,
    SendMessageBatch: SECRETS / 10,
  });
});
