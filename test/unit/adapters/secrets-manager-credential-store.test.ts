import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { describeAwsError } from '../../../lambda/adapters/describe-aws-error.ts';
import {
  SecretsManagerCredentialStore,
  type StoreOptions,
} from '../../../lambda/adapters/secrets-manager-credential-store.ts';
import { JOURNAL_STAGE } from '../../../lambda/contract.ts';
import { STORE_CALL_MAX_MS } from '../../../lambda/core/time-reserves.ts';
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
/** Error code with which AWS rejects the next calls. */
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

function createStore(url: string, options?: StoreOptions): SecretsManagerCredentialStore {
  return new SecretsManagerCredentialStore(new SecretsManagerClient(awsClientOptions(url)), SecretId, options);
}

function create(SecretString: string | undefined = SECRET): void {
  aws.secretsManager.createSecret({ Name: SecretId, ClientRequestToken: FIRST, SecretString });
}

/** Every call of the port. */
const CALLS: [string, () => Promise<unknown>][] = [
  ['readCurrent', () => store.readCurrent()],
  ['readLatestEntry', () => store.readLatestEntry()],
  ['readPrevious', () => store.readPrevious()],
  ['readVersion', () => store.readVersion(FIRST)],
  ['putVersion', () => store.putVersion(SECOND, NEXT)],
  ['promote', () => store.promote(SECOND, FIRST)],
  ['listVersions', () => store.listVersions()],
];

describe('reading', () => {
  test('readPrevious returns the version that had AWSCURRENT before, or nothing', async () => {
    create();
    expect(await store.readPrevious()).toBeUndefined();
    await store.putVersion(SECOND, NEXT);
    await store.promote(SECOND, FIRST);
    expect(await store.readPrevious()).toMatchObject({ versionId: FIRST, secretString: SECRET });
  });

  test("returns the id, the age by the service's clock, and the text", async () => {
    create();
    const version = { versionId: FIRST, createdAt: NOW_MS, secretString: SECRET };
    expect(await store.readCurrent()).toEqual(version);
    expect(await store.readVersion(FIRST)).toEqual(version);
    expect(aws.calls).toMatchObject([
      { operation: 'GetSecretValue', input: { VersionStage: 'AWSCURRENT' } },
      { operation: 'GetSecretValue', input: { VersionId: FIRST } },
    ]);
  });

  test('the latest entry is the version with the label of the journal', async () => {
    create();
    expect(await store.readLatestEntry()).toBeUndefined();
    await store.putVersion(SECOND, NEXT);
    expect(await store.readLatestEntry()).toMatchObject({ versionId: SECOND });
  });

  test('a missing version is not a fault', async () => {
    create();
    expect(await store.readVersion(SECOND)).toBeUndefined();
  });

  test('a SecretBinary has no text', async () => {
    aws.secretsManager.createSecret({ Name: SecretId, SecretBinary: Buffer.from(SECRET) });
    expect(await store.readCurrent()).toMatchObject({ secretString: undefined });
  });

  test('a secret without a value is not a fault', async () => {
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

  test('sets the label of the journal, so that AWSCURRENT does not move', async () => {
    create();
    await store.putVersion(SECOND, NEXT);
    expect(await store.readCurrent()).toMatchObject({ versionId: FIRST });
    expect(aws.calls[0]).toMatchObject({ input: { VersionStages: [JOURNAL_STAGE], ClientRequestToken: SECOND } });
  });
});

describe('promoting', () => {
  test('is compare-and-swap: it succeeds from the version that was read, and fails from any other', async () => {
    create();
    await store.putVersion(SECOND, NEXT);
    expect(await store.promote(SECOND, versionIdOf('another'))).toBe('refused');
    expect(await store.promote(SECOND, FIRST)).toBe('promoted');
    expect(await store.readCurrent()).toMatchObject({ versionId: SECOND });
    expect(await store.promote(SECOND, FIRST)).toBe('refused');
  });

  test('a version that no longer exists is not promoted', async () => {
    create();
    expect(await store.promote(SECOND, FIRST)).toBe('refused');
  });
});

test('lists the age of every version, including unlabeled ones, over all pages', async () => {
  create();
  for (let number = 1; number < 230; number += 1) {
    nowMs = NOW_MS + number;
    await store.putVersion(versionIdOf(`version-${number}`), NEXT);
  }
  aws.calls.length = 0;
  const listed = await store.listVersions();
  expect(new Set(listed.map(({ versionId }) => versionId)).size).toBe(230);
  expect(listed.map(({ createdAt }) => createdAt).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 230 }, (_, number) => NOW_MS + number),
  );
  expect(aws.calls.map(({ operation }) => operation)).toEqual(Array(3).fill('ListSecretVersionIds'));
});

