import { describe, expect, test } from 'vitest';
import { renderMessage } from '../../lambda/fleet/fleet-event.ts';
import { FLEET_TAG, startFleet } from '../sandbox/fleet.ts';
import type { InvokeOptions } from '../sandbox/lambda/lambda-process.ts';
import { type Sandbox, SECRET_ID } from '../sandbox/sandbox.ts';
import { endingOf } from '../support/in-sandbox.ts';
import { expectAllKept, inFleet } from './many-secrets.ts';

const HOUR_MS = 3_600_000;

/** Lines at the end of runs, of the secret with this ARN. */
function endsOf(sandbox: Sandbox, arn: string): readonly unknown[] {
  const lines = sandbox.processes.flatMap(({ stdout }) => stdout.split('\n').filter((line) => line.startsWith('{')));
  return lines.map((line): unknown => JSON.parse(line)).filter((line) => JSON.stringify(line).includes(`"${arn}"`));
}

test('a fleet of 10 secrets has each token fresh after one sweep; broken secrets stop none, and are told apart', () =>
  expectAllKept(10));

/** Each time, a token of six hours is due again. AWS and the functions have one clock, by which the age of a claim is judged. */
async function everyFourHours(
  times: number,
  sandbox: Sandbox,
  act: (options: InvokeOptions) => Promise<void>,
): Promise<void> {
  for (let round = 1; round <= times; round++) {
    const ago = (times - round) * 4 * HOUR_MS;
    await sandbox.ago(ago / 1000, () => act({ clockOffsetMs: -ago }));
  }
}

describe('one secret of a fleet', () => {
  test('is left alone once its tag is off, and kept once it is on again', async () => {
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

  test('can be in the stack of one account at once: neither spends what the other has spent', async () => {
    await inFleet(async (fleet, sandbox) => {
      const { secretsManager, sqs } = sandbox.aws;
      secretsManager.tagResource({ SecretId: SECRET_ID, Tags: [FLEET_TAG] });
      sandbox.putCredentials(await sandbox.mintCredentials());
      const single = await sandbox.startFunction();
      await everyFourHours(5, sandbox, async (options) => {
        await fleet.sweep(options);
        sqs.send(renderMessage(secretsManager.arnOf(SECRET_ID)));
        await Promise.all([fleet.refresh.drain(options), single.invoke({}, options)]);
        await single.invoke({}, options);
      });
      const spent = sandbox.tokenEndpoint.requests.map(({ form }) => form['refresh_token']);
      expect(new Set(spent).size).toBe(spent.length);
      expect(spent).toHaveLength(5);
      const { access_token: token } = fleet.read(SECRET_ID);
      expect(await sandbox.authorizationServer.isAccessTokenLive(String(token))).toBe(true);
    });
  });

  test('can be in two fleets at once, by one tag', async () => {
    await inFleet(async (fleet, sandbox) => {
      const credentials = await sandbox.mintCredentials();
      await sandbox.ago((24 * HOUR_MS) / 1000, async () => fleet.add('one', credentials));
      const other = await startFleet(sandbox);
      await everyFourHours(4, sandbox, async (options) => {
        await Promise.all([fleet.sweep(options), other.sweep(options)]);
        await Promise.all([fleet.refresh.drain(options), other.refresh.drain(options)]);
        await other.tick(options);
      });
      const spent = sandbox.tokenEndpoint.requests.map(({ form }) => form['refresh_token']);
      expect(new Set(spent).size).toBe(spent.length);
      expect(spent).toHaveLength(4);
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

  test('can be refreshed and asked by a person, by its ARN', async () => {
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
