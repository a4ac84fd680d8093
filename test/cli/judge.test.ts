import { describe, expect, test } from 'vitest';
import type { FunctionResult, Invoked } from '../../cli/aws/invoke-function.ts';
import type { Watch } from '../../cli/aws/watch.ts';
import { judge } from '../../cli/status/judge.ts';
import type { Account } from '../../cli/status/look-at-account.ts';
import { findAlarmKind, toRunbookEntry } from '../../lambda/contract.ts';
import type { Result } from '../../lambda/core/result.ts';
import { synthesise } from '../infra/synthesise.ts';

const AT = '2026-11-25T02:00:00.000Z';

/** Of both types: what the function answers is what the commands read. */
const HEALTHY = {
  outcome: 'status',
  message: '',
  secretId: 'secret',
  versionId: 'version',
  expiresAt: AT,
  secondsRemaining: 12_000,
  decision: 'fresh',
  health: 'healthy',
  action: 'none',
  reason: 'It is fine.',
  details: {
    refreshedAt: AT,
    dueAt: AT,
    journal: '',
    isAnswerUnsaved: false,
    lastFailure: null,
    tokenSecret: null,
    versionsUsed: 3,
    versionsBudget: 90,
  },
} satisfies Result satisfies FunctionResult;
const COMMANDS = { authorize: 'authorize', refresh: 'refresh', forceRefresh: 'refresh --force' };
const SEEN: Watch = { alarms: [], schedules: [], lastTickAt: AT, problems: [] };

function judgeAccount(invoked: Invoked | string, watch: Watch | undefined) {
  const refreshFunction = {
    name: 'function',
    timeoutSeconds: 60,
    tokenEndpoint: 'https://x.invalid/',
  };
  const deployment = { stackName: 'Stack', isAloneInStack: true, refreshFunction, secretId: 'secret' };
  const account: Account = { deployment, invoked, watch, commands: COMMANDS, nowMs: Date.parse(AT) };
  return judge(account);
}

/** What the function answers if `details` and other members are so. */
function result(members: Partial<FunctionResult>, details: Partial<FunctionResult['details']> = {}): Invoked {
  return { kind: 'result', result: { ...HEALTHY, ...members, details: { ...HEALTHY.details, ...details } } };
}

function failure(code: string, attempts: number) {
  return { lastFailure: { code, at: AT, attempts, retryAt: AT, advice: '' } };
}

describe('what to do now, worst first', () => {
  test.each<[string, Invoked | string, Watch | undefined, object]>([
    ['nothing', result({}), SEEN, { exitCode: 0, sentence: 'Nothing.' }],
    ['nothing, if nobody watches', result({}), undefined, { exitCode: 0 }],
    ['could not be asked', 'No answer.', SEEN, { exitCode: 2, sentence: 'No answer.' }],
    [
      'a dead grant',
      { kind: 'fault', code: 'REAUTHORIZATION_REQUIRED', message: '' },
      SEEN,
      {
        exitCode: 1,
        commands: [COMMANDS.forceRefresh, COMMANDS.authorize],
        runbook: 'docs/runbook.md#reauthorization-required',
      },
    ],
    [
      'another fault',
      { kind: 'fault', code: 'STORE_DENIED', message: '' },
      SEEN,
      { exitCode: 1, sentence: 'Do what the message says.', runbook: 'docs/runbook.md#store-denied' },
    ],
    [
      'an unsaved answer, before an alarm',
      result({ decision: 'settle' }, { isAnswerUnsaved: true }),
      { ...SEEN, alarms: [{ name: 'a', kind: 'TokenExpiringSoon', isOn: true }] },
      { exitCode: 1, sentence: expect.stringContaining('Do not deploy'), runbook: 'docs/runbook.md#token-not-stored' },
    ],
    [
      'a token secret that is behind',
      result({}, { tokenSecret: { secretId: 'token', isBehind: true, problem: 'What is wrong.' } }),
      SEEN,
      {
        exitCode: 1,
        sentence: expect.stringContaining('the token secret is behind'),
        commands: [COMMANDS.refresh],
        runbook: 'docs/runbook.md#token-secret-behind',
      },
    ],
    [
      'a token secret that is in step',
      result({}, { tokenSecret: { secretId: 'token', isBehind: false, problem: null } }),
      SEEN,
      { exitCode: 0 },
    ],
    [
      'a grant that is probably dead, at the first sign',
      result({ decision: 'waiting' }, failure('REAUTHORIZATION_PROBABLE', 1)),
      SEEN,
      { exitCode: 1, runbook: 'docs/runbook.md#reauthorization-probable' },
    ],
    ['two failed attempts', result({}, failure('PROVIDER_UNAVAILABLE', 2)), SEEN, { exitCode: 0 }],
    [
      'three failed attempts',
      result({}, failure('PROVIDER_UNAVAILABLE', 3)),
      SEEN,
      {
        exitCode: 1,
        sentence: 'Look why 3 attempts failed. The next attempt is at 2026-11-25 02:00 UTC.',
        runbook: 'docs/runbook.md#provider-unavailable',
      },
    ],
    [
      'no bearer token that lives',
      result({ secondsRemaining: 0 }),
      SEEN,
      { exitCode: 1, commands: [COMMANDS.refresh], runbook: 'docs/runbook.md#token-expiring-soon' },
    ],
    [
      'two alarms, the worse of them in the runbook',
      result({}),
      {
        ...SEEN,
        alarms: [
          { name: 'a', kind: 'FailedRuns', isOn: true },
          { name: 'b', kind: 'TokenNotStored', isOn: true },
          { name: 'c', kind: 'ReauthorizationRequired', isOn: false },
        ],
      },
      { exitCode: 1, sentence: 'Look at the 2 alarms that are on.', runbook: 'docs/runbook.md#token-not-stored' },
    ],
    [
      'part of it not seen',
      result({}),
      { ...SEEN, alarms: undefined, problems: ['Not allowed.'] },
      { exitCode: 2, sentence: expect.stringContaining('Not allowed.') },
    ],
  ])('%s', (_what, invoked, watch, expected) => {
    expect(judgeAccount(invoked, watch)).toMatchObject(expected);
  });
});

test('the kind of each alarm has an entry of the runbook', () => {
  const alarms = Object.entries(synthesise().Resources).filter(([, { Type }]) => Type === 'AWS::CloudWatch::Alarm');
  const links = alarms.map(([logicalId]) => toRunbookEntry(findAlarmKind(logicalId) ?? ''));
  expect(links.sort()).toEqual([
    'docs/runbook.md#failed-runs',
    'docs/runbook.md#function-failing',
    'docs/runbook.md#reauthorization-required',
    'docs/runbook.md#token-expiring-soon',
    'docs/runbook.md#token-not-stored',
    'docs/runbook.md#token-secret-behind',
    'docs/runbook.md#undelivered-ticks',
  ]);
});
