import { App } from 'aws-cdk-lib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { parseFleetContext } from '../../infra/options/parse-context.ts';
import { TokenRefreshFleetStack } from '../../infra/stacks.ts';
import { findAlarmKind } from '../../lambda/contract.ts';
import { templateOf, WITHOUT_BUNDLING } from '../infra/synthesise.ts';
import type { DeployedFunction } from '../sandbox/aws/control-plane.ts';
import { FLEET_TAG } from '../sandbox/fleet.ts';
import { type Ended, RunningCommand, runCommand } from '../support/command.ts';
import { expectNothingSecret } from '../support/command-secrets.ts';
import { type SandboxDeployment, STACK_NAME, startDeployment } from '../support/deployment.ts';
import {
  deployFleet,
  FLEET_ALARM,
  FLEET_NAME,
  FLEET_SCHEDULE,
  REFRESH_NAME,
  type SandboxFleet,
} from '../support/fleet.ts';

let deployment: SandboxDeployment;
let fleet: SandboxFleet;
const screens: string[] = [];

beforeAll(async () => {
  deployment = await startDeployment();
  fleet = await deployFleet(deployment);
});

beforeEach(() => {
  const { sandbox, server } = deployment;
  sandbox.tokenEndpoint.play('forward');
  server.alarmsOn.clear();
  server.schedulesOff.clear();
  server.lastTickAt = new Date(Date.now() - 4 * 60_000);
  server.invocations.length = 0;
  server.stacks.clear();
  fleet.addStack(FLEET_NAME, FLEET_TAG);
});

afterEach(() => {
  fleet.clear();
  deployment.sandbox.aws.clearFaults();
  deployment.server.functions.set(REFRESH_NAME, fleet.refresh);
});

afterAll(async () => {
  await using ending = deployment;
  await fleet[Symbol.asyncDispose]();
  expectNothingSecret(ending, screens.join('\n'));
});

async function run(...args: readonly string[]): Promise<Ended> {
  const ended = await runCommand(args, deployment.environment);
  screens.push(ended.stdout, ended.stderr);
  return ended;
}

/** Environment variables of a function; any other resource has none. */
const environment = z.object({ Variables: z.record(z.string(), z.unknown()) });
const synthesised = z.object({ Environment: environment.default({ Variables: {} }) });
const isText = (value: unknown) => typeof value === 'string';

const named = z.object({ secretId: z.string() });

/** Answers as the fleet's function does for a fresh token; `secondsRemaining` grows with the number in the secret's name. */
const answerFresh: DeployedFunction['invoke'] = async (event) => {
  const { secretId } = named.parse(event);
  const secondsRemaining = 10_000 + Number(/secret-(\d+)/.exec(secretId)?.[1] ?? 0);
  const at = new Date().toISOString();
  const details = { refreshedAt: at, dueAt: at, journal: '', isAnswerUnsaved: false, lastFailure: null };
  return {
    kind: 'result',
    result: {
      outcome: 'status',
      message: '',
      secretId,
      versionId: 'version',
      expiresAt: at,
      secondsRemaining,
      decision: 'fresh',
      health: 'healthy',
      action: 'none',
      reason: '',
      details: { ...details, tokenSecret: null, versionsUsed: 3, versionsBudget: 90 },
    },
  };
};

function answerWith(invoke: DeployedFunction['invoke']): void {
  deployment.server.functions.set(REFRESH_NAME, { ...fleet.refresh, invoke });
}

/** The first column of the table, without its head. */
function namesIn(stdout: string): readonly (string | undefined)[] {
  const [, table = ''] = stdout.split('\n\n');
  return table
    .split('\n')
    .map((line) => /^ {2}(\S+)/.exec(line)?.[1])
    .slice(1);
}

