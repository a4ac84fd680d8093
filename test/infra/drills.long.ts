import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type Sandbox, SECRET_ID, TOKEN_SECRET_ID } from '../sandbox/sandbox.ts';
import { blocksOf, readDocument, sectionsOf } from '../support/markdown.ts';
import { attributesOf, deploy } from './deployed-template.ts';
import { alarmsOf } from './monitored-function.ts';
import { Operator, type Ran } from './operator.ts';
import { resolveText } from './resolve-intrinsics.ts';
import { synthesise } from './synthesise.ts';

const RUNBOOK = readDocument('docs/runbook.md');
const SECTIONS = sectionsOf(RUNBOOK);
const [PREAMBLE = ''] = blocksOf(RUNBOOK, 'bash');
const FORCED = { action: 'refresh', force: true };
const SCHEDULED = { action: 'refresh', trigger: 'schedule' };
const template = synthesise({ alarmEmails: ['ops@example.com'] });
const lineSchema = z.looseObject({ code: z.string(), runbook: z.string(), message: z.string() });

/** A person who follows the runbook, and runs nothing that the entry does not have. */
class Reader {
  readonly operator: Operator;
  readonly sandbox: Sandbox;
  #entry = '';

  constructor(operator: Operator, sandbox: Sandbox) {
    this.operator = operator;
    this.sandbox = sandbox;
  }

  /** Opens the entry that the email of an alarm links to. */
  readEmail(alarm: string): void {
    const text = alarmsOf(template, attributesOf(template, 'arn')).get(alarm)?.text ?? '';
    this.#open(/\nFix: \S+#(\S+)\n/.exec(text)?.[1] ?? '');
  }

  #open(anchor: string): void {
    this.#entry = SECTIONS.get(anchor) ?? '';
    expect(this.#entry).toMatch(/\*\*Do now/);
  }

  /** Runs a line of the entry. */
  async run(line: string, edit?: (text: string) => string): Promise<Ran> {
    expect(this.#entry.split('\n').map((each) => each.trim())).toContain(line);
    return await this.operator.run(line, edit);
  }

  /** Follows the link in the last failed line of the log. @returns that line */
  async followLog(code: string): Promise<z.output<typeof lineSchema>> {
    const { stdout } = await this.run('run LogsCommand');
    const lines = stdout.split('\n').flatMap((line) => {
      const parsed = lineSchema.safeParse(line.includes('"durationMs"') ? JSON.parse(line) : undefined);
      return parsed.success ? [parsed.data] : [];
    });
    const last = lines.at(-1);
    if (last === undefined) throw new Error('no line of the log has a code');
    expect(last.code).toBe(code);
    this.#open(last.runbook.split('#')[1] ?? '');
    return last;
  }
}

/** Starts with a healthy account, lets something go wrong, and ends healthy by the runbook. */
async function drill(
  breakIt: (reader: Reader, invoke: (event: object) => Promise<unknown>) => Promise<unknown>,
  fixIt: (reader: Reader) => Promise<unknown>,
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
  const reader = new Reader(operator, sandbox);
  await breakIt(reader, (event) => lambda.invoke(event));
  await fixIt(reader);
  const { stdout } = await operator.run('run StatusCommand');
  expect(JSON.parse(stdout)).toMatchObject({ outcome: 'status', health: 'healthy' });
}

const setMember = (name: string, value: unknown) => (text: string) =>
  JSON.stringify({ ...z.looseObject({}).parse(JSON.parse(text)), [name]: value });

async function expectOutcome(ran: Promise<Ran>, outcomes: readonly string[]): Promise<void> {
  const done = await ran;
  expect(outcomes, done.stdout + done.stderr).toContain(Operator.outcomeOf(done));
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

  it('after an outage of the provider', () =>
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
