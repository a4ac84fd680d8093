import { describe, expect, test } from 'vitest';
import { AwsSession } from '../../cli/aws/session.ts';
import { toAnswer } from '../../cli/probe/token-request.ts';
import { formatAge, formatBar, formatSeconds } from '../../cli/status/format.ts';
import { renderTable } from '../../cli/terminal/tables.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { runCommand } from '../support/command.ts';

test.each([
  [0, '0 s'],
  [59.9, '59 s'],
  [60, '1 min'],
  [3_599, '59 min 59 s'],
  [21_600, '6 h'],
  [90_061, '1 d 1 h'],
  [-5, '0 s'],
])('%d seconds are %s', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});

test('an age is in the past or in the future', () => {
  const nowMs = Date.parse('2026-11-25T02:00:00.000Z');
  expect(formatAge('2026-11-25T01:00:00.000Z', nowMs)).toBe('1 h ago');
  expect(formatAge('2026-11-25T02:12:00.000Z', nowMs)).toBe('in 12 min');
});

test.each([
  [0, 0],
  [0.001, 1],
  [0.5, 12],
  [1, 24],
  [7, 24],
])('a share of %d fills %d of the 24 cells of a bar', (share, filled) => {
  expect(formatBar(share)).toBe('█'.repeat(filled) + '░'.repeat(24 - filled));
});

test('a table wraps at spaces, and lets a long word stick out', () => {
  const rows = [
    ['Question', 'Answer'],
    ['one two three four five', 'a-word-that-is-longer-than-its-cell'],
  ];
  expect(renderTable(rows, 34)).toBe(
    [
      'Question          Answer',
      '────────────────  ────────────────',
      'one two three     a-word-that-is-longer-than-its-cell',
      'four five',
    ].join('\n'),
  );
});

describe('failures of AWS', () => {
  const failed = (members: object) =>
    new AwsSession({ region: 'eu-west-9' }).failure(Object.assign(new Error('a message'), members), 'look');

  test.each([
    [
      { code: 'ENOTFOUND' },
      'Cannot look: AWS could not be reached (ENOTFOUND). Check --region eu-west-9 and your network.',
    ],
    [
      { name: 'TimeoutError' },
      'Cannot look: AWS could not be reached (TimeoutError). Check --region eu-west-9 and your network.',
    ],
    [{ name: 'ThrottlingException' }, 'Cannot look: Throttling: a message.'],
  ])('%j', (members, sentence) => {
    expect(failed(members)).toMatchObject({ exitCode: 2, message: sentence });
  });
});

describe('the probe shows names in an answer, and values only if they are codes', () => {
  test.each([
    [{ error: 'invalid_grant' }, { members: ['error'], code: 'invalid_grant' }],
    [
      { error: 'the token abc123 is wrong', code: 1004 },
      { members: ['error', 'code'], code: '1004' },
    ],
    [{ error: 'the token abc123 is wrong' }, { members: ['error'] }],
    [{ 'abc123-token': 1 }, { members: ['(another)'] }],
    [['abc123'], { members: [] }],
    [null, { members: [] }],
    [
      { access_token: 'abc123', expires_in: '3600' },
      { members: ['access_token', 'expires_in'], expiresIn: 3600 },
    ],
  ])('%j', (body, observation) => {
    const { observation: observed } = toAnswer({
      status: 400,
      contentType: 'text/html; charset=abc123',
      body: Buffer.from(JSON.stringify(body)),
    });
    expect(observed).toEqual({ status: 400, contentType: 'text/html', ...observation });
  });
});

test.each(['--stack', '--function-name', '--profile', '--region', '--secret-id'])(
  '%s without a name, as a script passes it if its variable is not set, is rejected by its own name',
  async (option) => {
    for (const value of ['', ' ']) {
      const { exitCode, stderr } = await runCommand(['status', option, value], {});
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining(`'${option} <`)]);
    }
  },
);

test('--version prints the version of the package', async () => {
  const { version } = packageJson;
  expect(await runCommand(['--version'], {})).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
});
