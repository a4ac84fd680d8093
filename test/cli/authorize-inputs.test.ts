import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { explainNetworkFailure } from '../../cli/oauth/network-failure.ts';
import { readPastedAnswer } from '../../cli/oauth/pasted-answer.ts';
import { ENVIRONMENT } from '../../lambda/contract.ts';
import { type Step, startScriptedTokenEndpoint } from '../sandbox/oauth/scripted-token-endpoint.ts';
import { SECRET_ID } from '../sandbox/sandbox.ts';
import { CommandHere, type Ended, RunningCommand, runCommand } from '../support/command.ts';
import { expectNothingSecret, PAGE_URL } from '../support/command-secrets.ts';
import { FUNCTION_NAME, type SandboxDeployment, startDeployment } from '../support/deployment.ts';
import { until } from '../support/in-sandbox.ts';
import { walkThroughPages } from '../support/plain-browser.ts';
import { createSelfSignedCertificate } from '../support/self-signed-certificate.ts';

let deployment: SandboxDeployment;
const screens: string[] = [];

beforeAll(async () => {
  deployment = await startDeployment();
});

beforeEach(() => {
  const { sandbox } = deployment;
  sandbox.aws.clearFaults();
  sandbox.tokenEndpoint.play('forward');
  sandbox.recreateSecret();
});

afterAll(async () => {
  await using ending = deployment;
  expectNothingSecret(ending, screens.join('\n'));
});

function start(args: readonly string[] = [], environment: Readonly<Record<string, string | undefined>> = {}) {
  const options = ['--secret-id', SECRET_ID, '--token-endpoint', deployment.sandbox.tokenEndpoint.url];
  const command = new CommandHere(['authorize', ...deployment.browserOptions, ...options, ...args], {
    ...deployment.environment,
    ...environment,
  });
  void command.ended.then(({ stdout, stderr }) => screens.push(stdout, stderr));
  return command;
}

/** Starts the command in its own process, which a signal can reach. */
function startProcess(args: readonly string[] = [], environment: Readonly<Record<string, string | undefined>> = {}) {
  const options = ['--secret-id', SECRET_ID, '--token-endpoint', deployment.sandbox.tokenEndpoint.url];
  const command = new RunningCommand(['authorize', ...deployment.browserOptions, ...options, ...args], {
    ...deployment.environment,
    ...environment,
  });
  void command.ended.then(({ stdout, stderr }) => screens.push(stdout, stderr));
  return command;
}

async function pageOf(command: Pick<RunningCommand, 'says'>): Promise<{ page: string; callback: URL }> {
  const page = await command.says(PAGE_URL);
  return { page, callback: new URL(new URL(page).searchParams.get('redirect_uri') ?? '') };
}

/** Returns the value of the secret, and the number of requests that the token endpoint received for it. */
function outcome(before = 0) {
  const { sandbox } = deployment;
  return {
    document: sandbox.readVersion('AWSCURRENT')?.document,
    posts: sandbox.tokenEndpoint.requests.length - before,
  };
}

const STORED = { document: { refresh_token: expect.any(String), access_token: expect.any(String) }, posts: 1 };

function expectNoStackTrace({ stdout, stderr }: Ended): void {
  expect(`${stdout}${stderr}`).not.toMatch(/\n\s+at |Error:/);
}

function open({ hostname, port }: URL): Socket {
  const host = hostname === '[::1]' ? '::1' : hostname;
  return connect({ host, port: Number(port) }).on('error', () => undefined);
}

/** Everything that the server answers to these bytes, until it closes the connection. */
async function sendRaw(callback: URL, bytes: string): Promise<string> {
  const socket = open(callback);
  socket.write(bytes);
  try {
    return await text(socket);
  } catch {
    return 'reset';
  }
}

