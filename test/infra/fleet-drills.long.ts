import { describe, expect, it } from 'vitest';
import { type Fleet, startFleet } from '../sandbox/fleet.ts';
import type { Step } from '../sandbox/oauth/scripted-token-endpoint.ts';
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts';
import { attributesOf } from './deployed-template.ts';
import { alarmsOf } from './monitored-function.ts';
import { Operator } from './operator.ts';
import { resolveText } from './resolve-intrinsics.ts';
import { expectOutcome, PREAMBLE, RunbookReader, setMember } from './runbook-reader.ts';
import { synthesiseFleet } from './synthesise.ts';

const template = synthesiseFleet({ fleet: { tagKey: 'retently', minimumSecrets: 2 } });
const attributes = attributesOf(template, '');
const ALARMS = alarmsOf(template, attributes);

interface Drill {
  readonly fleet: Fleet;
  readonly sandbox: Sandbox;
  readonly operator: Operator;
  readonly reader: RunbookReader;
  /** ARN of the secret with the problem. The other secret is healthy. */
  readonly arn: string;
}

/** Starts with two healthy accounts, lets something go wrong, and ends healthy by the runbook. */
async function drill(
  breakIt: (drill: Drill) => Promise<unknown>,
  fixIt: (drill: Drill) => Promise<unknown>,
  script: readonly Step[] = [],
): Promise<void> {
  await using sandbox = await startSandbox({ script: ['forward', 'forward', ...script, 'forward'] });
  const fleet = await startFleet(sandbox, 1);
  const arn = fleet.add('acme', await sandbox.mintCredentials());
  fleet.add('healthy', await sandbox.mintCredentials());
  await fleet.tick();
  // The first process is that of the sweep.
  const [sweeper] = sandbox.processes;
  const lambda = await fleet.startRefresh();
  const outputs = Object.fromEntries(
    Object.entries(template.Outputs).map(([id, { Value }]) => [id, resolveText(Value, attributes)]),
  );
  const preamble = `${PREAMBLE}\nSTACK=RetentlyTokenRefreshFleet\nSECRET=${arn}`;
  await using operator = await Operator.start({ sandbox, lambda, outputs, fleet, sweeper }, preamble);
  const reader = new RunbookReader(operator, sandbox, ALARMS);
  const drilled = { fleet, sandbox, operator, reader, arn };
  await breakIt(drilled);
  await fixIt(drilled);
  const { stdout } = await operator.run('run StatusCommand');
  expect(JSON.parse(stdout), stdout).toMatchObject({ outcome: 'status', health: 'healthy' });
  expect((await operator.run('run SweepCommand')).stdout).toMatch(/"listed":2\b/);
}

/** Stores a token that is due. */
function makeDue({ fleet, sandbox, arn }: Drill): void {
  const now = Date.now();
  const document = {
    ...fleet.read('acme'),
    refreshed_at: new Date(now - 5 * 3_600_000).toISOString(),
    expires_at: new Date(now + 3_600_000).toISOString(),
  };
  sandbox.aws.secretsManager.putSecretValue({ SecretId: arn, SecretString: JSON.stringify(document) });
}

/** A sweep finds the token overdue, and no run refreshes it. */
async function leaveOverdue(each: Drill): Promise<void> {
  makeDue(each);
  await each.fleet.sweep();
}

