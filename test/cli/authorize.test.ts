import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../lambda/core/fingerprint.ts';
import { startLoopbackServer } from '../sandbox/loopback-server.ts';
import type { Step } from '../sandbox/oauth/scripted-token-endpoint.ts';
import { SECRET_ID } from '../sandbox/sandbox.ts';
import { CommandHere, type Ended, RunningCommand } from '../support/command.ts';
import { expectNothingSecret, PAGE_URL } from '../support/command-secrets.ts';
import { type SandboxDeployment, STACK_NAME, startDeployment } from '../support/deployment.ts';
import { until } from '../support/in-sandbox.ts';
import { type Choice, type LastResponse, walkThroughPages } from '../support/plain-browser.ts';

let deployment: SandboxDeployment;
const screens: string[] = [];

beforeAll(async () => {
  deployment = await startDeployment();
});

beforeEach(() => {
  const { sandbox, server } = deployment;
  sandbox.aws.clearFaults();
  sandbox.tokenEndpoint.play('forward');
  sandbox.recreateSecret();
  server.stacks.clear();
  server.invocations.length = 0;
  deployment.addStack(STACK_NAME);
});

afterAll(async () => {
  await using ending = deployment;
  expectNothingSecret(ending, screens.join('\n'));
});

type Environment = Readonly<Record<string, string | undefined>>;

function start(args: readonly string[] = [], environment: Environment = {}) {
  const command = new CommandHere(['authorize', ...deployment.browserOptions, ...args], {
    ...deployment.environment,
    ...environment,
  });
  void command.ended.then(({ stdout, stderr }) => screens.push(stdout, stderr));
  return command;
}

/** Starts the command in its own process, which a signal can reach. */
function startProcess(args: readonly string[] = [], environment: Environment = {}): RunningCommand {
  const command = new RunningCommand(['authorize', ...deployment.browserOptions, ...args], {
    ...deployment.environment,
    ...environment,
  });
  void command.ended.then(({ stdout, stderr }) => screens.push(stdout, stderr));
  return command;
}

async function run(args: readonly string[] = [], environment: Environment = {}): Promise<Ended> {
  return await start(args, environment).ended;
}

/** Runs the command, and a browser that goes through the pages after `meanwhile`. */
async function authorize(
  args: readonly string[] = [],
  { choice = 'allow', meanwhile = () => undefined }: { choice?: Choice; meanwhile?: () => unknown } = {},
): Promise<Ended & { lastPage: LastResponse }> {
  const command = start(args);
  const url = await command.says(PAGE_URL);
  await meanwhile();
  const lastPage = await walkThroughPages(url, choice);
  screens.push(lastPage.body);
  return { ...(await command.ended), lastPage };
}

/** Without a function, which would name the token endpoint. */
function secretOptions(): readonly string[] {
  return ['--secret-id', SECRET_ID, '--token-endpoint', deployment.sandbox.tokenEndpoint.url];
}

function current(): Record<string, unknown> {
  return deployment.sandbox.readVersion('AWSCURRENT')?.document ?? {};
}

function versions(): readonly string[] {
  return deployment.sandbox.aws.secretsManager.peekAll(SECRET_ID).map(({ id }) => id);
}

/** The exit code, values and option names that the message must name, no stack trace, and nothing written. */
function expectRefused({ exitCode, stdout, stderr }: Ended, code: number, ...named: readonly string[]): void {
  for (const word of named) expect(stderr).toContain(word);
  expect(`${stdout}${stderr}`).not.toMatch(/\n\s+at |Error:/);
  expect(exitCode).toBe(code);
  expect(versions()).toHaveLength(0);
}

