import { stripVTControlCharacters } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FLEET_TAG } from '../sandbox/fleet.ts';
import { type Ended, RunningCommand } from '../support/command.ts';
import { CommandInTerminal, CTRL_C, ENTER, isPythonInstalled } from '../support/command-in-terminal.ts';
import { expectNothingSecret, PAGE_URL } from '../support/command-secrets.ts';
import { type SandboxDeployment, STACK_NAME, startDeployment } from '../support/deployment.ts';
import { deployFleet, FLEET_NAME, REFRESH_NAME, type SandboxFleet } from '../support/fleet.ts';
import { walkThroughPages } from '../support/plain-browser.ts';

const SECRET = 'acme';
/** Questions name account, region, stack and secret. */
const PLACE = ['123456789012', 'us-east-1', FLEET_NAME, SECRET];

let deployment: SandboxDeployment;
let fleet: SandboxFleet;
const screens: string[] = [];

beforeAll(async () => {
  deployment = await startDeployment();
  fleet = await deployFleet(deployment);
});

beforeEach(() => {
  const { sandbox, server } = deployment;
  sandbox.aws.clearFaults();
  sandbox.tokenEndpoint.play('forward');
  sandbox.recreateSecret();
  server.invocations.length = 0;
  server.stacks.clear();
  fleet.addStack(FLEET_NAME, FLEET_TAG);
});

afterEach(() => {
  fleet.clear();
  deployment.sandbox.aws.secretsManager.deleteSecret({ SecretId: SECRET, ForceDeleteWithoutRecovery: true });
});

afterAll(async () => {
  await using ending = deployment;
  await fleet[Symbol.asyncDispose]();
  expectNothingSecret(ending, screens.join('\n'));
});

function start(args: readonly string[]): RunningCommand {
  const command = new RunningCommand(['authorize', ...deployment.browserOptions, ...args], deployment.environment);
  void command.ended.then(({ stdout, stderr }) => screens.push(stdout, stderr));
  return command;
}

async function authorize(args: readonly string[], meanwhile: () => unknown = () => undefined): Promise<Ended> {
  const command = start(args);
  const url = await command.says(PAGE_URL);
  await meanwhile();
  await walkThroughPages(url, 'allow');
  return await command.ended;
}

/** `undefined` if there is no such secret. */
function tagsOf(name: string): Readonly<Record<string, string>> | undefined {
  const { secretsManager } = deployment.sandbox.aws;
  const isThere = secretsManager.listSecrets({}).SecretList.some(({ Name }) => Name === name);
  if (!isThere) return undefined;
  const { Tags = [] } = secretsManager.describeSecret({ SecretId: name });
  return Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]));
}

function versionsOf(name: string): number {
  return deployment.sandbox.aws.secretsManager.peekAll(name).length;
}

function arnOf(name: string): string {
  return deployment.sandbox.aws.secretsManager.arnOf(name);
}

function putTags(tags: Readonly<Record<string, string>>): void {
  const { secretsManager } = deployment.sandbox.aws;
  secretsManager.createSecret({ Name: SECRET });
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  secretsManager.tagResource({ SecretId: SECRET, Tags });
}

/** AWS's calls of the command and of the function, since `from`. */
function callsSince(from: number): readonly string[] {
  return deployment.sandbox.aws.calls.slice(from).map(({ operation }) => operation);
}

/** The exit code, and values and option names that the message must name; no page was opened. */
function expectRefused({ exitCode, stderr }: Ended, code: number, ...named: readonly string[]): void {
  for (const word of named) expect(stderr).toContain(word);
  expect(stderr).not.toMatch(PAGE_URL);
  expect(exitCode).toBe(code);
  expect(deployment.server.invocations).toEqual([]);
}

