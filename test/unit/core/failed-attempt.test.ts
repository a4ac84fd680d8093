import { describe, expect, test } from 'vitest';
import { JOURNAL_STAGE } from '../../../lambda/contract.ts';
import type { NotExchanged } from '../../../lambda/core/exchange.ts';
import { announceFailure, recordFailure } from '../../../lambda/core/failed-attempt.ts';
import {
  claimId,
  failureId,
  parseEntry,
  type Refusals,
  renderClaim,
  renderFailure,
} from '../../../lambda/core/journal.ts';
import { adviceOn } from '../../../lambda/core/messages.ts';
import { ANNOUNCE_MAX_MS, STORE_CALL_MAX_MS } from '../../../lambda/core/time-reserves.ts';
import { FakeContext } from '../../support/fake-context.ts';
import { CREDENTIALS, HOUR_MS, NOW_MS, toDocumentEntry } from '../../support/secret-documents.ts';

const current = toDocumentEntry(CREDENTIALS);
const { tokenHash } = current;
const UNRECOGNIZED = {
  kind: 'failed',
  code: 'PROVIDER_UNAVAILABLE',
  cause: 'unrecognized',
  reason: 'HTTP 403',
} as const;
const NOT_SENT = { ...UNRECOGNIZED, cause: 'not-sent' } as const;
const DIGEST = 'a'.repeat(64);

/** Returns the failure of an attempt as it is in the journal, with the rejections until then. */
function failure(
  attempt: number,
  refusals: Refusals | undefined,
  code: 'PROVIDER_UNAVAILABLE' | 'REAUTHORIZATION_PROBABLE' = 'PROVIDER_UNAVAILABLE',
) {
  return renderFailure({ tokenHash, attempt, code, digest: DIGEST, refusals });
}

/** Records the end of attempt `attempt` after an entry of the journal. */
async function record(before: { id: string; text: string }, attempt: number, answer: NotExchanged, afterMs = 0) {
  const context = FakeContext.withSecret(CREDENTIALS);
  context.writeText(before.text, [JOURNAL_STAGE], before.id);
  context.advance(afterMs);
  const version = await context.store.readLatestEntry();
  const recorded = await recordFailure(
    context,
    { current, latestEntry: version && parseEntry(version) },
    attempt,
    DIGEST,
    answer,
  );
  const stored = await context.store.readVersion(failureId(tokenHash, attempt));
  const entry = stored && parseEntry(stored);
  return { ...recorded, refusals: entry?.kind === 'failure' ? entry.refusals : undefined };
}

const failedBefore = (refusals: Refusals | undefined, code?: 'REAUTHORIZATION_PROBABLE') => ({
  id: failureId(tokenHash, 0),
  text: failure(0, refusals, code),
});

test('a failure that cannot be recorded leaves the time of its announcement', async () => {
  const context = FakeContext.withSecret(CREDENTIALS);
  context.store.refuse('putVersion', 1_000);
  const ended = await recordFailure(context, { current, latestEntry: undefined }, 0, DIGEST, NOT_SENT);
  expect(ended).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', isRecorded: false });
  // Another put would take up to STORE_CALL_MAX_MS, after a pause.
  expect(context.runtime.remainingMs()).toBeGreaterThanOrEqual(ANNOUNCE_MAX_MS + STORE_CALL_MAX_MS);
});

describe('a third rejection without a known code, an hour after the first', () => {
  test.each<[string, Refusals, string]>([
    ['is probably the grant', { count: 2, sinceMs: NOW_MS - HOUR_MS }, 'REAUTHORIZATION_PROBABLE'],
    ['a moment before that, it is not', { count: 2, sinceMs: NOW_MS - HOUR_MS + 1 }, 'PROVIDER_UNAVAILABLE'],
  ])('%s', async (_, refusals, code) => {
    expect(await record(failedBefore(refusals), 1, UNRECOGNIZED)).toMatchObject({
      code,
      isNewlyProbable: code === 'REAUTHORIZATION_PROBABLE',
      refusals: { count: refusals.count + 1 },
    });
  });

  test('the second is not, however long after the first', async () => {
    const first = failedBefore({ count: 1, sinceMs: NOW_MS });
    expect(await record(first, 1, UNRECOGNIZED, 2 * HOUR_MS)).toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      isNewlyProbable: false,
      refusals: { count: 2, sinceMs: NOW_MS },
    });
  });

  test('is announced once', async () => {
    const refusals = { count: 3, sinceMs: NOW_MS - HOUR_MS };
    expect(await record(failedBefore(refusals, 'REAUTHORIZATION_PROBABLE'), 1, UNRECOGNIZED)).toMatchObject({
      code: 'REAUTHORIZATION_PROBABLE',
      isNewlyProbable: false,
      isRecorded: true,
    });
  });
});

