import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { tokenVersionId } from '../../../lambda/core/journal.ts';
import type { AwsOptions } from '../../sandbox/aws/aws-server.ts';
import { startLoopbackServer } from '../../sandbox/loopback-server.ts';
import { captureOutput } from '../../support/capture-output.ts';
import { CREDENTIALS } from '../../support/secret-documents.ts';
import { startSurroundings } from '../start-handler.ts';

const TAG = { Key: 'retently', Value: 'live' };
const ENVIRONMENT = { FLEET_TAG_KEY: 'retently', FLEET_TAG_VALUE: 'live' };

let output: ReturnType<typeof captureOutput>;

beforeEach(() => {
  output = captureOutput();
});

afterEach(() => {
  vi.restoreAllMocks();
});

async function startSweep(names: readonly string[], awsOptions: AwsOptions = {}, environment = {}) {
  const surroundings = await startSurroundings([], ENVIRONMENT, awsOptions);
  const { aws } = surroundings;
  vi.stubEnv('REFRESH_QUEUE_URL', `${aws.url}/000000000000/refresh`);
  vi.stubEnv('RETRY_QUEUE_URL', `${aws.url}/000000000000/retries`);
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value as string | undefined);
  for (const Name of names) {
    aws.secretsManager.createSecret({ Name, Tags: [TAG], SecretString: JSON.stringify(CREDENTIALS) });
  }
  const { handler } = await import('../../../lambda/fleet/sweep.ts');
  const invoke = (event: unknown = {}) =>
    handler(event, {
      awsRequestId: 'request-1',
      functionName: 'sweep-function',
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:sweep-function',
      getRemainingTimeInMillis: () => 120_000,
    });
  return { ...surroundings, invoke };
}

function received({ sqs }: { sqs: { receive(): { body: string } | undefined } }): string[] {
  const bodies: string[] = [];
  for (let message = sqs.receive(); message !== undefined; message = sqs.receive()) bodies.push(message.body);
  return bodies.sort();
}

const NONE = { listed: 0, queued: 0, deferred: 0, replicas: 0, managed: 0, others: 0 };