describe('status of a fleet', () => {
  test('shows tag, schedule, alarms, counts and each secret, and ends with 0 if all are healthy', async () => {
    await fleet.createFresh('globex');
    await fleet.createFresh('acme');
    const { exitCode, stdout, stderr } = await run('status');
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^RetentlyTokenRefreshFleet\n {2}Tag +retently=emea\n/);
    expect(stdout).toMatch(/Secrets +2: 2 healthy, 0 need attention, 0 unknown\n/);
    expect(stdout).toMatch(/Schedule +enabled, rate\(10 minutes\); last tick [34] min/);
    expect(stdout).toMatch(/Alarms +none of 1 is on\n/);
    expect(stdout).toMatch(/\n {2}Secret +State +Token left +Due +Action\n/);
    expect(stdout).toMatch(/\n {2}acme +fresh +5 h 59 min +in 2 h 59 min +none\n/);
  });

  test('shows the worst first, one word for the action of each, and the commands for the first', async () => {
    const { sandbox } = deployment;
    await fleet.createFresh('a-healthy-one');
    fleet.createSecret('broken', { client_id: 'only' });
    fleet.createSecret('empty');
    const arn = await fleet.createFresh('refused');
    sandbox.tokenEndpoint.play({ status: 400, body: { error: 'invalid_grant' } });
    await fleet.lambda.invoke({ action: 'refresh', force: true, secretId: arn });
    const { exitCode, stdout } = await run('status');
    expect(exitCode).toBe(1);
    expect(namesIn(stdout)).toEqual(['broken', 'empty', 'refused', 'a-healthy-one']);
    expect(stdout).toMatch(/4: 1 healthy, 3 need attention, 0 unknown/);
    expect(stdout).toMatch(/broken +CREDENTIALS_INCOMPLETE +– +– +\w+\n/);
    expect(stdout).toMatch(/empty +not-configured +none +– +reauthorize\n/);
    expect(stdout).toMatch(/refused +REAUTHORIZATION_REQUIRED +5 h 59 min +in 2 h 59 min +reauthorize\n/);
    expect(stdout).toMatch(/Fault +broken: CREDENTIALS_INCOMPLETE: .* has no client_secret, no refresh_token/);
    expect(stdout).toMatch(
      /\n +retently-token-refresh authorize --stack RetentlyTokenRefreshFleet --secret-id broken\n +docs\/runbook\.md#credentials-incomplete\n$/,
    );
  });

  test('with --json has every secret, worst first, with its health and its state', async () => {
    await fleet.createFresh('acme');
    const empty = fleet.createSecret('empty');
    const { exitCode, stdout } = await run('status', '--json');
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject([
      {
        fleet: FLEET_NAME,
        tag: { key: 'retently', value: 'emea' },
        sharedWith: [],
        functionName: REFRESH_NAME,
        health: 'attention',
        counts: { healthy: 1, attention: 1, unknown: 0 },
        replicas: 0,
        secrets: [
          { secret: 'empty', secretId: empty, state: 'not-configured', health: 'attention', fault: null },
          { secret: 'acme', state: 'fresh', health: 'healthy', status: { outcome: 'status' } },
        ],
        watch: { schedules: [{ isEnabled: true }] },
      },
    ]);
  });

  test('matches only the tag: not a prefix, not key and value of two tags, and no replica', async () => {
    const { secretsManager } = deployment.sandbox.aws;
    await fleet.createFresh('acme');
    fleet.createSecret('longer');
    secretsManager.untagResource({ SecretId: 'longer', TagKeys: [FLEET_TAG.Key] });
    secretsManager.tagResource({ SecretId: 'longer', Tags: [{ Key: 'retently-old', Value: 'emea' }] });
    fleet.createSecret('crossed');
    const crossed = [
      { Key: 'retently', Value: 'apac' },
      { Key: 'team', Value: 'emea' },
    ];
    secretsManager.tagResource({ SecretId: 'crossed', Tags: crossed });
    fleet.createSecret('replica');
    secretsManager.makeReplica('replica', 'eu-west-1');
    expect(namesIn((await run('status')).stdout)).toEqual(['acme']);
    expect(JSON.parse((await run('status', '--json')).stdout)).toMatchObject([{ counts: { healthy: 1 }, replicas: 1 }]);
  });

  test('asks each of several pages, at most 8 at a time, and shows 20 of those that are healthy', async () => {
    for (let number = 130; number > 0; number -= 1) fleet.createSecret(`secret-${number}`);
    let underWay = 0;
    let most = 0;
    answerWith(async (event) => {
      underWay += 1;
      most = Math.max(most, underWay);
      // The others get their turn.
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      return await answerFresh(event);
    });
    const short = await run('status');
    expect(short.exitCode).toBe(0);
    expect(deployment.server.invocations).toHaveLength(130);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(8);
    const names = Array.from({ length: 130 }, (_, index) => `secret-${index + 1}`);
    expect(namesIn(short.stdout)).toEqual([...names.slice(0, 20), 'Healthy']);
    expect(short.stdout).toContain('\n  Healthy and not shown: 110. --all shows them.\n');
    const all = await run('status', '--all');
    expect(namesIn(all.stdout)).toEqual(names);
  });

  test('shows its progress on standard error if it takes longer than a second', async () => {
    const quick = fleet.createSecret('quick');
    fleet.createSecret('slow');
    let see = () => {};
    const isSeen = new Promise<void>((resolve) => {
      see = resolve;
    });
    answerWith(async (event) => {
      if (named.parse(event).secretId !== quick) await isSeen;
      return await answerFresh(event);
    });
    const command = new RunningCommand(['status'], deployment.environment);
    await command.says(/^Checking each secret, 1 of 2 …$/m);
    see();
    expect(await command.ended).toMatchObject({ exitCode: 0, stdout: expect.not.stringContaining('Asking') });
  });

  test('shows every secret that is not healthy, however many', async () => {
    for (let number = 25; number > 0; number -= 1) fleet.createSecret(`empty-${number}`);
    await fleet.createFresh('healthy');
    const { stdout } = await run('status');
    expect(namesIn(stdout)).toHaveLength(26);
    expect(stdout).toContain('\n  Healthy and not shown: 1. --all shows them.\n');
  });

  test('explains why a secret could not be read, reads the others, and exits with 2', async () => {
    await fleet.createFresh('acme');
    const odd = fleet.createSecret('odd');
    answerWith(async (event) =>
      named.parse(event).secretId === odd
        ? { kind: 'result', result: { outcome: 'odd' } }
        : await fleet.refresh.invoke(event),
    );
    const { exitCode, stdout } = await run('status');
    expect(exitCode).toBe(2);
    expect(namesIn(stdout)).toEqual(['odd', 'acme']);
    expect(stdout).toMatch(/2: 1 healthy, 0 need attention, 1 unknown/);
    expect(stdout).toMatch(/odd +[a-z ]+ +– +– /);
    expect(stdout).toMatch(/Health +unknown\..* odd/);
    expect(stdout).toContain(REFRESH_NAME);
  });

  test('exits with 2 if listing the secrets is denied, and shows the rest', async () => {
    deployment.sandbox.aws.inject({ operation: 'ListSecrets', kind: 'access-denied' });
    const { exitCode, stdout } = await run('status');
    expect(exitCode).toBe(2);
    expect(stdout).toMatch(/Schedule +enabled/);
    expect(stdout).toMatch(/Health +unknown\. /);
  });

  test('without a secret exits with 1, and shows the command that adds one', async () => {
    const { exitCode, stdout } = await run('status', '--region', 'us-east-1');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/Secrets +none\n/);
    expect(stdout).toContain(' authorize --stack RetentlyTokenRefreshFleet --secret-id <name> --region us-east-1\n');
  });

  test.each<[string, () => unknown, RegExp]>([
    ['an alarm is on', () => deployment.server.alarmsOn.add(FLEET_ALARM), /\n.*#dead-letters\n$/],
    ['the schedule is disabled', () => deployment.server.schedulesOff.add(FLEET_SCHEDULE), /\n.*#sweep-silent\n$/],
  ])('ends with 1 if %s', async (_what, prepare, sentence) => {
    await fleet.createFresh('acme');
    prepare();
    const { exitCode, stdout } = await run('status');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(sentence);
  });

  test.each([
    ['the same tag', FLEET_TAG],
    ['its key with any value', { Key: FLEET_TAG.Key }],
  ])('names another fleet that has %s, which is harmless', async (_what, tag) => {
    await fleet.createFresh('acme');
    fleet.addStack('Another', tag);
    const { exitCode, stdout } = await run('status');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Another\n.*\n {2}Shared +with RetentlyTokenRefreshFleet: /);
    expect(stdout).toMatch(/\nRetentlyTokenRefreshFleet\n.*\n {2}Shared +with Another: /);
  });

  test('names no fleet that has another tag, and shows the stacks of accounts beside it', async () => {
    await fleet.createFresh('acme');
    fleet.addStack('Another', { Key: FLEET_TAG.Key, Value: 'apac' });
    deployment.addStack(STACK_NAME);
    const { exitCode, stdout } = await run('status', '--json');
    expect(JSON.parse(stdout)).toMatchObject([
      { fleet: 'Another', health: 'attention', sharedWith: [], secrets: [] },
      { account: STACK_NAME, health: 'attention' },
      { fleet: FLEET_NAME, health: 'healthy', sharedWith: [] },
    ]);
    expect(exitCode).toBe(1);
  });
});

