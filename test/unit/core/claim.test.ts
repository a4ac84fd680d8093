import { beforeEach, describe, expect, test } from 'vitest';
import { JOURNAL_STAGE } from '../../../lambda/contract.ts';
import { claim } from '../../../lambda/core/claim.ts';
import type { Situation } from '../../../lambda/core/decide.ts';
import {
  claimId,
  type FailureEntry,
  failureId,
  type JournalEntry,
  renderClaim,
  renderFailure,
  successorId,
} from '../../../lambda/core/journal.ts';
import { LOG_EVENTS } from '../../../lambda/core/log-events.ts';
import { refresh } from '../../../lambda/core/refresh.ts';
import { FakeContext } from '../../support/fake-context.ts';
import { INVALID_GRANT, TOKEN } from '../../support/fake-token-endpoint.ts';
import { faultFrom } from '../../support/fault-of.ts';
import {
  CREDENTIALS,
  HOUR_MS,
  MINUTE_MS,
  NOW_MS,
  refreshed,
  toDocumentEntry,
  versionIdOf,
} from '../../support/secret-documents.ts';

const DIGEST = 'digest';
const current = toDocumentEntry(CREDENTIALS, versionIdOf('first'));
const { tokenHash } = current;
const FIRST = { kind: 'attempt', attempt: 0, takesOverClaim: false } as const;

let context: FakeContext;

beforeEach(() => {
  context = FakeContext.withSecret(CREDENTIALS);
});

function run(
  attempt: typeof FIRST | { kind: 'attempt'; attempt: number; takesOverClaim: true } = FIRST,
  force = false,
) {
  const latestEntry: JournalEntry | undefined = undefined;
  const situation: Situation = {
    current,
    latestEntry,
    digest: DIGEST,
    nowMs: context.world.nowMs,
    longestLifetimeSeconds: 21_600,
    force,
  };
  return claim(context, situation, attempt);
}

/** Another run's claim, made now. */
function claimedByOther(attempt: number): void {
  context.writeText(
    renderClaim({ tokenHash, attempt, nonce: 'nonce of another run', leaseSeconds: 90 }),
    [JOURNAL_STAGE],
    claimId(tokenHash, attempt),
  );
}

function failedBefore(attempt: number, members: Partial<FailureEntry> = {}): void {
  claimedByOther(attempt);
  const text = renderFailure({ tokenHash, attempt, code: 'PROVIDER_UNAVAILABLE', digest: DIGEST, ...members });
  context.writeText(text, [JOURNAL_STAGE], failureId(tokenHash, attempt));
}

test('counts, then puts the claim with the label beside one look for the successor, and AWSCURRENT stays', async () => {
  expect(await run()).toMatchObject({ kind: 'claimed', attempt: 0 });
  expect(context.store.calls).toEqual(['listVersions', 'putVersion', 'readVersion']);
  expect(context.latestEntryVersionId).toBe(claimId(tokenHash, 0));
  expect(context.currentVersionId).toBe(versionIdOf('first'));
  expect(JSON.parse(context.textOf(JOURNAL_STAGE))).toMatchObject({ key: tokenHash, attempt: 0, nonce: 'nonce-1' });
});

// A shorter lease would end while the run may still send the token.
test('a claim says the whole lease of its run', async () => {
  await run();
  expect(JSON.parse(context.textOf(JOURNAL_STAGE))).toMatchObject({ lease_seconds: context.settings.leaseSeconds });
});

test('a claim holds no secret', async () => {
  await run();
  expect(context.textOf(JOURNAL_STAGE)).not.toMatch(/client-id-1|client-secret-1|refresh-1/);
});

test('a token that was traded already is not claimed for a POST', async () => {
  context.writeText(
    JSON.stringify(refreshed(0, { refresh_token: 'refresh-2' })),
    [JOURNAL_STAGE],
    successorId(tokenHash),
  );
  expect(await run()).toMatchObject({ kind: 'spent', successor: { versionId: successorId(tokenHash) } });
});

describe('attempts begin after the highest claim that is listed', () => {
  test('although the label is gone, and the first claims are purged: no second run sends the token beside the first', async () => {
    const { tokenHash } = toDocumentEntry(CREDENTIALS);
    const purged = FakeContext.withSecret(CREDENTIALS);
    const claimed = (attempt: number, stages: string[]) =>
      purged.writeText(
        renderClaim({ tokenHash, attempt, nonce: 'n', leaseSeconds: 90 }),
        stages,
        claimId(tokenHash, attempt),
      );
    claimed(49, ['a']);
    claimed(50, ['b']);
    expect(await refresh(purged.nextRun(), { force: false })).toMatchObject({ outcome: 'busy' });
    const later = purged.nextRun({ afterMs: 90_000 });
    later.tokenEndpoint.willAnswer(TOKEN);
    expect(await refresh(later, { force: false })).toMatchObject({ outcome: 'refreshed' });
    expect(later.versionIds).toContain(claimId(tokenHash, 51));
    expect(later.announced[0]?.attempt).toBe(51);
  });

  test('so a refusal is found without the label', async () => {
    const { tokenHash } = toDocumentEntry(CREDENTIALS);
    const refused = FakeContext.withSecret(CREDENTIALS);
    refused.tokenEndpoint.willAnswer(INVALID_GRANT);
    await faultFrom(refresh(refused, { force: false }));
    refused.loseLabel();
    expect((await faultFrom(refresh(refused.nextRun(), { force: false }))).name).toBe('REAUTHORIZATION_REQUIRED');
    expect(refused.versionIds).not.toContain(claimId(tokenHash, 1));
  });
});

