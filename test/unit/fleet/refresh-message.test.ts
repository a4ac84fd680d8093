import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { renderForceEvent, renderMessage } from '../../../lambda/fleet/fleet-event.ts';
import type { AwsOptions } from '../../sandbox/aws/aws-server.ts';
import type { Step } from '../../sandbox/oauth/scripted-token-endpoint.ts';
import { captureOutput } from '../../support/capture-output.ts';
import { CREDENTIALS } from '../../support/secret-documents.ts';
import { startSurroundings } from '../start-handler.ts';

const ANSWER = { access_token: 'access-2', token_type: 'Bearer', expires_in: 21_600, refresh_token: 'refresh-2' };
const GRANTED: Step = { status: 200, body: ANSWER };
const FUNCTION_ARN = 'arn:aws:lambda:us-east-1:000000000000:function:refresh-function';

let output: ReturnType<typeof captureOutput>;

beforeEach(() => {
  output = captureOutput();
});

afterEach(() => {
  vi.restoreAllMocks();
});

interface Given {
  readonly script?: readonly Step[];
  readonly awsOptions?: AwsOptions;
  readonly environment?: Record<string, string>;
}

/** Starts the refresh function of a fleet with two secrets, `one` and `two`. */
async function startRefresh({ script = [GRANTED, GRANTED], awsOptions, environment = {} }: Given = {}) {
  const surroundings = await startSurroundings(script, environment, awsOptions);
  const { secretsManager } = surroundings.aws;
  for (const Name of ['one', 'two']) {
    const document = { ...CREDENTIALS, refresh_token: `refresh-of-${Name}` };
    secretsManager.createSecret({ Name, SecretString: JSON.stringify(document) });
  }
  const { handler } = await import('../../../lambda/fleet/refresh-message.ts');
  const invoke = (event: unknown, remainingMs = () => 60_000) =>
    handler(event, {
      awsRequestId: 'request-1',
      functionName: 'refresh-function',
      invokedFunctionArn: FUNCTION_ARN,
      getRemainingTimeInMillis: remainingMs,
    });
  /** Once the answer is there, none is left for a second try at storing it. */
  const scarce = () => (surroundings.tokenEndpoint.requests.length > 0 ? 8_000 : 60_000);
  const toMessage = (name: string) => renderMessage(secretsManager.arnOf(name));
  /** Delivers messages. @returns the ids of those that SQS must deliver again */
  const deliver = async (...bodies: readonly string[]) => {
    const Records = bodies.map((body, index) => ({ eventSource: 'aws:sqs', messageId: `m-${index}`, body }));
    const response = await invoke({ Records });
    if (!('batchItemFailures' in response)) throw new Error('It is no answer to a batch.');
    return response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  };
  const currentOf = (name: string): unknown =>
    JSON.parse(secretsManager.peek(name, { stage: 'AWSCURRENT' })?.value.SecretString ?? 'null');
  return {
    ...surroundings,
    invoke,
    deliver,
    scarce,
    toMessage,
    currentOf,
    arnOf: (name: string) => secretsManager.arnOf(name),
  };
}

