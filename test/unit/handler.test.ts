import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ANNOUNCE_MAX_MS, STORE_CALL_MAX_MS } from '../../lambda/core/time-reserves.ts';
import type { Step } from '../sandbox/oauth/scripted-token-endpoint.ts';
import { captureOutput } from '../support/capture-output.ts';
import { CREDENTIALS } from '../support/secret-documents.ts';
import { SECRET_ID, startHandler } from './start-handler.ts';

const ANSWER = { access_token: 'access-2', token_type: 'Bearer', expires_in: 21_600, refresh_token: 'refresh-2' };
const GRANTED = [{ status: 200, body: ANSWER }];
const SECRETS = /client-secret-1|refresh-1|refresh-2|access-2/;

const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/** Six hours in seconds, minus the duration of this run. */
const SIX_HOURS = expect.closeTo(21_590, -2);

/** Members that a log line may have, in addition to those that Powertools adds. */
const LOG_MEMBERS = new Set([
  ...['level', 'message', 'timestamp', 'service', 'sampling_rate', 'runId'],
  ...[
    'outcome',
    'health',
    'action',
    'decision',
    'code',
    'reason',
    'attempt',
    'versionId',
    'previousVersionId',
    'expiresAt',
    'retryAt',
  ],
  ...['refreshToken', 'spentRefreshToken', 'durationMs', 'reads', 'writes', 'runbook'],
]);

let output: ReturnType<typeof captureOutput>;

beforeEach(() => {
  output = captureOutput();
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** Returns the error that the handler throws. */
async function errorFrom(invocation: Promise<unknown>): Promise<Error> {
  const thrown = await invocation.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof Error)) throw new Error('No error was thrown.');
  return thrown;
}

describe('an invocation', () => {
  test('refreshes through Secrets Manager, the token endpoint and EventBridge, and returns no token', async () => {
    await using started = await startHandler(CREDENTIALS, GRANTED);
    const { aws, tokenEndpoint } = started;
    const result = await started.invoke({});
    const { VersionId, SecretString = '' } = aws.secretsManager.getSecretValue({ SecretId: SECRET_ID });
    expect(result).toMatchObject({ outcome: 'refreshed', secretId: SECRET_ID, versionId: VersionId });
    expect(JSON.stringify(result)).not.toMatch(SECRETS);
    expect(JSON.parse(SecretString)).toMatchObject({ access_token: 'access-2', refresh_token: 'refresh-2' });
    expect(tokenEndpoint.requests.map(({ form }) => form)).toEqual([{ grant_type: 'refresh_token', ...CREDENTIALS }]);
    expect(aws.eventBridge.events).toMatchObject([{ detailType: 'Retently Token Refreshed', eventBusName: 'default' }]);
  });

  test('takes two reads if the token is fresh', async () => {
    await using started = await startHandler(CREDENTIALS, GRANTED);
    await started.invoke({});
    started.aws.calls.length = 0;
    expect(await started.invoke(undefined)).toMatchObject({ outcome: 'fresh' });
    expect(started.aws.calls.map(({ operation }) => operation)).toEqual(['GetSecretValue', 'GetSecretValue']);
  });

  test('ends each call within the time that a run reserves for it, those of the token secret too', async () => {
    await using started = await startHandler(CREDENTIALS, GRANTED, { TOKEN_SECRET_ID: 'RetentlyToken' });
    started.aws.secretsManager.createSecret({ Name: 'RetentlyToken' });
    const timeout = vi.spyOn(AbortSignal, 'timeout');
    await started.invoke({});
    const { SecretString } = started.aws.secretsManager.getSecretValue({ SecretId: 'RetentlyToken' });
    expect(SecretString).toContain('access-2');
    expect(Math.max(...timeout.mock.calls.flat())).toBeLessThan(Math.min(STORE_CALL_MAX_MS, ANNOUNCE_MAX_MS));
  });

  test('with force, refreshes a fresh token', async () => {
    await using started = await startHandler(CREDENTIALS, GRANTED);
    await started.invoke({});
    expect(await started.invoke({ action: 'refresh', force: true })).toMatchObject({ outcome: 'refreshed' });
    expect(started.tokenEndpoint.requests).toHaveLength(2);
  });

  test('with status reads only', async () => {
    await using started = await startHandler(CREDENTIALS, GRANTED);
    expect(await started.invoke({ action: 'status' })).toMatchObject({ outcome: 'status', decision: 'attempt' });
    expect(new Set(started.aws.calls.map(({ operation }) => operation))).toEqual(
      new Set(['GetSecretValue', 'ListSecretVersionIds']),
    );
    expect(started.tokenEndpoint.requests).toEqual([]);
  });

  test('retries within the run if the token endpoint asks for it', async () => {
    await using started = await startHandler(CREDENTIALS, [{ status: 503 }, ...GRANTED]);
    expect(await started.invoke({})).toMatchObject({ outcome: 'refreshed' });
  });

  test('copies the access token to the secret in TOKEN_SECRET_ID', async () => {
    await using started = await startHandler(CREDENTIALS, GRANTED, { TOKEN_SECRET_ID: 'token' });
    started.aws.secretsManager.createSecret({ Name: 'token' });
    expect(await started.invoke({})).toMatchObject({ outcome: 'refreshed' });
    const held = started.aws.secretsManager.peek('token', { stage: 'AWSCURRENT' })?.value.SecretString ?? '';
    expect(Object.keys(JSON.parse(held))).toEqual(['access_token', 'token_type', 'expires_at']);
  });

  test('names the variable of a token secret that does not exist, and continues', async () => {
    await using started = await startHandler(CREDENTIALS, GRANTED, { TOKEN_SECRET_ID: 'token' });
    expect(await started.invoke({})).toMatchObject({ outcome: 'refreshed' });
    const named = { code: 'SECRET_NOT_FOUND', reason: expect.stringContaining('TOKEN_SECRET_ID') };
    expect(output.logs()).toContainEqual(expect.objectContaining(named));
    expect(output.metrics()).toMatchObject([{ TokenSecretUnreadable: 1 }]);
    expect(output.metrics()[0]).not.toHaveProperty('TokenSecretBehind');
  });

  test('publishes nothing if EVENT_BUS_NAME is empty', async () => {
    await using started = await startHandler(CREDENTIALS, GRANTED, { EVENT_BUS_NAME: '' });
    expect(await started.invoke({})).toMatchObject({ outcome: 'refreshed' });
    expect(started.aws.calls.map(({ service }) => service)).not.toContain('events');
  });
});