describe('an error of AWS is identified by its name and never by its text', () => {
  const DENIED = [
    ...['AccessDeniedException', 'AccessDenied', 'NotAuthorized', 'UnrecognizedClientException', 'ExpiredToken'],
    ...['ExpiredTokenException', 'InvalidClientTokenId', 'InvalidSignatureException', 'SignatureDoesNotMatch'],
    ...['IncompleteSignature', 'MissingAuthenticationToken', 'DecryptionFailure', 'EncryptionFailure'],
    ...['KMSAccessDeniedException', 'KMSInvalidStateException', 'KMSDisabledException'],
  ];
  const OF_CREDENTIALS = /AWS credentials/;
  /** Advice on each denial. KMS errors point to the key. */
  const ADVICE_ON: { readonly [name: string]: RegExp } = {
    AccessDeniedException: /function's role, the secret's resource policy .* key policy/,
    AccessDenied: /function's role, the secret's resource policy .* key policy/,
    NotAuthorized: /function's role, the secret's resource policy .* key policy/,
    UnrecognizedClientException: OF_CREDENTIALS,
    ExpiredToken: OF_CREDENTIALS,
    ExpiredTokenException: OF_CREDENTIALS,
    InvalidClientTokenId: OF_CREDENTIALS,
    InvalidSignatureException: OF_CREDENTIALS,
    SignatureDoesNotMatch: OF_CREDENTIALS,
    IncompleteSignature: OF_CREDENTIALS,
    MissingAuthenticationToken: OF_CREDENTIALS,
  };
  /** Advice on each error for which waiting helps. */
  const UNAVAILABLE: Readonly<Record<string, RegExp>> = {
    ThrottlingException: /Waiting helps/,
    LimitExceededException: /Waiting helps/,
    InternalServiceError: /The next run retries/,
    ValidationException: /Waiting does not help/,
    PreconditionNotMetException: /Waiting does not help/,
  };

  test.each([
    ...DENIED.map((name) => [name, 'STORE_DENIED', ADVICE_ON[name] ?? /key policy/] as const),
    ...Object.entries(UNAVAILABLE).map(([name, advice]) => [name, 'STORE_UNAVAILABLE', advice] as const),
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
    '%s, as in the JSON protocol, is STORE_DENIED',
    async (name) => {
      create();
      refusal = name;
      expect((await faultFrom(store.readLatestEntry())).name).toBe('STORE_DENIED');
    },
  );

  test('a closed connection is STORE_UNAVAILABLE', async () => {
    create();
    for (const [, call] of CALLS) {
      aws.inject({ kind: 'drop-before', operation: '*' });
      expect((await faultFrom(call())).name).toBe('STORE_UNAVAILABLE');
    }
  });
});

describe('a secret that cannot be used', () => {
  test('that is scheduled for deletion is SECRET_NOT_FOUND, with the command to restore it', async () => {
    create();
    aws.secretsManager.deleteSecret({ SecretId });
    for (const [name, call] of CALLS) {
      if (name === 'listVersions') continue;
      const fault = await faultFrom(call());
      expect(fault.name).toBe('SECRET_NOT_FOUND');
      expect(fault.message).toContain(`aws secretsmanager restore-secret --secret-id ${SecretId}`);
    }
  });

  test('that does not exist is SECRET_NOT_FOUND, with advice', async () => {
    for (const call of [store.readCurrent(), store.putVersion(SECOND, NEXT), store.listVersions()]) {
      const fault = await faultFrom(call);
      expect(fault.name).toBe('SECRET_NOT_FOUND');
      expect(fault.message).toContain('CREDENTIALS_SECRET_ID');
    }
  });

  test('whose existence access control hides is STORE_DENIED', async () => {
    aws.inject({ kind: 'access-denied', operation: 'DescribeSecret' });
    const { name, message } = await faultFrom(store.readCurrent());
    expect([name, message]).toEqual(['STORE_DENIED', expect.stringContaining('DescribeSecret')]);
  });

  const ARN = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:RetentlyCredentials-AbCdEf';

  test.each([
    [
      'a replica',
      { ARN, PrimaryRegion: 'us-east-1' },
      'CONFIGURATION_INVALID',
      /primary is in us-east-1.*CREDENTIALS_SECRET_ID/,
    ],
    ['the primary of replicas', { ARN, PrimaryRegion: 'eu-west-1' }, 'STORE_UNAVAILABLE', /Waiting does not help/],
    [
      'managed by another service',
      { ARN, OwningService: 'rds' },
      'CONFIGURATION_INVALID',
      /managed by rds.*CREDENTIALS_SECRET_ID/,
    ],
    ['in another state', {}, 'STORE_UNAVAILABLE', /Waiting does not help/],
  ])('%s is reported with advice', async (_state, described, code, advice) => {
    for (const error of ['InvalidRequestException', 'InvalidParameterException']) {
      const { url, close } = await startLoopbackServer((request, response) => {
        const isDescribe = request.headers['x-amz-target'] === 'secretsmanager.DescribeSecret';
        response.statusCode = isDescribe ? 200 : 400;
        response.end(JSON.stringify(isDescribe ? described : { __type: error }));
      });
      const fault = await faultFrom(createStore(url).putVersion(SECOND, NEXT));
      await close();
      expect(fault.name).toBe(code);
      expect(fault.message).toMatch(advice);
    }
  });
});

test('a response that never ends is aborted, so that each call ends in time', async () => {
  const timers: NodeJS.Timeout[] = [];
  const { url, close } = await startLoopbackServer((_request, response) => {
    response.write('{');
    timers.push(setInterval(() => response.write(' '), 20));
  });
  store = createStore(url, { callTimeoutMs: 150 });
  for (const [name, call] of CALLS) {
    const fault = await faultFrom(call());
    expect([name, fault.name]).toEqual([name, 'STORE_UNAVAILABLE']);
  }
  for (const timer of timers) clearInterval(timer);
  await close();
});

test('each call ends within the time that a run reserves for it', async () => {
  create();
  const timeout = vi.spyOn(AbortSignal, 'timeout');
  try {
    for (const [, call] of CALLS) await call();
    expect(timeout).toHaveBeenCalledTimes(CALLS.length);
    expect(Math.max(...timeout.mock.calls.flat())).toBeLessThan(STORE_CALL_MAX_MS);
  } finally {
    timeout.mockRestore();
  }
});

test('a response without CreatedDate is an error, because it determines every age', async () => {
  const answers = {
    GetSecretValue: { SecretString: '{}' },
    ListSecretVersionIds: { Versions: [{}] },
  };
  const { url, close } = await startLoopbackServer((request, response) => {
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    response.end(JSON.stringify(Reflect.get(answers, operation)));
  });
  for (const call of [createStore(url).readCurrent(), createStore(url).listVersions()]) {
    const { name, message } = await faultFrom(call);
    expect([name, message]).toEqual(['STORE_UNAVAILABLE', expect.stringContaining('CreatedDate')]);
  }
  await close();
});

test('a page without versions has none', async () => {
  const { url, close } = await startLoopbackServer((_request, response) => response.end('{}'));
  expect(await createStore(url).listVersions()).toEqual([]);
  await close();
});

test('a page with an empty NextToken, as emulators send it, is the last page', async () => {
  let calls = 0;
  const { url, close } = await startLoopbackServer((_request, response) => {
    calls++;
    response.end(JSON.stringify({ Versions: [{ VersionId: FIRST, CreatedDate: 1_700_000_000 }], NextToken: '' }));
  });
  expect(await createStore(url).listVersions()).toEqual([{ versionId: FIRST, createdAt: 1_700_000_000_000 }]);
  expect(calls).toBe(1);
  await close();
});

describe('the connection to AWS', () => {
  test("a closed port is reported with Node's code and advice for a VPC", async () => {
    const { url, close } = await startLoopbackServer(() => {});
    await close();
    const { name, message } = await faultFrom(createStore(url).readLatestEntry());
    expect(name).toBe('STORE_UNAVAILABLE');
    expect(message).toMatch(/\bECONNREFUSED\b.* VPC\b/);
  });

  test('a name that does not resolve', async () => {
    const { message } = await faultFrom(createStore('http://secretsmanager.invalid').readLatestEntry());
    expect(message).toMatch(/\b(ENOTFOUND|EAI_AGAIN)\b.* VPC\b/);
  });

  test('no AWS credentials', () => {
    const error = Object.assign(new Error('P1ANTED'), { name: 'CredentialsProviderError' });
    expect(describeAwsError(error, 7)).toEqual({
      isDenial: false,
      what: 'CredentialsProviderError',
      advice: expect.stringContaining('no AWS credentials'),
    });
  });

  test.each([
    ['Access to KMS is not allowed', /KMS: check the policy and the state/],
    [
      'User: arn:P1ANTED is not authorized to perform: secretsmanager:GetSecretValue because no identity-based policy allows the action',
      /policies of the function's role/,
    ],
    ['… because no resource-based policy allows the secretsmanager:GetSecretValue action', /secret's resource policy/],
    ['… with an explicit deny in a service control policy', /service control policy of the organization/],
    ['… because no permissions boundary allows the action', /permissions boundary/],
    ['… because no VPC endpoint policy allows the action', /VPC endpoint/],
    [
      'User: role/RetentlyKmsTeam … because no identity-based policy allows the action',
      /policies of the function's role/,
    ],
    ['… not authorized to perform: kms:Decrypt on this resource', /KMS: check the policy/],
    ['P1ANTED', /function's role, the secret's resource policy/],
  ])("AWS's own text distinguishes the causes, and is not quoted: %s", (message, advice) => {
    const error = Object.assign(new Error(message), { name: 'AccessDeniedException' });
    expect(describeAwsError(error, 7)).toEqual({
      isDenial: true,
      what: 'AccessDeniedException',
      advice: expect.stringMatching(advice),
    });
    expect(describeAwsError(error, 7).advice).not.toMatch(/P1ANTED|arn:/);
  });

  test('a timeout is reported with its seconds, and several tries with the code of the first', () => {
    const aborted = Object.assign(new Error('P1ANTED'), { name: 'AbortError' });
    expect(describeAwsError(aborted, 7).what).toBe('no response within the timeout of 7 s');
    expect(describeAwsError(Object.assign(new Error(), { name: 'TimeoutError' }), 7).what).toContain('TimeoutError');
    const proxy = Object.assign(new Error(), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(describeAwsError(proxy, 7).advice).toContain('TLS');
    expect(describeAwsError(Object.assign(new Error(), { code: 'EMFILE' }), 7).advice).toBe('');
    const tries = new AggregateError([Object.assign(new Error(), { code: 'EHOSTUNREACH' })]);
    expect(describeAwsError(tries, 7).what).toBe('EHOSTUNREACH');
    expect(describeAwsError(Object.assign(new Error(), { code: 'a sentence' }), 7).what).toBe('Error');
    expect(describeAwsError('thrown', 7).what).toBe('string');
  });
});
