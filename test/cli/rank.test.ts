import { describe, expect, test } from 'vitest';
import type { Fleet } from '../../cli/aws/deployment.ts';
import { overlaps } from '../../cli/aws/fleet-tag.ts';
import type { FunctionResult, Invoked } from '../../cli/aws/invoke-function.ts';
import { mapConcurrently } from '../../cli/map-concurrently.ts';
import { judgeFleet } from '../../cli/status/judge-fleet.ts';
import type { Account } from '../../cli/status/look-at-account.ts';
import { countHealth, nameOfSecret, rank, toState } from '../../cli/status/rank.ts';
import type { FleetTag } from '../../lambda/contract.ts';

const AT = '2026-11-25T02:00:00.000Z';
const DETAILS = {
  refreshedAt: AT,
  dueAt: AT,
  journal: '',
  isAnswerUnsaved: false,
  lastFailure: null,
  tokenSecret: null,
  versionsUsed: 3,
  versionsBudget: 90,
};

const COMMANDS = {
  authorize: 'authorize',
  refresh: 'refresh',
  forceRefresh: 'refresh --force',
  restoreConcurrency: 'restore',
};

const FLEET: Fleet = {
  stackName: 'Fleet',
  refreshFunction: {
    name: 'function',
    arn: 'arn:aws:lambda:us-east-1:123456789012:function:f',
    timeoutSeconds: 60,
    tokenEndpoint: 'https://x.invalid/',
  },
  tag: { key: 'retently', value: undefined },
  sweepName: 'sweep',
  isAloneInStack: true,
};

/** Answer of the function of a fleet with these members. */
function result(members: Partial<FunctionResult>, details: Partial<FunctionResult['details']> = {}): Invoked {
  const judged = { health: 'healthy', action: 'none', reason: 'Fine.' } as const;
  const healthy = { outcome: 'status', message: '', secretId: '', versionId: '', expiresAt: AT, ...judged } as const;
  const whole = { ...healthy, secondsRemaining: 9_000, decision: 'fresh', ...members };
  return { kind: 'result', result: { ...whole, details: { ...DETAILS, ...details } } };
}

/** Judgment of a function that needs a person. */
const ILL = { health: 'attention', action: 'refresh', reason: 'Why.' } as const;

function failure(code: string, attempts: number) {
  return { lastFailure: { code, at: AT, attempts, advice: '' } };
}

function toAccount(name: string, invoked: Invoked | string): Account {
  return {
    deployment: FLEET,
    secret: { name, arn: '' },
    invoked,
    watch: undefined,
    commands: COMMANDS,
    nowMs: Date.parse(AT),
  };
}

test('worst first: an answer only in memory, tokens that expire first, unknown states, healthy ones', () => {
  const accounts = Object.entries({
    'fresh-b': result({}),
    'fresh-a': result({}),
    'fresh-but-old': result({ secondsRemaining: 600 }),
    'not-asked': 'No answer.',
    'refused-with-hours-left': result({ decision: 'rejected', ...ILL }, failure('REAUTHORIZATION_REQUIRED', 1)),
    broken: { kind: 'fault', code: 'CREDENTIALS_INVALID', message: '' } satisfies Invoked,
    unsaved: result({ decision: 'settle', ...ILL }, { isAnswerUnsaved: true }),
  }).map(([name, invoked]) => toAccount(name, invoked));
  const ranked = rank(accounts);
  expect(ranked.map(({ account }) => nameOfSecret(account))).toEqual([
    'unsaved',
    'broken',
    'refused-with-hours-left',
    'not-asked',
    'fresh-but-old',
    'fresh-a',
    'fresh-b',
  ]);
  expect(countHealth(ranked)).toEqual({ healthy: 3, attention: 3, unknown: 1 });
});

describe('the state of a secret, in one word', () => {
  test.each<[string, Invoked | string]>([
    ['not checked', 'No answer.'],
    ['STORE_DENIED', { kind: 'fault', code: 'STORE_DENIED', message: '' }],
    ['throttled', { kind: 'throttled', message: '' }],
    ['fresh', result({})],
    ['due', result({ decision: 'attempt' })],
    ['busy', result({ decision: 'busy' })],
    ['waiting', result({ decision: 'waiting' }, failure('PROVIDER_UNAVAILABLE', 1))],
    ['PROVIDER_UNAVAILABLE', result({ decision: 'waiting', ...ILL }, failure('PROVIDER_UNAVAILABLE', 3))],
    ['CLIENT_REJECTED', result({ decision: 'rejected', ...ILL }, failure('CLIENT_REJECTED', 1))],
    ['TOKEN_NOT_STORED', result({ decision: 'settle' }, { isAnswerUnsaved: true })],
    ['not-configured', result({ decision: 'not-configured', secondsRemaining: 0, ...ILL })],
    ['expired', result({ decision: 'attempt', secondsRemaining: 0, ...ILL })],
  ])('%s', (word, invoked) => {
    const [only] = rank([toAccount('acme', invoked)]);
    expect(only && toState(only)).toBe(word);
  });
});

test('a fleet with healthy secrets is unknown if its alarms or schedule could not be read', () => {
  const watch = { alarms: undefined, schedules: [], lastTickAt: AT, problems: ['Not allowed.'] };
  const secrets = rank([toAccount('acme', result({}))]);
  const status = { fleet: FLEET, secrets, replicas: 0, watch, sharedWith: [], addSecret: '', nowMs: Date.parse(AT) };
  expect(judgeFleet(status)).toMatchObject({
    exitCode: 2,
    health: 'unknown',
    reason: 'Not allowed.',
  });
  expect(judgeFleet({ ...status, watch: { ...watch, problems: [] } })).toMatchObject({ exitCode: 0 });
});

test.each<[FleetTag, FleetTag, boolean]>([
  [{ key: 'a', value: '1' }, { key: 'a', value: '1' }, true],
  [{ key: 'a', value: undefined }, { key: 'a', value: '1' }, true],
  [{ key: 'a', value: '1' }, { key: 'a', value: undefined }, true],
  [{ key: 'a', value: '1' }, { key: 'a', value: '2' }, false],
  [{ key: 'a', value: '1' }, { key: 'b', value: '1' }, false],
  [{ key: 'a', value: undefined }, { key: 'b', value: undefined }, false],
])('one secret can have the tags %j and %j: %j', (one, other, isSo) => {
  expect(overlaps(one, other)).toBe(isSo);
});

test('outcomes are in the order of the items, whichever ends first', async () => {
  const ends: (() => void)[] = [];
  const mapping = mapConcurrently([0, 1, 2], 3, async (item) => {
    await new Promise<void>((resolve) => {
      ends[item] = resolve;
    });
    return item;
  });
  for (const item of [2, 0, 1]) ends[item]?.();
  expect(await mapping).toEqual([0, 1, 2]);
});
