import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import * as z from 'zod';
import type { Fleet } from '../sandbox/fleet.ts';
import type { LambdaProcess } from '../sandbox/lambda/lambda-process.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';

/** Sends its name and its arguments to the test, prints the answer, and exits with the answer's code. */
const COMMAND = `#!${process.execPath}
const body = JSON.stringify(process.argv.slice(2));
const response = await fetch(process.env.OPERATOR_URL, { method: 'POST', body });
const { stdout, stderr } = await response.json();
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = stderr === '' ? 0 : 254;
`;

export interface Deployed {
  readonly sandbox: Sandbox;
  readonly lambda: LambdaProcess;
  readonly outputs: Readonly<Record<string, string>>;
  /** The fleet, if it is one. `lambda` is then a process of its refresh function. */
  readonly fleet?: Fleet;
  readonly sweeper?: LambdaProcess | undefined;
}

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const invocationSchema = z.looseObject({ outcome: z.string() });

/** A person in AWS CloudShell, with the stack in the sandbox. */
export class Operator implements AsyncDisposable {
  keyState = 'Enabled';
  scheduleState = 'ENABLED';
  concurrency: number | undefined;
  /** State of a fleet's two event source mappings. */
  mappingState: 'Enabled' | 'Disabled' = 'Enabled';
  /** Messages of the queues. */
  messages: string[] = [];
  readonly #deployed: Deployed;
  readonly #preamble: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'operator-'));
  readonly #server: Server;
  #url = '';