describe('a message', () => {
  test('refreshes only its secret, and the event, the log and the metrics report it', async () => {
    await using started = await startRefresh();
    expect(await started.deliver(started.toMessage('two'))).toEqual([]);
    expect(started.currentOf('two')).toMatchObject({ access_token: 'access-2' });
    expect(started.currentOf('one')).not.toHaveProperty('access_token');
    const secretId = started.arnOf('two');
    expect(started.aws.eventBridge.events).toMatchObject([{ detail: { secretId } }]);
    expect(output.logs()).toMatchObject([{ runId: 'request-1', outcome: 'refreshed', secretId }]);
    expect(output.metrics()).toMatchObject([
      { FunctionName: 'refresh-function', Refreshed: 1, ReauthorizationRequired: 0 },
    ]);
  });

  test('takes two reads if the token is fresh, and a copy of the message is harmless', async () => {
    await using started = await startRefresh({ script: [GRANTED] });
    const message = started.toMessage('one');
    await started.deliver(message);
    started.aws.calls.length = 0;
    expect(await started.deliver(message)).toEqual([]);
    expect(started.aws.calls.map(({ operation }) => operation)).toEqual(['GetSecretValue', 'GetSecretValue']);
    expect(started.tokenEndpoint.requests).toHaveLength(1);
  });

  test.each([
    ['typed by hand', 'P1ANTED', 'EVENT_INVALID'],
    [
      'for a deleted secret',
      renderMessage('arn:aws:secretsmanager:us-east-1:000000000000:secret:gone-AbCdEf'),
      'SECRET_NOT_FOUND',
    ],
  ])('%s is done, and reported', async (_what, body, code) => {
    await using started = await startRefresh();
    expect(await started.deliver(body)).toEqual([]);
    expect(output.logs()).toMatchObject([{ level: 'ERROR', outcome: 'failed', code }]);
    expect(output.text()).not.toContain('P1ANTED');
  });

  test('for a secret without the tag is denied, done, and changes nothing', async () => {
    const awsOptions: AwsOptions = { authorize: ({ resource }) => !resource.includes(':secret:one-') };
    await using started = await startRefresh({ awsOptions });
    expect(await started.deliver(started.toMessage('one'))).toEqual([]);
    const message = expect.stringMatching(/ tag /);
    expect(output.logs()).toMatchObject([{ code: 'STORE_DENIED', secretId: started.arnOf('one'), message }]);
  });
});

test('advice to force a refresh names the secret: after the rejection, on the next run and in the status', async () => {
  await using started = await startRefresh({ script: [{ status: 400, body: { error: 'invalid_grant' } }] });
  const secretId = started.arnOf('one');
  const message = expect.stringContaining(renderForceEvent(secretId));
  await started.deliver(started.toMessage('one'), started.toMessage('one'));
  const code = 'REAUTHORIZATION_REQUIRED';
  expect(output.logs().filter(({ level }) => level === 'ERROR')).toMatchObject([
    { code, message },
    { code, message },
  ]);
  const details = { lastFailure: { code, advice: message } };
  expect(await started.invoke({ action: 'status', secretId })).toMatchObject({ message, details });
});

describe('several messages of one batch', () => {
  test('are independent: an invalid one stops no other', async () => {
    await using started = await startRefresh({ script: [GRANTED] });
    const { secretsManager } = started.aws;
    secretsManager.putSecretValue({ SecretId: 'one', SecretString: 'garbage' });
    expect(await started.deliver(started.toMessage('one'), 'typed', started.toMessage('two'))).toEqual([]);
    expect(started.currentOf('two')).toMatchObject({ access_token: 'access-2' });
    const [one, typed, two] = output.logs();
    expect([one, typed, two]).toMatchObject([
      { code: 'CREDENTIALS_INVALID', secretId: started.arnOf('one') },
      { code: 'EVENT_INVALID' },
      { outcome: 'refreshed', secretId: started.arnOf('two') },
    ]);
    expect(typed).not.toHaveProperty('secretId');
  });
});

describe('a message is done, because the next sweep sends the secret again if it needs a run', () => {
  test('after a bug, whose text is not shown', async () => {
    await using started = await startRefresh();
    let looks = 0;
    const remainingMs = () => {
      looks += 1;
      if (looks > 2) throw new TypeError('P1ANTED');
      return 60_000;
    };
    const Records = [{ eventSource: 'aws:sqs', messageId: 'm-7', body: started.toMessage('one') }];
    expect(await started.invoke({ Records }, remainingMs)).toEqual({ batchItemFailures: [] });
    expect(output.logs().at(-1)).toMatchObject({ code: 'UNEXPECTED' });
    expect(output.text()).not.toContain('P1ANTED');
  });

  test('if the environment of the function is wrong', async () => {
    await using started = await startRefresh({ environment: { LEASE_SECONDS: 'P1ANTED' } });
    expect(await started.deliver(started.toMessage('one'), started.toMessage('two'))).toEqual([]);
    expect(output.logs()).toMatchObject([{ code: 'CONFIGURATION_INVALID' }, { code: 'CONFIGURATION_INVALID' }]);
  });

  test('if its turn is over: nothing is read, and the log line names the secret', async () => {
    await using started = await startRefresh();
    const nowMs = Date.now();
    const turn = { startAtMs: nowMs - 60_000, endAtMs: nowMs - 1_000 };
    expect(await started.deliver(renderMessage(started.arnOf('one'), turn))).toEqual([]);
    expect(started.aws.calls).toEqual([]);
    expect(output.logs()).toMatchObject([{ level: 'INFO', secretId: started.arnOf('one') }]);
    expect(output.metrics()).toEqual([]);
  });
});

