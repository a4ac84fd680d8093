import { describe, expect, it } from 'vitest';
import { METRICS } from '../../lambda/contract.ts';
import type { Step } from '../sandbox/oauth/scripted-token-endpoint.ts';
import { type Sandbox, type SandboxOptions, SECRET_ID, TOKEN_SECRET_ID } from '../sandbox/sandbox.ts';
import { until } from '../support/in-sandbox.ts';
import { readDocument, sectionsOf } from '../support/markdown.ts';
import { FakeAwsShell } from '../support/run-in-bash.ts';
import { attributesOf, deploy } from './deployed-template.ts';
import { alarmsOf, MonitoredFunction } from './monitored-function.ts';
import { synthesise } from './synthesise.ts';

const FORCED = { action: 'refresh', force: true };
const STATUS = { action: 'status' };
/** More often than a run can call. */
const ALWAYS = 1_000;
const HOUR_MS = 3_600_000;
const OUTAGE: Step = { status: 503, headers: { 'retry-after': '120' } };

// The default schedule: a tick every ten minutes, up to two minutes late.
const INTERVAL = 10;
const WINDOW = 2;
/** Shortest and longest wait of the alarm for missing runs. */
const SILENCE = 2 * INTERVAL + WINDOW;
const LONG_SILENCE = SILENCE + 20;

/** Runs `act` with a function whose first tick, in minute 0, has refreshed the token. */
async function afterRefresh(
  act: (monitored: MonitoredFunction, sandbox: Sandbox) => Promise<void>,
  options: SandboxOptions = {},
): Promise<void> {
  await withFunction(async (monitored, sandbox) => {
    sandbox.putCredentials(await sandbox.mintCredentials());
    expect(await monitored.tick(0)).toEqual(['refreshed']);
    await act(monitored, sandbox);
  }, options);
}

async function withFunction(
  act: (monitored: MonitoredFunction, sandbox: Sandbox) => Promise<void>,
  options: SandboxOptions = {},
): Promise<void> {
  const template = synthesise();
  await using deployment = await deploy(template, options);
  const lambda = await deployment.startFunction();
  await act(new MonitoredFunction(lambda, template, deployment.attributes), deployment.sandbox);
}

describe('no alarm fires', () => {
  it('while ticks refresh the token or find it fresh, as late as they may be', () =>
    afterRefresh(async (monitored) => {
      expect(await monitored.tick(INTERVAL + WINDOW)).toEqual(['fresh']);
      expect(await monitored.invoke(STATUS, INTERVAL + WINDOW)).toBe('status');
      expect(await monitored.invoke(FORCED, 2 * INTERVAL)).toBe('refreshed');
      expect(await monitored.firing(0, 2 * INTERVAL + SILENCE)).toEqual([]);
    }));

  it('for one tick that is lost without a trace', () =>
    afterRefresh(async (monitored) => {
      expect(await monitored.tick(2 * INTERVAL + WINDOW)).toEqual(['fresh']);
      expect(await monitored.firing(0, 3 * INTERVAL)).toEqual([]);
    }));

  it('for one failed attempt, and the back-off after it', () =>
    afterRefresh(
      async (monitored) => {
        expect(await monitored.invoke(FORCED, INTERVAL)).toBe('PROVIDER_UNAVAILABLE');
        expect(await monitored.tick(INTERVAL)).toEqual(['waiting']);
        expect(await monitored.firing(0, INTERVAL + SILENCE)).toEqual([]);
      },
      { script: ['forward', OUTAGE] },
    ));
});

describe('TokenExpiringSoon fires, and nothing else,', () => {
  it('while the secret has no value yet', () =>
    withFunction(async (monitored) => {
      for (const minute of [0, INTERVAL, 2 * INTERVAL])
        expect(await monitored.tick(minute)).toEqual(['not-configured']);
      expect(await monitored.firing(2 * INTERVAL, LONG_SILENCE)).toEqual(['TokenExpiringSoon']);
    }));

  it('if runs wait for a provider that is down, and the token has passed its half-life', () =>
    withFunction(
      async (monitored, sandbox) => {
        const now = Date.now();
        sandbox.putCredentials({
          ...(await sandbox.mintCredentials()),
          access_token: 'old',
          refreshed_at: new Date(now - 4 * HOUR_MS).toISOString(),
          expires_at: new Date(now + 2 * HOUR_MS).toISOString(),
        });
        expect(await monitored.tick(0)).toEqual(['failed']);
        expect(await monitored.tick(INTERVAL)).toEqual(['waiting']);
        expect(await monitored.firing(INTERVAL, LONG_SILENCE)).toEqual(['TokenExpiringSoon']);
      },
      { script: [OUTAGE] },
    ));

  it('if nothing runs anymore: soon after two ticks and the flexible window, and not before', () =>
    afterRefresh(async (monitored) => {
      expect(await monitored.firing(0, SILENCE)).toEqual([]);
      expect(await monitored.firing(SILENCE, LONG_SILENCE)).toEqual(['TokenExpiringSoon']);
    }));
});

