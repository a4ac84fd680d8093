import { describe, expect, test } from 'vitest';
import { renderMessage } from '../../lambda/fleet/fleet-event.ts';
import { FLEET_TAG } from '../sandbox/fleet.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { endingOf } from '../support/in-sandbox.ts';
import { expectAllKept, inFleet } from './many-secrets.ts';

const HOUR_MS = 3_600_000;

/** Lines at the end of runs, of the secret with this ARN. */
function endsOf(sandbox: Sandbox, arn: string): readonly unknown[] {
  const lines = sandbox.processes.flatMap(({ stdout }) => stdout.split('\n').filter((line) => line.startsWith('{')));
  return lines.map((line): unknown => JSON.parse(line)).filter((line) => JSON.stringify(line).includes(`"${arn}"`));
}

test('a fleet of 10 secrets has only fresh tokens after one sweep, and damaged secrets are reported without stopping others', () =>
  expectAllKept(10));

describe('one secret of a fleet', () => {
  test('is not refreshed without its tag, and is refreshed again with it', async () => {
    await inFleet(async (fleet, sandbox) => {
      const arn = fleet.add('one', await sandbox.mintCredentials());
      const { secretsManager } = sandbox.aws;
      secretsManager.untagResource({ SecretId: arn, TagKeys: [FLEET_TAG.Key] });
      expect(await fleet.tick()).toMatchObject({ result: { listed: 0 } });
      expect(fleet.read('one')).not.toHaveProperty('access_token');
      secretsManager.tagResource({ SecretId: arn, Tags: [FLEET_TAG] });
      await fleet.tick();
      expect(fleet.read('one')).toHaveProperty('access_token');
    });
  });

  test('whose run is killed is sent again by the next sweep; a redrive a week later is harmless', async () => {
    let lagMs = 0;
    const aws = {
      now: () => Date.now() + lagMs,
      sqs: { now: () => Date.now() + lagMs, retentionMs: 14 * 24 * HOUR_MS },
    };
    await inFleet(
      async (fleet, sandbox) => {
        const arn = fleet.add('one', await sandbox.mintCredentials());
        sandbox.aws.inject({ kind: 'hang-before', operation: 'PutSecretValue' });
        await fleet.sweep();
        await fleet.refresh.drain({ timeoutMs: 300 });
        // On a busy machine, the run may be killed before it reaches the call that hangs.
        sandbox.aws.clearFaults();
        expect(fleet.read('one')).not.toHaveProperty('access_token');
        await fleet.tick();
        expect(fleet.read('one')).toHaveProperty('access_token');

        lagMs += 7 * 24 * HOUR_MS;
        sandbox.aws.sqs.send(renderMessage(arn));
        await fleet.refresh.drain();
        expect(sandbox.tokenEndpoint.requests).toHaveLength(1);
      },
      { aws },
    );
  });

  test('can be refreshed and checked by a person, by its ARN', async () => {
    await inFleet(async (fleet, sandbox) => {
      const secretId = fleet.add('one', await sandbox.mintCredentials());
      const lambda = await fleet.startRefresh();
      expect(endingOf(await lambda.invoke({ action: 'status', secretId }))).toBe('status');
      expect(endingOf(await lambda.invoke({ action: 'refresh', force: true, secretId }))).toBe('refreshed');
      expect(endsOf(sandbox, secretId)).toMatchObject([
        { outcome: 'status', secretId },
        { outcome: 'refreshed', secretId },
      ]);
    });
  });
});
