import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { DeployedFunction } from '../sandbox/aws/control-plane.ts';
import { SECRET_ID } from '../sandbox/sandbox.ts';
import { bundleCommandOnce } from '../support/bundle-command.ts';
import { type Ended, runCommand } from '../support/command.ts';
import { expectNothingSecret } from '../support/command-secrets.ts';
import {
  ALARM_NAME,
  FUNCTION_NAME,
  type SandboxDeployment,
  SCHEDULE_NAME,
  STACK_NAME,
  startDeployment,
} from '../support/deployment.ts';

let deployment: SandboxDeployment;
const screens: string[] = [];

beforeAll(async () => {
  deployment = await startDeployment();
});

beforeEach(async () => {
  const { sandbox, server } = deployment;
  sandbox.tokenEndpoint.play('forward');
  sandbox.recreateSecret();
  sandbox.putCredentials(await sandbox.mintCredentials());
  server.alarmsOn.clear();
  server.schedulesOff.clear();
  server.lastTickAt = new Date(Date.now() - 4 * 60_000);
  server.invocations.length = 0;
});

afterAll(async () => {
  await using ending = deployment;
  expectNothingSecret(ending, screens.join('\n'));
});

async function run(...args: readonly string[]): Promise<Ended> {
  const ended = await runCommand(args, deployment.environment);
  screens.push(ended.stdout, ended.stderr);
  return ended;
}

/** While `act` runs, the function has these members. */
async function withFunction(members: Partial<DeployedFunction>, act: () => Promise<Ended>): Promise<Ended> {
  const { functions } = deployment.server;
  const deployed = functions.get(FUNCTION_NAME);
  if (deployed === undefined) throw new Error('The function is deployed.');
  functions.set(FUNCTION_NAME, { ...deployed, ...members });
  try {
    return await act();
  } finally {
    functions.set(FUNCTION_NAME, deployed);
  }
}

function hoursFromNow(hours: number): string {
  return new Date(Date.now() + hours * 3_600_000).toISOString();
}

