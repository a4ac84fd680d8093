import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as eventBridge from '@aws-sdk/client-eventbridge';
import type * as secretsManager from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { bundleHandler, entryPathOf } from '../../infra/bundle/bundle-handler.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PACKAGES = join(ROOT, 'node_modules');
const CREDENTIALS = { accessKeyId: 'id', secretAccessKey: 'key', sessionToken: 'token' };

interface Sdk {
  readonly eventBridge: typeof eventBridge;
  readonly secretsManager: typeof secretsManager;
}

/** The SDK as it is published, and as it is in the bundle; bundled alike otherwise. */
let published: Sdk;
let bundled: Sdk;
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'replacements-'));
  [published, bundled] = await Promise.all([bundleSdk('published', true), bundleSdk('bundled', false)]);
});

async function bundleSdk(name: string, isAsPublished: boolean): Promise<Sdk> {
  const entryPath = join(directory, `${name}.js`);
  const clients = { eventBridge: 'client-eventbridge', secretsManager: 'client-secrets-manager' };
  const lines = Object.entries(clients).map(
    ([name, client]) => `export * as ${name} from ${JSON.stringify(join(PACKAGES, '@aws-sdk', client))};`,
  );
  writeFileSync(entryPath, lines.join('\n'));
  bundleHandler(join(directory, name), { entryPath, isAsPublished });
  return await import(pathToFileURL(join(directory, name, 'index.mjs')).href);
}

afterAll(() => rmSync(directory, { recursive: true }));

test('each replacement replaces a file of a bundle', async () => {
  const { REPLACEMENTS } = await import(pathToFileURL(join(ROOT, 'infra/bundle/replacements.mjs')).href);
  const schema = z.object({ inputs: z.record(z.string(), z.unknown()) });
  const inputs = (['handler', 'sweep'] as const).flatMap((name) => {
    const metafilePath = join(directory, `${name}.json`);
    bundleHandler(join(directory, name), { entryPath: entryPathOf(name), metafilePath });
    return Object.keys(schema.parse(JSON.parse(readFileSync(metafilePath, 'utf8'))).inputs);
  });
  const replaced = Object.keys(REPLACEMENTS);
  expect(replaced.length).toBeGreaterThan(0);
  expect(replaced.filter((path) => !inputs.some((input) => input.endsWith(`node_modules/${path}`)))).toEqual([]);
});

describe('the bundled SDK', () => {
  const partitions = join(PACKAGES, '@aws-sdk/core/dist-es/submodules/client/util-endpoints/lib/aws/partitions.js');
  const regions = [...readFileSync(partitions, 'utf8').matchAll(/^ {16}"([a-z]+(?:-[a-z]+)+-\d)": \{$/gm)].map(
    ([, region = '']) => region,
  );

  test('knows GovCloud and China, like any other region', () => {
    expect(regions.length).toBeGreaterThan(40);
    expect(hostOf(bundled, 'cn-north-1')).toBe('secretsmanager.cn-north-1.amazonaws.com.cn');
    expect(hostOf(bundled, 'us-gov-west-1')).toBe('secretsmanager.us-gov-west-1.amazonaws.com');
  });

  test('has the published hosts in every region, including future regions', () => {
    const options = [false, true].flatMap((UseDualStack) =>
      [false, true].map((UseFIPS) => ({ UseDualStack, UseFIPS })),
    );
    const hostsOf = (sdk: Sdk) =>
      [...regions, 'eu-later-9'].flatMap((region) => options.map((each) => hostOf(sdk, region, each)));
    expect(hostsOf(bundled)).toEqual(hostsOf(published));
  });

  test.each(['GetSecretValue', 'PutSecretValue', 'PutEvents'] as const)('sends the published %s', async (operation) => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 });
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'function');
    vi.stubEnv('_X_AMZN_TRACE_ID', 'Root=1-2-3');
    const [actual, expected] = [await requestOf(bundled, operation), await requestOf(published, operation)];
    vi.unstubAllEnvs();
    vi.useRealTimers();
    expect(actual).toEqual(expected);
    expect(actual).toHaveProperty('headers.X-Amzn-Trace-Id', 'Root=1-2-3');
    expect(actual).toHaveProperty('headers.authorization', expect.stringContaining('=id/20270115/eu-west-1/'));
  });

  test('throws errors with the published names, after as many tries', async () => {
    const modeled = Object.keys(published.secretsManager).filter(
      (name) => /(Exception|Failure|Error)$/.test(name) && name !== 'SecretsManagerServiceException',
    );
    expect(modeled).toContain('DecryptionFailure');
    const names = ['AccessDeniedException', 'ThrottlingException', ...modeled];
    const [actual, expected] = await Promise.all(
      [bundled, published].map((sdk) => Promise.all(names.map((name) => failureOf(sdk, name)))),
    );
    expect(actual?.map(({ error: _, ...failure }) => failure)).toEqual(
      expected?.map(({ error: _, ...failure }) => failure),
    );
  });

  test('throws the errors that the function distinguishes by class', async () => {
    const { InvalidParameterException, InvalidRequestException, ResourceExistsException, ResourceNotFoundException } =
      bundled.secretsManager;
    for (const Class of [
      InvalidParameterException,
      InvalidRequestException,
      ResourceExistsException,
      ResourceNotFoundException,
    ]) {
      expect((await failureOf(bundled, new Class({ $metadata: {}, message: '' }).name)).error).toBeInstanceOf(Class);
    }
  });

  test('reads its credentials from the environment, and reports if there are none', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'of-the-role');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'key');
    const client = () => new bundled.secretsManager.SecretsManagerClient({ region: 'eu-west-1' });
    expect(await client().config.credentials()).toMatchObject({ accessKeyId: 'of-the-role' });
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    await expect(client().config.credentials()).rejects.toMatchObject({ name: 'CredentialsProviderError' });
    vi.unstubAllEnvs();
  });

  test.each(['standard', 'adaptive'])('tries three times in the %s mode of retries', async (retryMode) => {
    expect((await failureOf(bundled, 'InternalServiceError', { retryMode })).attempts).toBe(3);
  });
});

