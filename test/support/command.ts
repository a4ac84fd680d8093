import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { devNull } from 'node:os';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { main } from '../../cli/program.ts';
import { BUNDLES_VARIABLE } from '../sandbox/lambda/bundle.ts';
import { bundleCommandOnce } from './bundle-command.ts';
import { until } from './in-sandbox.ts';

/** Exit code and output of a command, without progress lines. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command of `cli/` while it runs. */
abstract class Command {
  abstract readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  /** Waits until `pattern` matches standard error, and returns its first group. Throws if the command ends without a match. */
  async says(pattern: RegExp): Promise<string> {
    let hasEnded = false;
    void this.ended.then(() => {
      hasEnded = true;
    });
    await until(() => hasEnded || pattern.test(this.stderr));
    const match = pattern.exec(this.stderr);
    if (match) return match[1] ?? match[0];
    throw new Error(`The command did not say ${pattern}, but:\n${this.stdout}\n${this.stderr}`);
  }
}

/** A command of `cli/` in its own process, without this machine's AWS settings. */
export class RunningCommand extends Command {
  readonly #child: ChildProcess;
  readonly ended: Promise<Ended>;

  constructor(args: readonly string[], environment: Readonly<Record<string, string | undefined>>) {
    super();
    this.#child = spawn(process.execPath, [bundleCommandOnce(), ...args], {
      env: { ...HERMETIC, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.ended = once(this.#child, 'close').then(([exitCode]: unknown[]) => ({
      exitCode: typeof exitCode === 'number' ? exitCode : null,
      stdout: this.stdout,
      stderr: withoutProgress(this.stderr),
    }));
  }

  interrupt(signal: NodeJS.Signals = 'SIGINT'): void {
    this.#child.kill(signal);
  }
}

/** A command of `cli/` in this process, which takes a tenth of the time. One at a time, and no signal can reach it. */
export class CommandHere extends Command {
  readonly ended: Promise<Ended>;

  constructor(args: readonly string[], environment: Readonly<Record<string, string | undefined>>) {
    super();
    this.ended = this.#run(args, { ...HERMETIC, ...environment, [BUNDLES_VARIABLE]: process.env[BUNDLES_VARIABLE] });
  }

  async #run(args: readonly string[], variables: Readonly<Record<string, string | undefined>>): Promise<Ended> {
    const own = { ...process.env };
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    const written = Promise.all([finished(stdout), finished(stderr)]);
    let exitCode: number;
    try {
      replaceVariables(variables);
      exitCode = await main(args, { stdout, stderr, env: variables });
    } finally {
      replaceVariables(own);
      stdout.end();
      stderr.end();
    }
    await written;
    return { exitCode, stdout: this.stdout, stderr: withoutProgress(this.stderr) };
  }
}

/** Runs a command in this process to its end. */
export function runCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Ended> {
  return new CommandHere(args, environment).ended;
}

/** Removes the lines that a command prints if a step takes longer than a second, which depends on the machine. */
function withoutProgress(stderr: string): string {
  return stderr.replaceAll(/^.* …\n/gm, '');
}

/** The AWS SDK reads the variables of the process. */
function replaceVariables(variables: Readonly<Record<string, string | undefined>>): void {
  for (const name of Object.keys(process.env)) delete process.env[name];
  for (const [name, value] of Object.entries(variables)) {
    if (value !== undefined) process.env[name] = value;
  }
}

export const HERMETIC = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'sandbox',
  AWS_SECRET_ACCESS_KEY: 'sandbox',
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  AWS_EC2_METADATA_DISABLED: 'true',
} as const;