describe('status', () => {
  test('shows when the refresh token expires, if the server has stated it', async () => {
    const { refresh_token } = await deployment.sandbox.mintCredentials();
    const body = { access_token: 'access-of-40-days', refresh_token, refresh_token_expires_in: 40 * 86_400 };
    deployment.sandbox.tokenEndpoint.play({ status: 200, body });
    await deployment.lambda.invoke({});
    const { refreshTokenExpiresAt } = JSON.parse((await run('status', '--json')).stdout)[0].status.details;
    expect((Date.parse(refreshTokenExpiresAt) - Date.now()) / 86_400_000).toBeCloseTo(40, 1);
    const [day] = refreshTokenExpiresAt.split('T');
    expect((await run('status')).stdout).toContain(day);
  });

  test('of a healthy account ends with 0 and has nothing to do', async () => {
    await deployment.lambda.invoke({});
    const { exitCode, stdout, stderr } = await run('status');
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^RetentlyTokenRefresh\n {2}Token +█{24} 5 h 59 min of 6 h left, until \d{4}-/);
    expect(stdout).toMatch(/Refreshed +\d+ s ago; due in 2 h 59 min\n/);
    expect(stdout).toContain(JSON.parse((await run('status', '--json')).stdout)[0].status.details.journal);
    expect(stdout).toMatch(/Versions +3 of 90 in the last 24 hours/);
    expect(stdout).toMatch(/Schedule +enabled, rate\(10 minutes\); last tick [34] min/);
    expect(stdout).toMatch(/Alarms +none of 2 is on/);
    expect(stdout).toMatch(/Do now +Nothing\.\n$/);
  });

  test.each<[string, () => unknown, string, RegExp, string]>([
    [
      'an alarm is on',
      () => deployment.server.alarmsOn.add(ALARM_NAME),
      'checkAlarms',
      new RegExp(`Alarms +${ALARM_NAME}\n`),
      'token-expiring-soon',
    ],
    [
      'the schedule is disabled',
      () => deployment.server.schedulesOff.add(SCHEDULE_NAME),
      'enableSchedule',
      /Schedule +DISABLED/,
      'token-expiring-soon',
    ],
    [
      'the grant is revoked',
      async () => {
        deployment.sandbox.authorizationServer.revoke();
        await deployment.lambda.invoke({ action: 'refresh', force: true });
      },
      'reauthorize',
      /\n +retently-token-refresh authorize --stack RetentlyTokenRefresh\n/,
      'reauthorization-required',
    ],
    [
      'a credential is missing',
      () => deployment.sandbox.putCredentials({ client_id: 'only' }),
      'restoreSecret',
      /CREDENTIALS_INCOMPLETE: .* client_secret, .*refresh_token/,
      'credentials-incomplete',
    ],
    [
      'the secret holds something else, which authorize would reject',
      () => {
        const request = { SecretId: SECRET_ID, SecretString: 'not JSON' };
        deployment.sandbox.aws.secretsManager.putSecretValue(request);
      },
      'restoreSecret',
      /\n +retently-token-refresh refresh --stack RetentlyTokenRefresh\n/,
      'credentials-invalid',
    ],
    [
      'the secret is empty',
      () => deployment.sandbox.recreateSecret(),
      'reauthorize',
      /\n +retently-token-refresh authorize --stack RetentlyTokenRefresh\n/,
      'not-configured',
    ],
    [
      'the client is rejected',
      async () => {
        deployment.sandbox.tokenEndpoint.play({ status: 401, body: { error: 'invalid_client' } });
        await deployment.lambda.invoke({ action: 'refresh', force: true });
      },
      'fixClient',
      /\n +retently-token-refresh authorize --stack RetentlyTokenRefresh\n/,
      'client-rejected',
    ],
  ])('ends with 1 if %s, and says what to do', async (_what, prepare, action, shown, anchor) => {
    await deployment.lambda.invoke({});
    await prepare();
    const { exitCode, stdout } = await run('status');
    expect(stdout).toMatch(shown);
    expect(stdout).toContain(`docs/runbook.md#${anchor}\n`);
    expect(exitCode).toBe(1);
    expect(JSON.parse((await run('status', '--json')).stdout)).toMatchObject([{ action }]);
  });

  test('ends with 1 for a token that has been due for hours, with half an hour left and no tick', async () => {
    await deployment.lambda.invoke({});
    const { document } = deployment.sandbox.readVersion('AWSCURRENT') ?? {};
    const instants = { refreshed_at: hoursFromNow(-5.5), expires_at: hoursFromNow(0.5) };
    deployment.sandbox.putCredentials({ ...document, ...instants });
    deployment.server.lastTickAt = undefined;
    deployment.server.schedulesChangedAt = new Date(0);
    const { exitCode, stdout } = await run('status', '--json');
    expect(JSON.parse(stdout)).toMatchObject([
      { health: 'attention', action: 'refresh', advice: { commands: [expect.stringContaining(' refresh ')] } },
    ]);
    expect(exitCode).toBe(1);
  });

  test.each<[string, number | undefined, string]>([
    ['29 minutes ago', 29, 'none'],
    ['31 minutes ago', 31, 'checkSchedule'],
    ['never', undefined, 'checkSchedule'],
  ])('of a fresh token whose last tick was %s', async (_when, minutes, action) => {
    await deployment.lambda.invoke({});
    deployment.server.schedulesChangedAt = new Date(0);
    deployment.server.lastTickAt = minutes === undefined ? undefined : new Date(Date.now() - minutes * 60_000);
    const { exitCode, stdout } = await run('status', '--json');
    expect(JSON.parse(stdout)).toMatchObject([{ action }]);
    expect(exitCode).toBe(action === 'none' ? 0 : 1);
  });

  test('gives a schedule that was just deployed time for its first ticks', async () => {
    await deployment.lambda.invoke({});
    deployment.server.lastTickAt = undefined;
    deployment.server.schedulesChangedAt = new Date();
    expect((await run('status')).exitCode).toBe(0);
  });

  test('ends with 2 if something could not be seen', async () => {
    const invoke = async () => ({ kind: 'result', result: { outcome: 'odd' } }) as const;
    const { exitCode, stdout } = await withFunction({ invoke }, () => run('status'));
    expect([exitCode, stdout]).toEqual([2, expect.stringContaining('function ')]);
  });

  test('of a throttled function has a command for the region that it was asked about', async () => {
    const isThrottled = { isThrottled: true };
    const { exitCode, stdout } = await withFunction(isThrottled, () =>
      run('status', '--region', 'us-east-1', '--json'),
    );
    const command = `aws lambda delete-function-concurrency --function-name ${FUNCTION_NAME} --region us-east-1`;
    expect(JSON.parse(stdout)).toMatchObject([{ action: 'restoreConcurrency', advice: { commands: [command] } }]);
    expect(exitCode).toBe(1);
  });

  test('shows every stack, and ends as the worst of them', async () => {
    await deployment.lambda.invoke({});
    deployment.addStack(`${STACK_NAME}-emea`);
    deployment.server.stacks.set('Unrelated', { resources: [] });
    deployment.server.alarmsOn.add(ALARM_NAME);
    try {
      const { exitCode, stdout } = await run('status', '--json');
      expect(JSON.parse(stdout)).toMatchObject([
        { account: STACK_NAME, health: 'attention', advice: { runbook: 'docs/runbook.md#token-expiring-soon' } },
        { account: `${STACK_NAME}-emea`, health: 'healthy', status: { outcome: 'status' }, fault: null },
      ]);
      expect(exitCode).toBe(1);
    } finally {
      deployment.server.stacks.delete(`${STACK_NAME}-emea`);
    }
  });

  test('of a stack whose schedules invoke another function has a line for that, with the last tick', async () => {
    await deployment.lambda.invoke({});
    deployment.addStack(`${STACK_NAME}-emea`);
    try {
      const { exitCode, stdout } = await run('status', '--stack', `${STACK_NAME}-emea`);
      expect(stdout).toMatch(/Schedule +none .*; last tick [34] min/);
      expect(exitCode).toBe(0);
    } finally {
      deployment.server.stacks.delete(`${STACK_NAME}-emea`);
    }
  });

  test('sends each request to AWS once, and invokes the function once', async () => {
    const { operations } = deployment.server;
    operations.length = 0;
    await run('status');
    expect([...operations].sort()).toEqual([
      'DescribeAlarms',
      'GetMetricData',
      'GetSchedule',
      'Invoke',
      'ListFunctions',
      'ListStackResources',
      'ListStackResources',
      'ListTags',
    ]);
  });

  test('for only a function shows its report, and invokes it once', async () => {
    await deployment.lambda.invoke({});
    const { exitCode, stdout } = await run('status', '--function-name', FUNCTION_NAME);
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain('Alarms');
    expect(stdout).toMatch(/Not read +.*alarms.*schedule/);
    expect(deployment.server.invocations).toEqual([{ functionName: FUNCTION_NAME, event: { action: 'status' } }]);
  });
});