describe('ReauthorizationRequired fires, and nothing else,', () => {
  it('while the grant is revoked', () =>
    afterRefresh(async (monitored, sandbox) => {
      sandbox.authorizationServer.revoke();
      expect(await monitored.invoke(FORCED, 10)).toBe('REAUTHORIZATION_REQUIRED');
      expect(await monitored.invoke({}, 20)).toBe('REAUTHORIZATION_REQUIRED');
      sandbox.putCredentials(await sandbox.mintCredentials());
      expect(await monitored.tick(40)).toEqual(['refreshed']);
      expect(await monitored.firing(0, 9)).toEqual([]);
      for (const minute of [10, 20, 39])
        expect(await monitored.firing(minute, minute)).toEqual(['ReauthorizationRequired']);
      expect(await monitored.firing(40, 40 + SILENCE)).toEqual([]);
    }));
});

describe('TokenNotStored fires, and nothing else,', () => {
  it('once an answer could not be stored until the deadline', () =>
    afterRefresh(async (monitored, { aws, processes: [lambda] }) => {
      aws.inject({ kind: 'internal-error', operation: 'PutSecretValue', skip: 1, times: ALWAYS });
      const running = monitored.invoke(FORCED, 10);
      await until(() => aws.calls.some(({ fault }) => fault !== undefined));
      lambda?.hasten(5_000);
      expect(await running).toBe('TOKEN_NOT_STORED');
      expect(await monitored.firing(0, SILENCE)).toEqual(['TokenNotStored']);
    }));
});

describe('TokenSecretBehind fires, and nothing else,', () => {
  it.each<[string, (sandbox: Sandbox) => void]>([
    [
      'holds another thing',
      ({ aws }) => aws.secretsManager.putSecretValue({ SecretId: TOKEN_SECRET_ID, SecretString: 'another thing' }),
    ],
  ])('while the token secret %s: after two windows, and no longer than that', (_, breakIt) =>
    afterRefresh(async (monitored, sandbox) => {
      breakIt(sandbox);
      for (let minute = INTERVAL; minute <= 5 * INTERVAL; minute += INTERVAL) {
        expect(await monitored.tick(minute)).toEqual(['fresh']);
      }
      expect(await monitored.firing(0, SILENCE)).toEqual([]);
      expect(await monitored.firing(SILENCE, 5 * INTERVAL)).toEqual(['TokenSecretBehind']);
      expect(Math.max(...monitored.valuesOf(METRICS.tokenSecretBehind))).toBe(1);
    }),
  );

  it('not for a token secret that is gone: TokenSecretUnreadable fires in the run that finds it', () =>
    afterRefresh(async (monitored, { aws }) => {
      aws.secretsManager.deleteSecret({ SecretId: TOKEN_SECRET_ID });
      for (const minute of [INTERVAL, 2 * INTERVAL]) expect(await monitored.tick(minute)).toEqual(['fresh']);
      expect(await monitored.firing(0, INTERVAL - 1)).toEqual([]);
      expect(await monitored.firing(INTERVAL, 2 * INTERVAL)).toEqual(['TokenSecretUnreadable']);
    }));

  it('not for a run that crashed before it copied the token: the next one does', () =>
    afterRefresh(async (monitored, { aws }) => {
      aws.secretsManager.putSecretValue({ SecretId: TOKEN_SECRET_ID, SecretString: '{}' });
      for (const minute of [INTERVAL, 2 * INTERVAL]) expect(await monitored.tick(minute)).toEqual(['fresh']);
      expect(await monitored.firing(0, 2 * INTERVAL + SILENCE)).toEqual([]);
      expect(monitored.valuesOf(METRICS.tokenSecretBehind)).toEqual([0, 1, 0]);
    }));
});

