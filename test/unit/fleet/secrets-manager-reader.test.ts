import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, describe, expect, test } from 'vitest';
import { SecretsManagerReader } from '../../../lambda/fleet/secrets-manager-reader.ts';
import { type Aws, type AwsOptions, startAws } from '../../sandbox/aws/aws-server.ts';
import { startLoopbackServer } from '../../sandbox/loopback-server.ts';
import { awsClientOptions } from '../../support/aws-client-options.ts';

const servers: Aws[] = [];
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
});

async function start(names: readonly string[], options: AwsOptions = {}) {
  const aws = await startAws(options);
  servers.push(aws);
  const arns = names.map((Name) => aws.secretsManager.createSecret({ Name, SecretString: `value of ${Name}` }).ARN);
  const client = new SecretsManagerClient({ ...awsClientOptions(aws.url), maxAttempts: 1 });
  return { aws, arns, reader: new SecretsManagerReader(client) };
}

const TWENTY = Array.from({ length: 20 }, (_, index) => `fleet/${index}`);

describe('a batch', () => {
  test('is read in one call, and returned in the order of the request', async () => {
    const { aws, arns, reader } = await start(TWENTY);
    const reads = await reader.read(arns);
    expect(reads.map(({ arn }) => arn)).toEqual(arns);
    expect(reads[7]).toMatchObject({ kind: 'value', isAtRest: false, version: { secretString: 'value of fleet/7' } });
    expect(aws.calls.map(({ operation }) => operation)).toEqual(['BatchGetSecretValue']);
  });

  test.each([
    ['the first page is empty', 0],
    ['there are several pages', 6],
  ])('is read whole if %s', async (_what, batchPage) => {
    const { arns, reader } = await start(TWENTY, { batchPage });
    expect((await reader.read(arns)).map(({ kind }) => kind)).toEqual(arns.map(() => 'value'));
  });

  test('shows whether the label of the journal is on the current version', async () => {
    const { aws, arns, reader } = await start(['one']);
    const VersionStages = ['AWSCURRENT', 'TOKEN_REFRESH'];
    aws.secretsManager.putSecretValue({ SecretId: 'one', SecretString: '{}', VersionStages });
    expect(await reader.read(arns)).toMatchObject([{ isAtRest: true, version: { secretString: '{}' } }]);
  });

  test('reads a binary value and one of 64 KiB', async () => {
    const { aws, arns, reader } = await start(['binary', 'large']);
    const large = 'x'.repeat(65_536);
    aws.secretsManager.putSecretValue({ SecretId: 'binary', SecretBinary: new Uint8Array([1]) });
    aws.secretsManager.putSecretValue({ SecretId: 'large', SecretString: large });
    const [binary, text] = await reader.read(arns);
    expect(binary).toMatchObject({ kind: 'value', version: { secretString: undefined } });
    expect(text).toMatchObject({ kind: 'value', version: { secretString: large } });
  });

  test('distinguishes the errors of single secrets, and reads the others', async () => {
    const names = ['healthy', 'deleted', 'leaving', 'denied', 'key', 'fails', 'empty'];
    const authorize: AwsOptions['authorize'] = ({ action, resource }) =>
      !(action.endsWith(':GetSecretValue') && resource.includes(':secret:denied-'));
    const { aws, arns, reader } = await start(names.slice(0, -1), { authorize });
    const { secretsManager } = aws;
    arns.push(secretsManager.createSecret({ Name: 'empty' }).ARN);
    secretsManager.deleteSecret({ SecretId: 'deleted', ForceDeleteWithoutRecovery: true });
    secretsManager.deleteSecret({ SecretId: 'leaving' });
    const isFor = (name: string) => (input: object) => JSON.stringify(input).includes(`:secret:${name}-`);
    aws.inject({ kind: 'kms', operation: 'GetSecretValue', when: isFor('key') });
    aws.inject({ kind: 'internal-error', operation: 'GetSecretValue', when: isFor('fails') });
    const reads = await reader.read(arns);
    expect(reads.map(({ kind }) => kind)).toEqual([
      'value',
      'absent',
      'denied',
      'denied',
      'denied',
      'failed',
      'absent',
    ]);
  });
});

describe('a batch that cannot be read', () => {
  test.each([
    ['access-denied', 'AccessDeniedException'],
    ['throttle', 'ThrottlingException'],
    ['internal-error', 'InternalServiceError'],
  ] as const)('is SWEEP_INCOMPLETE: %s', async (kind, name) => {
    const { aws, arns, reader } = await start(['one']);
    aws.inject({ kind, operation: 'BatchGetSecretValue' });
    const message = expect.stringContaining(name);
    await expect(reader.read(arns)).rejects.toMatchObject({ name: 'SWEEP_INCOMPLETE', message });
  });

  test('is throttled by AWS after a hundred calls in a second', async () => {
    const { arns, reader } = await start(['one'], { now: () => 0 });
    const ends = await Promise.allSettled(Array.from({ length: 140 }, () => reader.read(arns)));
    expect(ends.filter(({ status }) => status === 'rejected')).toHaveLength(40);
  });
});

test('a secret that no page mentions, and a value without a date, failed', async () => {
  const dateless = { ARN: 'arn:dateless', Name: 'dateless', VersionId: 'version', SecretString: '{}' };
  const { url, close } = await startLoopbackServer((_request, response) => {
    response.end(JSON.stringify({ SecretValues: [dateless], Errors: [] }));
  });
  const client = new SecretsManagerClient({ ...awsClientOptions(url), maxAttempts: 1 });
  const reads = await new SecretsManagerReader(client).read(['arn:dateless', 'arn:missing']);
  await close();
  expect(reads).toEqual([
    { arn: 'arn:dateless', kind: 'failed' },
    { arn: 'arn:missing', kind: 'failed' },
  ]);
});
