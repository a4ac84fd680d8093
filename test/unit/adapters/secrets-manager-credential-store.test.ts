import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SecretsManagerCredentialStore } from '../../../lambda/adapters/secrets-manager-credential-store.ts';
import { JOURNAL_STAGE } from '../../../lambda/contract.ts';
import { AwsError } from '../../sandbox/aws/aws-error.ts';
import { type Aws, startAws } from '../../sandbox/aws/aws-server.ts';
import { startLoopbackServer } from '../../sandbox/loopback-server.ts';
import { awsClientOptions } from '../../support/aws-client-options.ts';
import { faultFrom } from '../../support/fault-of.ts';
import { NOW_MS, versionIdOf } from '../../support/secret-documents.ts';

vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');

const SecretId = 'RetentlyCredentials';
const FIRST = versionIdOf('first');
const SECOND = versionIdOf('second');
const SECRET = '{"client_secret":"P1ANTED"}';
const NEXT = '{"client_secret":"P1ANTED","access_token":"P1ANTED"}';

let aws: Aws;
let store: SecretsManagerCredentialStore;
let nowMs: number;
/** What AWS refuses the next calls with. */
let refusal: string | undefined;

beforeEach(async () => {
  nowMs = NOW_MS;
  refusal = undefined;
  aws = await startAws({
    now: () => nowMs,
    maxVersions: 250,
    authorize: () => {
      if (refusal !== undefined) throw new AwsError(refusal, 'Whatever AWS says: P1ANTED');
      return true;
    },
  });
  store = createStore(aws.url);
});

afterEach(() => aws.close());

function createStore(url: string, callTimeoutMs?: number): SecretsManagerCredentialStore {
  return new SecretsManagerCredentialStore(new SecretsManagerClient(awsClientOptions(url)), SecretId, callTimeoutMs);
}

function create(SecretString: string | undefined = SECRET): void {
  aws.secretsManager.createSecret({ Name: SecretId, ClientRequestToken: FIRST, SecretString });
}

/** Every call that the port has. */
const CALLS: [string, () => Promise<unknown>][] = [
  ['readCurrent', () => store.readCurrent()],
  ['readHead', () => store.readHead()],
  ['readVersion', () => store.readVersion(FIRST)],
  ['putVersion', () => store.putVersion(SECOND, NEXT)],
  ['promote', () => store.promote(SECOND, FIRST)],
  ['listVersionTimes', () => store.listVersionTimes()],
];

describe('reading', () => {
  test('gives id, age by the clock of the service, and text', async () => {
    create();
    const version = { versionId: FIRST, createdAt: NOW_MS, secretString: SECRET };
    expect(await store.readCurrent()).toEqual(version);
    expect(await store.readVersion(FIRST)).toEqual(version);
    expect(aws.calls).toMatchObject([
      { operation: 'GetSecretValue', input: { VersionStage: 'AWSCURRENT' } },
      { operation: 'GetSecretValue', input: { VersionId: FIRST } },
    ]);
  });

  test('the head is the version with the label of the journal', async () => {
    create();
    expect(await store.readHead()).toBeUndefined();
    await store.putVersion(SECOND, NEXT);
    expect(await store.readHead()).toMatchObject({ versionId: SECOND });
  });

  test('a version that is not there is no fault', async () => {
    create();
    expect(await store.readVersion(SECOND)).toBeUndefined();
  });

  test('a SecretBinary has no text', async () => {
    aws.secretsManager.createSecret({ Name: SecretId, SecretBinary: Buffer.from(SECRET) });
    expect(await store.readCurrent()).toMatchObject({ secretString: undefined });
  });

  test('a secret without a value is no fault', async () => {
    aws.secretsManager.createSecret({ Name: SecretId });
    expect(await store.readCurrent()).toBeUndefined();
    expect(aws.calls.map(({ operation }) => operation)).toEqual(['GetSecretValue', 'DescribeSecret']);
  });
});

describe('putting a version', () => {
  test('is create-if-absent: created, created again with the same content, exists with other content', async () => {
    create();
    expect(await store.putVersion(SECOND, NEXT)).toBe('created');
    expect(await store.putVersion(SECOND, NEXT)).toBe('created');
    expect(await store.putVersion(SECOND, SECRET)).toBe('exists');
    expect(await store.readVersion(SECOND)).toMatchObject({ secretString: NEXT });
  });

  test('names the label of the journal, so AWSCURRENT stays where it is', async () => {
    create();
    await store.putVersion(SECOND, NEXT);
    expect(await store.readCurrent()).toMatchObject({ versionId: FIRST });
    expect(aws.calls[0]).toMatchObject({ input: { VersionStages: [JOURNAL_STAGE], ClientRequestToken: SECOND } });
  });
});

describe('promoting', () => {
  test('is compare-and-swap: promoted from the version that was read, refused from any other', async () => {
    create();
    await store.putVersion(SECOND, NEXT);
    expect(await store.promote(SECOND, versionIdOf('another'))).toBe('refused');
    expect(await store.promote(SECOND, FIRST)).toBe('promoted');
    expect(await store.readCurrent()).toMatchObject({ versionId: SECOND });
    expect(await store.promote(SECOND, FIRST)).toBe('refused');
  });

  test('a version that is gone is refused', async () => {
    create();
    expect(await store.promote(SECOND, FIRST)).toBe('refused');
  });
});