describe('authorize checks AWS first', () => {
  test('no AWS credentials', async () => {
    const ended = await run([], { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined });
    expectRefused(ended, 2, 'aws sso login');
    expect(ended.stderr).not.toMatch(PAGE_URL);
  });

  test('an SSO session that has expired', async () => {
    const home = mkdtempSync(join(tmpdir(), 'expired-sso-'));
    try {
      const startUrl = 'https://example.invalid/start';
      const cache = join(home, '.aws/sso/cache');
      mkdirSync(cache, { recursive: true });
      const { hash } = await import('node:crypto');
      const expired = { accessToken: 'gone', expiresAt: '2020-01-01T00:00:00Z' };
      writeFileSync(join(cache, `${hash('sha1', startUrl)}.json`), JSON.stringify(expired));
      const profile = `sso_start_url = ${startUrl}\nsso_region = us-east-1\nsso_account_id = 123456789012\nsso_role_name = ops`;
      writeFileSync(join(home, 'config'), `[profile ops]\n${profile}\n`);
      const environment = { HOME: home, AWS_CONFIG_FILE: join(home, 'config') };
      const ended = await run(['--profile', 'ops'], environment);
      expectRefused(ended, 2, 'aws sso login --profile ops');
    } finally {
      rmSync(home, { recursive: true });
    }
  });

  test.each([
    ['ExpiredToken', 'aws sso login'],
    ['AccessDenied', '--profile'],
  ])('%s', async (code, word) => {
    deployment.server.refuseWith = { status: 403, code };
    try {
      expectRefused(await run(), 2, word);
    } finally {
      deployment.server.refuseWith = undefined;
    }
  });

  test.each([undefined, ''])('no region: %j', async (region) => {
    expectRefused(await run([], { AWS_REGION: region }), 2, '--region', 'AWS_REGION');
  });

  test('a region without a stack', async () => {
    deployment.server.stacks.clear();
    expectRefused(await run(['--region', 'eu-west-3']), 2, 'eu-west-3', '--region');
  });

  test('several stacks', async () => {
    deployment.addStack(`${STACK_NAME}-emea`);
    expectRefused(await run(), 2, STACK_NAME, `${STACK_NAME}-emea`, '--stack');
  });

  test.each([[['--stack', 'Elsewhere']], [['--function-name', 'elsewhere']], [['--secret-id', 'elsewhere']]])(
    '%j, which does not exist',
    async (args) => {
      expectRefused(await run(args), 2, ...args.slice(1), 'us-east-1');
    },
  );

  test('the account of the credentials, if neither a secret nor a function names it', async () => {
    const args = ['--secret-id', 'acme', '--tag', 'retently=emea', '--token-endpoint', 'http://127.0.0.1:9/token'];
    expectRefused(await run(args, { AWS_ACCOUNT_ID: '210987654321' }), 2, 'AWS account 210987654321, region us-east-1');
    expectRefused(await run(args), 2, 'AWS account unknown');
  });

  test('a stack without a function of this project', async () => {
    deployment.server.stacks.set('Other', { resources: [] });
    expectRefused(await run(['--stack', 'Other']), 2, 'Other', '--stack');
  });

  test('a secret that is scheduled for deletion', async () => {
    deployment.sandbox.aws.secretsManager.deleteSecret({ SecretId: SECRET_ID });
    const command = `aws secretsmanager restore-secret --secret-id ${SECRET_ID} --region us-east-1`;
    expect(await run(['--region', 'us-east-1'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(command),
    });
  });

  test('a secret that is not JSON', async () => {
    const request = { SecretId: SECRET_ID, SecretString: 'not JSON, and private' };
    deployment.sandbox.aws.secretsManager.putSecretValue(request);
    const ended = await run();
    expect(ended).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('#credentials-invalid') });
    expect(ended.stderr).not.toContain('private');
  });
});