/** Requests that any page or program can send to the redirect port. */
const FOREIGN: readonly [name: string, bytes: (callback: URL) => string][] = [
  ['two slashes', ({ host }) => `GET // HTTP/1.1\r\nHost: ${host}\r\n\r\n`],
  ['two slashes and a bad port', ({ host }) => `GET //a:b:c HTTP/1.1\r\nHost: ${host}\r\n\r\n`],
  ['slash and backslash', ({ host }) => `GET /\\x:y HTTP/1.1\r\nHost: ${host}\r\n\r\n`],
  ['absolute form', ({ host, href }) => `GET ${href}?code=x&state=y HTTP/1.1\r\nHost: ${host}\r\n\r\n`],
  ['a bad absolute form', ({ host }) => `GET http://[ HTTP/1.1\r\nHost: ${host}\r\n\r\n`],
  ['asterisk form', ({ host }) => `OPTIONS * HTTP/1.1\r\nHost: ${host}\r\n\r\n`],
  ['CONNECT', () => 'CONNECT example.invalid:443 HTTP/1.1\r\nHost: example.invalid\r\n\r\n'],
  ['an upgrade', ({ host }) => `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n`],
  ['an expectation', ({ host }) => `GET / HTTP/1.1\r\nHost: ${host}\r\nExpect: wonders\r\n\r\n`],
  ['no host', () => 'GET /callback?code=x HTTP/1.1\r\n\r\n'],
  ['HTTP/1.0', () => 'GET /callback?code=x HTTP/1.0\r\n\r\n'],
  ['a bad percent code', ({ host }) => `GET /%E0%A4%A?code=%FF HTTP/1.1\r\nHost: ${host}\r\n\r\n`],
  ['no HTTP at all', () => '\u0016\u0003\u0001\r\n\r\n'],
  ['huge headers', ({ host }) => `GET / HTTP/1.1\r\nHost: ${host}\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`],
  ['a code with another state', ({ host }) => `GET /callback?code=x&state=old HTTP/1.1\r\nHost: ${host}\r\n\r\n`],
  ['a code without a state', ({ host }) => `GET /callback?code=x HTTP/1.1\r\nHost: ${host}\r\n\r\n`],
  ['an error without a state', ({ host }) => `GET /callback?error=x HTTP/1.1\r\nHost: ${host}\r\n\r\n`],
  ['an error with another state', ({ host }) => `GET /callback?error=x&state=old HTTP/1.1\r\nHost: ${host}\r\n\r\n`],
  ['two states', ({ host }) => `GET /callback?code=x&state=a&state=b HTTP/1.1\r\nHost: ${host}\r\n\r\n`],
  ['the path of a last page', ({ host }) => `GET /callback/done HTTP/1.1\r\nHost: ${host}\r\n\r\n`],
  ['a POST', ({ host }) => `POST /callback?code=x HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 9\r\n\r\n`],
];

async function sendAll(callback: URL): Promise<void> {
  for (const [name, bytes] of FOREIGN) {
    expect([name, await sendRaw(callback, bytes(callback))]).toEqual([
      name,
      expect.stringMatching(/^(HTTP\/1\.1 4\d\d |reset$|$)/),
    ]);
  }
}

describe('nothing that arrives on the redirect port ends the wait', () => {
  test('requests of every form, before the answer comes', async () => {
    const before = outcome().posts;
    const command = start();
    const { page, callback } = await pageOf(command);
    await sendAll(callback);
    expect((await walkThroughPages(page, 'allow')).status).toBe(200);
    const ended = await command.ended;
    expectNoStackTrace(ended);
    expect([ended.exitCode, outcome(before)]).toMatchObject([0, STORED]);
  });

  test('requests of every form, while the grant is stored', async () => {
    const before = outcome().posts;
    deployment.sandbox.aws.inject({ operation: 'PutSecretValue', kind: 'latency', latencyMs: 1_000, times: 1 });
    const command = start();
    const { page, callback } = await pageOf(command);
    const walking = walkThroughPages(page, 'allow');
    await sendAll(callback).catch(() => undefined);
    expect((await walking).status).toBe(200);
    const ended = await command.ended;
    expectNoStackTrace(ended);
    expect([ended.exitCode, outcome(before)]).toMatchObject([0, STORED]);
  });

  test('a thousand sockets that send half a request', async () => {
    const before = outcome().posts;
    const command = start();
    const { page, callback } = await pageOf(command);
    const sockets = Array.from({ length: 1_000 }, () => open(callback));
    await Promise.all(sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])));
    for (const socket of sockets) socket.write('GET /callback HTT');
    expect((await walkThroughPages(page, 'allow')).status).toBe(200);
    const ended = await command.ended;
    for (const socket of sockets) socket.destroy();
    expect([ended.exitCode, outcome(before)]).toMatchObject([0, STORED]);
  });
});

