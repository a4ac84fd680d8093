import { describe, expect, test } from 'vitest';
import { ACTIONS, type Action } from '../../../lambda/contract.ts';
import type { FaultCode } from '../../../lambda/core/fault.ts';
import { EMPTY, type Evidence, judge, judgeFault } from '../../../lambda/core/health.ts';
import {
  type ClaimEntry,
  FAILURE_CAUSES,
  type FailureCause,
  type FailureEntry,
  type JournalEntry,
} from '../../../lambda/core/journal.ts';
import { HOUR_MS, iso, MINUTE_MS, NOW_MS, refreshed, toDocumentEntry } from '../../support/secret-documents.ts';

const DIGEST = 'digest of these credentials';
const SCHEDULE_SECONDS = 600;

/** Returns a token of six hours, due after three, that was refreshed `hours` ago. */
const aged = (hours: number, members: object = {}) => toDocumentEntry(refreshed(hours, members));

/** Returns a due token that was refreshed 50 minutes ago and expires in so many seconds. */
const expiring = (seconds: number) =>
  aged(0, { refreshed_at: iso(NOW_MS - 50 * MINUTE_MS), expires_at: iso(NOW_MS + seconds * 1000) });

function evidence(
  current: Evidence['situation']['current'],
  members: Partial<Evidence> & { latestEntry?: JournalEntry } = {},
) {
  const { latestEntry = current, ...rest } = members;
  const situation = { current, latestEntry, digest: DIGEST, nowMs: NOW_MS, longestLifetimeSeconds: 21_600 };
  return {
    situation,
    scheduleSeconds: SCHEDULE_SECONDS,
    versionTimes: [],
    tokenSecret: 'in sync',
    ...rest,
  } satisfies Evidence;
}

const { tokenHash } = aged(1);
const untried = toDocumentEntry({ refresh_token: 'refresh-1' });
const entry = { versionId: 'version', tokenHash, attempt: 0 };
const claim = (ageSeconds: number): ClaimEntry => ({
  ...entry,
  kind: 'claim',
  createdAt: NOW_MS - ageSeconds * 1000,
  leaseSeconds: 90,
});
const failure = (members: Partial<FailureEntry> = {}): FailureEntry => ({
  ...entry,
  kind: 'failure',
  createdAt: NOW_MS - MINUTE_MS,
  code: 'PROVIDER_UNAVAILABLE',
  cause: 'not-sent',
  digest: DIGEST,
  ...members,
});
const failed = (cause: FailureCause, attempt = 3): FailureEntry => {
  const isRejection = cause === 'REAUTHORIZATION_REQUIRED' || cause === 'CLIENT_REJECTED';
  return failure({ cause, attempt, code: isRejection ? cause : 'PROVIDER_UNAVAILABLE' });
};
const versions = (count: number, ageMs: number) => Array.from({ length: count }, () => NOW_MS - ageMs);

type Row = readonly [state: string, evidence: Evidence, health: 'healthy' | 'attention', action: Action];

