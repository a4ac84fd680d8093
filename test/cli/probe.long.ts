import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { SandboxOptions } from '../sandbox/sandbox.ts';
import { type Ended, RunningCommand } from '../support/command.ts';
import { expectNothingSecret, PAGE_URL } from '../support/command-secrets.ts';
import { startDeployment } from '../support/deployment.ts';
import { walkThroughPages } from '../support/plain-browser.ts';

const answer = z.object({
  findings: z.array(z.object({ question: z.string(), answer: z.string(), meaning: z.string() })),
});

async function probe(options: SandboxOptions, ...args: readonly string[]): Promise<Ended> {
  await using deployment = await startDeployment(options);
  const { environment, browserOptions, sandbox } = deployment;
  const apiUrl = sandbox.authorizationServer.apiUrl;
  const all = ['probe', '--yes', '--api-url', apiUrl, '--grace-seconds', '3', ...browserOptions, ...args];
  const probing = new RunningCommand(all, environment);
  await walkThroughPages(await probing.says(PAGE_URL), 'allow');
  const ended = await probing.ended;
  expectNothingSecret(deployment, ended.stdout + ended.stderr);
  expect(sandbox.readVersion('AWSCURRENT')).toBeUndefined();
  return ended;
}

/** Returns the answers in the order of the questions, so that no test depends on their wording. */
function answersOf({ stdout }: Ended): readonly string[] {
  const { findings } = answer.parse(JSON.parse(stdout));
  return findings.map((finding) => finding.answer);
}

describe('probe finds out about a server', () => {
  test('that rotates, and revokes the grant on reuse', async () => {
    const ended = await probe({ kind: 'rotation' }, '--json');
    expect(ended.exitCode).toBe(0);
    expect(answersOf(ended)).toEqual([
      'access_token, expires_in, refresh_token, scope, token_type; expires_in 21600 (6 h)',
      'HTTP 400; application/json; error, error_description; code invalid_grant',
      'HTTP 401; application/json; error, error_description; code invalid_client',
      expect.stringMatching(/^yes: HTTP 200/),
      expect.stringMatching(/^yes: HTTP 200/),
      'yes',
      expect.stringMatching(/^yes: HTTP 200 .*200/),
      expect.stringMatching(/^no: HTTP 400/),
      expect.stringMatching(/^no: HTTP 400/),
    ]);
  });

  test('with a grace period for a used token', async () => {
    const answers = answersOf(await probe({ kind: 'grace', graceSeconds: 1 }, '--json'));
    expect(answers).toContainEqual(expect.stringMatching(/^yes, .*[01] s/));
  });

  test('that does not rotate, in a table that fits the page', async () => {
    const { stdout, exitCode } = await probe({ kind: 'no-rotation' });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Question +Answer +What it means for you\n─+/);
    expect(stdout).not.toContain('invalid_grant; ');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  test('that stops responding, and shows the findings until then', async () => {
    const ended = await probe({ script: ['forward', 'forward', 'forward', 'reset'] }, '--json');
    expect(ended).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/The token endpoint at \S+/),
    });
    expect(answersOf(ended)).toHaveLength(3);
  });

  test('whose errors are not codes of RFC 6749, and that requires redirect_uri', async () => {
    const token = (number: number) => ({
      access_token: `access-token-${number}-${'x'.repeat(20)}`,
      token_type: 'Bearer',
    });
    const odd = { status: 400, body: { message: 'Invalid refresh token', code: 1004, data: null } };
    const answers = [
      { status: 200, body: { ...token(1), refresh_token: 'refresh-token-1-yyyyyyyyyyyyyyyy' } },
      odd,
      odd,
      odd,
      { status: 200, body: { ...token(2), refresh_token: 'refresh-token-2-zzzzzzzzzzzzzzzz' } },
      odd,
    ];
    expect(answersOf(await probe({ script: answers }, '--json')).slice(0, 6)).toEqual([
      'access_token, token_type, refresh_token; no expires_in',
      'HTTP 400; application/json; message, code, data; code 1004',
      expect.stringMatching(/^HTTP 400/),
      expect.stringMatching(/^no: HTTP 400/),
      expect.stringMatching(/^yes: HTTP 200/),
      'yes',
    ]);
  });
});