test('a run ends before its lease does, although the function has more time', async () => {
  await using started = await startRefresh({ environment: { LEASE_SECONDS: '40' } });
  await started.deliver(started.toMessage('one'));
  expect(started.tokenEndpoint.requests.length).toBe(0);
  expect(output.logs()).toMatchObject([{ code: 'STORE_UNAVAILABLE' }]);
});

test('a message waits for its turn', async () => {
  await using started = await startRefresh();
  const startAtMs = Date.now() + 200;
  await started.deliver(renderMessage(started.arnOf('one'), { startAtMs, endAtMs: startAtMs + 60_000 }));
  expect(Date.now()).toBeGreaterThanOrEqual(startAtMs);
  expect(output.logs()).toMatchObject([{ outcome: 'refreshed' }]);
});

describe('an answer that could not be stored', () => {
  /** Makes the store reject the answer for `one`, and advances the clock by a minute. */
  async function startUnstored(awsOptions: AwsOptions = {}) {
    const started = await startRefresh({ awsOptions });
    started.aws.inject({ kind: 'kms', operation: 'PutSecretValue', skip: 1, times: 99 });
    const Records = [{ eventSource: 'aws:sqs', messageId: 'm-0', body: started.toMessage('one') }];
    // The message is done: otherwise another environment would receive it and send the token again.
    expect(await started.invoke({ Records }, started.scarce)).toEqual({ batchItemFailures: [] });
    expect(output.logs().at(-1)).toMatchObject({ code: 'TOKEN_NOT_STORED' });
    expect(output.metrics()).toContainEqual(expect.objectContaining({ TokenNotStored: 1 }));
    expect(started.currentOf('one')).not.toHaveProperty('access_token');
    output.clear();
    // Each read of the clock advances it, so that no try lasts long.
    let nowMs = Date.now() + 61_000;
    vi.spyOn(Date, 'now').mockImplementation(() => {
      nowMs += 300;
      return nowMs;
    });
    const passAMinute = () => {
      nowMs += 61_000;
    };
    return { ...started, passAMinute };
  }

  test('is stored by the same invocation if it has time left, and the store works again', async () => {
    await using started = await startRefresh({ script: [GRANTED] });
    started.aws.inject({ kind: 'kms', operation: 'PutSecretValue', skip: 1, times: 99 });
    const remainingMs = () => {
      if (!output.text().includes('TOKEN_NOT_STORED')) return started.scarce();
      started.aws.clearFaults();
      return 60_000;
    };
    const Records = [{ eventSource: 'aws:sqs', messageId: 'm-0', body: started.toMessage('one') }];
    await started.invoke({ Records }, remainingMs);
    expect(started.currentOf('one')).toMatchObject({ access_token: 'access-2' });
    expect(started.tokenEndpoint.requests).toHaveLength(1);
  });

  test('is stored by the next run of this environment, whichever secret that is for', async () => {
    await using started = await startUnstored();
    started.aws.clearFaults();
    expect(await started.deliver(started.toMessage('two'))).toEqual([]);
    expect(started.currentOf('one')).toMatchObject({ access_token: 'access-2' });
    expect(started.tokenEndpoint.requests).toHaveLength(2);
    const ends = output.logs().filter((line) => 'outcome' in line);
    expect(ends).toMatchObject([
      { secretId: started.arnOf('one'), outcome: 'adopted' },
      { secretId: started.arnOf('two'), outcome: 'refreshed' },
    ]);
  });

  test('takes little time from other messages while the store rejects it, and waits for a minute', async () => {
    await using started = await startUnstored();
    const before = started.aws.calls.length;
    await started.deliver('typed');
    const tries = started.aws.calls.slice(before).filter(({ operation }) => operation === 'PutSecretValue');
    expect(tries.length).toBeGreaterThan(0);
    const after = started.aws.calls.length;
    await started.deliver('typed');
    expect(started.aws.calls).toHaveLength(after);
  });

  test('is given up once its secret is gone, with one line', async () => {
    await using started = await startUnstored();
    started.aws.secretsManager.deleteSecret({ SecretId: 'one', ForceDeleteWithoutRecovery: true });
    await started.deliver('typed');
    const lines = output.logs().filter(({ level }) => level === 'WARN');
    expect(lines).toMatchObject([{ code: 'TOKEN_NOT_STORED', reason: expect.any(String) }]);
    const before = started.aws.calls.length;
    started.passAMinute();
    await started.deliver('typed');
    expect(started.aws.calls).toHaveLength(before);
  });

  test('is given up once its secret has lost the tag for an hour, and not because a key is denied', async () => {
    let hasTag = true;
    const authorize: AwsOptions['authorize'] = ({ resource }) => hasTag || !resource.includes(':secret:one-');
    await using started = await startUnstored({ authorize });
    await started.deliver('typed');
    expect(output.logs().some(({ reason }) => reason !== undefined)).toBe(false);
    hasTag = false;
    for (let minute = 0; minute < 60; minute++) started.passAMinute();
    await started.deliver('typed');
    expect(output.logs().some(({ reason }) => reason !== undefined)).toBe(true);
  });

  test('is not given up because AWS throttles the look at its secret, however old it is', async () => {
    await using started = await startUnstored();
    started.aws.inject({ kind: 'throttle', operation: 'DescribeSecret', times: Infinity });
    for (let minute = 0; minute < 60; minute++) started.passAMinute();
    await started.deliver('typed');
    expect(output.logs().some(({ reason }) => reason !== undefined)).toBe(false);
  });

  test('is stored after a policy denied everything for a while', async () => {
    let isAllowed = true;
    const authorize: AwsOptions['authorize'] = ({ resource }) => isAllowed || !resource.includes(':secret:one-');
    await using started = await startUnstored({ authorize });
    isAllowed = false;
    started.passAMinute();
    await started.deliver('typed');
    expect(output.logs().some(({ reason }) => reason !== undefined)).toBe(false);
    isAllowed = true;
    started.aws.clearFaults();
    started.passAMinute();
    await started.deliver('typed');
    expect(started.currentOf('one')).toMatchObject({ access_token: 'access-2' });
  });

  test('waits if this run has no time left', async () => {
    await using started = await startUnstored();
    const before = started.aws.calls.length;
    await started.invoke({ Records: [{ eventSource: 'aws:sqs', messageId: 'm-1', body: 'typed' }] }, () => 9_000);
    expect(started.aws.calls).toHaveLength(before);
  });
});

