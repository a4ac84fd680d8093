import { beforeEach, describe, expect, test } from 'vitest';
import { JOURNAL_STAGE } from '../../../lambda/contract.ts';
import { claim, previewClaim } from '../../../lambda/core/claim.ts';
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
  iso,
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
type First = Parameters<typeof claim>[2];

let context: FakeContext;

beforeEach(() => {
  context = FakeContext.withSecret(CREDENTIALS);
});

function run(attempt: First = FIRST, force = false) {
  return claim(context, toSituation({ force }), attempt);
}

function toSituation(members: Partial<Situation> = {}): Situation {
  return {
    current,
    latestEntry: undefined,
    digest: DIGEST,
    nowMs: context.world.nowMs,
    longestLifetimeSeconds: 21_600,
    force: false,
    ...members,
  };
}

/** Stores another run's claim, made now. */
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

test('counts versions, stores the claim with the label, looks once for the successor, and leaves AWSCURRENT', async () => {
  expect(await run()).toMatchObject({ kind: 'claimed', attempt: 0 });
  expect(context.store.calls).toEqual(['listVersions', 'putVersion', 'readVersion']);
  expect(context.latestEntryVersionId).toBe(claimId(tokenHash, 0));
  expect(context.currentVersionId).toBe(versionIdOf('first'));
  expect(JSON.parse(context.textOf(JOURNAL_STAGE))).toMatchObject({ key: tokenHash, attempt: 0, nonce: 'nonce-1' });
});

// A shorter lease would end while the run may still send the token.
test('a claim contains the whole lease of its run', async () => {
  await run();
  expect(JSON.parse(context.textOf(JOURNAL_STAGE))).toMatchObject({ lease_seconds: context.settings.leaseSeconds });
});

test('a claim contains no secret', async () => {
  await run();
  expect(context.textOf(JOURNAL_STAGE)).not.toMatch(/client-id-1|client-secret-1|refresh-1/);
});

test('a used token is not claimed for a POST', async () => {
  context.writeText(
    JSON.stringify(refreshed(0, { refresh_token: 'refresh-2' })),
    [JOURNAL_STAGE],
    successorId(tokenHash),
  );
  expect(await run()).toMatchObject({ kind: 'spent', successor: { versionId: successorId(tokenHash) } });
});

test('nor is one whose answer comes while a run takes an earlier claim over', async () => {
  claimedByOther(0);
  context.advance(90_000);
  context.store.intercept('putVersion', 'before', () => {
    const answer = JSON.stringify(refreshed(0, { refresh_token: 'refresh-2' }));
    context.writeText(answer, [JOURNAL_STAGE], successorId(tokenHash));
  });
  expect(await run({ kind: 'attempt', attempt: 1, takesOverClaim: true })).toMatchObject({ kind: 'spent' });
});

describe('a used token is rolled forward although', () => {
  const successor = successorId(tokenHash);
  const answered = () =>
    context.writeText(JSON.stringify(refreshed(0, { refresh_token: 'refresh-2' })), [JOURNAL_STAGE], successor);
  // As after a merge, which takes the label from the answer.
  const hidden = () => context.moveStage(JOURNAL_STAGE, versionIdOf('first'));

  test('a rejection of it is recorded', async () => {
    failedBefore(0, { code: 'REAUTHORIZATION_REQUIRED' });
    answered();
    hidden();
    expect(await run()).toMatchObject({ kind: 'spent', successor: { versionId: successor } });
  });

  test('there is no room for a claim', async () => {
    answered();
    hidden();
    for (let number = 0; number < 90; number++) context.writeText('{}', ['filler'], versionIdOf(`filler-${number}`));
    expect(await run()).toMatchObject({ kind: 'spent', successor: { versionId: successor } });
  });
});

test('a run that meets the claim of another does not look for the answer, which that run records', async () => {
  claimedByOther(0);
  expect(await previewClaim(context, toSituation(), FIRST)).toEqual({ kind: 'busy' });
  expect(context.store.calls).toEqual(['listVersions', 'readVersion', 'readVersion']);
});

