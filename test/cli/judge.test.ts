import { describe, expect, test } from 'vitest';
import type { FunctionResult, Invoked } from '../../cli/aws/invoke-function.ts';
import type { Watch } from '../../cli/aws/watch.ts';
import { judge } from '../../cli/status/judge.ts';
import type { Account } from '../../cli/status/look-at-account.ts';
import { ACTIONS, type Action, findAlarmKind, toRunbookEntry } from '../../lambda/contract.ts';
import type { Result } from '../../lambda/core/result.ts';
import { synthesise } from '../infra/synthesise.ts';

const AT = '2026-11-25T02:00:00.000Z';

/** Result of both types, because the commands read the function's answer. */
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
/** Version 0.2.0 of the function does not judge. */
const OLD = { health: undefined, action: undefined, reason: undefined };
const COMMANDS = {
  authorize: 'authorize',
  refresh: 'refresh',
  forceRefresh: 'refresh --force',
  restoreConcurrency: 'restore',
};
const SEEN: Watch = { alarms: [], schedules: [], lastTickAt: AT, problems: [] };

function judgeAccount(invoked: Invoked | string, watch: Watch | undefined) {
  const refreshFunction = {
    name: 'function',
    arn: 'arn:aws:lambda:us-east-1:123456789012:function:f',
    timeoutSeconds: 60,
    tokenEndpoint: 'https://x.invalid/',
  };
  const deployment = { stackName: 'Stack', isAloneInStack: true, refreshFunction, secretId: 'secret' };
  const account: Account = { deployment, invoked, watch, commands: COMMANDS, nowMs: Date.parse(AT) };
  return judge(account);
}

/** Answer of the function with these members. */
function result(members: Partial<FunctionResult>): Invoked {
  return { kind: 'result', result: { ...HEALTHY, ...members } };
}

const judged = (action: Action) => result({ health: 'attention', action, reason: 'Why.' });
const fault = (code: string): Invoked => ({ kind: 'fault', code, message: 'What.' });
const SCHEDULE = { name: 'schedule', isEnabled: true, isSilent: false, expression: 'rate(10 minutes)' };

describe('the judgment of one account', () => {
  test.each<[string, Invoked | string, Watch | undefined, object]>([
    ['healthy', result({}), SEEN, { exitCode: 0, health: 'healthy', action: 'none' }],
    ['healthy, without a stack', result({}), undefined, { exitCode: 0, health: 'healthy' }],
    ['waiting in time', result({ action: 'wait' }), SEEN, { exitCode: 0, health: 'healthy', action: 'wait' }],
    ['not checked', 'No answer.', SEEN, { exitCode: 2, health: 'unknown', reason: 'No answer.' }],
    ...['CREDENTIALS_INVALID', 'SECRET_NOT_FOUND'].map((code): [string, Invoked, Watch, object] => [
      `${code}, which authorize would reject`,
      fault(code),
      SEEN,
      { exitCode: 1, action: 'restoreSecret', command: COMMANDS.refresh },
    ]),
    [
      'a secret that authorize can complete',
      fault('CREDENTIALS_INCOMPLETE'),
      SEEN,
      { exitCode: 1, action: 'restoreSecret', command: COMMANDS.authorize },
    ],
    [
      'throttled',
      { kind: 'throttled', message: 'Throttled.' },
      SEEN,
      { exitCode: 1, action: 'restoreConcurrency', command: COMMANDS.restoreConcurrency },
    ],
    [
      'a revoked grant',
      fault('REAUTHORIZATION_REQUIRED'),
      SEEN,
      {
        exitCode: 1,
        action: 'reauthorize',
        command: COMMANDS.authorize,
        runbook: 'docs/runbook.md#reauthorization-required',
      },
    ],
    [
      'denied',
      fault('STORE_DENIED'),
      SEEN,
      { exitCode: 1, action: 'fixStore', runbook: 'docs/runbook.md#store-denied' },
    ],
    ['an unknown fault', fault('LATER_CODE'), SEEN, { exitCode: 1, action: 'report' }],
    ['an unknown action', result({ health: 'attention', action: 'later' }), SEEN, { exitCode: 1, action: 'report' }],
    [
      'what the function says comes before an alarm',
      judged('fixStore'),
      { ...SEEN, alarms: [{ name: 'a', kind: 'TokenExpiringSoon', isOn: true }] },
      { exitCode: 1, action: 'fixStore', command: COMMANDS.refresh },
    ],
    [
      'the entry of the last failure',
      result({
        ...{ health: 'attention', action: 'fixNetwork', reason: 'Why.' },
        details: {
          ...HEALTHY.details,
          lastFailure: { code: 'PROVIDER_UNAVAILABLE', at: AT, attempts: 3, retryAt: AT, advice: '' },
        },
      }),
      SEEN,
      { action: 'fixNetwork', command: COMMANDS.forceRefresh, runbook: 'docs/runbook.md#provider-unavailable' },
    ],
    [
      'a disabled schedule',
      result({}),
      { ...SEEN, schedules: [{ ...SCHEDULE, isEnabled: false }] },
      { exitCode: 1, action: 'enableSchedule' },
    ],
    [
      'a silent schedule',
      result({}),
      { ...SEEN, schedules: [{ ...SCHEDULE, isSilent: true }] },
      { exitCode: 1, action: 'checkSchedule' },
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
      { exitCode: 1, action: 'checkAlarms', runbook: 'docs/runbook.md#token-not-stored' },
    ],
    [
      'part of it not seen',
      result({}),
      { ...SEEN, alarms: undefined, problems: ['Not allowed.'] },
      { exitCode: 2, health: 'unknown', reason: 'Not allowed.' },
    ],
    ['a function of 0.2.0, fresh', result(OLD), SEEN, { exitCode: 2, health: 'unknown', command: 'npx cdk deploy' }],
    ['a function of 0.2.0, due', result({ ...OLD, decision: 'attempt' }), SEEN, { exitCode: 1, health: 'attention' }],
  ])('%s', (_what, invoked, watch, expected) => {
    expect(judgeAccount(invoked, watch)).toMatchObject(expected);
  });

  test('every action of the function has one command that changes something, or needs none', () => {
    const without = ACTIONS.filter((action) => judgeAccount(judged(action), SEEN).command === undefined);
    expect(without).toEqual([
      ...['none', 'wait', 'report', 'enableSchedule', 'restoreConcurrency', 'checkSchedule', 'checkAlarms'],
    ]);
  });
});

