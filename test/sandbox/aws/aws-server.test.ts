import { setTimeout as sleep } from 'node:timers/promises';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { until } from '../../support/in-sandbox.ts';
import { type Aws, type AwsOptions, startAws } from './aws-server.ts';
import type { FaultKind } from './injected-fault.ts';

const SecretId = 'RetentlyCredentials';
const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };
const READ = new GetSecretValueCommand({ SecretId, VersionStage: 'AWSCURRENT' });

vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');

let aws: Aws;

beforeEach(async () => {
  aws = await start();
});

afterEach(async () => {
  await aws.close();
});

async function start(options: AwsOptions = {}): Promise<Aws> {
  const started = await startAws(options);
  started.secretsManager.createSecret({ Name: SecretId, SecretString: 'first' });
  return started;
}

function createClient({ maxAttempts = 1, url = aws.url } = {}): SecretsManagerClient {
  return new SecretsManagerClient({ endpoint: url, region: 'us-east-1', credentials: CREDENTIALS, maxAttempts });
}

function write(SecretString: string): PutSecretValueCommand {
  return new PutSecretValueCommand({ SecretId, SecretString });
}

describe('faults', () => {
  test.each<[FaultKind, string, number]>([
    ['throttle', 'ThrottlingException', 400],
    ['internal-error', 'InternalServiceError', 500],
    ['access-denied', 'AccessDeniedException', 400],
    ['kms', 'DecryptionFailure', 400],
  ])('%s is answered as %s', async (kind, name, status) => {
    aws.inject({ kind, operation: 'GetSecretValue' });
    await expect(createClient().send(READ)).rejects.toMatchObject({ name, $metadata: { httpStatusCode: status } });
    expect(aws.calls).toMatchObject([{ operation: 'GetSecretValue', status, error: name, fault: kind }]);
  });

  test('kms on a write is EncryptionFailure', async () => {
    aws.inject({ kind: 'kms', operation: 'PutSecretValue' });
    await expect(createClient().send(write('second'))).rejects.toMatchObject({ name: 'EncryptionFailure' });
  });

  test('drop-before loses the request: nothing is done', async () => {
    aws.inject({ kind: 'drop-before', operation: 'PutSecretValue' });
    await expect(createClient().send(write('second'))).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(aws.secretsManager.getSecretValue({ SecretId }).SecretString).toBe('first');
    expect(aws.calls[0]).not.toHaveProperty('status');
  });

  test('drop-after loses the answer: it is done', async () => {
    aws.inject({ kind: 'drop-after', operation: 'PutSecretValue' });
    await expect(createClient().send(write('second'))).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(aws.secretsManager.getSecretValue({ SecretId }).SecretString).toBe('second');
  });

  test('a call that hangs is never answered, done or not', async () => {
    aws.inject({ kind: 'hang-before', operation: 'PutSecretValue' });
    aws.inject({ kind: 'hang-after', operation: 'PutSecretValue' });
    const { secretsManager } = aws;
    const client = createClient();
    for (const stored of ['first', 'second']) {
      const controller = new AbortController();
      const callCount = aws.calls.length;
      const answered = client.send(write('second'), { abortSignal: controller.signal });
      await Promise.all([
        expect(answered).rejects.toMatchObject({ name: 'AbortError' }),
        until(
          () => aws.calls.length > callCount && secretsManager.getSecretValue({ SecretId }).SecretString === stored,
        ).then(() => controller.abort()),
      ]);
      expect(secretsManager.getSecretValue({ SecretId }).SecretString).toBe(stored);
    }
  });

  test('a cleared fault does not occur', async () => {
    aws.inject({ kind: 'access-denied', operation: '*' });
    aws.clearFaults();
    expect((await createClient().send(READ)).SecretString).toBe('first');
  });

  test('latency delays the caller', async () => {
    aws.inject({ kind: 'latency', operation: '*', latencyMs: 50 });
    const client = createClient();
    // Timers of one process end in the order of their times, however late they are.
    const ends: string[] = [];
    const shorter = sleep(40).then(() => ends.push('shorter timer'));
    const answered = client.send(READ).then(() => ends.push('answer'));
    await Promise.all([shorter, answered]);
    expect(ends).toEqual(['shorter timer', 'answer']);
  });

  test('a fault occurs the given number of times, after the given number of calls', async () => {
    aws.inject({ kind: 'access-denied', operation: '*', skip: 1, times: 2 });
    const client = createClient();
    const outcomes: string[] = [];
    for (let call = 1; call <= 4; call += 1) {
      outcomes.push(
        await client.send(READ).then(
          () => 'fine',
          () => 'failed',
        ),
      );
    }
    expect(outcomes).toEqual(['fine', 'failed', 'failed', 'fine']);
  });

  test('a fault applies only to its inputs', async () => {
    const when = (input: object) => 'SecretString' in input && input.SecretString === 'third';
    aws.inject({ kind: 'throttle', operation: 'PutSecretValue', when });
    await createClient().send(write('second'));
    await expect(createClient().send(write('third'))).rejects.toMatchObject({ name: 'ThrottlingException' });
  });

  test("the SDK's retries survive a temporary fault", async () => {
    aws.inject({ kind: 'internal-error', operation: 'GetSecretValue' });
    const { SecretString } = await createClient({ maxAttempts: 2 }).send(READ);
    expect(SecretString).toBe('first');
    expect(aws.calls.map(({ status }) => status)).toEqual([500, 200]);
  });
});

describe('authorization', () => {
  test('a policy sees action, ARN and input of each call', async () => {
    const seen: unknown[] = [];
    await using guarded = await start({
      authorize(request) {
        seen.push(request);
        return request.action !== 'secretsmanager:PutSecretValue';
      },
    });
    const resource = guarded.secretsManager.arnOf(SecretId);
    const client = createClient({ url: guarded.url });
    await client.send(READ);
    await expect(client.send(write('second'))).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(seen).toMatchObject([
      { action: 'secretsmanager:GetSecretValue', resource, input: { SecretId, VersionStage: 'AWSCURRENT' } },
      { action: 'secretsmanager:PutSecretValue', resource, input: { SecretId, SecretString: 'second' } },
    ]);
    expect(guarded.secretsManager.getSecretValue({ SecretId }).SecretString).toBe('first');
  });

  test('an unsigned request is rejected', async () => {
    const headers = { 'x-amz-target': 'secretsmanager.DescribeSecret' };
    const response = await fetch(aws.url, { method: 'POST', headers, body: JSON.stringify({ SecretId }) });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ __type: 'MissingAuthenticationTokenException' });
  });
});

test('an operation that is not modelled is rejected, not ignored', async () => {
  const client = createClient();
  const { RotateSecretCommand } = await import('@aws-sdk/client-secrets-manager');
  await expect(client.send(new RotateSecretCommand({ SecretId }))).rejects.toMatchObject({
    name: 'UnknownOperationException',
  });
});

test('closing cuts the connections that are kept alive', async () => {
  const client = createClient();
  await client.send(READ);
  await aws.close();
  await expect(client.send(READ)).rejects.toThrow();
});