describe('refresh', () => {
  test('of a fresh token does nothing; --force refreshes, and both end with 0', async () => {
    await deployment.lambda.invoke({});
    const [plain, forced] = [await run('refresh'), await run('refresh', '--force', '--json')];
    expect(plain).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^fresh: .*\n\nRetentlyTokenRefresh\n/) });
    expect(forced.exitCode).toBe(0);
    expect(JSON.parse(forced.stdout)).toMatchObject({ result: { outcome: 'refreshed' }, fault: null });
  });

  test('ends with 1 if it fails, and while a back-off runs', async () => {
    deployment.sandbox.tokenEndpoint.play({ status: 418 });
    const [failed, waiting] = [await run('refresh', '--json'), await run('refresh')];
    expect(failed.exitCode).toBe(1);
    expect(JSON.parse(failed.stdout)).toMatchObject({ result: null, fault: { code: 'PROVIDER_UNAVAILABLE' } });
    expect(waiting).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/^waiting: /) });
    expect(waiting.stdout).toMatch(/Failure +PROVIDER_UNAVAILABLE \d+ s ago, once; the next attempt in \d+ s/);
  });

  test('invokes the function once, although the connection breaks instead of an answer', async () => {
    const invoke = () => Promise.reject(new Error('no answer'));
    const { exitCode, stderr } = await withFunction({ invoke }, () => run('refresh', '--force'));
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("'status'")]);
    expect(deployment.server.invocations).toHaveLength(1);
  });

  test('reports a run that Lambda ended at its timeout', async () => {
    const invoke = async () => ({ kind: 'ended' }) as const;
    const { exitCode, stdout } = await withFunction({ invoke }, () => run('refresh', '--json'));
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ fault: { code: 'UNEXPECTED' } });
  });
});

const FULL_DEVICE = '/dev/full';

test.skipIf(!existsSync(FULL_DEVICE))('a result that cannot be written is no success', () => {
  const stdio = ['ignore', openSync(FULL_DEVICE, 'w'), 'pipe'] as const;
  const { status, stderr } = spawnSync(process.execPath, [bundleCommandOnce(), '--version'], { stdio: [...stdio] });
  expect([status, String(stderr)]).toEqual([2, expect.stringContaining('ENOSPC')]);
});

test('a reader that stops reading ends the command quietly', async () => {
  const child = spawn(process.execPath, [bundleCommandOnce(), '--version'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  const [stderr, [exitCode]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  expect([exitCode, stderr]).toEqual([0, '']);
});