describe('a sweep', () => {
  test('reads each secret with the tag, and queues by its ARN what may need a run', async () => {
    let nowMs = Date.now();
    const names = Array.from({ length: 105 }, (_, index) => `fleet/${index}`);
    await using started = await startSweep(names, { batchPage: 0, now: () => nowMs }, { REFRESHES_PER_SECOND: '1000' });
    const { aws } = started;
    aws.secretsManager.createSecret({ Name: 'other', Tags: [{ Key: 'retently', Value: 'liverpool' }] });
    expect(await started.invoke()).toEqual({ ...NONE, listed: 105, queued: 105 });
    nowMs += 5_000;
    const arns = received(aws).map((body): unknown => JSON.parse(body).secretId);
    expect(arns.sort()).toEqual(names.map((name) => aws.secretsManager.arnOf(name)).sort());
    const operations = aws.calls.map(({ operation }) => operation);
    expect(operations.filter((operation) => operation === 'ListSecrets')).toHaveLength(2);
    const allowed = ['ListSecrets', 'BatchGetSecretValue', 'GetSecretValue', 'GetQueueAttributes', 'SendMessageBatch'];
    expect(operations.filter((operation) => !allowed.includes(operation))).toEqual([]);
  });

  test('spreads deliveries over time, so that not all runs start together', async () => {
    let nowMs = Date.now();
    const names = Array.from({ length: 70 }, (_, index) => `fleet/${index}`);
    await using started = await startSweep(names, { now: () => nowMs }, { REFRESHES_PER_SECOND: '1' });
    await started.invoke();
    expect(received(started.aws).length).toBeLessThan(35);
    nowMs += 120_000;
    expect(received(started.aws).length).toBeGreaterThan(35);
  });

  test('reads a fresh secret in a batch, and neither queues it nor reads it again', async () => {
    await using started = await startSweep([]);
    const iso = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
    const tokens = { access_token: 'a', refreshed_at: iso(-1), expires_at: iso(5) };
    const { ARN } = started.aws.secretsManager.createSecret({ Name: 'fresh', Tags: [TAG], SecretString: '{}' });
    const SecretString = JSON.stringify({ ...CREDENTIALS, ...tokens });
    const VersionStages = ['AWSCURRENT', 'TOKEN_REFRESH'];
    started.aws.secretsManager.putSecretValue({ SecretId: ARN, SecretString, VersionStages });
    expect(await started.invoke()).toEqual({ ...NONE, listed: 1 });
    expect(started.aws.calls.map(({ operation }) => operation)).not.toContain('GetSecretValue');
  });

  test('reports how many in one line and two metrics', async () => {
    await using started = await startSweep(['one', 'two']);
    await started.invoke(null);
    expect(output.logs()).toMatchObject([
      { level: 'INFO', runId: 'request-1', outcome: 'swept', listed: 2, queued: 2, durationMs: expect.any(Number) },
    ]);
    expect(output.metrics()).toMatchObject([{ FunctionName: 'sweep-function', SecretsListed: 2, SecretsQueued: 2 }]);
  });

  test('reports the states of the fleet: the worst token, and how many accounts need an operator', async () => {
    await using started = await startSweep(['odd', 'healthy']);
    const { secretsManager } = started.aws;
    secretsManager.putSecretValue({ SecretId: 'odd', SecretString: '{"user":"root"}' });
    const iso = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
    const due = { ...CREDENTIALS, access_token: 'a', refreshed_at: iso(-4), expires_at: iso(2) };
    secretsManager.putSecretValue({ SecretId: 'healthy', SecretString: JSON.stringify(due) });
    await started.invoke();
    expect(output.metrics()).toMatchObject([
      {
        SecretUnusable: 1,
        ReauthorizationRequired: 0,
        TokenSecondsOverdue: expect.closeTo(3_600, -2),
        TokenSecondsRemaining: expect.closeTo(7_200, -2),
        TokenSecondsUntilDue: 0,
      },
    ]);
  });

  /** Records the metrics of a sweep that found these seconds until tokens are due, and these accounts rejected. */
  async function recordSweep(secondsUntilDue: readonly number[], rejected: readonly number[] = []) {
    const { SweepTelemetry } = await import('../../../lambda/fleet/sweep-telemetry.ts');
    const telemetry = new SweepTelemetry();
    telemetry.begin('request-1', 'sweep-function');
    const toJudgment = (seconds: number, trouble?: 'REAUTHORIZATION_REQUIRED') =>
      ({ arn: '', turn: 'none', fromMs: 0, expiresAtMs: 0, secondsUntilDue: seconds, trouble }) as const;
    const judgments = [
      ...secondsUntilDue.map((seconds) => toJudgment(seconds)),
      ...rejected.map((seconds) => toJudgment(seconds, 'REAUTHORIZATION_REQUIRED')),
    ];
    telemetry.recordSweep({ listed: judgments.length, queued: 0 }, judgments, 0);
    telemetry.end('info', '', {});
  }

  test('counts no rejected account as overdue, because rejected accounts have an alarm of their own', async () => {
    await recordSweep([-60], [-7_200]);
    expect(output.metrics()).toMatchObject([{ ReauthorizationRequired: 1, TokenSecondsOverdue: 60 }]);
  });

  test.each([
    [20, 2, 0],
    [20, 3, 7_200],
    [3, 1, 0],
    [3, 2, 7_200],
    [1, 1, 0],
  ])('of %i accounts counts %i overdue ones as many, if at all', async (accounts, overdue, seconds) => {
    await recordSweep(Array.from({ length: accounts }, (_, index) => (index < overdue ? -7_200 : 60)));
    expect(output.metrics()).toMatchObject([{ TokenSecondsOverdue: 7_200, ManyTokensSecondsOverdue: seconds }]);
  });

  test('without secrets logs advice, and counts none', async () => {
    await using started = await startSweep([]);
    await started.invoke();
    expect(output.logs()).toMatchObject([{ message: expect.stringContaining('No secret has the tag'), listed: 0 }]);
    expect(output.metrics()).toMatchObject([{ SecretsListed: 0, SecretsQueued: 0 }]);
  });

  test('with only a tag key accepts any value', async () => {
    await using started = await startSweep(['one'], {}, { FLEET_TAG_VALUE: undefined });
    started.aws.secretsManager.createSecret({ Name: 'other', Tags: [{ Key: 'retently', Value: 'any' }] });
    expect(await started.invoke()).toMatchObject({ listed: 2 });
  });

  test('skips secrets that no run may write, and names them in a warning', async () => {
    await using started = await startSweep(['one', 'copy', 'token']);
    const { secretsManager } = started.aws;
    secretsManager.makeReplica('copy', 'eu-west-1');
    const SecretString = '{"access_token":"a"}';
    secretsManager.putSecretValue({
      SecretId: 'token',
      SecretString,
      ClientRequestToken: tokenVersionId(SecretString),
    });
    secretsManager.createSecret({ Name: 'rds!cluster-1', Tags: [TAG], SecretString: '{}' });
    expect(await started.invoke()).toEqual({ ...NONE, listed: 1, queued: 1, replicas: 1, managed: 1, others: 1 });
    expect(output.logs()).toMatchObject([
      { level: 'WARN', listed: 1, secretIds: [secretsManager.arnOf('copy')] },
      { level: 'WARN', listed: 1, secretIds: [secretsManager.arnOf('rds!cluster-1')] },
      { level: 'WARN', listed: 1, secretIds: [secretsManager.arnOf('token')] },
      { outcome: 'swept', listed: 1 },
    ]);
  });

  test('counts a secret as unusable whose state does not allow a read, and names it', async () => {
    let isScheduled = false;
    const authorize: AwsOptions['authorize'] = ({ action }) => {
      // After the secret was listed.
      if (action.endsWith(':BatchGetSecretValue') && !isScheduled) {
        isScheduled = true;
        started.aws.secretsManager.deleteSecret({ SecretId: 'one' });
      }
      return true;
    };
    await using started = await startSweep(['one'], { authorize });
    expect(await started.invoke()).toEqual({ ...NONE, listed: 1 });
    expect(output.logs()).toMatchObject([
      { level: 'WARN', code: 'STORE_DENIED', secretIds: [started.aws.secretsManager.arnOf('one')] },
      { outcome: 'swept', listed: 1 },
    ]);
    expect(output.metrics()).toMatchObject([{ SecretUnusable: 1 }]);
    expect(await started.invoke()).toEqual(NONE);
  });

  test('succeeds while AWS throttles calls', async () => {
    await using started = await startSweep(['one']);
    started.aws.inject({ kind: 'throttle', operation: 'ListSecrets' });
    for (const operation of ['BatchGetSecretValue', 'GetQueueAttributes', 'SendMessageBatch']) {
      started.aws.inject({ kind: 'throttle', operation });
    }
    expect(await started.invoke()).toMatchObject({ queued: 1 });
  });
});

