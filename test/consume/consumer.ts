import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { LAMBDA_ENVIRONMENT } from '../sandbox/lambda/lambda-process.ts';

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/consume/', import.meta.url));

/** An example of the page, in its own process. It calls Retently once for each line that it receives. */
export class Consumer implements AsyncDisposable {
  readonly #directory: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #stderr = '';

  /**
   * @param files names and texts; the folder is in `node_modules`, so that packages are found
   * @param command what runs them there
   */
  constructor(files: Readonly<Record<string, string>>, command: readonly [string, ...string[]], environment: object) {
    mkdirSync(CACHE, { recursive: true });
    this.#directory = mkdtempSync(join(CACHE, 'example-'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.#directory, name), text);
    const [file, ...args] = command;
    // A developer's profile would be looked up in a file that does not exist.
    const own = { AWS_DEFAULT_REGION: 'us-east-1', AWS_PROFILE: undefined, AWS_DEFAULT_PROFILE: undefined };
    const env = { ...process.env, ...LAMBDA_ENVIRONMENT, ...own, ...environment };
    this.#child = spawn(file, args, { cwd: this.#directory, env });
    this.#child.stderr.on('data', (data) => {
      this.#stderr += data;
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** @returns `200`, or `failed` and why */
  async callRetently(): Promise<string> {
    this.#child.stdin.write('\n');
    const { value, done } = await this.#lines.next();
    return done ? `it ended: ${this.#stderr}` : value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