describe('authorize in a fleet', () => {
  test.each([
    ['named by its stack', ['--stack', FLEET_NAME]],
    ['that is the only deployment', []],
  ])(
    '%s stores the credentials in the secret, and proves them with the function of the fleet',
    async (_what, stack) => {
      const arn = fleet.createSecret(SECRET);
      const ended = await authorize([...stack, '--secret-id', SECRET, '--json']);
      expect(ended.exitCode).toBe(0);
      expect(JSON.parse(ended.stdout)).toMatchObject({
        stored: { secretId: SECRET },
        result: { outcome: 'refreshed', secretId: arn },
      });
      expect(deployment.server.invocations).toEqual([
        { functionName: REFRESH_NAME, event: { action: 'refresh', force: true, secretId: arn } },
      ]);
    },
  );

  test('asks the function whether the grant in the secret is revoked', async () => {
    const arn = await fleet.createFresh(SECRET);
    deployment.sandbox.tokenEndpoint.play({ status: 400, body: { error: 'invalid_grant' } }, 'forward');
    await fleet.lambda.invoke({ action: 'refresh', force: true, secretId: arn });
    const ended = await authorize(['--secret-id', arn]);
    // Without a question, though there is no --yes.
    expect(ended).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('RetentlyTokenRefreshFleet: acme') });
  });

  test('with --yes creates a secret that is missing, with the tag and the credentials in one call', async () => {
    const from = deployment.sandbox.aws.calls.length;
    const ended = await authorize(['--secret-id', SECRET, '--yes'], () => {
      expect(tagsOf(SECRET)).toBeUndefined();
    });
    const [first] = deployment.sandbox.aws.secretsManager.peekAll(SECRET);
    for (const value of ['acme', 'retently=emea', first?.id]) expect(ended.stderr).toContain(value);
    expect(ended).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^refreshed: /) });
    expect(tagsOf(SECRET)).toEqual({ retently: 'emea' });
    expect(deployment.server.invocations).toMatchObject([
      { event: { action: 'refresh', secretId: arnOf(SECRET) } },
      { event: { action: 'status', secretId: arnOf(SECRET) } },
    ]);
    expect(callsSince(from).slice(0, 2)).toEqual(['DescribeSecret', 'CreateSecret']);
    expect(callsSince(from)).not.toContain('TagResource');
  });

  test('creates it once, although the answer of AWS is lost', async () => {
    deployment.sandbox.aws.inject({ operation: 'CreateSecret', kind: 'drop-after' });
    const ended = await authorize(['--secret-id', SECRET, '--yes']);
    expect(ended.exitCode).toBe(0);
    // What was authorized, and the claim and the answer of the refresh that proves it.
    expect(versionsOf(SECRET)).toBe(3);
  });

  test('gives the tag to a secret that someone else created meanwhile, and stores into it', async () => {
    const create = () => deployment.sandbox.aws.secretsManager.createSecret({ Name: SECRET });
    const ended = await authorize(['--secret-id', SECRET, '--yes'], create);
    expect(ended.exitCode).toBe(0);
    expect(tagsOf(SECRET)).toEqual({ retently: 'emea' });
  });

  test('keeps credentials and tags of a secret that someone else created meanwhile', async () => {
    const others = JSON.stringify(await deployment.sandbox.mintCredentials());
    const create = () => deployment.sandbox.aws.secretsManager.createSecret({ Name: SECRET, SecretString: others });
    const ended = await authorize(['--secret-id', SECRET, '--yes'], create);
    expect(ended.exitCode).toBe(1);
    expect(deployment.sandbox.aws.secretsManager.getSecretValue({ SecretId: SECRET }).SecretString).toBe(others);
    expect(tagsOf(SECRET)).toEqual({});
    expect(versionsOf(SECRET)).toBe(1);
  });

  test('creates nothing if access is denied, or if Ctrl-C comes first', async () => {
    const denied = start(['--secret-id', SECRET, '--yes']);
    await walkThroughPages(await denied.says(PAGE_URL), 'deny');
    expect(await denied.ended).toMatchObject({ exitCode: 1 });
    const stopped = start(['--secret-id', SECRET, '--yes']);
    await stopped.says(PAGE_URL);
    stopped.interrupt();
    expect(await stopped.ended).toMatchObject({ exitCode: 130 });
    expect(tagsOf(SECRET)).toBeUndefined();
  });

  test('with --yes gives the tag to a secret without it, after the credentials', async () => {
    putTags({ retently: 'apac', team: 'feedback' });
    const from = deployment.sandbox.aws.calls.length;
    const ended = await authorize(['--secret-id', SECRET, '--yes']);
    for (const value of ['retently=emea', 'retently=apac']) expect(ended.stderr).toContain(value);
    expect(ended).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^refreshed: /) });
    expect(tagsOf(SECRET)).toEqual({ retently: 'emea', team: 'feedback' });
    const calls = callsSince(from);
    expect(calls.indexOf('TagResource')).toBeGreaterThan(calls.indexOf('PutSecretValue'));
  });

  test('reports that the credentials are stored if the tag is rejected', async () => {
    putTags({});
    deployment.sandbox.aws.inject({ operation: 'TagResource', kind: 'access-denied' });
    const ended = await authorize(['--secret-id', SECRET, '--yes']);
    expect(ended.stderr).toContain('retently=emea');
    expect(versionsOf(SECRET)).toBe(1);
    expect(ended.exitCode).toBe(2);
    expect(deployment.server.invocations).toEqual([]);
  });

  test('that accepts any tag value uses the value of --tag, or none', async () => {
    deployment.server.stacks.clear();
    fleet.addStack(FLEET_NAME, { Key: 'retently' });
    await authorize(['--secret-id', SECRET, '--yes', '--stack', FLEET_NAME]);
    expect(tagsOf(SECRET)).toEqual({ retently: '' });
    deployment.sandbox.aws.secretsManager.deleteSecret({ SecretId: SECRET, ForceDeleteWithoutRecovery: true });
    const ended = await authorize(['--secret-id', SECRET, '--tag', 'retently=apac', '--stack', FLEET_NAME]);
    expect(ended).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^refreshed: /) });
    expect(tagsOf(SECRET)).toEqual({ retently: 'apac' });
  });

  test('that is the only deployment is not used for the tag of another one', async () => {
    const options = ['--token-endpoint', deployment.sandbox.tokenEndpoint.url, '--tag', 'retently=apac'];
    const ended = await authorize(['--secret-id', SECRET, ...options]);
    expect(ended.exitCode).toBe(0);
    expect(tagsOf(SECRET)).toEqual({ retently: 'apac' });
    expect(deployment.server.invocations).toEqual([]);
  });

  test.each<[string, readonly string[], readonly string[]]>([
    ['without --secret-id', [], [FLEET_NAME, '--secret-id', 'us-east-1']],
    [
      'with the tag of another fleet',
      ['--stack', FLEET_NAME, '--secret-id', SECRET, '--tag', 'retently=apac'],
      ['retently=apac', FLEET_NAME, 'retently=emea', '--tag'],
    ],
    ['without a terminal to ask on', ['--secret-id', SECRET], [...PLACE, 'retently=emea', '--yes']],
    [
      'of an ARN that is not there',
      ['--yes', '--secret-id', 'arn:aws:secretsmanager:us-east-1:000000000000:secret:acme-abcdef'],
      ['--secret-id', '--region'],
    ],
    ['with a tag that is none', ['--secret-id', SECRET, '--tag', 'retently'], ['--tag']],
  ])('%s is rejected before a page opens', async (_what, args, named) => {
    expectRefused(await start(args).ended, 2, ...named);
    expect(tagsOf(SECRET)).toBeUndefined();
  });
});