describe('a request from an operator', () => {
  test('refreshes one secret, and returns the result', async () => {
    await using started = await startRefresh();
    const secretId = started.arnOf('one');
    expect(await started.invoke({ secretId })).toMatchObject({ outcome: 'refreshed', secretId });
    const forced = { secretId, action: 'refresh', force: true };
    expect(await started.invoke(forced)).toMatchObject({ outcome: 'refreshed', secretId });
    expect(started.tokenEndpoint.requests).toHaveLength(2);
  });

  test('for the status reads only', async () => {
    await using started = await startRefresh();
    const secretId = started.arnOf('one');
    expect(await started.invoke({ secretId, action: 'status' })).toMatchObject({
      outcome: 'status',
      decision: 'attempt',
    });
    expect(started.tokenEndpoint.requests).toEqual([]);
  });

  test('that is wrong, or fails, throws its code', async () => {
    await using started = await startRefresh();
    await expect(started.invoke({ action: 'status' })).rejects.toMatchObject({ name: 'EVENT_INVALID' });
    started.aws.secretsManager.putSecretValue({ SecretId: 'one', SecretString: '{}' });
    await expect(started.invoke({ secretId: started.arnOf('one') })).rejects.toMatchObject({
      name: 'CREDENTIALS_INCOMPLETE',
    });
  });
});