describe('where the id is taken, what is found there decides', () => {
  test('a live claim is busy, forced or not', async () => {
    claimedByOther(0);
    context.advance(89_999);
    expect(await run()).toEqual({ kind: 'busy' });
    expect(await run(FIRST, true)).toEqual({ kind: 'busy' });
  });

  test('a failure whose back-off runs is waiting', async () => {
    failedBefore(0);
    expect(await run()).toEqual({ kind: 'waiting', retryAtMs: NOW_MS + MINUTE_MS, why: 'back-off' });
  });

  test('a dead grant is rejected, although the label was lost', async () => {
    failedBefore(0, { code: 'REAUTHORIZATION_REQUIRED' });
    context.loseLabel();
    context.advance(24 * HOUR_MS);
    expect(await run()).toMatchObject({ kind: 'rejected', failure: { code: 'REAUTHORIZATION_REQUIRED', attempt: 0 } });
    expect(await run(FIRST, true)).toMatchObject({ kind: 'claimed', attempt: 1 });
  });

  test('failures that are over, or were made with other credentials, lead to the first attempt that is free', async () => {
    failedBefore(0);
    failedBefore(1, { code: 'CLIENT_REJECTED', digest: 'digest of another client secret' });
    failedBefore(2);
    context.advance(HOUR_MS);
    expect(await run()).toMatchObject({ kind: 'claimed', attempt: 3 });
    expect(context.telemetry.counts).toEqual([]);
  });

  test('something that is no failure is taken for a claim of its age: the id says what it is', async () => {
    context.writeText('scribble', [JOURNAL_STAGE], claimId(tokenHash, 0));
    context.writeText('scribble', [JOURNAL_STAGE], failureId(tokenHash, 0));
    expect(await run()).toEqual({ kind: 'busy' });
    context.advance(90_000);
    expect(await run()).toMatchObject({ kind: 'claimed', attempt: 1 });
  });

  test('a document is no failure, nor is a claim of its own under the id of a failure', async () => {
    claimedByOther(0);
    context.writeText(JSON.stringify(CREDENTIALS), [JOURNAL_STAGE], failureId(tokenHash, 0));
    expect(await run()).toEqual({ kind: 'busy' });
  });

  test('a claim lives as long as the run that made it was promised', async () => {
    const text = renderClaim({
      tokenHash,
      attempt: 0,
      nonce: 'nonce of a run with a longer timeout',
      leaseSeconds: 270,
    });
    context.writeText(text, ['elsewhere'], claimId(tokenHash, 0));
    context.advance(269_999);
    expect(await run()).toEqual({ kind: 'busy' });
    context.advance(1);
    expect(await run()).toMatchObject({ kind: 'claimed', attempt: 1 });
  });

  test('a claim that vanished between the put and the look counts as made now', async () => {
    context.store.intercept('putVersion', 'before', () => claimedByOther(0));
    const { store } = context;
    const gone: typeof store.readVersion = async () => undefined;
    store.readVersion = gone;
    expect(await run()).toEqual({ kind: 'busy' });
  });
});

describe('a dead claim', () => {
  const TAKEOVER = { kind: 'attempt', attempt: 1, takesOverClaim: true } as const;

  test('is taken over, and that is said aloud: a token may have been spent', async () => {
    claimedByOther(0);
    context.advance(90_000);
    expect(await run(TAKEOVER)).toMatchObject({ kind: 'claimed', attempt: 1 });
    expect(context.telemetry.counts).toEqual(['claim taken over']);
    expect(context.telemetry.lines).toMatchObject([{ level: 'warn', members: { attempt: 1 } }]);
    expect(context.telemetry.lines[0]?.message).toBe(LOG_EVENTS.claimTakenOver);
  });

  test('is taken over where only the ids show it', async () => {
    claimedByOther(0);
    context.loseLabel();
    context.advance(90_000);
    expect(await run()).toMatchObject({ kind: 'claimed', attempt: 1 });
    expect(context.telemetry.counts).toEqual(['claim taken over']);
  });

  test('that ended in a failure behind a lagging label is no takeover', async () => {
    failedBefore(0, { code: 'REAUTHORIZATION_REQUIRED' });
    context.advance(HOUR_MS);
    expect(await run(TAKEOVER)).toMatchObject({ kind: 'rejected' });
    expect(context.telemetry.counts).toEqual([]);
  });

  test('is taken over by one run alone', async () => {
    claimedByOther(0);
    context.advance(90_000);
    expect(await run(TAKEOVER)).toMatchObject({ kind: 'claimed', attempt: 1 });
    expect(await run(TAKEOVER)).toEqual({ kind: 'busy' });
    expect(context.telemetry.counts).toEqual(['claim taken over']);
  });
});

