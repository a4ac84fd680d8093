import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { COMMANDS, DOCUMENTS, examplesIn, ROOT, RUN_BY_CI, RUN_ELSEWHERE } from './documents.ts';

const TEXT = [...DOCUMENTS.values()].join('\n');

const ran = new Map<string, SpawnSyncReturns<string>>();

/** Once each: an example is a process or two. */
function run(command: string): SpawnSyncReturns<string> {
  const known = ran.get(command) ?? spawnSync(command, { cwd: ROOT, shell: true, encoding: 'utf8' });
  ran.set(command, known);
  return known;
}

describe('the documents have an example for', () => {
  test.each([...COMMANDS].filter((command) => !RUN_BY_CI.test(command) && !RUN_ELSEWHERE.test(command)))(
    '%s',
    (command) => {
      const { status, stderr } = run(command);
      expect(`${status} ${status === 0 ? '' : stderr}`).toBe('0 ');
    },
  );

  test('npm start prints the captured output, except for random parts', () => {
    const [, captured = ''] = /<!-- captured: npm start -->\n```text\n(.*?)```/s.exec(TEXT) ?? [];
    expect(withoutChance(run('npm start').stdout)).toEqual(withoutChance(captured));
  });
});

test.skipIf(spawnSync('python3', ['--version']).status !== 0).each(examplesIn('python'))(
  '%s: Python %i can be compiled',
  (_path, _number, input) => {
    const compile = 'import sys; compile(sys.stdin.read(), "example", "exec")';
    expect(spawnSync('python3', ['-c', compile], { input, encoding: 'utf8' }).stderr).toBe('');
  },
);

/**
 * Fingerprints, version ids and times differ from run to run, and so does which of two reads in parallel comes first.
 * The output of npm itself does not belong to the project.
 */
function withoutChance(screen: string): readonly string[] {
  const masked = screen.replaceAll(/\b[0-9a-f]{8}(?:[0-9a-f]{4})?\b/g, '#').replaceAll(/\d+\.\d s/g, '# s');
  return masked
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('> '))
    .sort();
}
