import { describe, expect, test } from 'vitest';
import { secondsRemaining } from '../../../lambda/core/credentials.ts';
import { type Decision, decide } from '../../../lambda/core/decide.ts';
import {
  type ClaimEntry,
  type FailureEntry,
  type JournalEntry,
  type RefusalEntry,
  successorId,
} from '../../../lambda/core/journal.ts';
import {
  CREDENTIALS,
  HOUR_MS,
  iso,
  MINUTE_MS,
  NOW_MS,
  refreshed,
  toDocumentEntry,
} from '../../support/secret-documents.ts';

const LEASE_SECONDS = 90;
const LIFETIME_SECONDS = 21_600;
const DAY_MS = 24 * HOUR_MS;
const DIGEST = 'digest of these very credentials';

const fresh = toDocumentEntry(refreshed(1));
const due = toDocumentEntry(refreshed(4));

const attempt = (number: number, takesOverClaim = false): Decision => ({
  kind: 'attempt',
  attempt: number,
  takesOverClaim,
});
const waitingUntil = (retryAtMs: number): Decision => ({ kind: 'waiting', retryAtMs, why: 'back-off' });
const waiting = (minutes: number) => waitingUntil(NOW_MS + minutes * MINUTE_MS);
const rejected = (failure: RefusalEntry): Decision => ({ kind: 'rejected', failure });
const FRESH: Decision = { kind: 'fresh' };
const BUSY: Decision = { kind: 'busy' };

/** Latest journal entry, `ageMs` old. */
const claim = (number: number, ageMs: number, tokenHash = due.tokenHash): ClaimEntry => ({
  kind: 'claim',
  versionId: 'claim',
  createdAt: NOW_MS - ageMs,
  tokenHash,
  attempt: number,
  leaseSeconds: LEASE_SECONDS,
});
const failure = (number: number, ageMs: number, members: Partial<FailureEntry> = {}): FailureEntry => ({
  ...claim(number, ageMs),
  kind: 'failure',
  code: 'PROVIDER_UNAVAILABLE',
  digest: DIGEST,
  ...members,
});
const dead = { ...failure(0, 9 * HOUR_MS), code: 'REAUTHORIZATION_REQUIRED' as const };
const deadForLong = { ...dead, createdAt: NOW_MS - 365 * DAY_MS };
const otherSecret = failure(0, MINUTE_MS, { code: 'CLIENT_REJECTED', digest: 'digest of the last client secret' });
const edited = toDocumentEntry(refreshed(1), 'the version before the edit');
const otherToken = toDocumentEntry(refreshed(1, { refresh_token: 'refresh-9' }), 'the last of the journal');

const dying = toDocumentEntry(refreshed(7));

/** Recorded answers; the second one from a server that does not rotate refresh tokens. */
const answer = toDocumentEntry(refreshed(1, { spent_refresh_token_sha256: 'parent' }), successorId('parent'));
const unrotated = toDocumentEntry(refreshed(1, { spent_refresh_token_sha256: 'token' }), successorId('parent'));
const copied = toDocumentEntry(refreshed(1, { spent_refresh_token_sha256: 'parent' }), 'pasted');

// Both have the same refresh token, and therefore the same token hash.
expect(fresh.tokenHash).toBe(due.tokenHash);

type Row = [
  when: string,
  current: typeof due,
  latestEntry: JournalEntry | undefined,
  unforced: Decision,
  forced: Decision,
];

const NONE = undefined;