describe('authorize reports what is wrong with its input', () => {
  test.each([
    [['--port', '70000']],
    [['--port', '8976x']],
    [['--redirect-uri', 'http://example.com/callback']],
    [['--redirect-uri', 'http://127.0.0.1:8976/callback#x']],
    [['--token-endpoint', 'http://example.com/token']],
    [['--wait-seconds', 'soon']],
    [['--tag', 'retently']],
    [['--secret-id', 'acme inc']],
    [['--secret-id', 'arn:aws:secretsmanager:us-east-1:000000000000:secret:acme inc']],
    [['--client-secret', 'x']],
  ])('%j', async (args) => {
    expectRefused(await run(args), 2, ...args.slice(0, 1));
  });

  test('a secret that is not the one of the function', async () => {
    expectRefused(await run(['--stack', STACK_NAME, '--secret-id', 'another']), 2, SECRET_ID, 'another');
  });

  test('a redirect URI that leads elsewhere, without a terminal to paste on', async () => {
    const ended = await run(['--redirect-uri', 'https://client.example/callback']);
    expectRefused(ended, 2, 'https://client.example/callback');
  });

  test('a port that is taken', async () => {
    await using taken = await startLoopbackServer(() => undefined);
    const { port } = new URL(taken.url);
    expectRefused(await run(['--port', port]), 2, port, '--port');
  });

  test.each([
    [[], { RETENTLY_CLIENT_ID: '' }, 'RETENTLY_CLIENT_ID'],
    [['--manual'], {}, '--manual'],
  ])('%j without a terminal', async (args, environment, word) => {
    expectRefused(await run(args, environment), 2, word);
  });

  test('credentials that may still work, without a terminal and without --yes', async () => {
    deployment.sandbox.putCredentials(await deployment.sandbox.mintCredentials());
    const before = current();
    const ended = await run();
    expect(ended).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--yes'),
    });
    expect(current()).toEqual(before);
  });
});

describe('authorize stores nothing if', () => {
  test('the user denies', async () => {
    const ended = await authorize([], { choice: 'deny' });
    expectRefused(ended, 1);
    expect(ended.lastPage.status).toBe(400);
  });

  test('the state differs, and keeps waiting', async () => {
    const command = startProcess();
    const url = new URL(await command.says(PAGE_URL));
    const callback = url.searchParams.get('redirect_uri');
    const lastPage = await walkThroughPages(`${callback}?code=somebody-elses-code&state=forged`, 'allow');
    expect(lastPage.status).toBe(400);
    expect(lastPage.body).not.toContain('forged');
    command.interrupt();
    expectRefused(await command.ended, 130);
  });

  test.each<[string, Step, readonly string[]]>([
    ['no refresh token', { status: 200, body: { access_token: 'a'.repeat(30), token_type: 'Bearer' } }, []],
    ['an error', { status: 400, body: { error: 'invalid_grant' } }, ['400', 'invalid_grant']],
    ['a wrong client', { status: 401, body: { error: 'invalid_client' } }, ['401', 'invalid_client']],
    ['a page', { status: 502, headers: { 'content-type': 'text/html' }, body: '<p>private</p>' }, ['502']],
  ])('the answer to the code is %s', async (_what, answer, words) => {
    deployment.sandbox.tokenEndpoint.play(answer);
    expectRefused(await authorize(), 1, ...words);
  });

  test('the connection breaks instead of an answer', async () => {
    deployment.sandbox.tokenEndpoint.play('reset');
    expectRefused(await authorize(), 1, '(ECONNRESET)');
  });

  test('no browser comes back', async () => {
    expectRefused(await run(['--wait-seconds', '0']), 1, '--manual');
  });

  test('Ctrl-C comes while it waits for the browser', async () => {
    const command = startProcess();
    await command.says(PAGE_URL);
    command.interrupt();
    expectRefused(await command.ended, 130);
  });

  test('someone else stores credentials meanwhile', async () => {
    const others = await deployment.sandbox.mintCredentials();
    const ended = await authorize([], { meanwhile: () => deployment.sandbox.putCredentials(others) });
    expect(ended.exitCode).toBe(1);
    expect(current()).toEqual(others);
  });
});

