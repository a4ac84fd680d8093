import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAX_COLUMNS = 100;

interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe.concurrent('npm start shows, and exits with 0,', () => {
  test.each([
    ['rotation', ['result     refreshed', 'Retently Token Refreshed', 'rejects the old refresh token', 'three reads']],
    ['no-rotation', ['result     refreshed', 'refresh token has not changed']],
    ['grace', ['lost       200', 'Both POSTs sent the same refresh token']],
    [
      'revoked-grant',
      ['400 invalid_grant', 'error      REAUTHORIZATION_REQUIRED', 'Retently Reauthorization Required'],
    ],
    [
      'fleet',
      [
        'swept      4 secrets',
        'acme       refreshed',
        'corn       REAUTHORIZATION_REQUIRED',
        'The second sweep queued nothing',
      ],
    ],
    ['outage', ['503, Retry-After: 120', 'result     waiting', 'retryAt', 'Retently Token Recovered']],
  ])('%s', async (provider, told) => {
    const { exitCode, stdout, stderr } = await start(provider === 'fleet' ? '--fleet' : `--provider=${provider}`);
    expect(stderr).toBe('');
    for (const text of told) expect(stdout).toContain(text);
    expect(stdout).toMatch(/All checks passed, in \d+\.\d s\.\n$/);
    expect(stdout).not.toContain('NOT');
    expect(exitCode).toBe(0);
    expectPlain(stdout);
  });
});

describe.concurrent('npm start', () => {
  test('describes its options', async () => {
    const [long, short] = await Promise.all([start('--help'), start('-h')]);
    expect(short).toEqual(long);
    expect(long).toMatchObject({ exitCode: 0, stderr: '' });
    for (const name of ['--fleet', '--provider', 'rotation', 'no-rotation', 'grace', 'revoked-grant', 'outage']) {
      expect(long.stdout).toContain(`  ${name} `);
    }
    expectPlain(long.stdout);
  });

  test.each([['--provider=unknown'], ['--unknown'], ['grace'], ['--fleet', '--provider=grace']])(
    'rejects %s with one line and exit code 2',
    async (...args) => {
      const { exitCode, stdout, stderr } = await start(...args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    },
  );

  test('ends quietly if nothing reads its output any more', async () => {
    const child = spawn(process.execPath, toArgs(), { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    const [stderr] = await Promise.all([
      text(child.stderr),
      once(child.stdout, 'data').then(() => child.stdout.destroy()),
    ]);
    expect([stderr, child.signalCode]).toEqual(['', null]);
  });
});

/** No colour, no line that a terminal would break, nothing long enough to be a token. */
function expectPlain(text: string): void {
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(MAX_COLUMNS);
  expect(text).not.toContain('\u001b');
  // Those of the authorization server have 43 characters, its client secret 32; ids are shown to their eighth.
  expect(text.replaceAll('REAUTHORIZATION_REQUIRED', '')).not.toMatch(/[\w-]{24,}/);
}

/** Arguments of Node for the command behind `npm start`. */
function toArgs(...options: string[]): string[] {
  return ['--import', 'tsx', 'test/sandbox/start.ts', ...options];
}

function start(...options: string[]): Promise<Run> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, toArgs(...options), { cwd: ROOT }, (_error, stdout, stderr) => {
      resolve({ exitCode: child.exitCode ?? -1, stdout, stderr });
    });
  });
}
