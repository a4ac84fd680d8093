import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
// Each takes two seconds on an idle machine, and the machines of others are never idle.
const TIMEOUT_MS = 60_000;
const MAX_COLUMNS = 100;

interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe.concurrent('npm start tells, and exits with 0, of', () => {
  test.each([
    ['rotation', ['result     refreshed', 'Retently Token Refreshed', 'The old refresh token is dead', 'three reads']],
    ['no-rotation', ['result     refreshed', 'still the one']],
    ['grace', ['lost       200', 'Both POSTs sent the same refresh token']],
    ['dead-grant', ['400 invalid_grant', 'error      REAUTHORIZATION_REQUIRED', 'Retently Reauthorization Required']],
    [
      'fleet',
      ['swept      4 secrets', 'acme       refreshed', 'corn       REAUTHORIZATION_REQUIRED', 'bolt       fresh'],
    ],
    ['outage', ['503, Retry-After: 120', 'result     waiting', 'retryAt', 'Retently Token Recovered']],
  ])('%s', { timeout: TIMEOUT_MS }, async (provider, told) => {
    const { exitCode, stdout, stderr } = await start(provider === 'fleet' ? '--fleet' : `--provider=${provider}`);
    expect(stderr).toBe('');
    for (const text of told) expect(stdout).toContain(text);
    expect(stdout).toMatch(/All of it happened, in \d+\.\d s\.\n$/);
    expect(stdout).not.toContain('NOT');
    expect(exitCode).toBe(0);
    expectPlain(stdout);
  });
});

describe.concurrent('npm start', () => {
  test('explains itself', { timeout: TIMEOUT_MS }, async () => {
    const { exitCode, stdout, stderr } = await start('--help');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const provider of ['--fleet', 'rotation', 'no-rotation', 'grace', 'dead-grant', 'outage']) {
      expect(stdout).toContain(`  ${provider} `);
    }
    expectPlain(stdout);
  });

  test.each([
    ['--provider=unknown', 'There is no provider "unknown"'],
    ['--unknown', "Unknown option '--unknown'"],
    ['grace', "Unexpected argument 'grace'"],
  ])('refuses %s with a sentence', { timeout: TIMEOUT_MS }, async (argument, sentence) => {
    const { exitCode, stdout, stderr } = await start(argument);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain(sentence);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

/** No colour, no line that a terminal would break, nothing long enough to be a token. */
function expectPlain(text: string): void {
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(MAX_COLUMNS);
  expect(text).not.toContain('\u001b');
  // Those of the authorization server have 43 characters, its client secret 32; ids are shown to their eighth.
  expect(text.replaceAll('REAUTHORIZATION_REQUIRED', '')).not.toMatch(/[\w-]{24,}/);
}

/** The command behind `npm start`. */
function start(...options: string[]): Promise<Run> {
  const args = ['--import', 'tsx', 'test/sandbox/start.ts', ...options];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { cwd: ROOT }, (_error, stdout, stderr) => {
      resolve({ exitCode: child.exitCode ?? -1, stdout, stderr });
    });
  });
}