describe('authorize stores the document by compare-and-swap', () => {
  test('with every other member kept, in the shape in which it was found', async () => {
    const { sandbox } = deployment;
    const { client_id, client_secret, refresh_token } = await sandbox.mintCredentials();
    const credentials = {
      auth_type: 'Client',
      client_id,
      client_secret,
      refresh_token,
      spent_refresh_token_sha256: 'x',
    };
    sandbox.putCredentials({ start_date: '2026-01-01', credentials });
    const ended = await authorize(['--yes', ...secretOptions()]);
    expect(ended.exitCode).toBe(0);
    expect(current()).toEqual({
      start_date: '2026-01-01',
      credentials: {
        auth_type: 'Client',
        client_id,
        client_secret,
        refresh_token: expect.not.stringMatching(refresh_token),
        access_token: expect.any(String),
        token_type: 'Bearer',
        expires_at: expect.any(String),
        refreshed_at: expect.any(String),
      },
    });
    expect(deployment.server.invocations).toEqual([]);
  });

  test('after a look at the function, with its own refresh meanwhile', async () => {
    const { sandbox, lambda } = deployment;
    const minted = await sandbox.mintCredentials();
    sandbox.putCredentials(minted);
    const ended = await authorize(['--yes', '--stack', STACK_NAME], { meanwhile: () => lambda.invoke({}) });
    expect(ended).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^refreshed: /) });
    // The last refresh used the new grant's token, not the old one's.
    expect(current()['spent_refresh_token_sha256']).not.toBe(sha256(minted.refresh_token));
    expect(deployment.server.invocations).toMatchObject([
      { event: { action: 'status' } },
      { event: { action: 'refresh', force: true } },
      { event: { action: 'status' } },
    ]);
  });

  test('with PKCE although the server announces none, and without a lifetime if the answer has none', async () => {
    const { tokenEndpoint } = deployment.sandbox;
    const answer = { access_token: 'access-token-of-a-server-without-metadata', refresh_token: 'its-refresh-token' };
    tokenEndpoint.play({ status: 200, body: answer });
    // The later one of two such options counts; nothing else is at this origin.
    const authorizationEndpoint = `${new URL(tokenEndpoint.url).origin}/api/oauth/authorize`;
    const command = start([...secretOptions(), '--authorization-endpoint', authorizationEndpoint]);
    const page = new URL(await command.says(PAGE_URL)).searchParams;
    expect([...page.keys()].sort()).toEqual([
      'client_id',
      'code_challenge',
      'code_challenge_method',
      'redirect_uri',
      'response_type',
      'state',
    ]);
    const parameters = { code: 'the-code-that-came', state: page.get('state') ?? '', iss: 'https://elsewhere.invalid' };
    await fetch(`${page.get('redirect_uri')}?${new URLSearchParams(parameters)}`);
    expect((await command.ended).exitCode).toBe(0);
    const { client_id, client_secret, ...tokens } = current();
    expect(tokens).toEqual({ ...answer, token_type: 'Bearer' });
    expect([client_id, client_secret]).toEqual([page.get('client_id'), expect.any(String)]);
    expect(tokenEndpoint.requests.at(-1)?.form).toEqual({
      grant_type: 'authorization_code',
      code: parameters.code,
      code_verifier: expect.any(String),
      redirect_uri: page.get('redirect_uri'),
      client_id,
      client_secret,
    });
  });

  test('again, if someone edits another member between the read and the swap', async () => {
    const { sandbox } = deployment;
    const minted = await sandbox.mintCredentials();
    sandbox.putCredentials(minted);
    sandbox.aws.inject({ operation: 'UpdateSecretVersionStage', kind: 'latency', latencyMs: 300, times: 1, skip: 1 });
    const calls = sandbox.aws.calls.length;
    const editing = until(
      () =>
        // The first one tests the permission.
        sandbox.aws.calls.slice(calls).filter(({ operation }) => operation === 'PutSecretValue').length > 1,
    ).then(() => sandbox.putCredentials({ ...minted, note: 'edited' }));
    const ended = await authorize(['--yes', ...secretOptions()]);
    await editing;
    expect(ended.exitCode).toBe(0);
    expect(current()).toMatchObject({ note: 'edited', access_token: expect.any(String) });
  });

  test('to its end, if Ctrl-C comes while it is stored', async () => {
    const { aws } = deployment.sandbox;
    aws.inject({ operation: 'PutSecretValue', kind: 'latency', latencyMs: 500 });
    const calls = aws.calls.length;
    const command = startProcess(secretOptions());
    const walking = walkThroughPages(await command.says(PAGE_URL), 'allow');
    await until(() => aws.calls.slice(calls).some(({ operation }) => operation === 'PutSecretValue'));
    command.interrupt();
    expect((await walking).status).toBe(200);
    expect((await command.ended).exitCode).toBe(130);
    expect(current()).toMatchObject({ refresh_token: expect.any(String) });
  });

  test('once, although the browser brings its code twice', async () => {
    const command = start();
    const url = await command.says(PAGE_URL);
    const callback = new URL(url).searchParams.get('redirect_uri') ?? '';
    const redirect = await walkThroughPages(url, 'allow', callback);
    const bringCode = () => fetch(redirect.url, { redirect: 'manual' });
    const [first, second] = await Promise.all([bringCode(), bringCode()]);
    expect([first.status, second.status]).toEqual([303, 303]);
    const lastPage = await fetch(new URL(second.headers.get('location') ?? '', callback));
    expect(lastPage.status).toBe(200);
    expect((await command.ended).exitCode).toBe(0);
    expect(versions()).toHaveLength(3);
  });

  test('without a question, if Retently rejected the refresh token; the result with --json is one line', async () => {
    const { sandbox, lambda } = deployment;
    sandbox.putCredentials(await sandbox.mintCredentials());
    sandbox.authorizationServer.revoke();
    await lambda.invoke({});
    const ended = await authorize(['--json']);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      stored: { secretId: SECRET_ID, versionId: expect.any(String) },
      result: { outcome: 'refreshed' },
      fault: null,
    });
  });

  test('and ends with 1 if the refresh that should prove it fails', async () => {
    const { sandbox } = deployment;
    sandbox.tokenEndpoint.play('forward', { status: 401, body: { error: 'invalid_client' } });
    const ended = await authorize(['--stack', STACK_NAME]);
    expect(ended).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('CLIENT_REJECTED') });
    expect(current()).toMatchObject({ refresh_token: expect.any(String) });
  });
});

