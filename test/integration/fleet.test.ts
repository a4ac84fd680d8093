import { describe, expect, test, vi } from 'vitest';
import { renderMessage } from '../../lambda/fleet/fleet-event.ts';
import { FLEET_TAG, type Fleet, startFleet } from '../sandbox/fleet.ts';
import type { InvokeOptions } from '../sandbox/lambda/lambda-process.ts';
import { type Sandbox, type SandboxOptions, SECRET_ID, startSandbox } from '../sandbox/sandbox.ts';
import { FLEET_SECRETS } from '../support/fleet-secrets.ts';
import { endingOf, expectNoLeak } from '../support/in-sandbox.ts';

vi.setConfig({ testTimeout: 120_000 });

const HOUR_MS = 3_600_000;

async function inFleet(
  act: (fleet: Fleet, sandbox: Sandbox) => Promise<void>,
  options: SandboxOptions = {},
): Promise<void> {
  await using sandbox = await startSandbox(options);
  await act(await startFleet(sandbox), sandbox);
  await expectNoLeak(sandbox);
}

/** Lines at the end of runs, of the secret with this ARN. */
function endsOf(sandbox: Sandbox, arn: string): readonly unknown[] {
  const lines = sandbox.processes.flatMap(({ stdout }) => stdout.split('\n').filter((line) => line.startsWith('{')));
  return lines.map((line): unknown => JSON.parse(line)).filter((line) => JSON.stringify(line).includes(`"${arn}"`));
}

describe(`a fleet of ${FLEET_SECRETS} secrets, on processes of its two functions`, () => {
  test('has each token fresh after one sweep; broken secrets stop none, and are told apart', async () => {
    await inFleet(
      async (fleet, sandbox) => {
        const { aws, authorizationServer } = sandbox;
        const isSound = (index: number) => index % 5 !== 4;
        const names = Array.from({ length: FLEET_SECRETS }, (_, index) => `retently/account-${index}`);
        for (const [index, name] of names.entries()) {
          const broken = BROKEN[isSound(index) ? -1 : Math.floor(index / 5) % BROKEN.length];
          fleet.add(name, broken ? broken(await sandbox.mintCredentials()) : await sandbox.mintCredentials());
        }
        // Somebody else's secret, and a fleet whose tag begins like ours.
        const other = { SecretString: '{"user":"root"}', Tags: [{ ...FLEET_TAG, Value: 'live-2' }] };
        aws.secretsManager.createSecret({ Name: 'other', ...other });

        expect(await fleet.tick()).toMatchObject({
          kind: 'result',
          result: { listed: FLEET_SECRETS, queued: FLEET_SECRETS },
        });
        for (const [index, name] of names.entries()) {
          const { access_token: token } = fleet.read(name);
          if (isSound(index)) expect(await authorizationServer.isAccessTokenLive(String(token)), name).toBe(true);
          else expect(token, name).toBeUndefined();
        }
        expect(aws.sqs.size).toBe(0);
        expect(aws.sqs.deadLetters).toEqual([]);
        expect(fleet.refresh.mostAtOnce).toBeLessThanOrEqual(4);
        const touched = aws.calls.filter(({ input }) => JSON.stringify(input).includes(':secret:other-'));
        expect(touched).toEqual([]);

        // The next tick: all are fresh, at two reads each; no refusal is sent again.
        const posts = sandbox.tokenEndpoint.requests.length;
        aws.calls.length = 0;
        await fleet.tick();
        expect(sandbox.tokenEndpoint.requests).toHaveLength(posts);
        const puts = aws.calls.filter(({ operation }) => operation === 'PutSecretValue');
        expect(puts).toEqual([]);
      },
      { aws: { sqs: { duplicates: 0.05 } } },
    );
  });
});

type Credentials = Awaited<ReturnType<Sandbox['mintCredentials']>>;

/** What is in the secrets that are broken. */
const BROKEN: readonly ((credentials: Credentials) => object | undefined)[] = [
  (credentials) => ({ ...credentials, refresh_token: 'never-issued' }),
  (credentials) => ({ ...credentials, client_secret: 'wrong' }),
  ({ client_id }) => ({ client_id }),
  () => ({ user: 'root' }),
  () => undefined,
];

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

  test('that crashes its run comes again, and is a dead letter in the end; a redrive a week later is harmless', async () => {
    let lagMs = 0;
    const aws = { now: () => Date.now() + lagMs, sqs: { now: () => Date.now() + lagMs, retentionMs: 24 * HOUR_MS } };
    await inFleet(
      async (fleet, sandbox) => {
        const arn = fleet.add('one', await sandbox.mintCredentials());
        sandbox.aws.inject({ kind: 'hang-before', operation: 'GetSecretValue', times: 99 });
        await fleet.sweep();
        for (let round = 0; round < 4; round++) {
          await fleet.refresh.drain({ timeoutMs: 300 });
          lagMs += 7 * 60_000;
        }
        expect(sandbox.aws.sqs.deadLetters).toEqual([renderMessage(arn)]);
        expect(sandbox.aws.sqs.size).toBe(0);

        sandbox.aws.clearFaults();
        lagMs += 7 * 24 * HOUR_MS;
        for (const body of sandbox.aws.sqs.deadLetters.splice(0)) sandbox.aws.sqs.send(body);
        await fleet.refresh.drain();
        expect(fleet.read('one')).toHaveProperty('access_token');
        await fleet.tick();
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
