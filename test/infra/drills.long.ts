import { describe, expect, it } from 'vitest';
import { SECRET_ID, TOKEN_SECRET_ID } from '../sandbox/sandbox.ts';
import { deploy } from './deployed-template.ts';
import { alarmsOf } from './monitored-function.ts';
import { Operator } from './operator.ts';
import { resolveText } from './resolve-intrinsics.ts';
import { expectOutcome, PREAMBLE, RunbookReader, setMember } from './runbook-reader.ts';
import { synthesise } from './synthesise.ts';

const FORCED = { action: 'refresh', force: true };
const SCHEDULED = { action: 'refresh', trigger: 'schedule' };
const template = synthesise({ alarmEmails: ['ops@example.com'] });

/** Starts with a healthy account, lets something go wrong, and ends healthy by the runbook. */
async function drill(
  breakIt: (
    reader: RunbookReader,
    invoke: (event: object, clockOffsetMs?: number) => Promise<unknown>,
  ) => Promise<unknown>,
  fixIt: (reader: RunbookReader) => Promise<unknown>,
  script: NonNullable<Parameters<typeof deploy>[1]>['script'] = [],
): Promise<void> {
  await using deployment = await deploy(
    template,
    script.length === 0 ? {} : { script: ['forward', ...script, 'forward'] },
  );
  const { sandbox, attributes } = deployment;
  sandbox.putCredentials(await sandbox.mintCredentials());
  const lambda = await deployment.startFunction();
  await lambda.invoke(SCHEDULED);
  const outputs = Object.fromEntries(
    Object.entries(template.Outputs).map(([id, { Value }]) => [id, resolveText(Value, attributes)]),
  );
  await using operator = await Operator.start({ sandbox, lambda, outputs }, PREAMBLE);
  const reader = new RunbookReader(operator, sandbox, alarmsOf(template, attributes));
  await breakIt(reader, (event, clockOffsetMs = 0) => lambda.invoke(event, { clockOffsetMs }));
  await fixIt(reader);
  const { stdout } = await operator.run('run StatusCommand');
  expect(JSON.parse(stdout), stdout).toMatchObject({ outcome: 'status', health: 'healthy' });
}