test('opens a browser, or continues if there is none to open', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'browser-'));
  try {
    const opened = join(directory, 'opened');
    writeFileSync(
      join(directory, 'xdg-open'),
      `#!/bin/sh\n/usr/bin/env > ${opened}.env\nprintf %s "$1" > ${opened}\n`,
      { mode: 0o755 },
    );
    const options = deployment.browserOptions.filter((option) => option !== '--no-open');
    for (const PATH of [directory, '/nonexistent']) {
      const command = new RunningCommand(['authorize', ...options], { ...deployment.environment, PATH });
      const url = await command.says(PAGE_URL);
      if (PATH === directory) await until(() => existsSync(opened) && readFileSync(opened, 'utf8') === url);
      if (PATH === directory) expect(readFileSync(`${opened}.env`, 'utf8')).not.toMatch(/^(AWS|RETENTLY)_/m);
      await walkThroughPages(url, 'deny');
      expect((await command.ended).exitCode).toBe(1);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the redirect listener accepts only the answer of an authorization', async () => {
  const command = startProcess();
  const callback = new URL(new URL(await command.says(PAGE_URL)).searchParams.get('redirect_uri') ?? '');
  for (const path of ['/favicon.ico', '/callback', '/callback?state=x']) {
    const response = await fetch(new URL(path, callback));
    expect([path, response.status]).toEqual([path, 404]);
  }
  command.interrupt();
  expect((await command.ended).exitCode).toBe(130);
});