test.each(['code=', 'code=x&code=y', 'error=', 'code=x&response=y', 'code=x&iss=https://other.example'])(
  'an unusable answer with the right state is not reported as the answer to another request: %s',
  async (query) => {
    const before = outcome();
    const command = start();
    const { page, callback } = await pageOf(command);
    const state = new URL(page).searchParams.get('state');
    await walkThroughPages(`${callback.href}?${query}&state=${state}`, 'allow');
    const ended = await command.ended;
    expectNoStackTrace(ended);
    expect([ended.exitCode, outcome()]).toEqual([1, before]);
    expect(ended.stderr.split(page).at(-1)).not.toMatch(/\bstate\b|earlier|request/);
  },
);

describe('the redirect URI', () => {
  test('with localhost is served on both loopback addresses', async () => {
    const command = startProcess(['--port', '0', '--redirect-uri', 'http://localhost:0/callback']);
    const { page, callback } = await pageOf(command);
    const answers = await Promise.all(
      ['127.0.0.1', '[::1]'].map((host) =>
        sendRaw(new URL(`http://${host}:${callback.port}/`), `GET / HTTP/1.1\r\nHost: ${callback.host}\r\n\r\n`),
      ),
    );
    expect(answers).toEqual([expect.stringMatching(/^HTTP\/1\.1 404/), expect.stringMatching(/^HTTP\/1\.1 404/)]);
    expect(page).toContain('localhost');
    command.interrupt();
    expect((await command.ended).exitCode).toBe(130);
  });

  test('with localhost is rejected if another program has one of the addresses', async () => {
    const other = createServer().listen(0, '::1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const ended = await start([`--port=${port}`, '--redirect-uri', `http://localhost:${port}/callback`]).ended;
    other.close();
    expect(ended.exitCode).toBe(2);
    expect(ended.stderr).toContain(String(port));
    expect(ended.stderr).not.toMatch(PAGE_URL);
  });

  test.each([
    ['no loopback address', 'http://example.invalid:18976/callback', []],
    ['an escape sequence', 'http://127.0.0.1:8976/\u001b]0;owned\u0007', []],
    ['a control character of C1', 'http://127.0.0.1:8976/\u009b31m', []],
    ['no URL', 'callback', []],
    ['another port than --port', 'http://127.0.0.1:18976/callback', ['--port=18977']],
    ['no port at all, beside --port', 'https://client.example/callback', ['--port=18977']],
    ['user information', 'http://localhost@example.invalid/callback', []],
    ['another scheme', 'javascript:alert(1)', []],
  ])('of the secret is rejected before a page opens: %s', async (_what, redirect_uri, args) => {
    const { sandbox } = deployment;
    sandbox.putCredentials({ ...(await sandbox.mintCredentials()), redirect_uri });
    const before = outcome();
    const ended = await start(['--yes', ...args]).ended;
    expect(ended.exitCode).toBe(2);
    expect(ended.stderr.replaceAll(/[\x20-\x7e\n]/g, '')).toBe('');
    expect(ended.stderr).not.toMatch(PAGE_URL);
    expect(outcome()).toEqual(before);
  });

  test.each(['http://127.0.0.1:18976/callback', 'http://localhost/callback', 'https://client.example/callback'])(
    '%s contradicts --port and is rejected',
    async (redirectUri) => {
      const ended = await start(['--port=18977', `--redirect-uri=${redirectUri}`]).ended;
      expect([ended.exitCode, outcome().document]).toEqual([2, undefined]);
      expect(ended.stderr).not.toMatch(PAGE_URL);
    },
  );

  test('of the secret is named if an option replaces it, and stays in the secret', async () => {
    const { sandbox } = deployment;
    const redirect_uri = 'http://127.0.0.1:18976/of-the-secret';
    sandbox.putCredentials({ ...(await sandbox.mintCredentials()), redirect_uri });
    const command = start(['--yes', '--redirect-uri', 'http://127.0.0.1:0/callback']);
    const { page, callback } = await pageOf(command);
    expect(callback.pathname).toBe('/callback');
    expect(command.stderr).toContain(redirect_uri);
    await walkThroughPages(page, 'allow');
    expect((await command.ended).exitCode).toBe(0);
    expect(outcome().document).toMatchObject({ redirect_uri, access_token: expect.any(String) });
  });

  test('of the secret names its source if its port is taken', async () => {
    const { sandbox } = deployment;
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const redirect_uri = `http://127.0.0.1:${portOf(other)}/callback`;
    sandbox.putCredentials({ ...(await sandbox.mintCredentials()), redirect_uri });
    const before = outcome();
    const ended = await start(['--yes', `--port=${portOf(other)}`]).ended;
    other.close();
    expect([ended.exitCode, outcome()]).toEqual([2, before]);
    expect(ended.stderr).toContain('redirect_uri');
    expect(ended.stderr).not.toMatch(PAGE_URL);
  });
});

/** The address to which the authorization server sends the browser, not followed. */
async function approve(command: Pick<RunningCommand, 'says'>): Promise<URL> {
  const { page, callback } = await pageOf(command);
  return (await walkThroughPages(page, 'allow', callback.href)).url;
}

describe('a grant in hand', () => {
  test('a denied write is reported before the page opens', async () => {
    const { sandbox } = deployment;
    sandbox.putCredentials(await sandbox.mintCredentials());
    const before = outcome();
    for (const operation of ['PutSecretValue', 'UpdateSecretVersionStage']) {
      sandbox.aws.clearFaults();
      sandbox.aws.inject({ operation, kind: 'access-denied' });
      const ended = await start(['--yes']).ended;
      expect([operation, ended.exitCode, outcome()]).toEqual([operation, 2, before]);
      expect(ended.stderr).not.toMatch(PAGE_URL);
    }
  });

  test('the check of the permission moves no label', async () => {
    const { sandbox } = deployment;
    sandbox.putCredentials(await sandbox.mintCredentials());
    const versions = () => sandbox.aws.secretsManager.peekAll(SECRET_ID);
    const before = versions();
    const command = startProcess(['--yes']);
    await pageOf(command);
    expect(versions()).toEqual(before);
    command.interrupt();
    await command.ended;
  });

  test.each([
    ['stored by a later try', 1, 0, STORED],
    ['reported as not stored', 100, 1, { document: undefined, posts: 1 }],
  ])('without a terminal, is %s', async (_what, times, exitCode, expected) => {
    const { sandbox } = deployment;
    const before = outcome().posts;
    sandbox.aws.inject({ operation: 'PutSecretValue', kind: 'access-denied', times });
    const command = start();
    await walkThroughPages((await pageOf(command)).page, 'allow');
    const ended = await command.ended;
    expectNoStackTrace(ended);
    expect([ended.exitCode, outcome(before)]).toMatchObject([exitCode, expected]);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('is stored before %s ends the command', async (signal) => {
    const { aws } = deployment.sandbox;
    aws.inject({ operation: 'PutSecretValue', kind: 'latency', latencyMs: 500, times: 1 });
    const [before, calls] = [outcome().posts, aws.calls.length];
    const command = startProcess();
    const answer = fetch(await approve(command)).catch(() => undefined);
    await until(() => aws.calls.slice(calls).some(({ operation }) => operation === 'PutSecretValue'));
    command.interrupt(signal);
    expect([(await command.ended).exitCode, outcome(before)]).toMatchObject([130, STORED]);
    await answer;
  });
});

const OWN = { client_id: 'retently-app', client_secret: 'hunter2' };

test.each<[string, object, readonly string[]]>([
  ['of a database', { host: 'db', username: 'u', 'pass\u001bword': 'hunter2' }, ['host', 'username']],
  ['of an application with a host', { ...OWN, host: 'db' }, ['host']],
  ['of another OAuth client', { ...OWN, refresh_token: 'hunter2', token_uri: 'https://x.example' }, ['token_uri']],
  ['of a connector', { credentials: { ...OWN, api_key: 'hunter2' }, start_date: '2026-01-01' }, ['api_key']],
  ['with a member named __proto__', JSON.parse('{"__proto__":{"a":1},"username":"u"}'), ['__proto__']],
  ['with nothing that is known', { note: 'x' }, ['note']],
])('a secret %s is not changed without a question, with --yes neither', async (_what, secret, names) => {
  const { sandbox } = deployment;
  sandbox.aws.secretsManager.putSecretValue({ SecretId: SECRET_ID, SecretString: JSON.stringify(secret) });
  const before = sandbox.aws.secretsManager.getSecretValue({ SecretId: SECRET_ID });
  for (const args of [[], ['--yes']]) {
    const ended = await start(args).ended;
    expect(ended.exitCode).toBe(2);
    for (const name of names) expect(ended.stderr).toContain(name);
    for (const part of ['hunter2', '\u001b', 'client_id']) expect(ended.stderr).not.toContain(part);
    expect(ended.stderr).not.toMatch(PAGE_URL);
  }
  expect(sandbox.aws.secretsManager.getSecretValue({ SecretId: SECRET_ID })).toEqual(before);
});

test.each([[[]], [['--yes']]])('a token secret never gets credentials, with the options %j', async (args) => {
  const { secretsManager } = deployment.sandbox.aws;
  const SecretString = JSON.stringify({ access_token: 'hunter2', token_type: 'bearer' });
  secretsManager.putSecretValue({ SecretId: SECRET_ID, SecretString });
  const ended = await start(args).ended;
  expect([ended.exitCode, PAGE_URL.test(ended.stderr), ended.stderr.includes('hunter2')]).toEqual([2, false, false]);
  expect(secretsManager.getSecretValue({ SecretId: SECRET_ID })).toMatchObject({ SecretString });
});

test.each(['', '{}'])(
  'a token secret with the value %j, which a function names, never gets credentials',
  async (value) => {
    const { sandbox, server } = deployment;
    const { secretsManager } = sandbox.aws;
    const own = server.functions.get(FUNCTION_NAME);
    if (own === undefined) throw new Error('The function is deployed.');
    server.functions.set(FUNCTION_NAME, {
      ...own,
      environment: {
        ...own.environment,
        [ENVIRONMENT.credentialsSecretId]: 'another',
        [ENVIRONMENT.tokenSecretId]: SECRET_ID,
      },
    });
    try {
      if (value !== '') secretsManager.putSecretValue({ SecretId: SECRET_ID, SecretString: value });
      const ended = await start(['--yes']).ended;
      expect([ended.exitCode, PAGE_URL.test(ended.stderr)]).toEqual([2, false]);
      expect(secretsManager.peekAll(SECRET_ID)).toHaveLength(value === '' ? 0 : 1);
    } finally {
      server.functions.set(FUNCTION_NAME, own);
    }
  },
);

test.each([true, false])(
  'a replica is rejected before the page opens, whether it has a value: %s',
  async (hasValue) => {
    const { sandbox } = deployment;
    if (hasValue) sandbox.putCredentials(await sandbox.mintCredentials());
    sandbox.aws.secretsManager.makeReplica(SECRET_ID, 'eu-west-1');
    const ended = await start(['--yes']).ended;
    expect([ended.exitCode, PAGE_URL.test(ended.stderr)]).toEqual([2, false]);
    expect(ended.stderr).toContain('--region eu-west-1');
  },
);

test('a secret in which the function has refreshed a token may hold other members', async () => {
  const { sandbox } = deployment;
  const document = { ...(await sandbox.mintCredentials()), spent_refresh_token_sha256: 'x', note: 'kept' };
  sandbox.putCredentials(document);
  const command = start(['--yes']);
  await walkThroughPages((await pageOf(command)).page, 'allow');
  expect((await command.ended).exitCode).toBe(0);
  expect(outcome().document).toMatchObject({ note: 'kept', access_token: expect.any(String) });
});

test('the place is named before the page opens', async () => {
  const command = startProcess();
  await pageOf(command);
  for (const part of [/\b\d{12}\b/, 'us-east-1', SECRET_ID, deployment.sandbox.tokenEndpoint.url]) {
    expect(command.stderr).toMatch(part);
  }
  command.interrupt();
  await command.ended;
});

test.each([
  ['quotes', (url: URL) => `"${url.href}"`],
  ['a shell’s escapes', (url: URL) => url.href.replaceAll(/[?&=]/g, '\\$&')],
  ['white space and a wrapped line', (url: URL) => `  ${url.href.slice(0, 40)}\n  ${url.href.slice(40)} `],
  ['only the parameters', (url: URL) => url.search.slice(1)],
  ['HTML', (url: URL) => `<${url.href.replaceAll('&', '&amp;')}>`],
  ['backticks', ({ href }) => `\`${href}\``],
  ['brackets', ({ href }) => `(${href})`],
  ['the end of a sentence', ({ href }) => `${href}.`],
  ['invisible characters', ({ href }) => href.replace('&', '\u200b&\u2060')],
])('a pasted address is read with %s', (_what, paste) => {
  const request = { state: 'the-state', redirectUri: 'https://client.example/callback' };
  const url = new URL('https://client.example/callback?code=the-code&state=the-state');
  expect(readPastedAnswer(paste(url), request)).toEqual(url);
});

test.each(['.', ')', '),', '!', '];'])('a pasted address whose code is last is read with %j behind it', (end) => {
  const url = 'https://client.example/callback?state=the-state&code=the.code';
  const answer = readPastedAnswer(`(${url}${end}`, {
    state: 'the-state',
    redirectUri: 'https://client.example/callback',
  });
  expect(answer).toEqual(new URL(url));
});

test.each([
  '',
  'hello',
  'https://client.example/callback',
  'code=x',
  'code=x&state=old',
  'state=the-state',
  'code=x&state=the-state&state=old',
  'code=x&code=y&state=the-state',
  'code=&state=the-state',
])('the command asks again for %j', (pasted) => {
  const request = { state: 'the-state', redirectUri: 'https://client.example/callback' };
  expect(readPastedAnswer(pasted, request)).toEqual(expect.any(String));
});

/** A port of this machine on which no program listens. */
async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('a token endpoint that cannot be connected to is reported before the page opens', () => {
  test.each<[string, (port: number) => string, string]>([
    ['nothing listens', (port) => `http://127.0.0.1:${port}/token`, 'ECONNREFUSED'],
    ['nothing listens on IPv6', (port) => `http://[::1]:${port}/token`, 'ECONN|EADDRNOTAVAIL'],
  ])('%s', async (_what, toUrl, code) => {
    const before = outcome();
    const ended = await start(['--token-endpoint', toUrl(await findFreePort())]).ended;
    expect([ended.exitCode, outcome()]).toEqual([2, before]);
    expect(ended.stderr).toMatch(new RegExp(`\\((${code})`));
    expect(ended.stderr).not.toMatch(PAGE_URL);
  });

  test.each<[string, () => Server, RegExp]>([
    ['a certificate that nothing vouches for', () => createHttpsServer(createSelfSignedCertificate()), /SIGNED|LEAF/],
    ['no TLS', () => createHttpServer(), /SSL|EPROTO/],
    ['a connection that is reset', () => createServer((socket) => socket.resetAndDestroy()), /ECONNRESET/],
  ])('%s', async (_what, create, code) => {
    const server = create().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const before = outcome();
    const ended = await start(['--token-endpoint', `https://127.0.0.1:${portOf(server)}/token`]).ended;
    server.close();
    expect([ended.exitCode, outcome()]).toEqual([2, before]);
    expect(ended.stderr).toMatch(code);
    expect(ended.stderr).not.toMatch(PAGE_URL);
  });

  test.each([
    ['ENOTFOUND', 'ENOTFOUND'],
    ['EAI_AGAIN', 'ENOTFOUND'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['EHOSTUNREACH', 'ETIMEDOUT'],
  ])('%s is of the kind of %s, and of no other', (code, sameKind) => {
    const KINDS = ['ENOTFOUND', 'ERR_TLS_CERT_ALTNAME_INVALID', 'ECONNREFUSED', 'ETIMEDOUT'];
    const adviceFor = (name: string) => {
      const cause = Object.assign(new Error('with a secret'), { code: name });
      return explainNetworkFailure(new TypeError('fetch failed', { cause }));
    };
    expect(adviceFor(code).code).toBe(code);
    expect(KINDS.filter((kind) => adviceFor(kind).advice === adviceFor(code).advice)).toEqual([sameKind]);
  });
});

const TOKENS = { access_token: 'access-token-of-the-grant', refresh_token: 'refresh-token-of-the-grant' };
const MEBIBYTE = 1024 * 1024;

describe('the answer to a code', () => {
  const rawAnswer = (head: string, body = JSON.stringify(TOKENS)): Step => ({
    raw: Buffer.from(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`),
  });
  const kept = { exitCode: 0, document: TOKENS };
  const lost = { exitCode: 1, document: undefined };

  test.each<[string, Step, { exitCode: number; document: object | undefined }]>([
    ['two mebibytes behind the tokens', { status: 200, body: { ...TOKENS, more: 'x'.repeat(2 * MEBIBYTE) } }, kept],
    ['an id_token of 17,000 characters', { status: 200, body: { id_token: 'x'.repeat(17_000), ...TOKENS } }, kept],
    ['gzip without a content-encoding', { status: 200, body: gzipSync(JSON.stringify(TOKENS)) }, kept],
    ['a form', { status: 200, body: new URLSearchParams(TOKENS).toString() }, kept],
    ['an envelope', { status: 200, body: { status: 'ok', data: TOKENS } }, kept],
    ['headers of 100 KiB', rawAnswer(`x: ${'y'.repeat(100 * 1024)}`), kept],
    ['a body that ends early but whole', rawAnswer('content-length: 9999'), kept],
    [
      'an access token that does not fit into the secret',
      { status: 200, body: { ...TOKENS, access_token: 'x'.repeat(66_000) } },
      { exitCode: 0, document: { refresh_token: TOKENS.refresh_token } },
    ],
    [
      'a lifetime of the refresh token',
      { status: 200, body: { ...TOKENS, refresh_token_expires_in: 86_400 } },
      { exitCode: 0, document: { ...TOKENS, refresh_token_expires_at: expect.any(String) } },
    ],
    ['a body without an end', 'endless-body', lost],
    ['the tokens behind two mebibytes', { status: 200, body: { more: 'x'.repeat(2 * MEBIBYTE), ...TOKENS } }, lost],
    ['a body that is cut before the refresh token', rawAnswer('', JSON.stringify(TOKENS).slice(0, 40)), lost],
    ['no refresh token', { status: 200, body: { access_token: TOKENS.access_token } }, lost],
    ['a reset', 'reset', lost],
    ['HTML', { status: 200, body: '<html>private</html>' }, lost],
    ['a redirect', { status: 302, headers: { location: '/elsewhere' } }, lost],
  ])('%s', async (_what, answer, { exitCode, document }) => {
    deployment.sandbox.tokenEndpoint.play(answer);
    const before = outcome().posts;
    const command = start();
    await walkThroughPages((await pageOf(command)).page, 'allow');
    const ended = await command.ended;
    expectNoStackTrace(ended);
    expect(ended.stderr).not.toContain('private');
    const { client_id, client_secret, token_type, ...tokens } = outcome().document ?? {};
    expect([ended.exitCode, tokens, outcome(before).posts]).toEqual([exitCode, document ?? {}, 1]);
  });

  test('the server is gone when the code comes', async () => {
    const endpoint = await startScriptedTokenEndpoint(['forward']);
    const command = start(['--token-endpoint', endpoint.url]);
    const { page } = await pageOf(command);
    await endpoint.close();
    await walkThroughPages(page, 'allow');
    const ended = await command.ended;
    expect([ended.exitCode, outcome().document]).toEqual([1, undefined]);
    expect(ended.stderr).toContain('ECONNREFUSED');
  });
});

describe('AWS settings resolve as in AWS CLI 2', () => {
  const CONFIG = `
[default]
region = eu-west-1
[profile ops]
region = eu-west-2
aws_access_key_id = OFPROFILE
aws_secret_access_key = x
[profile mfa]
region = eu-west-2
role_arn = arn:aws:iam::123456789012:role/ops
source_profile = ops
mfa_serial = arn:aws:iam::123456789012:mfa/me
`;
  const WITHOUT_KEYS = `
[profile chain]
role_arn = arn:aws:iam::123456789012:role/ops
source_profile = nope
[profile keyless]
region = eu-west-2
[profile program]
credential_process = false
`;
  const KEYS = { AWS_ACCESS_KEY_ID: 'OFENVIRONMENT', AWS_SECRET_ACCESS_KEY: 'x' };
  const NO_KEYS = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
  const NO_REGION = { AWS_REGION: undefined };

  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'aws-settings-'));
    writeFileSync(join(home, 'config'), CONFIG + WITHOUT_KEYS);
  });
  afterAll(() => rmSync(home, { recursive: true }));

  const status = (args: readonly string[], environment: Readonly<Record<string, string | undefined>>) =>
    runCommand(['status', ...args], {
      ...deployment.environment,
      AWS_CONFIG_FILE: join(home, 'config'),
      ...environment,
    });

  test.each<[string, readonly string[], Readonly<Record<string, string | undefined>>, string, string]>([
    ['keys before AWS_PROFILE', [], { ...KEYS, AWS_PROFILE: 'ops' }, 'OFENVIRONMENT', 'us-east-1'],
    ['--profile before keys', ['--profile', 'ops'], KEYS, 'OFPROFILE', 'us-east-1'],
    ['AWS_PROFILE without keys', [], { ...NO_KEYS, AWS_PROFILE: 'ops' }, 'OFPROFILE', 'us-east-1'],
    [
      'AWS_DEFAULT_REGION',
      [],
      { ...KEYS, ...NO_REGION, AWS_DEFAULT_REGION: 'ap-south-1' },
      'OFENVIRONMENT',
      'ap-south-1',
    ],
    ['region of AWS_PROFILE', [], { ...KEYS, ...NO_REGION, AWS_PROFILE: 'ops' }, 'OFENVIRONMENT', 'eu-west-2'],
    [
      '--region',
      ['--region', 'ap-south-2'],
      { ...KEYS, AWS_DEFAULT_REGION: 'ap-south-1' },
      'OFENVIRONMENT',
      'ap-south-2',
    ],
  ])('%s', async (_what, args, environment, key, region) => {
    const variables = {
      ...deployment.environment,
      AWS_CONFIG_FILE: join(home, 'config'),
      AWS_REGION: 'us-east-1',
      ...environment,
    };
    const authorizations: string[] = [];
    const server = createHttpServer((request, response) => {
      authorizations.push(request.headers.authorization ?? '');
      response.writeHead(403, { 'content-type': 'application/json' }).end('{"__type":"AccessDenied"}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    await runCommand(['status', ...args], { ...variables, AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` });
    server.close();
    expect(authorizations[0]).toContain(`Credential=${key}/`);
    expect(authorizations[0]).toContain(`/${region}/`);
  });

  test.each([
    ['a profile that does not exist', ['--profile', 'nope'], { ...NO_REGION }, 'nope'],
    ['AWS_PROFILE that does not exist, beside keys', [], { ...NO_REGION, AWS_PROFILE: 'nope' }, 'nope'],
    ['a profile with MFA', ['--profile', 'mfa'], NO_KEYS, 'export-credentials'],
    [
      'only one of two keys, beside a profile',
      [],
      { ...NO_KEYS, AWS_ACCESS_KEY_ID: 'OFENVIRONMENT', AWS_PROFILE: 'ops' },
      'AWS_SECRET_ACCESS_KEY',
    ],
    ['a profile whose source is missing', ['--profile', 'chain'], NO_KEYS, 'get-caller-identity --profile chain'],
    ['a profile without keys', ['--profile', 'keyless'], NO_KEYS, 'get-caller-identity --profile keyless'],
    ['a program that gives no keys', ['--profile', 'program'], NO_KEYS, 'get-caller-identity --profile program'],
  ])('%s', async (_what, args, environment, word) => {
    const ended = await status(args, environment);
    expect([ended.exitCode, ended.stdout]).toEqual([2, '']);
    expect(ended.stderr).toContain(word);
  });
});