describe('the runbook leads from the email to a healthy account', () => {
  it('after a grant was revoked', () =>
    drill(
      async ({ sandbox }, invoke) => {
        sandbox.authorizationServer.revoke();
        await invoke(FORCED);
      },
      async (reader) => {
        reader.readEmail('ReauthorizationRequired');
        expect((await reader.run('run ForceCommand')).stdout).toContain('REAUTHORIZATION_REQUIRED');
        const { refresh_token } = await reader.sandbox.mintCredentials();
        await reader.run('run GetSecretCommand', setMember('refresh_token', refresh_token));
        await reader.run('run PutSecretCommand');
        await expectOutcome(reader.run('run InvokeCommand'), ['refreshed']);
      },
    ));

  it('after the client was rejected', () =>
    drill(
      async (_, invoke) => await invoke(FORCED),
      async (reader) => {
        reader.readEmail('TokenExpiringSoon');
        await reader.followLog('CLIENT_REJECTED');
        await expectOutcome(reader.run('run ForceCommand'), ['refreshed']);
      },
      [{ status: 401, body: { error: 'invalid_client' } }],
    ));

  it('after someone replaced the client secret at Retently', () =>
    drill(
      async ({ sandbox }, invoke) => {
        sandbox.putCredentials({ ...sandbox.readVersion('AWSCURRENT')?.document, client_secret: 'the one before' });
        await invoke(FORCED);
      },
      async (reader) => {
        reader.readEmail('TokenExpiringSoon');
        await reader.followLog('CLIENT_REJECTED');
        await reader.run(
          'run GetSecretCommand',
          setMember('client_secret', reader.sandbox.authorizationServer.clientSecret),
        );
        await reader.run('run PutSecretCommand');
        await expectOutcome(reader.run('run InvokeCommand'), ['refreshed']);
      },
    ));

  it('after a program wrote so many versions that no refresh has room', () =>
    drill(
      async ({ sandbox }, invoke) => {
        const { access_token: _, expires_at: __, ...document } = sandbox.readVersion('AWSCURRENT')?.document ?? {};
        // A refresh has room again in two hours.
        await sandbox.ago(22 * 3_600, async () => {
          for (let count = 0; count < 95; count++) sandbox.putCredentials({ ...document, count });
        });
        await invoke(SCHEDULED);
      },
      async (reader) => {
        reader.readEmail('TokenExpiringSoon');
        const { stdout } = await reader.run('run LogsCommand');
        expect(stdout).toContain('"action":"freeBudget"');
        reader.open('version-budget');
        expect((await reader.run('run StatusCommand')).stdout).toContain('"action":"freeBudget"');
        reader.open('reauthorization-required');
        await reader.run('npm run authorize -- --stack RetentlyTokenRefresh');
      },
    ));

  it('after an outage of the provider for a day', () =>
    drill(
      async (_, invoke) => {
        for (let minute = 0; minute < 24 * 60; minute += 120) await invoke(SCHEDULED, minute * 60_000);
      },
      async (reader) => {
        reader.readEmail('TokenExpiringSoon');
        await reader.followLog('PROVIDER_UNAVAILABLE');
        await expectOutcome(reader.run('run ForceCommand'), ['refreshed']);
      },
      Array.from({ length: 12 }, () => ({ status: 503 })),
    ));

  it('after a short outage of the provider', () =>
    drill(
      async (_, invoke) => await invoke(FORCED),
      async (reader) => {
        reader.readEmail('TokenExpiringSoon');
        await reader.followLog('PROVIDER_UNAVAILABLE');
        await expectOutcome(reader.run('run ForceCommand'), ['refreshed']);
      },
      [{ status: 503, headers: { 'retry-after': '120' } }],
    ));

  it.each([1, 2])('after %i bad pastes', (times) =>
    drill(
      async ({ sandbox }, invoke) => {
        for (let paste = 0; paste < times; paste++) {
          sandbox.aws.secretsManager.putSecretValue({ SecretId: SECRET_ID, SecretString: `pasted ${paste}` });
          await invoke(SCHEDULED);
        }
      },
      async (reader) => {
        reader.readEmail('FunctionFailing');
        const { message } = await reader.followLog('CREDENTIALS_INVALID');
        const [command = ''] = /aws secretsmanager update-secret-version-stage [^`]*?(?=\. |\.$|$)/.exec(message) ?? [];
        expect(command).not.toBe('');
        expect((await reader.operator.run(command)).stderr).toBe('');
        await expectOutcome(reader.run('run InvokeCommand'), ['fresh', 'refreshed']);
      },
    ),
  );

  it.each(['Disabled', 'PendingDeletion'])('after the KMS key of the secrets is %s', (state) =>
    drill(
      async ({ sandbox, operator }, invoke) => {
        operator.keyState = state;
        sandbox.aws.inject({ kind: 'kms', operation: '*', times: 1_000_000 });
        await invoke(SCHEDULED);
      },
      async (reader) => {
        reader.readEmail('FunctionFailing');
        await reader.followLog('STORE_DENIED');
        expect((await reader.run('run KeyStateCommand')).stdout).toBe(`${state}\n`);
        if (state === 'PendingDeletion') await reader.run('run CancelKeyDeletionCommand');
        await reader.run('run EnableKeyCommand');
        await expectOutcome(reader.run('run InvokeCommand'), ['fresh']);
      },
    ),
  );

  it('after the secret was scheduled for deletion', () =>
    drill(
      async ({ sandbox }, invoke) => {
        sandbox.aws.secretsManager.deleteSecret({ SecretId: SECRET_ID });
        await invoke(SCHEDULED);
      },
      async (reader) => {
        reader.readEmail('FunctionFailing');
        await reader.followLog('SECRET_NOT_FOUND');
        await reader.run('run RestoreSecretCommand');
        await expectOutcome(reader.run('run InvokeCommand'), ['fresh']);
      },
    ));

  it('after the token secret was scheduled for deletion', () =>
    drill(
      async ({ sandbox }, invoke) => {
        sandbox.aws.secretsManager.deleteSecret({ SecretId: TOKEN_SECRET_ID });
        await invoke(SCHEDULED);
      },
      async (reader) => {
        reader.readEmail('TokenSecretUnreadable');
        expect((await reader.run('run StatusCommand')).stdout).toContain('"action":"fixTokenSecret"');
        await reader.run('run RestoreTokenSecretCommand');
        await expectOutcome(reader.run('run InvokeCommand'), ['fresh']);
      },
    ));

  it('after someone disabled the schedule', () =>
    drill(
      async ({ operator }) => {
        operator.scheduleState = 'DISABLED';
      },
      async (reader) => {
        reader.readEmail('TokenExpiringSoon');
        expect((await reader.run('run ScheduleCommand')).stdout).toBe('DISABLED\n');
        await reader.run('run EnableScheduleCommand');
        expect((await reader.run('run ScheduleCommand')).stdout).toBe('ENABLED\n');
        await expectOutcome(reader.run('run InvokeCommand'), ['fresh']);
      },
    ));

  it('after someone set the concurrency of the function to 0, with the dead letters that this leaves', () =>
    drill(
      async ({ operator }) => {
        operator.concurrency = 0;
        operator.messages = ['{"requestContext":{"condition":"EventAgeExceeded"}}'];
      },
      async (reader) => {
        reader.readEmail('FailedRuns');
        expect((await reader.run('run FailedRunsCommand')).stdout).toContain('EventAgeExceeded');
        expect((await reader.run('run InvokeCommand')).status).toBe(1);
        expect((await reader.run('run ConcurrencyCommand')).stdout).toBe('0\n');
        await reader.run('run RestoreConcurrencyCommand');
        await expectOutcome(reader.run('run InvokeCommand'), ['fresh']);
        await reader.run('run PurgeFailedRunsCommand');
        expect(reader.operator.messages).toEqual([]);
      },
    ));
});