describe('the write budget', () => {
  /** Of 100 versions in 24 hours, ten are kept free, and an attempt takes two. */
  const MAX_BEFORE_CLAIM = 88;

  function fill(versions: number): void {
    for (let number = context.versionIds.length; number < versions; number += 1) {
      context.writeText('{}', ['filler'], versionIdOf(`filler-${number}`));
    }
  }

  test.each([
    [MAX_BEFORE_CLAIM, { kind: 'claimed', attempt: 0 }],
    [MAX_BEFORE_CLAIM + 1, { kind: 'waiting', why: 'write budget', retryAtMs: NOW_MS + 24 * HOUR_MS }],
  ])('%d versions of the last 24 hours, those of operators too, forced or not: %j', async (versions, decision) => {
    fill(versions);
    expect(await run(FIRST, true)).toMatchObject(decision);
  });

  test('nothing is put while there is no room, and room comes when the oldest of the surplus are a day old', async () => {
    fill(10);
    context.advance(HOUR_MS);
    fill(MAX_BEFORE_CLAIM + 11);
    expect(await run()).toEqual({ kind: 'waiting', why: 'write budget', retryAtMs: NOW_MS + 25 * HOUR_MS });
    expect(context.versionIds).toHaveLength(MAX_BEFORE_CLAIM + 11);
    context.advance(24 * HOUR_MS - 1);
    expect(await run()).toMatchObject({ kind: 'waiting' });
    context.advance(1);
    expect(await run()).toMatchObject({ kind: 'claimed', attempt: 0 });
  });

  test('it is the oldest that age first, in whatever order the store lists them', async () => {
    fill(MAX_BEFORE_CLAIM);
    context.advance(HOUR_MS);
    fill(MAX_BEFORE_CLAIM + 1);
    const { store } = context;
    const times = await store.listVersions();
    store.listVersions = async () => [...times].reverse();
    expect(await run()).toEqual({ kind: 'waiting', why: 'write budget', retryAtMs: NOW_MS + 24 * HOUR_MS });
  });

  test('waiting for room is said in the log', async () => {
    fill(MAX_BEFORE_CLAIM + 1);
    await run();
    expect(context.telemetry.lines).toMatchObject([{ level: 'warn', message: LOG_EVENTS.budgetUsedUp }]);
  });
});

test('a store that refuses the claim keeps anything from being spent', async () => {
  context.store.refuse('putVersion');
  await expect(run()).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
});

describe('a claim that was copied under another id, as into a secret that was restored', () => {
  const copiedAt = (ageMs: number): JournalEntry => ({
    kind: 'claim',
    versionId: versionIdOf('copy'),
    createdAt: NOW_MS - ageMs,
    tokenHash,
    attempt: 3,
    leaseSeconds: 90,
  });
  const takeOver = (latestEntry: JournalEntry) => {
    const situation: Situation = {
      current,
      latestEntry,
      digest: DIGEST,
      nowMs: context.world.nowMs,
      longestLifetimeSeconds: 21_600,
      force: false,
    };
    return claim(context, situation, { kind: 'attempt', attempt: 4, takesOverClaim: true });
  };

  test('is taken over when its lease is over, and not judged from now again and again', async () => {
    expect(await takeOver(copiedAt(90_000))).toMatchObject({ kind: 'claimed', attempt: 4 });
  });

  test('is no reason to look at another claim that cannot be read yet as if it were old', async () => {
    const other: JournalEntry = { ...copiedAt(HOUR_MS), kind: 'claim', attempt: 2, leaseSeconds: 90 };
    expect(await takeOver(other)).toMatchObject({ kind: 'busy' });
  });

  test('is no copy if it is of another token: what cannot be read yet was put a moment ago', async () => {
    expect(await takeOver({ ...copiedAt(HOUR_MS), tokenHash: 'hash of another token' })).toMatchObject({
      kind: 'busy',
    });
  });

  test('does not stand for what is under the id itself, whose age counts', async () => {
    context.writeText('scribble', [JOURNAL_STAGE], claimId(tokenHash, 3));
    expect(await takeOver(copiedAt(HOUR_MS))).toMatchObject({ kind: 'busy' });
  });
});
