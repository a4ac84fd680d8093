import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_RECENT_VERSIONS, RESERVED_VERSIONS, VERSIONS_PER_ATTEMPT } from '../../../lambda/contract.ts';
import { decide } from '../../../lambda/core/decide.ts';
import { type Evidence, judge } from '../../../lambda/core/health.ts';
import { FAILURE_CAUSES, type JournalEntry } from '../../../lambda/core/journal.ts';
import { findRoomForForcedAtMs } from '../../../lambda/core/version-budget.ts';
import { HOUR_MS, iso, NOW_MS, refreshed, toDocumentEntry } from '../../support/secret-documents.ts';

const DAY_MS = 24 * HOUR_MS;
const BUDGET = MAX_RECENT_VERSIONS - RESERVED_VERSIONS;
const DIGEST = 'digest';

const ageMs = fc.oneof(fc.integer({ min: -60_000, max: 5 * 60_000 }), fc.integer({ min: 0, max: DAY_MS }));
const current = fc
  .record({
    refreshedAgoMs: ageMs,
    lifeMs: fc.oneof(fc.integer({ min: 1, max: 7_200_000 }), fc.integer({ min: 1, max: DAY_MS })),
    access_token: fc.constantFrom('access', 'access', 'access', undefined),
  })
  .map(({ refreshedAgoMs, lifeMs, access_token }) => {
    const refreshedAtMs = NOW_MS - refreshedAgoMs;
    const instants = { refreshed_at: iso(refreshedAtMs), expires_at: iso(refreshedAtMs + lifeMs) };
    return toDocumentEntry(refreshed(0, { ...instants, access_token }));
  });
const { tokenHash } = toDocumentEntry(refreshed(0));

const entry = fc.record({
  versionId: fc.constant('version'),
  createdAt: ageMs.map((age) => NOW_MS - age),
  tokenHash: fc.constantFrom(tokenHash, 'another token hash'),
  attempt: fc.nat({ max: 50 }),
});
const claim = fc
  .tuple(entry, fc.integer({ min: 1, max: 900 }))
  .map(([members, leaseSeconds]) => ({ ...members, kind: 'claim' as const, leaseSeconds }));
const failure = fc
  .tuple(
    entry,
    fc.record({
      code: fc.constantFrom(
        'PROVIDER_UNAVAILABLE' as const,
        'PROVIDER_AMBIGUOUS' as const,
        'REAUTHORIZATION_PROBABLE' as const,
        'REAUTHORIZATION_REQUIRED' as const,
        'CLIENT_REJECTED' as const,
      ),
      cause: fc.option(fc.constantFrom(...FAILURE_CAUSES), { nil: undefined }),
      digest: fc.constantFrom(DIGEST, 'another digest'),
      retryAfterSeconds: fc.option(fc.nat({ max: 90_000 }), { nil: undefined }),
    }),
  )
  .map(([members, more]) => ({ ...members, ...more, kind: 'failure' as const }));

const evidence: fc.Arbitrary<Evidence & { readonly versionTimes: readonly number[] }> = fc
  .record({
    current,
    latestEntry: fc.oneof<fc.Arbitrary<JournalEntry | undefined>[]>(
      fc.constant(undefined),
      fc.constant(undefined),
      claim,
      failure,
    ),
    isAtRest: fc.boolean(),
    lastFailure: fc.option(failure, { nil: undefined }),
    scheduleSeconds: fc.integer({ min: 60, max: 25_200 }),
    longestLifetimeSeconds: fc.integer({ min: 60, max: 90_000 }),
    versionTimes: fc.array(
      fc.integer({ min: 0, max: DAY_MS }).map((age) => NOW_MS - age),
      { maxLength: 100 },
    ),
    tokenSecret: fc.constantFrom(undefined, 'in sync' as const),
  })
  .map(({ current, latestEntry, isAtRest, longestLifetimeSeconds, ...rest }) => ({
    ...rest,
    situation: {
      current,
      latestEntry: isAtRest ? current : latestEntry,
      digest: DIGEST,
      nowMs: NOW_MS,
      longestLifetimeSeconds,
    },
  }));

/** Runs ticks at the slowest pace that the schedule allows. @returns the time of the first attempt */
function firstAttemptMs({ situation, scheduleSeconds, versionTimes }: Evidence, untilMs: number): number | undefined {
  for (let nowMs = NOW_MS + scheduleSeconds * 1000; nowMs <= untilMs; nowMs += scheduleSeconds * 1000) {
    const recent = versionTimes === 'unknown' ? [] : versionTimes.filter((at) => at > nowMs - DAY_MS);
    const hasRoom = recent.length + VERSIONS_PER_ATTEMPT <= BUDGET;
    if (hasRoom && decide({ ...situation, nowMs, force: false }).kind === 'attempt') return nowMs;
  }
  return undefined;
}

test('a token that expires before a run can refresh it is never healthy', () => {
  fc.assert(
    fc.property(evidence, (given) => {
      if (judge(given).health !== 'healthy') return;
      const { access_token, expires_at = '' } = given.situation.current.document.members;
      const expiresAtMs = Date.parse(expires_at);
      expect(access_token).toBeDefined();
      expect(firstAttemptMs(given, expiresAtMs - 1)).toBeDefined();
    }),
    { numRuns: 5_000 },
  );
});

test('some states are healthy, and some are not', () => {
  const healths = fc.sample(evidence, 2_000).map((given) => judge(given).health);
  expect(healths.filter((health) => health === 'healthy').length).toBeGreaterThan(50);
  expect(healths.filter((health) => health === 'attention').length).toBeGreaterThan(50);
});

test('a forced refresh leaves room for every scheduled refresh of the next 24 hours', () => {
  const times = fc.array(
    fc.integer({ min: 0, max: DAY_MS }).map((age) => NOW_MS - age),
    { maxLength: 90 },
  );
  fc.assert(
    fc.property(times, fc.integer({ min: 36, max: 720 }), (existing, dueAfterMinutes) => {
      const dueAfterMs = dueAfterMinutes * 60_000;
      const fromMs = findRoomForForcedAtMs(existing, NOW_MS, dueAfterMs) ?? NOW_MS;
      expect(fromMs).toBeLessThanOrEqual(NOW_MS + DAY_MS);
      const made = [...existing, fromMs, fromMs];
      for (let atMs = fromMs + dueAfterMs; atMs <= fromMs + DAY_MS; atMs += dueAfterMs) {
        expect(made.filter((at) => at > atMs - DAY_MS).length + VERSIONS_PER_ATTEMPT).toBeLessThanOrEqual(BUDGET);
        made.push(atMs, atMs);
      }
    }),
  );
});

test('tokens that are due too often for the budget leave no room for a forced refresh', () => {
  expect(findRoomForForcedAtMs([], NOW_MS, 3 * 60_000)).toBe(NOW_MS + DAY_MS);
});