describe('a scheduled run', () => {
  test('returns a recorded failure, and logs and counts it like any other failure', async () => {
    const rejected = { status: 400, body: { error: 'invalid_grant' } };
    await using started = await startHandler(CREDENTIALS, [rejected]);
    const failed = { outcome: 'failed', code: 'REAUTHORIZATION_REQUIRED', action: 'reauthorize' };
    expect(await started.invoke({ action: 'refresh', trigger: 'schedule' })).toMatchObject(failed);
    expect(output.logs().at(-1)).toMatchObject({ level: 'ERROR', ...failed, runbook: expect.any(String) });
    expect(output.metrics()).toContainEqual(expect.objectContaining({ RefreshFailed: 1, ReauthorizationRequired: 1 }));
  });
});

describe('the output of a run', () => {
  test('has the states as metrics, the outcome as a log line, and no secret', async () => {
    await using started = await startHandler(CREDENTIALS, GRANTED);
    await started.invoke({});
    await started.invoke({});
    expect(output.metrics()).toMatchObject([
      { FunctionName: 'refresh-function', TokenSecondsRemaining: SIX_HOURS, ReauthorizationRequired: 0, Refreshed: 1 },
      { FunctionName: 'refresh-function', TokenSecondsRemaining: SIX_HOURS, ReauthorizationRequired: 0 },
    ]);
    const line = { level: 'INFO', runId: 'request-1', versionId: expect.any(String), durationMs: expect.any(Number) };
    const expiresAt = expect.stringMatching(INSTANT);
    expect(output.logs()).toMatchObject([
      { ...line, outcome: 'refreshed', expiresAt, attempt: 0, reads: 4, writes: 3 },
      { ...line, outcome: 'fresh', expiresAt, reads: 2, writes: 0 },
    ]);
    expect(output.logs()[1]).not.toHaveProperty('attempt');
    expect(output.text()).not.toMatch(SECRETS);
  });

  test('log lines have only members of the allow-list, whatever happens', async () => {
    const script: Step[] = [{ status: 500, body: 'access-2' }, 'reset', 'truncated-body', { status: 400 }];
    await using started = await startHandler(CREDENTIALS, script);
    for (const event of [{}, {}, { action: 'status' }, { action: 'refresh', force: true }, { unknown: 1 }]) {
      await started.invoke(event).catch(() => undefined);
    }
    expect(output.logs().length).toBeGreaterThan(5);
    expect(output.logs().filter(({ outcome }) => outcome !== undefined)).toHaveLength(5);
    for (const line of output.logs()) {
      expect(Object.keys(line).filter((name) => !LOG_MEMBERS.has(name))).toEqual([]);
    }
    expect(output.text()).not.toMatch(SECRETS);
  });

  test('has the lineage of the tokens, as fingerprints', async () => {
    await using started = await startHandler(CREDENTIALS, GRANTED);
    await started.invoke({});
    const fingerprints = { refreshToken: expect.any(String), spentRefreshToken: expect.any(String) };
    expect(output.logs()).toContainEqual(expect.objectContaining(fingerprints));
  });
});