test('finds a fleet by the stack that is synthesised, under any name', async () => {
  await fleet.createFresh('acme');
  const app = new App({ context: WITHOUT_BUNDLING });
  const settings = parseFleetContext({ stackName: 'Any', fleet: { tagKey: FLEET_TAG.Key, tagValue: FLEET_TAG.Value } });
  const stack = new TokenRefreshFleetStack(app, settings);
  const { server } = deployment;
  const resources = Object.entries(templateOf(stack).Resources).map(([physicalId, { Type: type, Properties }]) => {
    const { Environment } = synthesised.parse(Properties);
    const texts = Object.entries(Environment.Variables).filter((pair): pair is [string, string] => isText(pair[1]));
    server.functions.set(physicalId, { ...fleet.refresh, environment: Object.fromEntries(texts) });
    return { type, physicalId };
  });
  server.stacks.clear();
  server.stacks.set('Any', { resources });
  const { exitCode, stdout } = await run('status', '--json');
  expect(JSON.parse(stdout)).toMatchObject([
    { fleet: 'Any', tag: { key: 'retently', value: 'emea' }, health: 'healthy', secrets: [{ secret: 'acme' }] },
  ]);
  expect(exitCode).toBe(0);
  const alarms = resources.filter(({ type }) => type === 'AWS::CloudWatch::Alarm');
  const kinds = alarms.map(({ physicalId }) => findAlarmKind(physicalId));
  expect(kinds.sort()).toEqual([
    'DeadLetters',
    'ManyTokensOverdue',
    'QueueOld',
    'ReauthorizationRequired',
    'SecretUnusable',
    'SweepSilent',
    'TokenNotStored',
    'TokenOverdue',
  ]);
});