describe('a failure of another kind in between', () => {
  test('neither counts nor makes the grant look revoked', async () => {
    const refusals = { count: 9, sinceMs: NOW_MS - 9 * HOUR_MS };
    expect(await record(failedBefore(refusals), 1, NOT_SENT)).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', refusals });
  });

  test('counts nothing if nothing was counted', async () => {
    expect((await record(failedBefore(undefined), 1, NOT_SENT)).refusals).toBeUndefined();
  });

  test('does not hide a rejection with a known code', async () => {
    const refused: NotExchanged = {
      kind: 'failed',
      code: 'REAUTHORIZATION_REQUIRED',
      cause: 'REAUTHORIZATION_REQUIRED',
      reason: 'HTTP 400',
    };
    const refusals = { count: 9, sinceMs: NOW_MS - 9 * HOUR_MS };
    expect(await record(failedBefore(refusals, 'REAUTHORIZATION_PROBABLE'), 1, refused)).toMatchObject({
      code: 'REAUTHORIZATION_REQUIRED',
      isNewlyProbable: false,
      isRecorded: true,
    });
  });
});

describe('the last failure is found behind claims of crashed runs', () => {
  const refusals = { count: 1, sinceMs: NOW_MS };

  async function recordBehind(attempt: number, before: number, claimOf = tokenHash) {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.writeText(failure(before, refusals), ['elsewhere'], failureId(tokenHash, before));
    context.writeText(
      renderClaim({ tokenHash: claimOf, attempt, nonce: 'n', leaseSeconds: 90 }),
      [JOURNAL_STAGE],
      claimId(claimOf, attempt),
    );
    const version = await context.store.readLatestEntry();
    context.store.calls.length = 0;
    await recordFailure(
      context,
      { current, latestEntry: version && parseEntry(version) },
      attempt + 1,
      DIGEST,
      UNRECOGNIZED,
    );
    const looks = context.store.calls.filter((call) => call === 'readVersion').length;
    const stored = await context.store.readVersion(failureId(tokenHash, attempt + 1));
    const entry = stored && parseEntry(stored);
    return { looks, count: entry?.kind === 'failure' ? entry.refusals?.count : undefined };
  }

  test.each([
    // attempt of the claim, attempt that failed: reads, rejections counted
    [3, 3, 4, 2],
    [4, 1, 4, 2],
    [5, 1, 4, 1],
    [1, 0, 2, 2],
  ])('behind claim %i, the failure of attempt %i', async (attempt, before, looks, count) => {
    expect(await recordBehind(attempt, before)).toEqual({ looks, count });
  });

  test('but not behind a claim of another refresh token', async () => {
    expect(await recordBehind(1, 1, 'another token hash')).toEqual({ looks: 0, count: 1 });
  });

  test('but not if it had other credentials', async () => {
    const text = renderFailure({
      tokenHash,
      attempt: 0,
      code: 'PROVIDER_UNAVAILABLE',
      digest: 'b'.repeat(64),
      refusals,
    });
    expect((await record({ id: failureId(tokenHash, 0), text }, 1, UNRECOGNIZED)).refusals?.count).toBe(1);
  });
});

describe('the advice', () => {
  test.each([
    ['PROVIDER_UNAVAILABLE', 'not-sent', 'not-sent'],
    ['PROVIDER_UNAVAILABLE', 'throttled', 'throttled'],
    ['PROVIDER_UNAVAILABLE', 'intercepted', 'intercepted'],
    ['PROVIDER_AMBIGUOUS', 'throttled', 'ambiguous'],
    ['PROVIDER_AMBIGUOUS', 'ambiguous', 'ambiguous'],
    ['REAUTHORIZATION_PROBABLE', 'unrecognized', 'REAUTHORIZATION_PROBABLE'],
    ['CLIENT_REJECTED', 'CLIENT_REJECTED', 'CLIENT_REJECTED'],
  ] as const)('of %s by %s is that on %s', async (code, cause, advised) => {
    const context = FakeContext.withSecret(CREDENTIALS);
    const fault = await announceFailure(context, current, 0, {
      code,
      cause,
      reason: 'Why',
      isNewlyProbable: false,
      isRecorded: true,
    });
    expect(fault).toMatchObject({ name: code, failureCause: cause });
    expect(fault.message).toBe(`Why. ${adviceOn(advised, context.settings)}`);
  });
});

test.each([
  ['REAUTHORIZATION_PROBABLE', 'unrecognized'],
  ['REAUTHORIZATION_REQUIRED', 'REAUTHORIZATION_REQUIRED'],
  ['CLIENT_REJECTED', 'CLIENT_REJECTED'],
] as const)('the advice on %s names the event that forces a refresh of this secret', async (code, cause) => {
  const context = FakeContext.withSecret(CREDENTIALS);
  const { message } = await announceFailure(context, current, 0, {
    code,
    cause,
    reason: '',
    isNewlyProbable: false,
    isRecorded: true,
  });
  expect(message).toContain(context.settings.forceEvent);
  expect(message).not.toContain('"force"');
});
