import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { renderMessage } from '../../../lambda/fleet/fleet-event.ts';
import type { AwsOptions } from '../../sandbox/aws/aws-server.ts';
import { captureOutput } from '../../support/capture-output.ts';
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
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value as string | undefined);
  for (const Name of names) aws.secretsManager.createSecret({ Name, Tags: [TAG] });
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

describe('a sweep', () => {
  test('queues each secret with the tag by its ARN, and reads no value', async () => {
    const names = Array.from({ length: 230 }, (_, index) => `fleet/${index}`);
    await using started = await startSweep(names);
    const { aws } = started;
    aws.secretsManager.createSecret({ Name: 'other', Tags: [{ Key: 'retently', Value: 'liverpool' }] });
    expect(await started.invoke()).toEqual({ listed: 230, queued: 230, replicas: 0 });
    const arns = names.map((name) => JSON.stringify({ secretId: aws.secretsManager.arnOf(name) }));
    expect(received(aws)).toEqual(arns.sort());
    const operations = aws.calls.map(({ operation }) => operation);
    expect(operations.filter((operation) => operation === 'ListSecrets')).toHaveLength(3);
    expect(new Set(operations)).toEqual(new Set(['ListSecrets', 'SendMessageBatch']));
  });

  test('queues first what was changed last', async () => {
    let nowMs = Date.now();
    const names = ['one', 'two', 'three'];
    await using started = await startSweep([], { now: () => nowMs, sqs: { random: () => 0 } });
    const { secretsManager, sqs } = started.aws;
    for (const Name of names) {
      nowMs += 1_000;
      secretsManager.createSecret({ Name, Tags: [TAG], SecretString: '{}' });
    }
    nowMs += 1_000;
    secretsManager.putSecretValue({ SecretId: 'two', SecretString: '{"changed":true}' });
    await started.invoke();
    const order = names.map(() => sqs.receive()?.body ?? '');
    expect(order).toEqual(['two', 'three', 'one'].map((name) => renderMessage(secretsManager.arnOf(name))));
  });

  test('reports how many in one line and two metrics', async () => {
    await using started = await startSweep(['one', 'two']);
    await started.invoke(null);
    expect(output.logs()).toMatchObject([
      { level: 'INFO', runId: 'request-1', outcome: 'swept', listed: 2, queued: 2, durationMs: expect.any(Number) },
    ]);
    expect(output.metrics()).toMatchObject([{ FunctionName: 'sweep-function', SecretsListed: 2, SecretsQueued: 2 }]);
  });

  test('that finds none says what to do, and counts none', async () => {
    await using started = await startSweep([]);
    await started.invoke();
    expect(output.logs()).toMatchObject([{ message: expect.stringContaining('No secret has the tag'), listed: 0 }]);
    expect(output.metrics()).toMatchObject([{ SecretsQueued: 0 }]);
  });

  test('with a tag key alone takes any value', async () => {
    await using started = await startSweep(['one'], {}, { FLEET_TAG_VALUE: undefined });
    started.aws.secretsManager.createSecret({ Name: 'other', Tags: [{ Key: 'retently', Value: 'any' }] });
    expect(await started.invoke()).toMatchObject({ queued: 2 });
  });

  test('says that copies from another region are left alone', async () => {
    await using started = await startSweep(['one', 'copy']);
    started.aws.secretsManager.makeReplica('copy', 'eu-west-1');
    expect(await started.invoke()).toEqual({ listed: 1, queued: 1, replicas: 1 });
    expect(output.logs()).toMatchObject([
      { level: 'WARN', listed: 1 },
      { outcome: 'swept', listed: 1 },
    ]);
  });

  test('gets over an AWS that is short of breath', async () => {
    await using started = await startSweep(['one']);
    started.aws.inject({ kind: 'throttle', operation: 'ListSecrets' });
    started.aws.inject({ kind: 'throttle', operation: 'SendMessageBatch' });
    expect(await started.invoke()).toMatchObject({ queued: 1 });
  });
});

describe('a sweep that is not whole throws, and sends no metric: silence fires the alarm', () => {
  async function failureOf(started: { invoke(event?: unknown): Promise<unknown> }, event?: unknown) {
    const thrown = await started.invoke(event).catch((error: unknown) => error);
    expect(output.metrics()).toEqual([]);
    const [line] = output.logs().slice(-1);
    expect(line).toMatchObject({ level: 'ERROR', outcome: 'failed', runbook: expect.stringContaining('docs/runbook') });
    return { thrown, line };
  }

  test.each([
    ['access-denied', 'STORE_DENIED', 'ListSecrets was refused: AccessDeniedException. Check the role of the sweep.'],
    ['internal-error', 'STORE_UNAVAILABLE', 'ListSecrets failed: InternalServiceError.'],
  ] as const)('ListSecrets answers %s on its second page', async (kind, code, words) => {
    await using started = await startSweep(Array.from({ length: 150 }, (_, index) => `fleet/${index}`));
    started.aws.inject({ kind, operation: 'ListSecrets', skip: 1, times: 99 });
    const { thrown, line } = await failureOf(started);
    expect(thrown).toMatchObject({ name: code, message: expect.stringContaining(words) });
    expect(line).toMatchObject({ code });
    expect(received(started.aws)).toHaveLength(100);
  });

  test('the queue is out of reach', async () => {
    await using started = await startSweep(['one'], {}, { REFRESH_QUEUE_URL: 'http://127.0.0.1:1/000000000000/gone' });
    const { thrown } = await failureOf(started);
    expect(thrown).toMatchObject({ name: 'SWEEP_INCOMPLETE', message: expect.stringContaining('0 of 1 secrets') });
  });

  test('the role may not send', async () => {
    await using started = await startSweep(['one'], { authorize: ({ action }) => action !== 'sqs:SendMessage' });
    const { thrown } = await failureOf(started);
    expect(thrown).toHaveProperty('message', expect.stringContaining('Check the role of the sweep and, for a KMS key'));
  });

  test('the queue did not take one message, inside an answer of 200', async () => {
    const awsOptions = { sqs: { refuses: (body: string) => body.includes('two') } };
    await using started = await startSweep(['one', 'two'], awsOptions);
    const { thrown } = await failureOf(started);
    expect(thrown).toMatchObject({ name: 'SWEEP_INCOMPLETE', message: expect.stringContaining('1 of 2 secrets') });
  });

  test('its environment is wrong: every mistake is named', async () => {
    await using started = await startSweep(['one'], {}, { FLEET_TAG_KEY: undefined, REFRESH_QUEUE_URL: '' });
    const { thrown } = await failureOf(started);
    expect(thrown).toMatchObject({ name: 'CONFIGURATION_INVALID' });
    expect(thrown).toHaveProperty(
      'message',
      expect.stringMatching(/FLEET_TAG_KEY is not set.*REFRESH_QUEUE_URL is empty/),
    );
  });

  test('it was asked for something else', async () => {
    await using started = await startSweep(['one']);
    const { thrown } = await failureOf(started, { action: 'status' });
    expect(thrown).toMatchObject({ name: 'EVENT_INVALID', message: expect.stringContaining('takes {} alone') });
    expect(started.aws.calls).toEqual([]);
  });
});
