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

function answersOf({ stdout }: Ended): Readonly<Record<string, string>> {
  const { findings } = answer.parse(JSON.parse(stdout));
  return Object.fromEntries(findings.map(({ question, answer }) => [question, answer]));
}

describe('probe finds out about a server', () => {
  test('that rotates, and revokes the family on reuse', async () => {
    const ended = await probe({ kind: 'rotation' }, '--json');
    expect(ended.exitCode).toBe(0);
    expect(answersOf(ended)).toEqual({
      'What does an answer hold, and how long does a token live?':
        'access_token, expires_in, refresh_token, scope, token_type; expires_in 21600 (6 h)',
      'What is a wrong refresh token answered?':
        'HTTP 400; application/json; error, error_description; code invalid_grant',
      'What is a wrong client secret answered?':
        'HTTP 401; application/json; error, error_description; code invalid_client',
      'Does a refresh without redirect_uri work?': expect.stringMatching(/^yes: HTTP 200/),
      'Does a refresh with redirect_uri work?': expect.stringMatching(/^yes: HTTP 200/),
      'Does a refresh change the refresh token?': 'yes',
      'Does the old bearer token work after a refresh?': 'yes: HTTP 200 with the old one, 200 with the new one',
      'Is a spent refresh token answered again?': expect.stringMatching(/^no: HTTP 400/),
      'Does the grant live on after a spent refresh token was sent again?': expect.stringMatching(
        /^no: .*the bearer token is dead$/,
      ),
    });
  });

  test('with a grace for a spent token', async () => {
    const answers = answersOf(await probe({ kind: 'grace', graceSeconds: 1 }, '--json'));
    expect(answers['Is a spent refresh token answered again?']).toMatch(/^yes, for at least [01] s, and no more after/);
  });

  test('that does not rotate, in a table that fits the page', async () => {
    const { stdout, exitCode } = await probe({ kind: 'no-rotation' });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Question +Answer +What it means for you\n─+/);
    expect(stdout).toContain('no: the answer brought the same');
    expect(stdout).not.toContain('spent refresh token');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  test('that stops answering, and shows what it had found by then', async () => {
    const ended = await probe({ script: ['forward', 'forward', 'forward', 'reset'] }, '--json');
    expect(ended).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/The token endpoint at \S+ gave no answer/),
    });
    expect(Object.keys(answersOf(ended))).toHaveLength(3);
  });

  test('whose errors are no codes of RFC 6749, and wants redirect_uri', async () => {
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
    expect(answersOf(await probe({ script: answers }, '--json'))).toMatchObject({
      'What does an answer hold, and how long does a token live?':
        'access_token, token_type, refresh_token; no expires_in',
      'What is a wrong refresh token answered?': 'HTTP 400; application/json; message, code, data; code 1004',
      'Does a refresh without redirect_uri work?': expect.stringMatching(/^no: HTTP 400/),
      'Does a refresh with redirect_uri work?': expect.stringMatching(/^yes: HTTP 200/),
      'Does a refresh change the refresh token?': 'yes',
    });
  });
});