  private constructor(deployed: Deployed, preamble: string) {
    this.#deployed = deployed;
    this.#preamble = preamble;
    mkdirSync(join(this.#directory, 'bin'));
    const send = join(this.#directory, 'bin', 'send.mjs');
    writeFileSync(send, COMMAND);
    for (const name of ['aws', 'npm']) {
      const path = join(this.#directory, 'bin', name);
      writeFileSync(path, `#!/bin/sh\nexec "${process.execPath}" "${send}" ${name === 'aws' ? '' : name} "$@"\n`);
      chmodSync(path, 0o755);
    }
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(Buffer.from(chunk));
      const args = z.array(z.string()).parse(JSON.parse(Buffer.concat(chunks).toString()));
      response.end(JSON.stringify(await this.#answer(args)));
    });
  }

  /** Creates an operator. @param preamble commands of the runbook to paste first */
  static async start(deployed: Deployed, preamble: string): Promise<Operator> {
    const operator = new Operator(deployed, preamble);
    await new Promise<void>((resolve) => operator.#server.listen(0, '127.0.0.1', resolve));
    const address = operator.#server.address();
    if (typeof address === 'object' && address !== null) operator.#url = `http://127.0.0.1:${address.port}`;
    return operator;
  }

  /** Runs lines of the runbook. @param edit used instead of the editor */
  run(lines: string, edit: (text: string) => string = (text) => text): Promise<Ran> {
    this.#edit = edit;
    const PATH = [join(this.#directory, 'bin'), process.env['PATH']].join(delimiter);
    // bash reads ~/.bashrc if its standard input is a socket, as Node's pipes are; that file may change PATH.
    const env = { ...process.env, PATH, HOME: this.#directory, OPERATOR_URL: this.#url, EDITOR: 'true' };
    return new Promise((resolve) => {
      execFile('bash', ['-c', `${this.#preamble}\n${lines}`], { cwd: this.#directory, env }, (error, stdout, stderr) =>
        resolve({ status: error === null ? 0 : 1, stdout, stderr }),
      );
    });
  }

  #edit: (text: string) => string = (text) => text;

  async #answer(args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
    try {
      return { stdout: await this.#call(args), stderr: '' };
    } catch (error) {
      return { stdout: '', stderr: `An error occurred: ${error instanceof Error ? error.message : ''}\n` };
    }
  }

  async #call(args: readonly string[]): Promise<string> {
    const [service = '', operation = ''] = args;
    const option = (name: string) => args[args.indexOf(name) + 1] ?? '';
    const { secretsManager } = this.#deployed.sandbox.aws;
    const SecretId = option('--secret-id');
    switch (`${service} ${operation}`) {
      case 'npm run':
        return await this.#authorize();
      case 'cloudformation describe-stacks': {
        const [, key = ''] = /OutputKey=='(\w+)'/.exec(option('--query')) ?? [];
        return `${this.#deployed.outputs[key] ?? 'None'}\n`;
      }
      case 'lambda invoke':
        return await this.#invoke(option('--payload'));
      case 'lambda get-function-concurrency':
        return `${this.concurrency ?? 'None'}\n`;
      case 'lambda delete-function-concurrency':
        this.concurrency = undefined;
        return '';
      case 'lambda list-event-source-mappings':
        return `${this.mappingState}\t${this.mappingState}\n`;
      case 'lambda update-event-source-mapping':
        this.mappingState = 'Enabled';
        await this.#deployed.fleet?.refresh.drain();
        return `${this.mappingState}\n`;
      case 'logs tail':
        return args.some((each) => each.includes('Sweep')) ? this.#logOf([this.#deployed.sweeper]) : this.log;
      case 'scheduler get-schedule':
        return option('--query').includes('ENABLED') ? '{"State":"ENABLED"}\n' : `${this.scheduleState}\n`;
      case 'scheduler update-schedule':
        this.scheduleState = z.object({ State: z.string() }).parse(JSON.parse(option('--cli-input-json'))).State;
        return '';
      case 'kms describe-key':
        return `${this.keyState}\n`;
      case 'kms cancel-key-deletion':
        if (this.keyState !== 'PendingDeletion') throw new Error('KMSInvalidStateException');
        this.keyState = 'Disabled';
        return '';
      case 'kms enable-key':
        this.keyState = 'Enabled';
        this.#deployed.sandbox.aws.clearFaults();
        return '';
      case 'secretsmanager describe-secret':
        return 'key-1\n';
      case 'secretsmanager get-secret-value':
        return this.#edit(secretsManager.getSecretValue({ SecretId }).SecretString ?? '');
      case 'secretsmanager put-secret-value': {
        const text = option('--secret-string').replace(/^file:\/\/(.*)$/, (_, name) =>
          readFileSync(join(this.#directory, name), 'utf8'),
        );
        secretsManager.putSecretValue({ SecretId, SecretString: text });
        return '';
      }
      case 'secretsmanager list-secrets': {
        const { SecretList } = secretsManager.listSecrets({});
        const tagged = SecretList.filter(({ Tags = [] }) => Tags.some(({ Key }) => Key === 'retently'));
        return `${tagged.map(({ ARN }) => ARN).join('\t')}\n`;
      }
      case 'secretsmanager tag-resource': {
        const [, Key = '', Value = ''] = /Key=(\w+),Value=(\w+)/.exec(option('--tags')) ?? [];
        secretsManager.tagResource({ SecretId, Tags: [{ Key, Value }] });
        return '';
      }
      case 'secretsmanager restore-secret':
        secretsManager.restoreSecret({ SecretId });
        return '';
      case 'secretsmanager update-secret-version-stage': {
        const request = {
          SecretId,
          VersionStage: option('--version-stage'),
          ...(args.includes('--move-to-version-id') && { MoveToVersionId: option('--move-to-version-id') }),
          ...(args.includes('--remove-from-version-id') && { RemoveFromVersionId: option('--remove-from-version-id') }),
        };
        secretsManager.updateSecretVersionStage(request);
        return '';
      }
      case 'sqs receive-message':
        return `${JSON.stringify(this.messages)}\n`;
      case 'sqs purge-queue':
        this.messages = [];
        return '';
      default:
        throw new Error(`aws ${service} ${operation} is not known to the operator`);
    }
  }

  async #invoke(payload: string): Promise<string> {
    if (this.concurrency === 0) throw new Error('TooManyRequestsException');
    const { fleet, lambda } = this.#deployed;
    const isSweep = fleet !== undefined && payload === '{}';
    const invocation = isSweep ? await fleet.sweep() : await lambda.invoke(JSON.parse(payload));
    if (isSweep && this.mappingState === 'Enabled') await fleet.refresh.drain();
    return `${JSON.stringify(invocation.kind === 'result' ? invocation.result : invocation)}\n`;
  }

  /** Does what `authorize` does: stores new credentials with an access token, and invokes the function. */
  async #authorize(): Promise<string> {
    const { sandbox, lambda } = this.#deployed;
    const now = Date.now();
    sandbox.putCredentials({
      ...(await sandbox.mintCredentials()),
      access_token: 'from-authorize',
      token_type: 'Bearer',
      refreshed_at: new Date(now).toISOString(),
      expires_at: new Date(now + 21_600_000).toISOString(),
    });
    await lambda.invoke({});
    return '';
  }

  /** Every line that the function wrote, in each of its processes. */
  get log(): string {
    const { sandbox, lambda, fleet, sweeper } = this.#deployed;
    return this.#logOf(fleet === undefined ? [lambda] : sandbox.processes.filter((each) => each !== sweeper));
  }

  #logOf(processes: readonly (LambdaProcess | undefined)[]): string {
    return processes.map((each) => `${each?.stdout ?? ''}${each?.stderr ?? ''}`).join('');
  }

  /** Returns the outcome in the last line of what a command printed. */
  static outcomeOf({ stdout }: Ran): string | undefined {
    const last = stdout.trim().split('\n').at(-1) ?? '';
    return invocationSchema.safeParse(last.startsWith('{') ? JSON.parse(last) : undefined).data?.outcome;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.#directory, { recursive: true, force: true });
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