describe('a fault', () => {
  test('is thrown under its code, counted, and logged once', async () => {
    await using started = await startHandler(CREDENTIALS, [{ status: 400, body: { error: 'invalid_grant' } }]);
    const error = await errorFrom(started.invoke({}));
    expect(error.name).toBe('REAUTHORIZATION_REQUIRED');
    expect(output.metrics()).toMatchObject([
      { FunctionName: 'refresh-function', Code: 'REAUTHORIZATION_REQUIRED', RefreshFailed: 1 },
      { FunctionName: 'refresh-function', RefreshFailed: 1, ReauthorizationRequired: 1, TokenSecondsRemaining: 0 },
    ]);
    expect(output.logs().filter(({ level }) => level === 'ERROR')).toMatchObject([
      {
        message: error.message,
        outcome: 'failed',
        code: 'REAUTHORIZATION_REQUIRED',
        runbook: 'docs/runbook.md#reauthorization-required',
        attempt: 0,
      },
    ]);
  });

  test('logs until when the access token is valid, and the runbook entry', async () => {
    await using started = await startHandler(CREDENTIALS, [...GRANTED, { status: 404 }]);
    await started.invoke({});
    await errorFrom(started.invoke({ action: 'refresh', force: true }));
    expect(output.logs().at(-1)).toMatchObject({
      level: 'ERROR',
      outcome: 'failed',
      code: 'PROVIDER_UNAVAILABLE',
      expiresAt: expect.stringMatching(INSTANT),
      runbook: 'docs/runbook.md#provider-unavailable',
      reads: expect.any(Number),
      writes: 2,
    });
  });

  test('of the event is thrown before anything is read', async () => {
    await using started = await startHandler(CREDENTIALS, GRANTED);
    const error = await errorFrom(started.invoke({ secretId: 'another' }));
    expect([error.name, started.aws.calls]).toEqual(['EVENT_INVALID', []]);
  });

  test('of the configuration is thrown by each invocation, not by the import', async () => {
    await using started = await startHandler(CREDENTIALS, GRANTED, {
      CREDENTIALS_SECRET_ID: undefined,
      LEASE_SECONDS: 'x',
    });
    for (let invocation = 1; invocation <= 2; invocation += 1) {
      const { name, message } = await errorFrom(started.invoke({}));
      expect(name).toBe('CONFIGURATION_INVALID');
      expect(message).toMatch(/CREDENTIALS_SECRET_ID .*LEASE_SECONDS /);
    }
    expect(output.metrics()).toContainEqual(expect.objectContaining({ Code: 'CONFIGURATION_INVALID' }));
    expect(started.aws.calls).toEqual([]);
  });
});

describe('LEASE_SECONDS', () => {
  const remaining = (milliseconds: number) => ({ getRemainingTimeInMillis: () => milliseconds });

  test.each([90_000, 900_000])('90 is rejected if a run may last %d ms', async (milliseconds) => {
    await using started = await startHandler(CREDENTIALS, GRANTED);
    const { name, message } = await errorFrom(started.invoke({}, remaining(milliseconds)));
    expect(name).toBe('CONFIGURATION_INVALID');
    expect(message).toMatch(new RegExp(`LEASE_SECONDS .* ${milliseconds / 1000} s`));
    expect(started.aws.calls).toEqual([]);
  });

  test('90 is accepted for a timeout of 89 s', async () => {
    await using started = await startHandler(CREDENTIALS, GRANTED);
    expect(await started.invoke({}, remaining(89_000))).toMatchObject({ outcome: 'refreshed' });
  });

  test('90 is rejected for a timeout of 90 s, even if a moment of it has passed', async () => {
    await using started = await startHandler(CREDENTIALS, GRANTED);
    expect((await errorFrom(started.invoke({}, remaining(89_990)))).name).toBe('CONFIGURATION_INVALID');
  });
});

describe('a bug', () => {
  const throwing = (error: Error) => ({
    getRemainingTimeInMillis: () => {
      throw error;
    },
  });

  test('is thrown with its place in the code and without its message', async () => {
    await using started = await startHandler(CREDENTIALS, GRANTED);
    const mistake = new TypeError('client-secret-1 is not a function\nclient-secret-1 again', { cause: CREDENTIALS });
    const error = await errorFrom(started.invoke({}, throwing(mistake)));
    expect([error.name, error.message]).toEqual([
      'UNEXPECTED',
      'Unexpected TypeError. Please report it with this stack.',
    ]);
    expect(error.stack).toMatch(/^UNEXPECTED: Unexpected TypeError\. .*\n {4}at /);
    expect(error.cause).toBeUndefined();
    expect(`${error.stack}${output.text()}`).not.toMatch(SECRETS);
    expect(output.metrics()).toContainEqual(expect.objectContaining({ Code: 'UNEXPECTED' }));
  });

  test('that is not an error is thrown as its type', async () => {
    await using started = await startHandler(CREDENTIALS, GRANTED);
    const signal = AbortSignal.abort('client-secret-1');
    const context = { getRemainingTimeInMillis: () => Number(signal.throwIfAborted()) };
    expect((await errorFrom(started.invoke({}, context))).message).toMatch(/^Unexpected string\./);
  });

  test('without a stack is thrown as well', async () => {
    await using started = await startHandler(CREDENTIALS, GRANTED);
    const mistake = new RangeError('client-secret-1');
    delete mistake.stack;
    expect((await errorFrom(started.invoke({}, throwing(mistake)))).stack).toMatch(
      /^UNEXPECTED: Unexpected RangeError/,
    );
  });
});