describe('a failing run', () => {
  const deny = ({ aws }: Sandbox) => aws.inject({ kind: 'access-denied', operation: 'GetSecretValue', times: ALWAYS });

  it('makes FailedRuns fire, and nothing else, when one tick and its retry fail', () =>
    afterRefresh(async (monitored, sandbox) => {
      deny(sandbox);
      expect(await monitored.tick(INTERVAL)).toEqual(['STORE_DENIED', 'STORE_DENIED']);
      sandbox.aws.clearFaults();
      expect(await monitored.tick(2 * INTERVAL)).toEqual(['fresh']);
      expect(await monitored.firing(0, 2 * INTERVAL + SILENCE)).toEqual(['FailedRuns']);
    }));

  it('makes FunctionFailing fire, and nothing else, when more runs fail than one tick has', () =>
    afterRefresh(async (monitored, sandbox) => {
      deny(sandbox);
      for (const minute of [6, 12, 18]) expect(await monitored.invoke({}, minute)).toBe('STORE_DENIED');
      expect(await monitored.firing(0, 17)).toEqual([]);
      expect(await monitored.firing(18, SILENCE)).toEqual(['FunctionFailing']);
    }));

  it('makes both fire in the second tick, long before the token expires', () =>
    afterRefresh(async (monitored, sandbox) => {
      deny(sandbox);
      for (const minute of [INTERVAL, 2 * INTERVAL]) await monitored.tick(minute);
      expect(await monitored.firing(0, 2 * INTERVAL - 1)).toEqual(['FailedRuns']);
      expect(await monitored.firing(2 * INTERVAL, SILENCE)).toEqual(['FailedRuns', 'FunctionFailing']);
    }));

  it('makes TokenExpiringSoon fire too if no run can read the secret; no metric reports a valid token as expired', () =>
    afterRefresh(async (monitored, sandbox) => {
      deny(sandbox);
      for (let minute = INTERVAL; minute <= 4 * INTERVAL; minute += INTERVAL) await monitored.tick(minute);
      expect(await monitored.firing(INTERVAL, SILENCE)).not.toContain('TokenExpiringSoon');
      expect(await monitored.firing(SILENCE, 5 * INTERVAL)).toEqual([
        'FailedRuns',
        'FunctionFailing',
        'TokenExpiringSoon',
      ]);
      expect(Math.min(...monitored.valuesOf(METRICS.tokenSecondsRemaining))).toBeGreaterThan(0);
    }));
});

describe('UndeliveredTicks fires, and nothing else,', () => {
  it('once EventBridge Scheduler has given up on a tick', () =>
    afterRefresh(async (monitored) => {
      monitored.loseTick(INTERVAL);
      expect(await monitored.firing(0, SILENCE)).toEqual(['UndeliveredTicks']);
    }));
});

describe('an alarm on a queue clears by itself, and fires for the next fault', () => {
  it.each<[string, (monitored: MonitoredFunction, minute: number) => Promise<unknown>]>([
    ['FailedRuns', async (monitored, minute) => monitored.tick(minute)],
    ['UndeliveredTicks', async (monitored, minute) => monitored.loseTick(minute)],
  ])('%s', (name, fail) =>
    afterRefresh(async (monitored, { aws }) => {
      for (const minute of [INTERVAL, 100]) {
        aws.inject({ kind: 'access-denied', operation: 'GetSecretValue', times: ALWAYS });
        await fail(monitored, minute);
        aws.clearFaults();
      }
      expect(await monitored.firing(0, INTERVAL - 1)).not.toContain(name);
      expect(await monitored.firing(INTERVAL, INTERVAL + 2)).toContain(name);
      // The queue has not been emptied.
      expect(await monitored.firing(INTERVAL + 2 + 45, 99)).not.toContain(name);
      expect(await monitored.firing(100, 102)).toContain(name);
    }),
  );
});