const TRUTH: readonly Row[] = [
  ['fresh', evidence(aged(1)), 'healthy', 'none'],
  ['fresh, versions not listed', evidence(aged(1), { versionTimes: 'unknown' }), 'healthy', 'none'],
  ['due a moment ago', evidence(aged(3.05)), 'healthy', 'wait'],
  ['due for 29 minutes', evidence(aged(3.48)), 'healthy', 'wait'],
  ['due for exactly three ticks', evidence(aged(3.5)), 'healthy', 'wait'],
  ['due for 31 minutes, and no run came', evidence(aged(3.52)), 'attention', 'refresh'],
  ['due for 2.5 hours, 30 minutes left', evidence(aged(5.5)), 'attention', 'refresh'],
  ['due, and expires with the next tick', evidence(expiring(600)), 'attention', 'refresh'],
  ['due, and expires after the next tick', evidence(expiring(601)), 'healthy', 'wait'],
  ['9 minutes left', evidence(aged(5.85)), 'attention', 'refresh'],
  ['expired', evidence(aged(7)), 'attention', 'refresh'],
  ['no access token yet', evidence(untried), 'attention', 'refresh'],
  [
    'no access token yet, and the attempt met a firewall',
    evidence(untried, { latestEntry: failure({ tokenHash: untried.tokenHash, cause: 'intercepted' }) }),
    'attention',
    'fixNetwork',
  ],
  [
    'no access token yet, and a failure before an answer',
    evidence(untried, {
      latestEntry: failure({ tokenHash: untried.tokenHash, cause: 'intercepted' }),
      hasSuccessor: true,
    }),
    'attention',
    'refresh',
  ],
  ['no lifetime', evidence(aged(1, { expires_at: undefined })), 'attention', 'refresh'],
  [
    'no lifetime, and another run has claimed it',
    evidence(aged(1, { expires_at: undefined }), { latestEntry: claim(10) }),
    'attention',
    'refresh',
  ],
  ['may be revoked', evidence(aged(1, { may_be_revoked: 'PROVIDER_AMBIGUOUS' })), 'attention', 'refresh'],
  ['refreshed in the future', evidence(aged(-2)), 'attention', 'refresh'],

  ['another run has claimed it', evidence(aged(3.2), { latestEntry: claim(10) }), 'healthy', 'wait'],
  [
    'claimed, and the token expires before the lease',
    evidence(aged(5.9), { latestEntry: claim(10) }),
    'attention',
    'refresh',
  ],
  [
    'claimed, and the token expires before the tick after the lease',
    evidence(expiring(680), { latestEntry: claim(10) }),
    'attention',
    'refresh',
  ],
  [
    'claimed, and the token outlives the tick after the lease',
    evidence(expiring(681), { latestEntry: claim(10) }),
    'healthy',
    'wait',
  ],
  [
    'claimed, and due for longer than ticks may be missed',
    evidence(aged(4), { latestEntry: claim(10) }),
    'healthy',
    'wait',
  ],
  [
    'a run crashed, and the token expires with the next tick',
    evidence(expiring(600), { latestEntry: claim(100) }),
    'attention',
    'refresh',
  ],
  ['a run crashed', evidence(aged(3.2), { latestEntry: claim(100) }), 'healthy', 'wait'],
  ['a run crashed an hour ago', evidence(aged(4.2), { latestEntry: claim(3_600) }), 'attention', 'refresh'],

  ['one failure, back-off', evidence(aged(3.1), { latestEntry: failure() }), 'healthy', 'wait'],
  [
    'one failure hours ago, and no run came since',
    evidence(aged(5.75), { latestEntry: failure({ createdAt: NOW_MS - 2.75 * HOUR_MS }) }),
    'attention',
    'refresh',
  ],
  [
    'one failure, and the last tick that may be missed is now',
    evidence(aged(4), { latestEntry: failure({ createdAt: NOW_MS - 30 * MINUTE_MS }) }),
    'healthy',
    'wait',
  ],
  [
    'one failure, and one tick too many was missed since',
    evidence(aged(4), { latestEntry: failure({ createdAt: NOW_MS - 30 * MINUTE_MS - 1 }) }),
    'attention',
    'refresh',
  ],
  [
    'one failure, and the server asked to wait for an hour',
    evidence(aged(4.2), { latestEntry: failure({ createdAt: NOW_MS - 1.1 * HOUR_MS, retryAfterSeconds: 3_600 }) }),
    'healthy',
    'wait',
  ],
  ['three failures in a row', evidence(aged(3.2), { latestEntry: failed('not-sent', 2) }), 'attention', 'fixNetwork'],
  [
    'three failures, the last one behind a claim',
    evidence(aged(3.2), { latestEntry: claim(10), lastFailure: failed('not-sent', 2) }),
    'attention',
    'fixNetwork',
  ],
  [
    'one failure, and the next attempt comes too late',
    evidence(aged(5.8), { latestEntry: failure({ cause: 'throttled', retryAfterSeconds: 3_600 }) }),
    'attention',
    'askProvider',
  ],
  [
    'failures of other credentials',
    evidence(aged(3.2), { latestEntry: failure({ attempt: 9, digest: 'other' }) }),
    'healthy',
    'wait',
  ],
  [
    'rejected grant',
    evidence(aged(3.1), { latestEntry: failed('REAUTHORIZATION_REQUIRED', 0) }),
    'attention',
    'reauthorize',
  ],
  ['rejected client', evidence(aged(3.1), { latestEntry: failed('CLIENT_REJECTED', 0) }), 'attention', 'fixClient'],
  [
    'rejected without a reason, for an hour',
    evidence(aged(4), { latestEntry: failure({ code: 'REAUTHORIZATION_PROBABLE', cause: 'not-sent' }) }),
    'attention',
    'fixClientOrReauthorize',
  ],
  ['a firewall answers', evidence(aged(3.2), { latestEntry: failed('intercepted') }), 'attention', 'fixNetwork'],
  [
    'a rate limit outlasts the token',
    evidence(aged(7), { latestEntry: failed('throttled') }),
    'attention',
    'askProvider',
  ],
  [
    'the endpoint has moved',
    evidence(aged(3.2), { latestEntry: failed('misdirected') }),
    'attention',
    'fixConfiguration',
  ],
  [
    'an entry without a cause',
    evidence(aged(3.2), { latestEntry: failure({ cause: undefined, attempt: 5 }) }),
    'attention',
    'fixNetwork',
  ],

  [
    'an answer waits for its promotion',
    evidence(aged(4), { hasSuccessor: true, latestEntry: claim(100) }),
    'healthy',
    'wait',
  ],
  ['an answer waits, and the token is not due', evidence(aged(1), { hasSuccessor: true }), 'healthy', 'wait'],
  [
    'an answer waits, and the next tick promotes it before the token expires, whatever the claim',
    evidence(expiring(601), { hasSuccessor: true, latestEntry: claim(10) }),
    'healthy',
    'wait',
  ],
  [
    'an answer waits, and the token expires before the next tick',
    evidence(aged(5.9), { hasSuccessor: true }),
    'attention',
    'refresh',
  ],
  ['an answer could not be stored', evidence(aged(3.1), { hasPendingAnswer: true }), 'attention', 'fixStore'],

  ['no room for an attempt', evidence(aged(3.1), { versionTimes: versions(89, HOUR_MS) }), 'attention', 'freeBudget'],
  [
    'no room when it will be due',
    evidence(aged(1), { versionTimes: versions(89, HOUR_MS) }),
    'attention',
    'freeBudget',
  ],
  [
    'room again when it will be due',
    evidence(aged(1), { versionTimes: versions(89, 23 * HOUR_MS) }),
    'healthy',
    'none',
  ],
  ['room for one attempt', evidence(aged(3.1), { versionTimes: versions(88, HOUR_MS) }), 'healthy', 'wait'],

  [
    'tokens of five minutes',
    evidence(aged(0, { refreshed_at: iso(NOW_MS), expires_at: iso(NOW_MS + 300_000) })),
    'attention',
    'fixConfiguration',
  ],
  [
    'tokens of 18 minutes, which expire before the tick after they are due',
    evidence(aged(0, { refreshed_at: iso(NOW_MS), expires_at: iso(NOW_MS + 18 * MINUTE_MS) })),
    'attention',
    'fixConfiguration',
  ],
  [
    'tokens of an hour',
    evidence(aged(0, { refreshed_at: iso(NOW_MS), expires_at: iso(NOW_MS + HOUR_MS) })),
    'healthy',
    'none',
  ],

  ['no token secret', evidence(aged(1), { tokenSecret: undefined }), 'healthy', 'none'],
  ['token secret repaired', evidence(aged(1), { tokenSecret: 'repaired' }), 'healthy', 'none'],
  ['token secret stale', evidence(aged(1), { tokenSecret: 'stale' }), 'attention', 'refresh'],
  ['token secret foreign', evidence(aged(1), { tokenSecret: 'foreign' }), 'attention', 'fixTokenSecret'],
  ['token secret unusable', evidence(aged(1), { tokenSecret: 'unusable' }), 'attention', 'fixTokenSecret'],
];