/**
 * Where each action leads if its instruction is followed: to what the next `status` may say. `healthy` ends the way. The worst
 * case is listed: Retently may reject the token that is sent after the network was fixed, for example.
 */
const LEADS_TO: Readonly<Record<Action, readonly (Action | 'healthy')[]>> = {
  none: ['healthy'],
  wait: ['healthy'],
  restoreConcurrency: [
    'enableSchedule',
    'checkSchedule',
    'fixConfiguration',
    'fixStore',
    'restoreSecret',
    'refresh',
    'healthy',
  ],
  enableSchedule: ['checkSchedule', 'refresh', 'healthy'],
  checkSchedule: ['refresh', 'checkAlarms', 'healthy'],
  fixConfiguration: ['fixStore', 'restoreSecret', 'fixNetwork', 'refresh', 'healthy'],
  fixStore: ['restoreSecret', 'fixNetwork', 'fixTokenSecret', 'reauthorize', 'refresh', 'healthy'],
  restoreSecret: ['fixNetwork', 'fixClient', 'fixTokenSecret', 'reauthorize', 'refresh', 'healthy'],
  fixNetwork: ['askProvider', 'fixClientOrReauthorize', 'fixClient', 'reauthorize', 'fixTokenSecret', 'healthy'],
  askProvider: ['fixClientOrReauthorize', 'reauthorize', 'fixTokenSecret', 'healthy'],
  refresh: [
    'fixNetwork',
    'askProvider',
    'fixClientOrReauthorize',
    'fixClient',
    'reauthorize',
    'freeBudget',
    'fixTokenSecret',
    'healthy',
  ],
  freeBudget: ['fixTokenSecret', 'checkAlarms', 'healthy'],
  fixClientOrReauthorize: ['fixTokenSecret', 'checkAlarms', 'healthy'],
  fixClient: ['reauthorize', 'fixTokenSecret', 'checkAlarms', 'healthy'],
  reauthorize: ['fixTokenSecret', 'checkAlarms', 'healthy'],
  fixTokenSecret: ['checkAlarms', 'healthy'],
  // An alarm ends with its cause; nothing else is left to do then.
  checkAlarms: ['healthy'],
  report: ['healthy'],
};

test('following "Do now" from any action ends healthy and never leads in a circle', () => {
  const visit = (action: Action | 'healthy', way: readonly string[]): void => {
    expect(way).not.toContain(action);
    if (action === 'healthy') return;
    for (const next of LEADS_TO[action]) visit(next, [...way, action]);
  };
  for (const action of ACTIONS) visit(action, []);
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
    'docs/runbook.md#token-secret-unreadable',
    'docs/runbook.md#undelivered-ticks',
  ]);
});
