import { beforeEach, describe, expect, test } from 'vitest';
import type { AwsCall } from '../sandbox/aws/aws-server.ts';
import { type Sandbox, SECRET_ID, TOKEN_SECRET_ID } from '../sandbox/sandbox.ts';
import { configureAnew, endingOf, expectLiveCurrent, inSandbox, until, useSandbox } from '../support/in-sandbox.ts';

const FORCED = { action: 'refresh', force: true };

const use = useSandbox();
let beganAtMs: number;

beforeEach(async () => {
  const { sandbox } = use();
  await configureAnew(sandbox);
  sandbox.tokenEndpoint.play('forward');
  beganAtMs = performance.now();
});

describe('an ordinary refresh', () => {
  test('takes 2 parallel reads, 1 list, 1 claim beside 1 look, 1 POST, 1 record, 1 promotion, 3 reads, a put and a move for the token secret, 1 PutEvents', async () => {
    const { sandbox, lambda } = use();
    sandbox.aws.secretsManager.putSecretValue({ SecretId: TOKEN_SECRET_ID, SecretString: '{}' });
    // The first read is answered after the second one has arrived, which must not wait for the first.
    const reads = () => stepsSince(beganAtMs, sandbox).filter(({ step }) => step.startsWith('read'));
    sandbox.aws.inject({ kind: 'held', operation: 'GetSecretValue', until: until(() => reads().length >= 2) });
    expect(await lambda.invoke({})).toMatchObject({ kind: 'result', result: { outcome: 'refreshed' } });
    const [first, second, list, claim, look, post, ...rest] = stepsSince(beganAtMs, sandbox);
    expect([first?.step, second?.step].sort()).toEqual(['read AWSCURRENT', 'read TOKEN_REFRESH']);
    expect(list?.step).toBe('ListSecretVersionIds');
    expect([claim?.step, look?.step].sort()).toEqual(['put claim', 'read version']);
    const last = [
      ...['POST', 'put document', 'UpdateSecretVersionStage'],
      // The token secret, then AWSCURRENT and its successor again, so that no newer token is replaced.
      ...['read AWSCURRENT', 'read AWSCURRENT', 'read version', 'put document', 'UpdateSecretVersionStage'],
      'PutEvents',
    ];
    expect([post, ...rest].map((each) => each?.step)).toEqual(last);
    await expectLiveCurrent(sandbox);
  });

  test('costs the same when the journal has begun', async () => {
    const { sandbox, lambda } = use();
    await lambda.invoke({});
    const againAtMs = performance.now();
    expect(endingOf(await lambda.invoke(FORCED))).toBe('refreshed');
    expect(stepsSince(againAtMs, sandbox)).toHaveLength(14);
    await expectLiveCurrent(sandbox);
  });

  test('leaves a fresh token, and then a tick is three reads and nothing else', async () => {
    const { sandbox, lambda } = use();
    await lambda.invoke({});
    const againAtMs = performance.now();
    expect(endingOf(await lambda.invoke({}))).toBe('fresh');
    const steps = stepsSince(againAtMs, sandbox).map(({ step }) => step);
    expect(steps.sort()).toEqual(['read AWSCURRENT', 'read AWSCURRENT', 'read TOKEN_REFRESH']);
  });

  test('returns the documented result, and publishes what a subscriber needs', async () => {
    const { sandbox, lambda } = use();
    const eventCount = sandbox.aws.eventBridge.events.length;
    const invocation = await lambda.invoke(undefined);
    const { versionId, document } = sandbox.readVersion('AWSCURRENT') ?? {};
    const expiresAt = document?.expires_at;
    expect(invocation).toEqual({
      kind: 'result',
      result: {
        outcome: 'refreshed',
        message: expect.any(String),
        health: 'healthy',
        action: 'none',
        reason: expect.any(String),
        secretId: SECRET_ID,
        versionId,
        expiresAt,
        secondsRemaining: expect.closeTo(21_600, -2),
      },
    });
    const fingerprint = expect.stringMatching(/^[0-9a-f]{12}$/);
    const fingerprints = { accessToken: fingerprint, refreshToken: fingerprint, spentRefreshToken: fingerprint };
    expect(sandbox.aws.eventBridge.events.slice(eventCount)).toMatchObject([
      {
        source: 'retently.token-refresh',
        detailType: 'Retently Token Refreshed',
        eventBusName: 'default',
        detail: { version: '1', secretId: SECRET_ID, versionId, expiresAt, rotated: true, attempt: 0, fingerprints },
      },
    ]);
  });

  test('does not start if too little time is left to save its answer', async () => {
    const { sandbox, lambda } = use();
    expect(endingOf(await lambda.invoke({}, { timeoutMs: 29_000 }))).toBe('STORE_UNAVAILABLE');
    const steps = stepsSince(beganAtMs, sandbox).map(({ step }) => step);
    expect(steps.filter((step) => !step.startsWith('read'))).toEqual([]);
  });

  test('status reads, and neither sends nor changes anything', async () => {
    const { sandbox, lambda } = use();
    const status = await lambda.invoke({ action: 'status' });
    expect(status).toMatchObject({ kind: 'result', result: { outcome: 'status', decision: 'attempt' } });
    const steps = new Set(stepsSince(beganAtMs, sandbox).map(({ step }) => step));
    expect([...steps].filter((step) => step !== 'ListSecretVersionIds' && !step.startsWith('read '))).toEqual([]);
  });
});