describe('a sweep notifies people of an account that needs one', () => {
  async function startNotifying(answer: { readonly status: number; readonly body: string }) {
    const emails: URLSearchParams[] = [];
    const topic = await startLoopbackServer((request, response) => {
      void text(request).then((body) => {
        emails.push(new URLSearchParams(body));
        response.writeHead(answer.status, { 'content-type': 'text/xml' }).end(answer.body);
      });
    });
    const started = await startSweep(['odd'], {}, { AWS_ENDPOINT_URL_SNS: topic.url, NOTIFY_TOPIC_ARN: 'arn:topic' });
    vi.stubEnv('NOTIFIED_QUEUE_URL', `${started.aws.url}/000000000000/notified`);
    started.aws.secretsManager.putSecretValue({ SecretId: 'odd', SecretString: 'garbage' });
    for (let index = 0; index < 9; index++) {
      const SecretString = JSON.stringify(CREDENTIALS);
      started.aws.secretsManager.createSecret({ Name: `healthy/${index}`, Tags: [TAG], SecretString });
    }
    return { ...started, emails, close: topic.close };
  }

  test('through the topic of the alarms', async () => {
    const body = '<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>';
    await using started = await startNotifying({ status: 200, body });
    await started.invoke();
    expect(started.emails).toEqual([]);
    started.aws.sqs.release();
    await started.invoke();
    expect(started.emails.map((each) => each.get('TopicArn'))).toEqual(['arn:topic']);
    expect(started.emails[0]?.get('Subject')).toContain('odd');
    expect(started.emails[0]?.get('Message')).toContain(started.aws.secretsManager.arnOf('odd'));
    await started.close();
  });

  test('and continues if that is denied', async () => {
    const body =
      '<ErrorResponse><Error><Code>AuthorizationError</Code><Message>P1ANTED</Message></Error></ErrorResponse>';
    await using started = await startNotifying({ status: 403, body });
    await started.invoke();
    started.aws.sqs.release();
    expect(await started.invoke()).toMatchObject({ listed: 10 });
    expect(output.logs()).toContainEqual(
      expect.objectContaining({ level: 'WARN', code: 'AuthorizationErrorException' }),
    );
    expect(output.text()).not.toContain('P1ANTED');
    await started.close();
  });
});