test('lists the age of every version, unlabelled ones too, over as many pages as there are', async () => {
  create();
  for (let number = 1; number < 230; number += 1) {
    nowMs = NOW_MS + number;
    await store.putVersion(versionIdOf(`version-${number}`), NEXT);
  }
  aws.calls.length = 0;
  const times = await store.listVersionTimes();
  expect([...times].sort((a, b) => a - b)).toEqual(Array.from({ length: 230 }, (_, number) => NOW_MS + number));
  expect(aws.calls.map(({ operation }) => operation)).toEqual(Array(3).fill('ListSecretVersionIds'));
});

describe('what AWS refuses is told by its name and never by its text', () => {
  const DENIED = [
    ...['AccessDeniedException', 'AccessDenied', 'NotAuthorized', 'UnrecognizedClientException', 'ExpiredToken'],
    ...['ExpiredTokenException', 'InvalidClientTokenId', 'InvalidSignatureException', 'SignatureDoesNotMatch'],
    ...['IncompleteSignature', 'MissingAuthenticationToken', 'DecryptionFailure', 'EncryptionFailure'],
    ...['KMSAccessDeniedException', 'KMSInvalidStateException', 'KMSDisabledException'],
  ];
  const UNAVAILABLE = ['ThrottlingException', 'LimitExceededException', 'InternalServiceError', 'ValidationException'];

  test.each([
    ...DENIED.map(
      (name) => [name, 'STORE_DENIED', /function's role, the secret's resource policy .* key policy/] as const,
    ),
    ...UNAVAILABLE.map((name) => [name, 'STORE_UNAVAILABLE', /The next run tries again/] as const),
  ])('%s: %s, on every call', async (name, code, advice) => {
    create();
    refusal = name;
    for (const [, call] of CALLS) {
      const fault = await faultFrom(call());
      expect(fault.name).toBe(code);
      expect(fault.message).toMatch(new RegExp(`^[A-Za-z]+ on secret ${SecretId} .*: ${name}\\.`));
      expect(fault.message).toMatch(advice);
      expect(fault.message).not.toContain('P1ANTED');
    }
    expect(aws.calls.map(({ operation }) => operation)).not.toContain('DescribeSecret');
  });

  test.each(['MissingAuthenticationTokenException', 'IncompleteSignatureException'])(
    '%s, as the JSON protocol has it: STORE_DENIED',
    async (name) => {
      create();
      refusal = name;
      expect((await faultFrom(store.readHead())).name).toBe('STORE_DENIED');
    },
  );

  test('a connection that dies is STORE_UNAVAILABLE', async () => {
    create();
    for (const [, call] of CALLS) {
      aws.inject({ kind: 'drop-before', operation: '*' });
      expect((await faultFrom(call())).name).toBe('STORE_UNAVAILABLE');
    }
  });
});

describe('a secret that cannot be used', () => {
  test('scheduled for deletion is SECRET_NOT_FOUND, and how to bring it back', async () => {
    create();
    aws.secretsManager.deleteSecret({ SecretId });
    for (const [name, call] of CALLS) {
      if (name === 'listVersionTimes') continue;
      const fault = await faultFrom(call());
      expect(fault.name).toBe('SECRET_NOT_FOUND');
      expect(fault.message).toMatch(/is scheduled for deletion\. .*restore-secret/);
    }
  });

  test('unknown is SECRET_NOT_FOUND, and what to check', async () => {
    for (const call of [store.readCurrent(), store.putVersion(SECOND, NEXT), store.listVersionTimes()]) {
      const fault = await faultFrom(call);
      expect(fault.name).toBe('SECRET_NOT_FOUND');
      expect(fault.message).toMatch(/does not exist in this account and region\. Check CREDENTIALS_SECRET_ID/);
    }
  });

  test('of which nobody may say whether it exists is STORE_DENIED', async () => {
    aws.inject({ kind: 'access-denied', operation: 'DescribeSecret' });
    const { name, message } = await faultFrom(store.readCurrent());
    expect([name, message]).toEqual(['STORE_DENIED', expect.stringContaining('DescribeSecret on secret')]);
  });

  test('in a state that forbids the call, and not deleted, is STORE_UNAVAILABLE', async () => {
    create();
    const { url, close } = await startLoopbackServer((request, response) => {
      const isDescribe = request.headers['x-amz-target'] === 'secretsmanager.DescribeSecret';
      response.statusCode = isDescribe ? 200 : 400;
      response.end(isDescribe ? '{}' : '{"__type":"InvalidRequestException"}');
    });
    const fault = await faultFrom(createStore(url).putVersion(SECOND, NEXT));
    await close();
    expect([fault.name, fault.message]).toEqual([
      'STORE_UNAVAILABLE',
      expect.stringMatching(/InvalidRequestException\. Its state forbids that: is it a replica/),
    ]);
  });
});

test('an answer that trickles without end is ended: no call takes longer than it may', async () => {
  const timers: NodeJS.Timeout[] = [];
  const { url, close } = await startLoopbackServer((_request, response) => {
    response.write('{');
    timers.push(setInterval(() => response.write(' '), 20));
  });
  store = createStore(url, 150);
  for (const [name, call] of CALLS) {
    const beganAtMs = performance.now();
    const fault = await faultFrom(call());
    expect([name, fault.name]).toEqual([name, 'STORE_UNAVAILABLE']);
    expect(performance.now() - beganAtMs).toBeLessThan(1_000);
  }
  for (const timer of timers) clearInterval(timer);
  await close();
});

test('an answer without an age counts as made just now: a claim as live, a version as one of today', async () => {
  const { url, close } = await startLoopbackServer((_request, response) => response.end('{}'));
  expect(await createStore(url).readCurrent()).toEqual({
    versionId: '',
    createdAt: Number.POSITIVE_INFINITY,
    secretString: undefined,
  });
  expect(await createStore(url).listVersionTimes()).toEqual([]);
  await close();
});
