import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import * as z from 'zod';
import type { LambdaProcess } from '../sandbox/lambda/lambda-process.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';

/** Sends its arguments to the test, prints the answer, and ends as it says. */
const AWS_CLI = `#!${process.execPath}
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
}

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const invocationSchema = z.looseObject({ outcome: z.string() });

/** A person in AWS CloudShell, with the stack that the sandbox stands for. */
export class Operator implements AsyncDisposable {
  keyState = 'Enabled';
  scheduleState = 'ENABLED';
  concurrency: number | undefined;
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
    writeFileSync(join(this.#directory, 'bin', 'aws.mjs'), AWS_CLI);
    writeFileSync(
      join(this.#directory, 'bin', 'aws'),
      `#!/bin/sh\nexec "${process.execPath}" "$(dirname "$0")/aws.mjs" "$@"\n`,
    );
    chmodSync(join(this.#directory, 'bin', 'aws'), 0o755);
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(Buffer.from(chunk));
      const args = z.array(z.string()).parse(JSON.parse(Buffer.concat(chunks).toString()));
      response.end(JSON.stringify(await this.#answer(args)));
    });
  }

  /** @param preamble what the runbook tells to paste first */
  static async start(deployed: Deployed, preamble: string): Promise<Operator> {
    const operator = new Operator(deployed, preamble);
    await new Promise<void>((resolve) => operator.#server.listen(0, '127.0.0.1', resolve));
    const address = operator.#server.address();
    if (typeof address === 'object' && address !== null) operator.#url = `http://127.0.0.1:${address.port}`;
    return operator;
  }

  /** Runs lines of the runbook. @param edit what the editor does with the file */
  run(lines: string, edit: (text: string) => string = (text) => text): Promise<Ran> {
    this.#edit = edit;
    const PATH = [join(this.#directory, 'bin'), process.env['PATH']].join(delimiter);
    const env = { ...process.env, PATH, OPERATOR_URL: this.#url, EDITOR: 'true' };
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
      case 'logs tail':
        return this.log;
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
    const invocation = await this.#deployed.lambda.invoke(JSON.parse(payload));
    return `${JSON.stringify(invocation.kind === 'result' ? invocation.result : invocation)}\n`;
  }

  /** Every line that the function wrote. */
  get log(): string {
    return `${this.#deployed.lambda.stdout}${this.#deployed.lambda.stderr}`;
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
