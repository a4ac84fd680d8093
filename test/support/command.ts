import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { devNull } from 'node:os';
import { bundleCommandOnce } from './bundle-command.ts';
import { until } from './in-sandbox.ts';

/** How a command ended, and every byte that it wrote. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command of `cli/` in a process of its own, with nothing of this machine's AWS settings. */
export class RunningCommand {
  readonly #child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], environment: Readonly<Record<string, string | undefined>>) {
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
      stderr: this.stderr,
    }));
  }

  /** What `pattern` captures first of standard error, once it is there; throws if the command ends without it. */
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

  interrupt(): void {
    this.#child.kill('SIGINT');
  }
}

export function runCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Ended> {
  return new RunningCommand(args, environment).ended;
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
