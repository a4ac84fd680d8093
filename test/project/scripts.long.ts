import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from './documents.ts';

const SCRIPTS: Readonly<Record<string, string>> = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).scripts;
/** Every script of ours, except the commands of `cli/`, which have their own tests, and the build, which has no options. */
const OURS = Object.entries(SCRIPTS).filter(([, command]) => /^node .* tsx test\//.test(command));

let temporary: string;

beforeAll(() => {
  temporary = mkdtempSync(join(tmpdir(), 'scripts-'));
});

afterAll(() => rmSync(temporary, { recursive: true }));

/** Runs the command of a script as npm does, with its own temporary directory. */
function run(command: string, option: string) {
  const [, ...args] = command.split(' ');
  const env = { ...process.env, TMPDIR: temporary, RETENTLY_TOKEN_REFRESH_TEST_BUNDLES: undefined };
  return new Promise<{ exitCode: number | null; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(process.execPath, [...args, option], { cwd: ROOT, env }, (_error, stdout, stderr) =>
      resolve({ exitCode: child.exitCode, stdout, stderr }),
    );
  });
}

function modifiedAt(): ReadonlyMap<string, number> {
  const files = ['docs', 'docs/images', '.'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => join(ROOT, folder, name)),
  );
  return new Map(files.map((path) => [path, statSync(path).mtimeMs]));
}

test('there are scripts to check', () => {
  expect(OURS.map(([name]) => name)).toEqual(
    expect.arrayContaining(['start', 'plot', 'walk', 'chaos', 'bench', 'simulate', 'fleet:simulate', 'fleet:bill']),
  );
});

describe.each(OURS)('npm run %s', (_name, command) => {
  test('describes its options and writes no file', async () => {
    const before = modifiedAt();
    const [long, short] = [await run(command, '--help'), await run(command, '-h')];
    expect(short).toEqual(long);
    expect(long).toMatchObject({ exitCode: 0, stderr: '' });
    expect(long.stdout).toMatch(/^Usage: npm .*\n\n.*^Options:$/ms);
    expect(modifiedAt()).toEqual(before);
    // tsx keeps its cache there.
    expect(readdirSync(temporary).filter((entry) => !entry.startsWith('tsx-') && !entry.startsWith('node-'))).toEqual(
      [],
    );
  });

  test('rejects an unknown option with one line and exit code 2', async () => {
    const { exitCode, stdout, stderr } = await run(command, '--unknown');
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});