describe('edits by operators', () => {
  test('an edit during the exchange is kept, and the new token goes into it', async () => {
    const { sandbox, lambda } = use();
    const eventCount = sandbox.aws.eventBridge.events.length;
    const running = invokeHeld();
    await untilSent(sandbox);
    sandbox.putCredentials({ ...currentOf(sandbox), note: 'kept' });
    sandbox.tokenEndpoint.release();
    expect(endingOf(await running)).toBe('refreshed');
    expect(currentOf(sandbox)).toMatchObject({ note: 'kept' });
    await expectLiveCurrent(sandbox);
    expect(sandbox.aws.eventBridge.events.slice(eventCount)).toMatchObject([
      { detailType: 'Retently Token Refreshed' },
    ]);
    expect(endingOf(await lambda.invoke({}))).toBe('fresh');
  });

  test('new credentials during the exchange win over its answer, and are used', async () => {
    const { sandbox, lambda } = use();
    const others = await sandbox.mintCredentials();
    const running = invokeHeld();
    await untilSent(sandbox);
    sandbox.putCredentials(others);
    sandbox.tokenEndpoint.release();
    await running;
    await lambda.invoke({});
    expect(sandbox.tokenEndpoint.requests.at(-1)?.form).toMatchObject({ refresh_token: others.refresh_token });
    expect(stepsSince(beganAtMs, sandbox).filter(({ step }) => step === 'POST')).toHaveLength(2);
    await expectLiveCurrent(sandbox);
  });

  test('credentials nested as in Airbyte stay nested', async () => {
    const { sandbox, lambda } = use();
    sandbox.putCredentials({ name: 'ours', credentials: { auth_type: 'Client', ...currentOf(sandbox) } });
    expect(endingOf(await lambda.invoke({}))).toBe('refreshed');
    expect(currentOf(sandbox)).toEqual({
      name: 'ours',
      credentials: expect.objectContaining({ auth_type: 'Client', access_token: expect.any(String) }),
    });
  });

  function invokeHeld() {
    const { sandbox, lambda } = use();
    sandbox.tokenEndpoint.play('held', 'forward');
    return lambda.invoke({});
  }

  function untilSent(sandbox: Sandbox): Promise<void> {
    return until(() => stepsSince(beganAtMs, sandbox).at(-1)?.step === 'POST');
  }
});

describe('an announcement that fails never fails a refresh:', () => {
  test.each(['access-denied', 'throttle', 'internal-error', 'drop-before'] as const)('%s', async (kind) => {
    const { sandbox, lambda } = use();
    const eventCount = sandbox.aws.eventBridge.events.length;
    sandbox.aws.inject({ kind, operation: 'PutEvents', times: 3 });
    expect(endingOf(await lambda.invoke({}))).toBe('refreshed');
    await expectLiveCurrent(sandbox);
    expect(sandbox.aws.eventBridge.events).toHaveLength(eventCount);
  });

  test.each([
    ['a bus that does not exist', 'elsewhere', 1],
    ['no bus', '', 0],
  ])('%s', (_name, EVENT_BUS_NAME, putCount) =>
    inSandbox({}, async (sandbox) => {
      sandbox.putCredentials(await sandbox.mintCredentials());
      const lambda = await sandbox.startFunction({ EVENT_BUS_NAME });
      expect(endingOf(await lambda.invoke({}))).toBe('refreshed');
      expect(sandbox.aws.calls.filter(({ operation }) => operation === 'PutEvents')).toHaveLength(putCount);
      expect(sandbox.aws.eventBridge.events).toEqual([]);
    }),
  );
});

function currentOf(sandbox: Sandbox): object | undefined {
  return sandbox.readVersion('AWSCURRENT')?.document;
}

/** Returns the calls to AWS and to the token endpoint, in order. */
function stepsSince(sinceMs: number, { aws, tokenEndpoint }: Sandbox): { step: string; beganAtMs: number }[] {
  const posts = tokenEndpoint.requests.map((request) => ({ beganAtMs: request.beganAtMs, step: request.method }));
  const calls = aws.calls.map((call) => ({ beganAtMs: call.beganAtMs, step: toStep(call) }));
  return [...calls, ...posts]
    .filter((each) => each.beganAtMs >= sinceMs)
    .sort((one, other) => one.beganAtMs - other.beganAtMs);
}

function toStep({ operation, input }: AwsCall): string {
  if (operation === 'GetSecretValue') return `read ${'VersionStage' in input ? input.VersionStage : 'version'}`;
  if (operation !== 'PutSecretValue') return operation;
  return JSON.stringify(input).includes('retently-token-refresh/claim') ? 'put claim' : 'put document';
}