describe('decides, unforced and forced, for', () => {
  test.each<Row>([
    ['fresh, no journal', fresh, NONE, FRESH, attempt(0)],
    ['fresh, and the latest entry', fresh, fresh, FRESH, attempt(0)],
    ['fresh, edited since', fresh, edited, FRESH, attempt(0)],
    ['fresh, with another refresh token than the journal', fresh, otherToken, attempt(0), attempt(0)],
    ['due, no journal', due, NONE, attempt(0), attempt(0)],
    ['due, and the latest entry', due, due, attempt(0), attempt(0)],

    ['a live claim', due, claim(2, 0), BUSY, BUSY],
    ['a claim at 90 s less 1 ms', due, claim(2, 89_999), BUSY, BUSY],
    ['a claim at 90 s', due, claim(2, 90_000), attempt(3, true), attempt(3, true)],
    ['a claim of a run with a longer lease', due, { ...claim(2, 90_000), leaseSeconds: 270 }, BUSY, BUSY],
    ['a claim from the future', due, claim(2, -20_000), BUSY, BUSY],
    ['a live claim on a fresh token', fresh, claim(0, 0), BUSY, BUSY],
    ['an expired claim on a fresh token', fresh, claim(0, HOUR_MS), attempt(1, true), attempt(1, true)],
    ['a live claim of another refresh token', due, claim(5, 0, 'x'), attempt(0), attempt(0)],
    ['fresh, a claim of another refresh token', fresh, claim(5, 0, 'x'), attempt(0), attempt(0)],

    ['an answer, a claim of another refresh token', answer, claim(5, 0, 'x'), FRESH, attempt(0)],
    ['an answer, with another refresh token than the journal', answer, otherToken, FRESH, attempt(0)],
    ['an answer, a live claim', answer, claim(0, 0, answer.tokenHash), BUSY, BUSY],
    ['an answer, an expired claim', answer, claim(0, HOUR_MS, answer.tokenHash), attempt(1, true), attempt(1, true)],
    ['an unrotated answer, the claim that it ends', unrotated, claim(0, 0, 'parent'), FRESH, attempt(0)],
    ['an unrotated answer, a claim of another refresh token', unrotated, claim(0, 0, 'x'), attempt(0), attempt(0)],
    ['an answer, no journal', answer, NONE, FRESH, attempt(0)],
    ['refreshed before, edited since, no journal', copied, NONE, attempt(0), attempt(0)],
    ['what an answer said, pasted over another', copied, otherToken, attempt(0), attempt(0)],

    ['a failure a moment ago', due, failure(0, 0), waiting(1), attempt(1)],
    ['a failure at 60 s less 1 ms', due, failure(0, 59_999), waitingUntil(NOW_MS + 1), attempt(1)],
    ['a failure at 60 s', due, failure(0, 60_000), attempt(1), attempt(1)],
    ['a failure on a fresh token', fresh, failure(0, 0), waiting(1), attempt(1)],
    ['a failure of another refresh token', due, failure(4, 0, { tokenHash: 'x' }), attempt(0), attempt(0)],
    [
      'a token that may have been used a moment ago',
      due,
      failure(0, 0, { code: 'PROVIDER_AMBIGUOUS' }),
      waiting(1),
      attempt(1),
    ],
    ['an answer, then a rejection of its parent', answer, { ...dead, tokenHash: 'parent' }, attempt(0), attempt(0)],
    ['an answer, then an outage for its parent', answer, failure(0, 0, { tokenHash: 'parent' }), FRESH, attempt(0)],
    [
      'an unrotated answer, then a rejection of its parent',
      unrotated,
      { ...dead, tokenHash: 'parent' },
      attempt(0),
      attempt(0),
    ],
    ['the second failure', due, failure(1, 0), waiting(2), attempt(2)],
    ['the sixth failure', due, failure(5, 0), waiting(32), attempt(6)],
    ['the seventh failure', due, failure(6, 0), waiting(45), attempt(7)],
    ['the two thousandth failure', due, failure(1_999, 0), waiting(45), attempt(2_000)],
    ['Retry-After: 600', due, failure(0, 0, { retryAfterSeconds: 600 }), waiting(10), attempt(1)],
    ['Retry-After: 5, less than the back-off', due, failure(2, 0, { retryAfterSeconds: 5 }), waiting(4), attempt(3)],
    ['Retry-After of 75 minutes', due, failure(0, 0, { retryAfterSeconds: 4_500 }), waiting(60), attempt(1)],
    ['Retry-After of an hour', due, failure(0, 0, { retryAfterSeconds: 3_600 }), waiting(60), attempt(1)],
    [
      'Retry-After of a day, until the last hour',
      due,
      failure(0, 0, { retryAfterSeconds: 86_400 }),
      waiting(60),
      attempt(1),
    ],
    [
      'Retry-After of a day, for a token that was never refreshed',
      toDocumentEntry(CREDENTIALS),
      failure(0, 0, { retryAfterSeconds: 86_400 }),
      waiting(45),
      attempt(1),
    ],
    [
      'Retry-After of a day, for an old token beside a new refresh token',
      toDocumentEntry(refreshed(1, { refreshed_at: undefined })),
      failure(0, 0, { retryAfterSeconds: 86_400 }),
      waiting(4 * 60),
      attempt(1),
    ],
    [
      'Retry-After of two days, for a token whose stated lifetime is not believed',
      toDocumentEntry(refreshed(1, { expires_at: iso(NOW_MS + 365 * DAY_MS) })),
      failure(0, 0, { retryAfterSeconds: 2 * 86_400 }),
      waiting(4 * 60),
      attempt(1),
    ],
    [
      'Retry-After of a day, and no access token',
      dying,
      failure(0, 0, { retryAfterSeconds: 86_400 }),
      waiting(45),
      attempt(1),
    ],

    ['a revoked grant', due, dead, rejected(dead), attempt(1)],
    ['a revoked grant on a fresh token', fresh, dead, rejected(dead), attempt(1)],
    ['a revoked grant, a year later', due, deadForLong, rejected(deadForLong), attempt(1)],
    ['a revoked grant of another refresh token', due, { ...dead, tokenHash: 'x' }, attempt(0), attempt(0)],
    ['rejected, then another client secret', due, otherSecret, attempt(1), attempt(1)],
  ])('%s', (_when, current, latestEntry, unforced, forced) => {
    const situation = { current, latestEntry, digest: DIGEST, nowMs: NOW_MS, longestLifetimeSeconds: LIFETIME_SECONDS };
    expect(decide({ ...situation, force: false })).toEqual(unforced);
    expect(decide({ ...situation, force: true })).toEqual(forced);
  });
});