function hostOf({ secretsManager }: Sdk, Region: string, options: { UseDualStack?: boolean; UseFIPS?: boolean } = {}) {
  const { endpointProvider } = new secretsManager.SecretsManagerClient({ region: Region }).config;
  return endpointProvider({ Region, ...options }).url.hostname;
}

/** A request as a client hands it to its HTTP handler. */
interface Request {
  readonly hostname: string;
  readonly path: string;
  readonly body: Uint8Array;
  readonly headers: Record<string, string>;
}

/** Options of a client that reaches no network. */
function offline(answer: (request: Request) => object) {
  const requestHandler = { handle: async (request: Request) => ({ response: answer(request) }) };
  return { region: 'eu-west-1', credentials: CREDENTIALS, requestHandler };
}

/** The request of a command without what differs in each: its id, and with it the signature. */
async function requestOf(
  { secretsManager, eventBridge }: Sdk,
  operation: 'GetSecretValue' | 'PutSecretValue' | 'PutEvents',
): Promise<object> {
  const requests: Request[] = [];
  const options = offline((request) => {
    requests.push(request);
    return { statusCode: 200, headers: {}, body: Readable.from([Buffer.from('{}')]) };
  });
  const secret = { SecretId: 'name', ClientRequestToken: 'a'.repeat(32) };
  const client = new secretsManager.SecretsManagerClient(options);
  if (operation === 'GetSecretValue') await client.send(new secretsManager.GetSecretValueCommand(secret));
  if (operation === 'PutSecretValue') {
    await client.send(
      new secretsManager.PutSecretValueCommand({ ...secret, SecretString: '"é"', VersionStages: ['A'] }),
    );
  }
  if (operation === 'PutEvents') {
    const Entries = [{ Source: 'source', DetailType: 'type', Detail: '{}' }];
    await new eventBridge.EventBridgeClient(options).send(new eventBridge.PutEventsCommand({ Entries }));
  }
  const [request] = requests;
  if (request === undefined) throw new Error(`${operation} sent nothing.`);
  const { hostname, path, body, headers } = request;
  const authorization = headers['authorization']?.replace(/[0-9a-f]{64}$/, '') ?? '';
  return {
    hostname,
    path,
    body: new TextDecoder().decode(body),
    headers: { ...headers, authorization, 'amz-sdk-invocation-id': '' },
  };
}

/** Returns the error that a client throws for an AWS error, and its number of tries. */
async function failureOf({ secretsManager }: Sdk, code: string, others: { retryMode?: string } = {}) {
  let attempts = 0;
  const options = offline(() => {
    attempts++;
    const body = JSON.stringify({ __type: code, message: 'text' });
    const statusCode = code === 'InternalServiceError' ? 500 : 400;
    return { statusCode, headers: {}, body: Readable.from([Buffer.from(body)]) };
  });
  const client = new secretsManager.SecretsManagerClient({ ...options, ...others });
  const error: unknown = await client.send(new secretsManager.GetSecretValueCommand({ SecretId: 'x' })).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const { name, message, $fault } = z
    .object({ name: z.string(), message: z.string(), $fault: z.string() })
    .parse(error);
  return { error, name, message, $fault, attempts };
}