describe('judges the health', () => {
  test.each(TRUTH)('%s', (_state, given, health, action) => {
    const judgment = judge(given);
    expect(judgment).toEqual({ health, action, reason: expect.stringMatching(/\.$/) });
  });

  test('of a secret without a value', () => {
    expect(EMPTY).toEqual({ health: 'attention', action: 'reauthorize', reason: expect.stringMatching(/\.$/) });
  });

  const LASTING: Readonly<Record<FailureCause, Action>> = {
    'not-sent': 'fixNetwork',
    throttled: 'askProvider',
    oversized: 'fixConfiguration',
    misdirected: 'fixConfiguration',
    intercepted: 'fixNetwork',
    unrecognized: 'fixClientOrReauthorize',
    ambiguous: 'askProvider',
    REAUTHORIZATION_REQUIRED: 'reauthorize',
    CLIENT_REJECTED: 'fixClient',
  };

  test.each(FAILURE_CAUSES)('says what to do when %s lasts', (cause) => {
    const judgment = judge(evidence(aged(4), { latestEntry: failed(cause) }));
    const reason = expect.stringMatching(/\.$/);
    expect(judgment).toEqual({ health: 'attention', action: LASTING[cause], reason });
  });

  test.each<[string, readonly Evidence[]]>([
    [
      'a token that is absent, may be revoked or has no known lifetime',
      [
        evidence(untried),
        evidence(aged(1, { may_be_revoked: 'UNKNOWN' })),
        evidence(aged(1, { expires_at: undefined })),
      ],
    ],
    [
      'a token secret with foreign content and one that cannot be used',
      [evidence(aged(1), { tokenSecret: 'foreign' }), evidence(aged(1), { tokenSecret: 'unusable' })],
    ],
  ])('gives different reasons for %s', (_what, states) => {
    expect(new Set(states.map((state) => judge(state).reason)).size).toBe(states.length);
  });

  test('says for how many minutes a token has been due', () => {
    expect(judge(evidence(aged(4))).reason).toMatch(/ 60 /);
  });

  test.each(['not-sent', 'throttled', 'intercepted', 'misdirected', 'ambiguous'] as const)(
    'takes no number of failures by %s for a revoked grant',
    (cause) => {
      const { action } = judge(evidence(aged(7), { latestEntry: failed(cause, 40) }));
      expect(['reauthorize', 'fixClientOrReauthorize']).not.toContain(action);
    },
  );

  const FAULTS: Readonly<Record<FaultCode | 'UNEXPECTED', Action>> = {
    CONFIGURATION_INVALID: 'fixConfiguration',
    EVENT_INVALID: 'fixConfiguration',
    CREDENTIALS_INVALID: 'restoreSecret',
    CREDENTIALS_INCOMPLETE: 'restoreSecret',
    SECRET_NOT_FOUND: 'restoreSecret',
    STORE_DENIED: 'fixStore',
    STORE_UNAVAILABLE: 'wait',
    REAUTHORIZATION_REQUIRED: 'reauthorize',
    REAUTHORIZATION_PROBABLE: 'fixClientOrReauthorize',
    CLIENT_REJECTED: 'fixClient',
    PROVIDER_UNAVAILABLE: 'fixNetwork',
    PROVIDER_AMBIGUOUS: 'askProvider',
    TOKEN_NOT_STORED: 'fixStore',
    SWEEP_INCOMPLETE: 'fixStore',
    UNEXPECTED: 'report',
  };

  test.each(Object.entries(FAULTS))('of a run that ended with %s: %s', (code, action) => {
    const fault = Object.keys(FAULTS).find((each): each is FaultCode => each === code) ?? 'UNEXPECTED';
    expect(judgeFault(fault)).toEqual({ health: 'attention', action, reason: expect.stringMatching(/\.$/) });
  });

  test('uses the cause of a failure before its code', () => {
    expect(judgeFault('PROVIDER_UNAVAILABLE', 'throttled')).toMatchObject({ action: 'askProvider' });
  });

  test('names each action once', () => {
    expect(new Set(ACTIONS).size).toBe(ACTIONS.length);
  });
});