describe('an incomplete sweep throws and sends no metric, so that the alarm for silence fires', () => {
  test('a bug is reported by its name', async () => {
    await using _started = await startSweep(['one']);
    const { handler } = await import('../../../lambda/fleet/sweep.ts');
    const invoking = handler(
      {},
      {
        awsRequestId: 'request-1',
        functionName: 'sweep-function',
        invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:sweep-function',
        getRemainingTimeInMillis: () => {
          throw new TypeError('P1ANTED');
        },
      },
    );
    await expect(invoking).rejects.toMatchObject({
      name: 'UNEXPECTED',
      message: expect.not.stringContaining('P1ANTED'),
    });
  });

  async function failureOf(started: { invoke(event?: unknown): Promise<unknown> }, event?: unknown) {
    const thrown = await started.invoke(event).catch((error: unknown) => error);
    expect(output.metrics()).toEqual([]);
    const [line] = output.logs().slice(-1);
    expect(line).toMatchObject({ level: 'ERROR', outcome: 'failed', runbook: expect.stringContaining('docs/runbook') });
    return { thrown, line };
  }

  test.each([
    ['access-denied', 'STORE_DENIED', 'AccessDeniedException'],
    ['internal-error', 'STORE_UNAVAILABLE', 'ListSecrets failed: '],
  ] as const)('ListSecrets answers %s on its second page', async (kind, code, words) => {
    await using started = await startSweep(
      Array.from({ length: 150 }, (_, index) => `fleet/${index}`),
      {},
      { REFRESHES_PER_SECOND: '1000' },
    );
    started.aws.inject({ kind, operation: 'ListSecrets', skip: 1, times: 99 });
    const { thrown, line } = await failureOf(started);
    expect(thrown).toMatchObject({ name: code, message: expect.stringContaining(words) });
    expect(line).toMatchObject({ code });
    expect(started.aws.sqs.size).toBe(100);
  });

  test('batch reads are denied: each secret is still queued', async () => {
    await using started = await startSweep(['one', 'two']);
    started.aws.inject({ kind: 'access-denied', operation: 'BatchGetSecretValue', times: 99 });
    const { thrown } = await failureOf(started);
    expect(thrown).toMatchObject({ name: 'SWEEP_INCOMPLETE' });
    expect(received(started.aws)).toHaveLength(2);
  });

  test('the queue is unreachable', async () => {
    await using started = await startSweep(['one'], {}, { REFRESH_QUEUE_URL: 'http://127.0.0.1:1/000000000000/gone' });
    const { thrown } = await failureOf(started);
    expect(thrown).toMatchObject({
      name: 'SWEEP_INCOMPLETE',
      message: expect.stringMatching(/ 1 .* 0/),
    });
  });

  test('the role may not send', async () => {
    await using started = await startSweep(['one'], { authorize: ({ action }) => action !== 'sqs:SendMessage' });
    const { thrown } = await failureOf(started);
    expect(thrown).toMatchObject({ name: 'SWEEP_INCOMPLETE', message: expect.stringContaining('key policy') });
  });

  test('the queue rejected one message, in a response of 200', async () => {
    const awsOptions = { sqs: { refuses: (body: string) => body.includes('two') } };
    await using started = await startSweep(['one', 'two'], awsOptions);
    const { thrown } = await failureOf(started);
    expect(thrown).toMatchObject({
      name: 'SWEEP_INCOMPLETE',
      message: expect.stringMatching(/ 2 .* 1/),
    });
  });

  test('its environment is invalid: every mistake is listed', async () => {
    await using started = await startSweep(['one'], {}, { FLEET_TAG_KEY: undefined, REFRESH_QUEUE_URL: '' });
    const { thrown } = await failureOf(started);
    expect(thrown).toMatchObject({ name: 'CONFIGURATION_INVALID' });
    expect(thrown).toHaveProperty(
      'message',
      expect.stringMatching(/FLEET_TAG_KEY is not set.*REFRESH_QUEUE_URL is empty/),
    );
  });

  test('the event is for another function', async () => {
    await using started = await startSweep(['one']);
    const { thrown } = await failureOf(started, { action: 'status' });
    expect(thrown).toMatchObject({ name: 'EVENT_INVALID', message: expect.stringContaining('{}') });
    expect(started.aws.calls).toEqual([]);
  });
});
