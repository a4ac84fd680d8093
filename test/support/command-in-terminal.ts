import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { bundleCommandOnce } from './bundle-command.ts';
import { HERMETIC } from './command.ts';
import { until } from './in-sandbox.ts';

const PSEUDO_TERMINAL = fileURLToPath(new URL('pseudo-terminal.py', import.meta.url));

export const CTRL_C = '\u0003';
export const CTRL_T = '\u0014';
export const ENTER = '\r';

export function isPythonInstalled(): boolean {
  return spawnSync('python3', ['-c', 'import pty'], { stdio: 'ignore' }).status === 0;
}

/** A command of `cli/` in a pseudo-terminal, and every byte of its screen. */
export class CommandInTerminal {
  readonly #child: ChildProcess;
  readonly exitCode: Promise<number | null>;
  screen = '';

  constructor(args: readonly string[], environment: Readonly<Record<string, string | undefined>>) {
    this.#child = spawn('python3', [PSEUDO_TERMINAL, process.execPath, bundleCommandOnce(), ...args], {
      env: { ...HERMETIC, TERM: 'xterm-256color', ...environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.screen += text;
    });
    this.exitCode = once(this.#child, 'close').then(([code]: unknown[]) => (typeof code === 'number' ? code : null));
  }

  /** Waits until `pattern` matches the screen, and returns its first group. */
  async shows(pattern: RegExp): Promise<string> {
    await until(() => this.#child.exitCode !== null || pattern.test(this.screen));
    const match = pattern.exec(this.screen);
    if (match) return match[1] ?? match[0];
    throw new Error(`The screen does not show ${pattern}, but:\n${this.screen}`);
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }
}