describe('one secret of a fleet', () => {
  test.each(['name', 'ARN'])('by its %s is shown as an account is', async (what) => {
    const arn = await fleet.createFresh('acme');
    deployment.server.alarmsOn.add(FLEET_ALARM);
    const { exitCode, stdout } = await run('status', '--secret-id', what === 'name' ? 'acme' : arn);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^RetentlyTokenRefreshFleet: acme\n {2}Token +█{24} 5 h 59 min of 6 h left/);
    expect(stdout).toMatch(/Schedule +enabled/);
    // It may be on for any other secret.
    expect(stdout).not.toContain('Alarms');
    expect(deployment.server.invocations).toEqual([
      { functionName: REFRESH_NAME, event: { action: 'status', secretId: arn } },
    ]);
  });

  test('with --json is named beside its fleet', async () => {
    await fleet.createFresh('acme');
    const { stdout } = await run('status', '--secret-id', 'acme', '--json');
    expect(JSON.parse(stdout)).toMatchObject([{ account: FLEET_NAME, secret: 'acme', health: 'healthy' }]);
  });

  test('is refreshed by its name, and the commands name it', async () => {
    const arn = await fleet.createFresh('acme');
    const forced = await run('refresh', '--stack', FLEET_NAME, '--secret-id', 'acme', '--force', '--json');
    expect(forced.exitCode).toBe(0);
    expect(JSON.parse(forced.stdout)).toMatchObject({ result: { outcome: 'refreshed', secretId: arn }, fault: null });
    deployment.sandbox.tokenEndpoint.play({ status: 400, body: { error: 'invalid_grant' } });
    const refused = await run('refresh', '--secret-id', 'acme', '--force');
    expect(refused.exitCode).toBe(1);
    expect(refused.stdout).toMatch(/^REAUTHORIZATION_REQUIRED: /);
    expect(refused.stdout).toContain(' authorize --stack RetentlyTokenRefreshFleet --secret-id acme\n');
  });

  test.each([['status'], ['refresh']])('%s rejects a secret without the tag', async (name) => {
    fleet.createSecret('acme');
    deployment.sandbox.aws.secretsManager.tagResource({
      SecretId: 'acme',
      Tags: [{ Key: 'retently', Value: 'apac' }],
    });
    const { exitCode, stderr } = await run(name, '--stack', FLEET_NAME, '--secret-id', 'acme');
    expect(stderr).toMatch(
      /^Secret acme does not have the tag retently=emea, so fleet RetentlyTokenRefreshFleet does not/,
    );
    expect(exitCode).toBe(1);
    expect(deployment.server.invocations).toEqual([]);
  });

  test.each<[readonly string[], readonly string[]]>([
    [['refresh'], [FLEET_NAME, '--secret-id']],
    [
      ['refresh', '--secret-id', 'nowhere'],
      ['nowhere', FLEET_NAME],
    ],
    [['status', '--secret-id', 'nowhere'], ['nowhere']],
    [['status', '--function-name', REFRESH_NAME], ['--stack']],
    [
      ['probe', '--yes'],
      [FLEET_NAME, '--secret-id'],
    ],
  ])('%j is rejected, and nothing is invoked', async (args, named) => {
    const { exitCode, stderr } = await run(...args);
    expect(exitCode).toBe(2);
    for (const word of named) expect(stderr).toContain(word);
    expect(deployment.server.invocations).toEqual([]);
  });
});

describe('--secret-id of the stack of one account', () => {
  test.each(['status', 'refresh'])('%s takes its own secret, and rejects another one', async (name) => {
    deployment.addStack(STACK_NAME);
    const own = await run(name, '--stack', STACK_NAME, '--secret-id', 'RetentlyCredentials');
    expect(own.stdout).toContain(STACK_NAME);
    deployment.server.invocations.length = 0;
    const other = await run(name, '--stack', STACK_NAME, '--secret-id', 'acme');
    expect(other.stderr).toMatch(/RetentlyCredentials.*acme.*--secret-id/);
    expect(other.exitCode).toBe(2);
    expect(deployment.server.invocations).toEqual([]);
  });
});
