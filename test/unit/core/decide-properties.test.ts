import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide, type Situation } from '../../../lambda/core/decide.ts';
import type { JournalEntry } from '../../../lambda/core/journal.ts';
import { HOUR_MS, iso, NOW_MS, refreshed, toDocumentEntry } from '../../support/secret-documents.ts';

const DAY_MS = 24 * HOUR_MS;
const MAX_BACK_OFF_MS = 45 * 60_000;
const LAST_CHANCES_MS = 60 * 60 * 1000;

const ageMs = fc.oneof(fc.integer({ min: -30_000, max: 5 * 60_000 }), fc.integer({ min: 0, max: DAY_MS }));
const leaseSeconds = fc.integer({ min: 1, max: 900 });
const current = fc
  .record({ refreshedAgoMs: ageMs, lifeMs: fc.integer({ min: 1, max: 2 * DAY_MS }) })
  .map(({ refreshedAgoMs, lifeMs }) =>
    toDocumentEntry(
      refreshed(0, {
        refreshed_at: iso(NOW_MS - refreshedAgoMs),
        expires_at: iso(NOW_MS - refreshedAgoMs + lifeMs),
      }),
    ),
  );
const { tokenHash } = toDocumentEntry(refreshed(0));

const entry = fc.record({
  versionId: fc.constant('version'),
  createdAt: ageMs.map((age) => NOW_MS - age),
  tokenHash: fc.constantFrom(tokenHash, 'another token hash'),
  attempt: fc.nat(),
});
const latestEntry = fc.oneof<fc.Arbitrary<JournalEntry | undefined>[]>(
  fc.constant(undefined),
  current,
  fc
    .tuple(entry, leaseSeconds)
    .map(([members, seconds]) => ({ ...members, kind: 'claim' as const, leaseSeconds: seconds })),
  fc
    .record({
      code: fc.constantFrom(
        'PROVIDER_UNAVAILABLE',
        'PROVIDER_AMBIGUOUS',
        'REAUTHORIZATION_REQUIRED',
        'CLIENT_REJECTED',
      ),
      digest: fc.constantFrom('digest', 'another digest'),
      retryAfterSeconds: fc.option(fc.nat(), { nil: undefined }),
    })
    .chain((failure) => entry.map((members) => ({ ...members, ...failure, kind: 'failure' as const }))),
);
const situation: fc.Arbitrary<Situation> = fc.record({
  current,
  latestEntry,
  digest: fc.constant('digest'),
  nowMs: fc.constant(NOW_MS),
  longestLifetimeSeconds: fc.integer({ min: 1, max: 172_800 }),
  force: fc.boolean(),
});

function check(predicate: (situation: Situation) => void): void {
  fc.assert(fc.property(situation, predicate), { numRuns: 500 });
}

test('I2: no attempt ignores a live claim of this refresh token, forced or not', () => {
  check((each) => {
    const isLiveClaim =
      each.latestEntry?.kind === 'claim' && NOW_MS - each.latestEntry.createdAt < each.latestEntry.leaseSeconds * 1_000;
    if (isLiveClaim && each.latestEntry?.tokenHash === tokenHash) expect(decide(each)).toEqual({ kind: 'busy' });
  });
});

test('only a live claim of this refresh token gives busy', () => {
  check((each) => {
    if (decide(each).kind === 'busy') expect(each.latestEntry).toMatchObject({ kind: 'claim', tokenHash });
  });
});

test('I6: rejected credentials are not sent again unless a refresh is forced', () => {
  check((each) => {
    const { latestEntry: last } = each;
    const isLatched = last?.kind === 'failure' && last.tokenHash === tokenHash && last.digest === 'digest';
    const isForGood = isLatched && ['REAUTHORIZATION_REQUIRED', 'CLIENT_REJECTED'].includes(last.code);
    if (isForGood) expect(decide(each).kind).toBe(each.force ? 'attempt' : 'rejected');
    else expect(decide(each).kind).not.toBe('rejected');
  });
});

test('a wait ends after a minute at the earliest, and within 45 minutes or an hour before the access token expires', () => {
  check((each) => {
    const decision = decide(each);
    if (decision.kind !== 'waiting') return;
    const lengthMs = decision.retryAtMs - (each.latestEntry?.createdAt ?? 0);
    const { expires_at = '' } = each.current.document.members;
    const lastChancesMs = Date.parse(expires_at) - LAST_CHANCES_MS;
    if (!(decision.retryAtMs <= lastChancesMs)) expect(lengthMs).toBeLessThanOrEqual(MAX_BACK_OFF_MS);
    expect(lengthMs).toBeGreaterThanOrEqual(60_000);
    expect(decision.retryAtMs).toBeGreaterThan(NOW_MS);
    expect(decide({ ...each, nowMs: decision.retryAtMs }).kind).toBe('attempt');
  });
});

test('a fresh token has at least two fifths of its lifetime left, and half of it if the lifetime is not short', () => {
  check((each) => {
    if (decide(each).kind !== 'fresh') return;
    const { expires_at = '', refreshed_at = '' } = each.current.document.members;
    const lifeMs = Date.parse(expires_at) - Date.parse(refreshed_at);
    const share = lifeMs < 72 * 60_000 ? 0.4 : 0.5;
    // A rounding error of two doubles, each below 2^48.
    expect(Date.parse(expires_at) - NOW_MS).toBeGreaterThanOrEqual(lifeMs * share - 0.01);
  });
});

test('with force, the decision is an attempt or a live claim, and an attempt stays an attempt', () => {
  check((each) => {
    const forced = decide({ ...each, force: true });
    expect(['attempt', 'busy']).toContain(forced.kind);
    const plain = decide({ ...each, force: false });
    if (plain.kind === 'attempt' || plain.kind === 'busy') expect(forced).toEqual(plain);
  });
});

test('an attempt is the one after the last of this refresh token, or the first', () => {
  check((each) => {
    const decision = decide(each);
    if (decision.kind !== 'attempt') return;
    const { latestEntry: last } = each;
    const isOfThisToken = last !== undefined && last.kind !== 'document' && last.tokenHash === tokenHash;
    expect(decision.attempt).toBe(isOfThisToken ? last.attempt + 1 : 0);
    expect(decision.takesOverClaim).toBe(isOfThisToken && last.kind === 'claim');
  });
});