describe('authorize without a fleet', () => {
  beforeEach(() => {
    deployment.server.stacks.clear();
    deployment.addStack(STACK_NAME);
  });

  const secretOptions = () => ['--secret-id', SECRET, '--token-endpoint', deployment.sandbox.tokenEndpoint.url];

  test('creates a secret with --tag, and invokes no function', async () => {
    const ended = await authorize([...secretOptions(), '--tag', 'retently=emea=1']);
    expect(ended.exitCode).toBe(0);
    expect(tagsOf(SECRET)).toEqual({ retently: 'emea=1' });
    expect(deployment.server.invocations).toEqual([]);
  });

  test('rejects a secret that is missing, and explains how to create it', async () => {
    expectRefused(await start(secretOptions()).ended, 2, SECRET, 'us-east-1', '--tag');
  });

  test('also explains that if it may not look for a fleet', async () => {
    putTags({});
    deployment.server.refuseWith = { status: 403, code: 'AccessDenied' };
    try {
      expect(await authorize(secretOptions())).toMatchObject({ exitCode: 0 });
    } finally {
      deployment.server.refuseWith = undefined;
    }
    expect(tagsOf(SECRET)).toEqual({});
  });

  test('rejects --tag for the secret of an account', async () => {
    expectRefused(await start(['--tag', 'retently=emea']).ended, 2, '--tag');
  });
});

const IS_THERE = isPythonInstalled();

describe.skipIf(!IS_THERE)(
  `in a terminal${IS_THERE ? '' : ', SKIPPED: python3, which opens a pseudo-terminal, is not installed here'}`,
  () => {
    const open = (...args: readonly string[]) => {
      const words = ['authorize', ...deployment.browserOptions, '--secret-id', SECRET, ...args];
      const command = new CommandInTerminal(words, deployment.environment);
      void command.exitCode.then(() => screens.push(command.screen));
      return command;
    };

    /** The terminal wraps a question anywhere. */
    const unwrapped = (screen: string) => stripVTControlCharacters(screen).replaceAll(/[\r\n]/g, '');

    test('a secret that is missing is created only after a yes', async () => {
      const [no, stopped, yes] = [open(), open(), open()];
      for (const each of [no, stopped, yes]) await each.shows(/Create it with the tag retently=emea[\s\S]*\?/);
      no.type(ENTER);
      stopped.type(CTRL_C);
      expect(await Promise.all([no.exitCode, stopped.exitCode])).toEqual([1, 130]);
      for (const part of PLACE) expect(unwrapped(no.screen)).toContain(part);
      yes.type(`y${ENTER}`);
      const url = await yes.shows(PAGE_URL);
      expect(tagsOf(SECRET)).toBeUndefined();
      await walkThroughPages(url, 'allow');
      expect(await yes.exitCode).toBe(0);
      expect(tagsOf(SECRET)).toEqual({ retently: 'emea' });
    });

    test('a secret without the tag gets it after a yes; after a no it is authorized as it is', async () => {
      putTags({ team: 'feedback' });
      const no = open('--token-endpoint', deployment.sandbox.tokenEndpoint.url);
      await no.shows(/Add the tag/);
      no.type(ENTER);
      await walkThroughPages(await no.shows(PAGE_URL), 'allow');
      expect(await no.exitCode).toBe(0);
      expect(tagsOf(SECRET)).toEqual({ team: 'feedback' });
      const yes = open();
      for (const question of [/Add the tag/, /Replace the refresh token in/]) {
        await yes.shows(question);
        yes.type(`y${ENTER}`);
      }
      await walkThroughPages(await yes.shows(PAGE_URL), 'allow');
      expect(await yes.exitCode).toBe(0);
      expect(tagsOf(SECRET)).toEqual({ retently: 'emea', team: 'feedback' });
    });
  },
);