test('a transient failure with other credentials does not delay the next attempt', () => {
  const latestEntry = failure(0, 0, { digest: 'digest of the last client secret' });
  const situation = {
    current: due,
    latestEntry,
    digest: DIGEST,
    nowMs: NOW_MS,
    longestLifetimeSeconds: LIFETIME_SECONDS,
  };
  expect(decide({ ...situation, force: false })).toEqual(attempt(1));
});

describe('decides whether a token is due that has', () => {
  const instants = (agoMs: number, lifeMs: number) => ({
    refreshed_at: iso(NOW_MS - agoMs),
    expires_at: iso(NOW_MS - agoMs + lifeMs),
  });

  test.each<[string, object, Decision]>([
    ['more than half of its life left', instants(3 * HOUR_MS - 1, 6 * HOUR_MS), FRESH],
    ['exactly half', instants(3 * HOUR_MS, 6 * HOUR_MS), FRESH],
    ['less than half', instants(3 * HOUR_MS + 1, 6 * HOUR_MS), attempt(0)],
    ['an hour, 36 minutes after it was taken', instants(36 * MINUTE_MS, HOUR_MS), FRESH],
    ['an hour, a moment later', instants(36 * MINUTE_MS + 1, HOUR_MS), attempt(0)],
    ['72 minutes, after half of them', instants(36 * MINUTE_MS, 72 * MINUTE_MS), FRESH],
    ['72 minutes, a moment later', instants(36 * MINUTE_MS + 1, 72 * MINUTE_MS), attempt(0)],
    ['half an hour, after 18 minutes', instants(18 * MINUTE_MS, HOUR_MS / 2), FRESH],
    ['half an hour, a moment later', instants(18 * MINUTE_MS + 1, HOUR_MS / 2), attempt(0)],
    ['a token of a minute, just taken', instants(0, MINUTE_MS), FRESH],
    ['expired', instants(7 * HOUR_MS, 6 * HOUR_MS), attempt(0)],
    ['a lifetime above the maximum, at half of the maximum', instants(3 * HOUR_MS, 366 * DAY_MS), FRESH],
    ['a lifetime above the maximum, a moment later', instants(3 * HOUR_MS + 1, 366 * DAY_MS), attempt(0)],
    ['a lifetime of 0', instants(-HOUR_MS, 0), attempt(0)],
    ['expired before it was obtained', instants(-HOUR_MS, -MINUTE_MS), attempt(0)],
    ['no expires_at', { expires_at: null }, attempt(0)],
    ['no refreshed_at', { refreshed_at: '' }, attempt(0)],
    ['neither', { expires_at: '', refreshed_at: '' }, attempt(0)],
    ['no instant at all', { expires_at: 'soon' }, attempt(0)],
    ['no access token', { access_token: null }, attempt(0)],
  ])('%s', (_what, members, decision) => {
    const current = toDocumentEntry(refreshed(1, members));
    const situation = {
      current,
      latestEntry: current,
      digest: DIGEST,
      nowMs: NOW_MS,
      longestLifetimeSeconds: LIFETIME_SECONDS,
    };
    expect(decide({ ...situation, force: false })).toEqual(decision);
  });
});

describe('secondsRemaining', () => {
  test.each<[string, object, number]>([
    ['whole seconds, rounded down', { expires_at: iso(NOW_MS + 1_999) }, 1],
    ['expired', { expires_at: iso(NOW_MS - 5_000) }, 0],
    ['no access token', { access_token: '' }, 0],
    ['of unknown life', { expires_at: null }, 0],
    ['no instant', { expires_at: 'soon' }, 0],
  ])('%s', (_what, members, seconds) => {
    expect(secondsRemaining(toDocumentEntry(refreshed(1, members)).document, NOW_MS)).toBe(seconds);
  });
});