describe('attempts are numbered after the highest listed claim', () => {
  test('even without the label and the first claims, so that no second run sends the token', async () => {
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

  test('so that a rejection is found without the label', async () => {
    const { tokenHash } = toDocumentEntry(CREDENTIALS);
    const refused = FakeContext.withSecret(CREDENTIALS);
    refused.tokenEndpoint.willAnswer(INVALID_GRANT);
    await faultFrom(refresh(refused, { force: false }));
    refused.loseLabel();
    expect((await faultFrom(refresh(refused.nextRun(), { force: false }))).name).toBe('REAUTHORIZATION_REQUIRED');
    expect(refused.versionIds).not.toContain(claimId(tokenHash, 1));
  });
});

describe('if a later claim is listed', () => {
  const lookFrom = (latestEntry: JournalEntry, attempt: First) => claim(context, toSituation({ latestEntry }), attempt);

  test('it is respected although the label is on an edited document with the same refresh token', async () => {
    claimedByOther(1);
    expect(await lookFrom(current, FIRST)).toEqual({ kind: 'busy' });
  });

  test('it is respected although the label is on a claim that ended long before', async () => {
    claimedByOther(160);
    const expired: JournalEntry = {
      kind: 'claim',
      versionId: claimId(tokenHash, 150),
      createdAt: NOW_MS - HOUR_MS,
      tokenHash,
      attempt: 150,
      leaseSeconds: 90,
    };
    expect(await lookFrom(expired, { kind: 'attempt', attempt: 151, takesOverClaim: true })).toEqual({ kind: 'busy' });
  });

  test('nothing is written', async () => {
    claimedByOther(0);
    expect(await run()).toEqual({ kind: 'busy' });
    expect(context.store.calls).not.toContain('putVersion');
  });
});

describe('claims are looked for up to the number that the age of the token allows', () => {
  const DAYS_MS = 24 * HOUR_MS;

  test.each<[age: string, createdAt: number, refreshedAt: number | undefined, highest: number]>([
    ['stored just now', NOW_MS, undefined, 64],
    ['stored a moment ago', NOW_MS - 1, undefined, 64 + 45],
    ['stored a day ago', NOW_MS - DAYS_MS, undefined, 64 + 45],
    ['stored two days ago', NOW_MS - 2 * DAYS_MS, undefined, 64 + 90],
    ['stored now in an edit, refreshed two days ago', NOW_MS, NOW_MS - 2 * DAYS_MS, 64 + 90],
    ['stored two days ago, refreshed in the future', NOW_MS - 2 * DAYS_MS, NOW_MS + DAYS_MS, 64 + 90],
    ['stored 100 days ago', NOW_MS - 100 * DAYS_MS, undefined, 64 + 2_000],
    ['stored in the future', NOW_MS + 2 * DAYS_MS, undefined, 64],
  ])('a token %s', async (_age, createdAt, refreshedAt, highest) => {
    const members = { ...CREDENTIALS, ...(refreshedAt !== undefined && { refreshed_at: iso(refreshedAt) }) };
    const situation = toSituation({ current: toDocumentEntry(members, versionIdOf('first'), createdAt) });
    claimedByOther(highest + 1);
    expect(await previewClaim(context, situation, FIRST)).toMatchObject({ kind: 'claimed', attempt: 0 });
    claimedByOther(highest);
    expect(await previewClaim(context, situation, FIRST)).toEqual({ kind: 'busy' });
  });
});

describe('a preview', () => {
  test('writes nothing', async () => {
    expect(await previewClaim(context, toSituation(), FIRST)).toMatchObject({ kind: 'claimed', attempt: 0 });
    expect(context.store.calls).toEqual(['listVersions', 'readVersion', 'readVersion']);
  });

  test('finds a claim that is not listed yet', async () => {
    claimedByOther(0);
    context.store.listVersions = async () => [];
    expect(await previewClaim(context, toSituation(), FIRST)).toEqual({ kind: 'busy' });
  });
});

describe('if the id exists, its content decides', () => {
  test('a live claim is busy, forced or not', async () => {
    claimedByOther(0);
    context.advance(89_999);
    expect(await run()).toEqual({ kind: 'busy' });
    expect(await run(FIRST, true)).toEqual({ kind: 'busy' });
  });

  test('during the back-off of a failure, the result is waiting', async () => {
    failedBefore(0);
    expect(await run()).toEqual({ kind: 'waiting', retryAtMs: NOW_MS + MINUTE_MS, why: 'back-off' });
  });

  test('a revoked grant is rejected, even if the label was lost', async () => {
    failedBefore(0, { code: 'REAUTHORIZATION_REQUIRED' });
    context.loseLabel();
    context.advance(24 * HOUR_MS);
    expect(await run()).toMatchObject({ kind: 'rejected', failure: { code: 'REAUTHORIZATION_REQUIRED', attempt: 0 } });
    expect(await run(FIRST, true)).toMatchObject({ kind: 'claimed', attempt: 1 });
  });

  test('after failures that are over or had other credentials, the first free attempt is claimed', async () => {
    failedBefore(0);
    failedBefore(1, { code: 'CLIENT_REJECTED', digest: 'digest of another client secret' });
    failedBefore(2);
    context.advance(HOUR_MS);
    expect(await run()).toMatchObject({ kind: 'claimed', attempt: 3 });
    expect(context.telemetry.counts).toEqual([]);
  });

  test('content that is not a failure counts as a claim of its age, because the id decides', async () => {
    context.writeText('scribble', [JOURNAL_STAGE], claimId(tokenHash, 0));
    context.writeText('scribble', [JOURNAL_STAGE], failureId(tokenHash, 0));
    expect(await run()).toEqual({ kind: 'busy' });
    context.advance(90_000);
    expect(await run()).toMatchObject({ kind: 'claimed', attempt: 1 });
  });

  test('neither a document nor a claim counts as a failure under the id of a failure', async () => {
    claimedByOther(0);
    context.writeText(JSON.stringify(CREDENTIALS), [JOURNAL_STAGE], failureId(tokenHash, 0));
    expect(await run()).toEqual({ kind: 'busy' });
  });

  test('a claim is valid for the lease of the run that made it', async () => {
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

  test('a claim that cannot be read after the conflict counts as made now', async () => {
    context.store.intercept('putVersion', 'before', () => claimedByOther(0));
    const { store } = context;
    const gone: typeof store.readVersion = async () => undefined;
    store.readVersion = gone;
    expect(await run()).toEqual({ kind: 'busy' });
  });
});

describe('an expired claim', () => {
  const TAKEOVER = { kind: 'attempt', attempt: 1, takesOverClaim: true } as const;

  test('is taken over, with a warning that the token may have been used', async () => {
    claimedByOther(0);
    context.advance(90_000);
    expect(await run(TAKEOVER)).toMatchObject({ kind: 'claimed', attempt: 1 });
    expect(context.telemetry.counts).toEqual(['claim taken over']);
    expect(context.telemetry.lines).toMatchObject([{ level: 'warn', members: { attempt: 1 } }]);
    expect(context.telemetry.lines[0]?.message).toBe(LOG_EVENTS.claimTakenOver);
  });

  test('is taken over even if only the ids show it', async () => {
    claimedByOther(0);
    context.loseLabel();
    context.advance(90_000);
    expect(await run()).toMatchObject({ kind: 'claimed', attempt: 1 });
    expect(context.telemetry.counts).toEqual(['claim taken over']);
  });

  test('is not taken over if it ended in a failure that a lagging label hides', async () => {
    failedBefore(0, { code: 'REAUTHORIZATION_REQUIRED' });
    context.advance(HOUR_MS);
    expect(await run(TAKEOVER)).toMatchObject({ kind: 'rejected' });
    expect(context.telemetry.counts).toEqual([]);
  });

  test('is taken over by only one run', async () => {
    claimedByOther(0);
    context.advance(90_000);
    expect(await run(TAKEOVER)).toMatchObject({ kind: 'claimed', attempt: 1 });
    expect(await run(TAKEOVER)).toEqual({ kind: 'busy' });
    expect(context.telemetry.counts).toEqual(['claim taken over']);
  });
});

describe('the version budget', () => {
  /** Secrets Manager keeps 100 versions from 24 hours. Ten are reserved, and an attempt needs two. */
  const MAX_BEFORE_CLAIM = 88;

  function fill(versions: number): void {
    for (let number = context.versionIds.length; number < versions; number += 1) {
      context.writeText('{}', ['filler'], versionIdOf(`filler-${number}`));
    }
  }

  test.each([
    [MAX_BEFORE_CLAIM, { kind: 'claimed', attempt: 0 }],
    [MAX_BEFORE_CLAIM + 1, { kind: 'waiting', why: 'write budget', retryAtMs: NOW_MS + 24 * HOUR_MS }],
  ])('%d versions in 24 hours, including those of operators, forced or not: %j', async (versions, decision) => {
    fill(versions);
    expect(await run(FIRST, true)).toMatchObject(decision);
  });

  test('nothing is stored without room, and there is room when the oldest excess versions are a day old', async () => {
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

  test('the oldest versions leave first, in whatever order the store lists them', async () => {
    fill(MAX_BEFORE_CLAIM);
    context.advance(HOUR_MS);
    fill(MAX_BEFORE_CLAIM + 1);
    const { store } = context;
    const times = await store.listVersions();
    store.listVersions = async () => [...times].reverse();
    expect(await run()).toEqual({ kind: 'waiting', why: 'write budget', retryAtMs: NOW_MS + 24 * HOUR_MS });
  });

  /** Returns the decision on a forced refresh of a fresh token with this number of other versions. */
  async function force(versions: number, lifetimeHours: number) {
    fill(versions);
    const expires_at = iso(NOW_MS + lifetimeHours * HOUR_MS);
    const fresh = toDocumentEntry(refreshed(0, { expires_at }), versionIdOf('first'));
    return await claim(context, toSituation({ current: fresh, latestEntry: fresh, force: true }), FIRST);
  }

  test.each([
    // lifetime in hours: maximum number of other versions with which a refresh can be forced
    [6, 74],
    [1, 10],
    // At most six hours are believed.
    [12, 74],
  ])('the refreshes that a token of %d hours needs within a day come before a forced one', async (hours, most) => {
    expect(await force(most, hours)).toMatchObject({ kind: 'claimed' });
    context = FakeContext.withSecret(CREDENTIALS);
    const retryAtMs = NOW_MS + 24 * HOUR_MS;
    expect(await force(most + 1, hours)).toEqual({ kind: 'waiting', why: 'forced budget', retryAtMs });
  });

  test('waiting for room is logged', async () => {
    fill(MAX_BEFORE_CLAIM + 1);
    await run();
    expect(context.telemetry.lines).toMatchObject([{ level: 'warn', message: LOG_EVENTS.budgetUsedUp }]);
  });
});

test('if the store rejects the claim, the token is not used', async () => {
  context.store.refuse('putVersion');
  await expect(run()).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
});

describe('a claim that was copied to another id, for example into a restored secret', () => {
  const copiedAt = (ageMs: number): JournalEntry => ({
    kind: 'claim',
    versionId: versionIdOf('copy'),
    createdAt: NOW_MS - ageMs,
    tokenHash,
    attempt: 3,
    leaseSeconds: 90,
  });
  const takeOver = (latestEntry: JournalEntry) =>
    claim(context, toSituation({ latestEntry }), { kind: 'attempt', attempt: 4, takesOverClaim: true });

  test('is taken over when its lease ends, which does not start over with each read', async () => {
    expect(await takeOver(copiedAt(90_000))).toMatchObject({ kind: 'claimed', attempt: 4 });
  });

  test('does not make another claim that cannot be read yet look old', async () => {
    const other: JournalEntry = { ...copiedAt(HOUR_MS), kind: 'claim', attempt: 2, leaseSeconds: 90 };
    expect(await takeOver(other)).toMatchObject({ kind: 'busy' });
  });

  test('is not a copy if it has another token: a claim that cannot be read yet was made a moment ago', async () => {
    expect(await takeOver({ ...copiedAt(HOUR_MS), tokenHash: 'hash of another token' })).toMatchObject({
      kind: 'busy',
    });
  });

  test('does not replace the claim under the id itself, whose age counts', async () => {
    context.writeText('scribble', [JOURNAL_STAGE], claimId(tokenHash, 3));
    expect(await takeOver(copiedAt(HOUR_MS))).toMatchObject({ kind: 'busy' });
  });
});