describe('from only the text of the alarm, a reader reaches', () => {
  const refuse = ({ aws }: Sandbox) =>
    aws.inject({ kind: 'access-denied', operation: 'GetSecretValue', times: ALWAYS });
  const failThrice = async (monitored: MonitoredFunction) => {
    for (const minute of [6, 12, 18]) await monitored.invoke({}, minute);
  };
  const sections = sectionsOf(readDocument('docs/runbook.md'));

  /** Follows the link in the email, and then the link in the last line of the log. */
  function follow(monitored: MonitoredFunction, alarm: string): readonly string[] {
    const [, link = ''] = /\nFix: (\S+)\n/.exec(monitored.textOf(alarm)) ?? [];
    const { runbook = '' } = monitored.stories.at(-1) ?? {};
    const path = [link, runbook].filter((entry) => entry !== '').map((entry) => entry.replace('docs/runbook.md#', ''));
    for (const anchor of path) expect(sections.get(anchor)).toMatch(/\*\*Do now/);
    return path;
  }

  it.each<[string, string, readonly string[], (monitored: MonitoredFunction, sandbox: Sandbox) => Promise<unknown>]>([
    [
      'a denial of Secrets Manager',
      'FunctionFailing',
      ['function-failing', 'store-denied'],
      async (monitored, sandbox) => {
        refuse(sandbox);
        await failThrice(monitored);
      },
    ],
    [
      'a denial that one tick met',
      'FailedRuns',
      ['failed-runs', 'store-denied'],
      async (monitored, sandbox) => {
        refuse(sandbox);
        await monitored.tick(10);
      },
    ],
    [
      'a secret damaged by an edit',
      'FunctionFailing',
      ['function-failing', 'credentials-invalid'],
      async (monitored, sandbox) => {
        sandbox.putCredentials([]);
        await failThrice(monitored);
      },
    ],
    [
      'a revoked grant',
      'ReauthorizationRequired',
      ['reauthorization-required', 'reauthorization-required'],
      async (monitored, { authorizationServer }) => {
        authorizationServer.revoke();
        await monitored.invoke(FORCED, 10);
      },
    ],
    [
      'an answer that was not stored',
      'TokenNotStored',
      ['token-not-stored', 'token-not-stored'],
      async (monitored, { aws, processes: [lambda] }) => {
        aws.inject({ kind: 'internal-error', operation: 'PutSecretValue', skip: 1, times: ALWAYS });
        const running = monitored.invoke(FORCED, 10);
        await until(() => aws.calls.some(({ fault }) => fault !== undefined));
        lambda?.hasten(5_000);
        await running;
      },
    ],
    [
      'a tick that was not delivered',
      'UndeliveredTicks',
      ['undelivered-ticks'],
      async (monitored) => monitored.loseTick(10),
    ],
    ['a disabled schedule', 'TokenExpiringSoon', ['token-expiring-soon'], async () => {}],
  ])('%s', (_, alarm, path, cause) =>
    afterRefresh(async (monitored, sandbox) => {
      await cause(monitored, sandbox);
      expect(await monitored.firing(0, LONG_SILENCE)).toContain(alarm);
      expect(follow(monitored, alarm)).toEqual(path);
    }),
  );

  it('the state of the token, by the command that is in it', () =>
    afterRefresh(async (monitored) => {
      const [, command = ''] = /in AWS CloudShell: (.*)$/m.exec(monitored.textOf('FunctionFailing')) ?? [];
      using shell = new FakeAwsShell();
      expect(shell.run(command)).toMatchObject({ status: 0, stderr: '' });
      const [call = []] = shell.calls;
      expect(call.slice(0, 2)).toEqual(['lambda', 'invoke']);
      const payload = JSON.parse(call[call.indexOf('--payload') + 1] ?? '');
      expect(await monitored.invoke(payload, INTERVAL)).toBe('status');
    }));

  it('until when consumers are safe, in the line of a run that failed', () =>
    afterRefresh(
      async (monitored, { readVersion }) => {
        const expiresAt = readVersion('AWSCURRENT')?.document.expires_at;
        await monitored.invoke(FORCED, 10);
        await monitored.firing(0, INTERVAL);
        expect(monitored.stories.at(-1)).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', expiresAt });
      },
      { script: ['forward', OUTAGE] },
    ));
});

it('the stack has only these alarms', () => {
  const template = synthesise();
  expect([...alarmsOf(template, attributesOf(template, SECRET_ID)).keys()].sort()).toEqual([
    'FailedRuns',
    'FunctionFailing',
    'ReauthorizationRequired',
    'TokenExpiringSoon',
    'TokenNotStored',
    'TokenSecretBehind',
    'TokenSecretUnreadable',
    'UndeliveredTicks',
  ]);
});