describe('the runbook leads from the email of a fleet to healthy accounts', () => {
  it('TokenOverdue and QueueOld: someone disabled the event source mappings', async () => {
    for (const alarm of ['TokenOverdue', 'QueueOld'])
      await drill(
        async (each) => {
          each.operator.mappingState = 'Disabled';
          await leaveOverdue(each);
        },
        async ({ reader, arn }) => {
          reader.readEmail(alarm);
          if (alarm === 'TokenOverdue') expect((await reader.run('run AttentionCommand')).stdout).toContain(arn);
          expect((await reader.run('run MappingsCommand')).stdout).toBe('Disabled\tDisabled\n');
          await reader.run('run EnableMappingsCommand');
          expect((await reader.run('run MappingsCommand')).stdout).toBe('Enabled\tEnabled\n');
        },
      );
  });

  it('TokenOverdue: someone set the concurrency of the refresh function to 0', () =>
    drill(
      async (each) => {
        each.operator.concurrency = 0;
        await leaveOverdue(each);
      },
      async ({ reader }) => {
        reader.readEmail('TokenOverdue');
        expect((await reader.run('run ConcurrencyCommand')).stdout).toBe('0\n0\n');
        await reader.run('run RestoreConcurrencyCommand');
        expect((await reader.run('run SweepCommand')).stdout).toMatch(/"queued":1\b/);
      },
    ));

  it('TokenOverdue: the provider is unavailable', () =>
    drill(
      async (each) => {
        makeDue(each);
        await each.fleet.tick();
      },
      async ({ reader }) => {
        reader.readEmail('TokenOverdue');
        await reader.followLog('PROVIDER_UNAVAILABLE');
        await expectOutcome(reader.run('run ForceCommand'), ['refreshed']);
      },
      [{ status: 503, headers: { 'retry-after': '120' } }],
    ));

  it('ReauthorizationRequired: one grant was revoked', () =>
    drill(
      async (each) => {
        makeDue(each);
        await each.fleet.tick();
        await each.fleet.sweep();
      },
      async ({ reader, sandbox, arn }) => {
        reader.readEmail('ReauthorizationRequired');
        reader.open('a-fleet');
        const { stdout } = await reader.run('run AttentionCommand');
        expect(stdout).toContain(arn);
        reader.follow(stdout, 'REAUTHORIZATION_REQUIRED');
        const { refresh_token } = await sandbox.mintCredentials();
        await reader.run('run GetSecretCommand', setMember('refresh_token', refresh_token));
        await reader.run('run PutSecretCommand');
        await expectOutcome(reader.run('run InvokeCommand'), ['refreshed']);
      },
      [{ status: 400, body: { error: 'invalid_grant' } }],
    ));

  it('SecretUnusable: a bad paste', () =>
    drill(
      async ({ fleet, sandbox, arn }) => {
        sandbox.aws.secretsManager.putSecretValue({ SecretId: arn, SecretString: 'pasted' });
        await fleet.sweep();
      },
      async ({ reader, operator }) => {
        reader.readEmail('SecretUnusable');
        reader.follow((await reader.run('run AttentionCommand')).stdout, 'CREDENTIALS_INVALID');
        const { stdout } = await reader.run('run InvokeCommand');
        const [command = ''] =
          /aws secretsmanager update-secret-version-stage [^`"]*?(?=\. |\.$|"|$)/.exec(stdout) ?? [];
        expect((await operator.run(command)).stderr).toBe('');
        await expectOutcome(reader.run('run InvokeCommand'), ['fresh', 'refreshed']);
      },
    ));

  it('SecretUnusable: the KMS key of the secrets was disabled', () =>
    drill(
      async ({ fleet, sandbox, operator }) => {
        operator.keyState = 'Disabled';
        sandbox.aws.inject({ kind: 'kms', operation: '*', times: 1_000_000 });
        await fleet.sweep();
      },
      async ({ reader }) => {
        reader.readEmail('SecretUnusable');
        reader.follow((await reader.run('run AttentionCommand')).stdout, 'STORE_DENIED');
        expect((await reader.run('run KeyStateCommand')).stdout).toBe('Disabled\n');
        await reader.run('run EnableKeyCommand');
        await expectOutcome(reader.run('run InvokeCommand'), ['fresh']);
      },
    ));

  it('SweepSilent: someone disabled the schedule', () =>
    drill(
      async ({ operator }) => {
        operator.scheduleState = 'DISABLED';
      },
      async ({ reader }) => {
        reader.readEmail('SweepSilent');
        expect((await reader.run('run ScheduleCommand')).stdout).toBe('DISABLED\n');
        await reader.run('run EnableScheduleCommand');
        expect((await reader.run('run ScheduleCommand')).stdout).toBe('ENABLED\n');
        expect((await reader.run('run SweepCommand')).stdout).toMatch(/"listed":2\b/);
      },
    ));

  it('SweepSilent: the sweep may not read in batches', () =>
    drill(
      async ({ fleet, sandbox }) => {
        sandbox.aws.inject({ kind: 'access-denied', operation: 'BatchGetSecretValue', times: 1_000_000 });
        await fleet.sweep();
      },
      async ({ reader, sandbox }) => {
        reader.readEmail('SweepSilent');
        const { message } = reader.follow((await reader.run('run SweepLogsCommand')).stdout, 'SWEEP_INCOMPLETE');
        expect(message).toContain('BatchGetSecretValue');
        // The person allows the action.
        sandbox.aws.clearFaults();
        expect((await reader.run('run SweepCommand')).stdout).toMatch(/"listed":2\b/);
      },
    ));

  it('FewerSecrets: someone removed the tag of a secret', () =>
    drill(
      async ({ sandbox, arn }) => {
        sandbox.aws.secretsManager.untagResource({ SecretId: arn, TagKeys: ['retently'] });
      },
      async ({ reader, sandbox, arn }) => {
        reader.readEmail('FewerSecrets');
        expect((await reader.run('run SecretsCommand')).stdout).not.toContain(arn);
        await reader.run(
          'aws secretsmanager tag-resource --region us-east-1 --secret-id "$SECRET" --tags Key=retently,Value=live',
        );
        expect((await reader.run('run SecretsCommand')).stdout).toContain(arn);
        // The fleet of the sandbox has a value in its tag.
        sandbox.aws.secretsManager.tagResource({ SecretId: arn, Tags: [{ Key: 'retently', Value: 'emea' }] });
      },
    ));

  it('DeadLetters: someone set the concurrency of the sweep to 0, and ticks are left in a queue', () =>
    drill(
      async ({ operator }) => {
        operator.concurrency = 0;
        operator.messages = ['{"ERROR_CODE":"TooManyRequestsException"}'];
      },
      async ({ reader, operator }) => {
        reader.readEmail('DeadLetters');
        expect((await reader.run('run UndeliveredTicksCommand')).stdout).toContain('TooManyRequestsException');
        expect((await operator.run('run SweepCommand')).status).toBe(1);
        await reader.run('run RestoreConcurrencyCommand');
        expect((await reader.run('run SweepCommand')).stdout).toMatch(/"listed":2\b/);
        await reader.run('run PurgeUndeliveredTicksCommand');
        expect(operator.messages).toEqual([]);
      },
    ));
});
