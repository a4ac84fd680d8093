import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Records its calls, and prints the given answers. */
const FAKE_AWS = `#!/usr/bin/env bash
{ printf '%s\\0' "$@"; printf '\\1'; } >> "$FAKE_AWS/calls"
[ ! -e "$FAKE_AWS/fails" ] || { echo 'An error occurred' >&2; exit 254; }
all="$*"; key="\${all##*OutputKey==\\'}"; key="\${key%%\\'*}"
if [ "$2" = describe-stacks ]; then cat "$FAKE_AWS/outputs/$key"; else cat "$FAKE_AWS/answers/$2" 2>/dev/null || true; fi
`;

/** Folder for commands, with an AWS CLI that makes no calls. */
export class FakeAwsShell implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'shell-'));
  readonly #fake = mkdtempSync(join(tmpdir(), 'fake-aws-'));

  /** @param outputs of the only stack that the fake CLI knows */
  constructor(outputs: Readonly<Record<string, string>> = {}) {
    for (const folder of ['outputs', 'answers', 'bin']) mkdirSync(join(this.#fake, folder));
    for (const [id, value] of Object.entries(outputs)) writeFileSync(join(this.#fake, 'outputs', id), `${value}\n`);
    writeFileSync(join(this.#fake, 'bin', 'aws'), FAKE_AWS);
    chmodSync(join(this.#fake, 'bin', 'aws'), 0o755);
    writeFileSync(join(this.#fake, 'calls'), '');
  }

  willAnswer(operation: string, text: string): void {
    writeFileSync(join(this.#fake, 'answers', operation), text);
  }

  willFail(): void {
    writeFileSync(join(this.#fake, 'fails'), '');
  }

  /** @param shell that is installed here, such as `bash` or `dash` */
  run(script: string, shell = 'bash'): SpawnSyncReturns<string> {
    const PATH = [join(this.#fake, 'bin'), process.env['PATH']].join(delimiter);
    // bash reads ~/.bashrc if its standard input is a socket, as Node's pipes are; that file may change PATH.
    const env = { ...process.env, PATH, HOME: this.#fake, FAKE_AWS: this.#fake };
    return spawnSync(shell, ['-c', script], { cwd: this.directory, env, encoding: 'utf8' });
  }

  /** The arguments of each call of the AWS CLI. */
  get calls(): readonly (readonly string[])[] {
    const calls = readFileSync(join(this.#fake, 'calls'), 'utf8').split('\u0001').slice(0, -1);
    return calls.map((call) => call.split('\0').slice(0, -1));
  }

  [Symbol.dispose](): void {
    for (const folder of [this.directory, this.#fake]) rmSync(folder, { recursive: true });
  }
}
