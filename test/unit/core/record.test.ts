import { beforeEach, describe, expect, test } from 'vitest';
import { JOURNAL_STAGE } from '../../../lambda/contract.ts';
import type { TokenMembers } from '../../../lambda/core/credentials.ts';
import { Fault } from '../../../lambda/core/fault.ts';
import { sha256 } from '../../../lambda/core/fingerprint.ts';
import {
  claimId,
  type FailureCode,
  failureId,
  parseEntry,
  renderClaim,
  renderFailure,
  successorId,
} from '../../../lambda/core/journal.ts';
import { putUntilDeadline, record, recordPendingAnswer } from '../../../lambda/core/record.ts';
import { FakeContext } from '../../support/fake-context.ts';
import { faultFrom } from '../../support/fault-of.ts';
import { CREDENTIALS, iso, MINUTE_MS, NOW_MS, refreshed, toDocumentEntry } from '../../support/secret-documents.ts';

const parent = toDocumentEntry(CREDENTIALS);
const SUCCESSOR = successorId(parent.tokenHash);
const TOKENS: TokenMembers = {
  access_token: 'access-2',
  refresh_token: 'refresh-2',
  refreshed_at: iso(NOW_MS + MINUTE_MS),
};
const ASKED_AT_MS = NOW_MS + MINUTE_MS;
const DENIED = new Fault('STORE_DENIED', 'PutSecretValue was denied.');

let context: FakeContext;

beforeEach(() => {
  context = FakeContext.withSecret(CREDENTIALS);
});

/** Another run, whose claim had expired, records its answer first. */
function answeredBefore(members: object, versionId = SUCCESSOR): string {
  return context.writeText(JSON.stringify(refreshed(0, members)), [JOURNAL_STAGE], versionId);
}

test('stores the complete next document under its computed id', async () => {
  expect(await record(context, parent, TOKENS, ASKED_AT_MS)).toMatchObject({
    versionId: SUCCESSOR,
    document: { members: TOKENS },
  });
  expect(context.latestEntryVersionId).toBe(SUCCESSOR);
  expect(JSON.parse(context.textOf(JOURNAL_STAGE))).toStrictEqual({ ...CREDENTIALS, ...TOKENS });
  expect(context.currentDocument).toEqual(CREDENTIALS);
  expect(context.memory.pendingAnswer).toBeUndefined();
});

test('retries until it is stored, with the same id and content', async () => {
  context.store.refuse('putVersion', 3);
  await record(context, parent, TOKENS, ASKED_AT_MS);
  expect(context.sleepsMs).toEqual([75, 150, 300]);
  expect(context.latestEntryVersionId).toBe(SUCCESSOR);
  expect(context.telemetry.lines).toMatchObject([{ level: 'warn', members: { code: 'STORE_UNAVAILABLE' } }, {}, {}]);
});

test('a put whose response was lost is recognized as done', async () => {
  context.store.intercept('putVersion', 'after', () => Promise.reject(DENIED));
  expect(await record(context, parent, TOKENS, ASKED_AT_MS)).toMatchObject({ versionId: SUCCESSOR });
});

test.each([0, 8_000])('a put is retried while it leaves %d ms for what comes after it', async (reserveMs) => {
  const fitsAfterDelayMs = 8_000 + 100 + reserveMs;
  context.deadlineMs = NOW_MS + fitsAfterDelayMs;
  context.store.refuse('putVersion', 1_000, DENIED);
  await faultFrom(putUntilDeadline(context, SUCCESSOR, '{}', reserveMs));
  expect(context.sleepsMs).toEqual([75]);
});

describe('an answer that cannot be stored until the deadline', () => {
  beforeEach(() => {
    context.deadlineMs = NOW_MS + 20_000;
    context.store.refuse('putVersion', 1_000, DENIED);
  });

  test('is TOKEN_NOT_STORED, with the reason, the location of the answer, and advice', async () => {
    const { name, message } = await faultFrom(record(context, parent, TOKENS, ASKED_AT_MS));
    expect(name).toBe('TOKEN_NOT_STORED');
    expect(message).toContain(`STORE_DENIED: ${DENIED.message}`);
    expect(message).not.toMatch(/access-2|refresh-2|client-secret-1/);
    expect(context.telemetry.counts).toEqual(['token not stored']);
  });

  test('is retried as long as one more call fits before the deadline', async () => {
    await faultFrom(record(context, parent, TOKENS, ASKED_AT_MS));
    const tries = context.store.calls.filter((call) => call === 'putVersion').length;
    expect(tries).toBeGreaterThan(5);
    expect(context.runtime.remainingMs()).toBeGreaterThanOrEqual(8_000);
    expect(context.runtime.remainingMs()).toBeLessThan(8_000 + 2_000);
    expect(Math.max(...context.sleepsMs)).toBe(1_500);
  });

  test('stays in memory, and the next run in this execution environment stores it', async () => {
    await faultFrom(record(context, parent, TOKENS, ASKED_AT_MS));
    const next = context.nextRun();
    next.memory.pendingAnswer = context.memory.pendingAnswer;
    expect(await recordPendingAnswer(next)).toBe('stored');
    expect(next.latestEntryVersionId).toBe(SUCCESSOR);
    expect(next.memory.pendingAnswer).toBeUndefined();
    expect(next.telemetry.lines).toMatchObject([{ level: 'info', members: { versionId: SUCCESSOR } }]);
  });
});

test('an answer is in memory before it is stored, so that a frozen run leaves it with its reason', async () => {
  let code: string | undefined;
  context.store.intercept('putVersion', 'before', () => {
    code = context.memory.pendingAnswer?.fault.name;
  });
  await record(context, parent, TOKENS, ASKED_AT_MS);
  expect(code).toBe('TOKEN_NOT_STORED');
});

describe('a pending answer may be revoked, and its document contains the reason, if', () => {
  const { tokenHash } = parent;
  const put = (text: string, versionId: string) => context.writeText(text, [JOURNAL_STAGE], versionId);
  const claimed = (attempt: number, leaseSeconds = 90) =>
    put(renderClaim({ tokenHash, attempt, nonce: 'n', leaseSeconds }), claimId(tokenHash, attempt));
  const claimedAnother = (leaseSeconds: number) =>
    put(renderClaim({ tokenHash: 'another', attempt: 0, nonce: 'n', leaseSeconds }), claimId('another', 0));
  const failed = (attempt: number, code: FailureCode) =>
    put(renderFailure({ tokenHash, attempt, code, digest: 'd' }), failureId(tokenHash, attempt));
  const stored = async (tokens = TOKENS, attempt = 0) => {
    const next = context.nextRun();
    next.memory.pendingAnswer = { parent, tokens, askedAtMs: ASKED_AT_MS, attempt, fault: DENIED };
    const outcome = await recordPendingAnswer(next);
    return { outcome, reason: JSON.parse(context.textOf(JOURNAL_STAGE)).may_be_revoked };
  };
  const reusePossibleUntil = () => JSON.parse(context.textOf(JOURNAL_STAGE)).reuse_possible_until;

  test.each<[string, () => unknown, string | undefined]>([
    ['no other run has sent its token: it may not', () => claimed(0), undefined],
    ['another run has claimed its token', () => [claimed(0), claimed(1)], 'UNKNOWN'],
    ['another run has claimed it, and the label was moved', () => [claimed(1), claimed(0)], 'UNKNOWN'],
    [
      'another run has claimed it, and the label was moved to a document with the same token',
      () => [claimed(1), put(JSON.stringify(CREDENTIALS), 'copy'.padEnd(32, '-'))],
      'UNKNOWN',
    ],
    ['another run has claimed it, and the label was removed', () => [claimed(1), context.loseLabel()], 'UNKNOWN'],
    ['another run was rejected', () => [claimed(1), failed(1, 'REAUTHORIZATION_REQUIRED')], 'REAUTHORIZATION_REQUIRED'],
    [
      'another run was rejected, and the label was removed',
      () => [claimed(1), failed(1, 'PROVIDER_AMBIGUOUS'), context.loseLabel()],
      'PROVIDER_AMBIGUOUS',
    ],
    ['another run has sent nothing: it may not', () => [claimed(1), failed(1, 'PROVIDER_UNAVAILABLE')], undefined],
    ['a third run has claimed its token after that', () => [failed(1, 'PROVIDER_UNAVAILABLE'), claimed(2)], 'UNKNOWN'],
    ['many runs have', () => claimed(7), 'UNKNOWN'],
  ])('%s', async (_what, happened, reason) => {
    happened();
    expect(await stored()).toEqual({ outcome: 'stored', reason });
  });

  test.each<[string, () => unknown, number]>([
    ['until the lease of its claim ends', () => claimed(1, 120), 120_000],
    ['until a lease would end that begins now', () => claimed(1, 60), 90_000],
    ['until the last lease ends', () => [claimed(1, 60), claimed(2, 120), context.loseLabel()], 120_000],
    ['so even after a rejection', () => [claimed(1, 120), failed(1, 'REAUTHORIZATION_REQUIRED')], 120_000],
    ['not if another token is claimed for longer', () => [claimed(1), claimedAnother(120)], 90_000],
  ])('another run may still send the token: %s', async (_what, happened, afterMs) => {
    happened();
    await stored();
    expect(reusePossibleUntil()).toBe(iso(context.world.nowMs + afterMs));
  });

  test('another run has claimed it, and the label lags behind at an earlier failure', async () => {
    claimed(2);
    failed(0, 'PROVIDER_UNAVAILABLE');
    expect((await stored(TOKENS, 1)).reason).toBe('UNKNOWN');
  });

  test('another run has claimed it, and only the label shows that claim yet', async () => {
    put(renderClaim({ tokenHash, attempt: 1, nonce: 'n', leaseSeconds: 90 }), 'copy'.padEnd(32, '-'));
    expect((await stored()).reason).toBe('UNKNOWN');
  });

  test.each(['readLatestEntry', 'readVersion'] as const)('%s fails', async (operation) => {
    const next = context.nextRun();
    next.memory.pendingAnswer = { parent, tokens: TOKENS, askedAtMs: ASKED_AT_MS, attempt: 0, fault: DENIED };
    next.store.refuse(operation);
    expect(await recordPendingAnswer(next)).toBe('stored');
    expect(JSON.parse(context.textOf(JOURNAL_STAGE)).may_be_revoked).toBe('UNKNOWN');
    expect(reusePossibleUntil()).toBe(iso(context.world.nowMs + context.settings.leaseSeconds * 1000));
  });

  test('another run claims it while this run looks', async () => {
    const next = context.nextRun();
    next.memory.pendingAnswer = { parent, tokens: TOKENS, askedAtMs: ASKED_AT_MS, attempt: 0, fault: DENIED };
    next.store.intercept('putVersion', 'before', () => claimed(1));
    expect(await recordPendingAnswer(next)).toBe('stored');
    expect(JSON.parse(context.textOf(JOURNAL_STAGE)).may_be_revoked).toBe('UNKNOWN');
    expect(reusePossibleUntil()).toBe(iso(context.world.nowMs + context.settings.leaseSeconds * 1000));
  });

  test('no time is left to keep other runs from sending the token', async () => {
    const late = (deadlineMs: number) => {
      const next = context.nextRun();
      next.memory.pendingAnswer = { parent, tokens: TOKENS, askedAtMs: ASKED_AT_MS, attempt: 0, fault: DENIED };
      next.deadlineMs = context.world.nowMs + deadlineMs;
      return next;
    };
    await recordPendingAnswer(late(15_999));
    expect(JSON.parse(context.textOf(JOURNAL_STAGE)).may_be_revoked).toBe('UNKNOWN');
    expect(context.versionIds).not.toContain(claimId(tokenHash, 1));
  });

  test('otherwise a claim keeps other runs from sending the token, and the next run here has no doubt because of it', async () => {
    const next = context.nextRun();
    next.memory.pendingAnswer = { parent, tokens: TOKENS, askedAtMs: ASKED_AT_MS, attempt: 0, fault: DENIED };
    next.deadlineMs = context.world.nowMs + 16_000;
    // The claim is stored, and the answer is not.
    next.store.intercept('putVersion', 'before', () => {
      next.store.refuse('putVersion', 1_000);
    });
    expect(await recordPendingAnswer(next)).toBe('none');
    const claim = await context.store.readVersion(claimId(tokenHash, 1));
    const { leaseSeconds } = context.settings;
    expect(claim && parseEntry(claim)).toMatchObject({ kind: 'claim', tokenHash, attempt: 1, leaseSeconds });
    const again = context.nextRun();
    again.memory.pendingAnswer = next.memory.pendingAnswer;
    expect(await recordPendingAnswer(again)).toBe('stored');
    expect(JSON.parse(context.textOf(JOURNAL_STAGE)).may_be_revoked).toBeUndefined();
    expect(context.versionIds).toEqual(expect.arrayContaining([claimId(tokenHash, 1), claimId(tokenHash, 2)]));
  });

  test('the server did not change the token: it may not', async () => {
    claimed(1);
    expect(await stored({ ...TOKENS, refresh_token: 'refresh-1' })).toEqual({ outcome: 'stored', reason: undefined });
  });

  test('the server did not change the token, and the answer cannot be stored again: its attempt stays known', async () => {
    const tokens = { ...TOKENS, refresh_token: 'refresh-1' };
    const next = context.nextRun();
    next.memory.pendingAnswer = { parent, tokens, askedAtMs: ASKED_AT_MS, attempt: 2, fault: DENIED };
    next.store.refuse('putVersion', 1_000, DENIED);
    expect(await recordPendingAnswer(next)).toBe('none');
    expect(next.memory.pendingAnswer).toMatchObject({ tokens, attempt: 2 });
  });

  test('a later answer of another run takes its place: it may not', async () => {
    claimed(1);
    answeredBefore({ refresh_token: 'refresh-of-the-other', refreshed_at: iso(ASKED_AT_MS + 1) });
    expect(await stored()).toEqual({ outcome: 'stored', reason: undefined });
  });

  test('a later answer of another run takes its place, however late this one is stored: it may not', async () => {
    claimed(1);
    answeredBefore({ refresh_token: 'refresh-of-the-other', refreshed_at: iso(ASKED_AT_MS + 1) });
    context.advance(5 * MINUTE_MS);
    expect(await stored()).toEqual({ outcome: 'stored', reason: undefined });
    expect(JSON.parse(context.textOf(JOURNAL_STAGE)).refresh_token).toBe('refresh-of-the-other');
  });

  test('it follows an earlier answer of another run: it may', async () => {
    claimed(1);
    answeredBefore({ refresh_token: 'refresh-of-the-other', refreshed_at: iso(ASKED_AT_MS - 1) });
    expect(await stored()).toEqual({ outcome: 'stored', reason: 'UNKNOWN' });
    expect(JSON.parse(context.textOf(JOURNAL_STAGE)).refresh_token).toBe('refresh-2');
  });

  test('its document was stored before without a reason: then this run must try it', async () => {
    claimed(1);
    answeredBefore({ refresh_token: 'refresh-2' });
    expect((await stored()).outcome).toBe('may be revoked');
  });
});

test('without a pending answer there is nothing to do', async () => {
  expect(await recordPendingAnswer(context)).toBe('none');
  expect(context.store.calls).toEqual([]);
});

test('a bug is reported in the same way, without its text, and the answer stays in memory', async () => {
  context.store.intercept('putVersion', 'before', () => Promise.reject(new TypeError('a mistake')));
  const { name, message } = await faultFrom(record(context, parent, TOKENS, ASKED_AT_MS));
  expect([name, message]).toEqual(['TOKEN_NOT_STORED', expect.stringMatching(/TypeError/)]);
  expect(context.memory.pendingAnswer).toMatchObject({ parent, tokens: TOKENS });
});

describe('if a run whose claim had expired has already recorded its answer', () => {
  test('with the same refresh token, its document is adopted', async () => {
    answeredBefore({ refresh_token: 'refresh-2', access_token: 'access-of-the-other' });
    expect(await record(context, parent, TOKENS, ASKED_AT_MS)).toMatchObject({
      versionId: SUCCESSOR,
      document: { members: { access_token: 'access-of-the-other' } },
    });
  });

  test('with another refresh token, earlier: this answer is newer and becomes its successor', async () => {
    const other = toDocumentEntry(refreshed(0, { refresh_token: 'refresh-of-the-other', note: 'kept' }));
    answeredBefore({ refresh_token: 'refresh-of-the-other', note: 'kept' });
    expect(await record(context, parent, TOKENS, ASKED_AT_MS)).toMatchObject({
      versionId: successorId(other.tokenHash),
    });
    expect(JSON.parse(context.textOf(JOURNAL_STAGE))).toMatchObject({ ...TOKENS, note: 'kept' });
    expect(context.store.calls).toEqual(['putVersion', 'readVersion', 'putVersion']);
  });

  test('with two other answers to the same token, earlier: this answer follows the last of them', async () => {
    const spent = { spent_refresh_token_sha256: sha256('refresh-1') };
    const first = toDocumentEntry(refreshed(0, { refresh_token: 'refresh-of-the-first', ...spent }));
    const second = toDocumentEntry(refreshed(0, { refresh_token: 'refresh-of-the-second', ...spent }));
    answeredBefore({ refresh_token: 'refresh-of-the-first', ...spent });
    answeredBefore({ refresh_token: 'refresh-of-the-second', ...spent }, successorId(first.tokenHash));
    expect(await record(context, parent, { ...TOKENS, ...spent }, ASKED_AT_MS)).toMatchObject({
      versionId: successorId(second.tokenHash),
    });
  });

  test.each<[string, object]>([
    ['at the same moment', { refreshed_at: TOKENS.refreshed_at }],
    ['without an access token, before this one was requested', { refreshed_at: undefined }],
    ['without the hash of a used token', { spent_refresh_token_sha256: undefined }],
  ])('with another refresh token, %s: this answer follows it', async (_when, members) => {
    const spent = { spent_refresh_token_sha256: sha256('refresh-1') };
    const another = { refresh_token: 'refresh-of-the-other', ...spent, ...members };
    const other = toDocumentEntry(refreshed(0, another));
    answeredBefore(another);
    expect(await record(context, parent, { ...TOKENS, ...spent }, ASKED_AT_MS)).toMatchObject({
      versionId: successorId(other.tokenHash),
    });
  });

  test('with another refresh token that came without an access token and was stored late: this answer follows it', async () => {
    const refresh_token_obtained_at = iso(NOW_MS);
    const another = { refresh_token: 'refresh-of-the-other', refreshed_at: undefined, refresh_token_obtained_at };
    context = context.nextRun({ afterMs: 2 * MINUTE_MS });
    answeredBefore(another);
    expect(await record(context, parent, TOKENS, ASKED_AT_MS)).toMatchObject({
      versionId: successorId(toDocumentEntry(refreshed(0, another)).tokenHash),
    });
  });

  test.each<[string, object]>([
    ['later', {}],
    ['later, without an access token', { refreshed_at: undefined }],
  ])('with another refresh token, %s: its document is adopted, and none is stored after it', async (_when, members) => {
    context.advance(MINUTE_MS);
    answeredBefore({ refresh_token: 'refresh-of-the-other', ...members });
    expect(await record(context, parent, TOKENS, NOW_MS - MINUTE_MS)).toMatchObject({ versionId: SUCCESSOR });
    expect(context.latestEntryVersionId).toBe(SUCCESSOR);
    expect(context.memory.pendingAnswer).toBeUndefined();
  });

  test('with another refresh token that was used since, and so was valid, its document is adopted', async () => {
    const other = toDocumentEntry(refreshed(0, { refresh_token: 'refresh-of-the-other' }));
    answeredBefore({ refresh_token: 'refresh-of-the-other' });
    const spent = { spent_refresh_token_sha256: sha256('refresh-of-the-other') };
    const next = answeredBefore({ refresh_token: 'refresh-3', ...spent }, successorId(other.tokenHash));
    expect(await record(context, parent, TOKENS, ASKED_AT_MS)).toMatchObject({ versionId: SUCCESSOR });
    expect(context.latestEntryVersionId).toBe(next);
  });

  test('and cannot be read, the answer is TOKEN_NOT_STORED and stays in memory', async () => {
    answeredBefore({ refresh_token: 'refresh-of-the-other' });
    context.store.refuse('readVersion', 1_000);
    expect((await faultFrom(record(context, parent, TOKENS, ASKED_AT_MS))).name).toBe('TOKEN_NOT_STORED');
    expect(context.memory.pendingAnswer).toMatchObject({ parent, tokens: TOKENS });
  });

  test('and cannot be read, reads are repeated as long as one more fits before the deadline', async () => {
    answeredBefore({ refresh_token: 'refresh-of-the-other' });
    context.store.refuse('readVersion', 1_000);
    context.deadlineMs = NOW_MS + 8_000 + 100;
    await faultFrom(record(context, parent, TOKENS, ASKED_AT_MS));
    expect(context.sleepsMs).toEqual([100]);
  });

  test('and it can be read only after a while, reads are repeated until the deadline', async () => {
    answeredBefore({ refresh_token: 'refresh-2' });
    const lag = context.store.readVersion.bind(context.store);
    let reads = 0;
    context.store.readVersion = async (versionId) => {
      reads += 1;
      if (reads === 2) throw new Fault('STORE_UNAVAILABLE', 'Throttled.');
      return reads < 5 ? undefined : await lag(versionId);
    };
    expect(await record(context, parent, TOKENS, ASKED_AT_MS)).toMatchObject({ versionId: SUCCESSOR });
    expect(reads).toBeGreaterThanOrEqual(5);
    expect(context.sleepsMs).toEqual([100, 200, 400, 800]);
  });

  test('and too little time is left to store it again, the answer stays in memory', async () => {
    answeredBefore({ refresh_token: 'refresh-of-the-other' });
    context.store.intercept('readVersion', 'after', () => context.advance(52_001));
    const { name, message } = await faultFrom(record(context, parent, TOKENS, ASKED_AT_MS));
    expect([name, message]).toEqual(['TOKEN_NOT_STORED', expect.stringContaining('(STORE_UNAVAILABLE: ')]);
    expect(context.memory.pendingAnswer).toMatchObject({ parent, tokens: TOKENS });
  });

  test('and just enough time is left to store it again, this answer follows the other', async () => {
    const other = toDocumentEntry(refreshed(0, { refresh_token: 'refresh-of-the-other' }));
    answeredBefore({ refresh_token: 'refresh-of-the-other' });
    context.store.intercept('readVersion', 'after', () => context.advance(52_000));
    expect(await record(context, parent, TOKENS, ASKED_AT_MS)).toMatchObject({
      versionId: successorId(other.tokenHash),
    });
  });

  test('but had sent its request earlier, this answer follows it, however late the other was recorded', async () => {
    const other = toDocumentEntry(refreshed(0, { refresh_token: 'refresh-of-the-other' }));
    context.advance(2 * MINUTE_MS);
    context.deadlineMs = context.world.nowMs + 60_000;
    answeredBefore({ refresh_token: 'refresh-of-the-other' });
    expect(await record(context, parent, TOKENS, ASKED_AT_MS)).toMatchObject({
      versionId: successorId(other.tokenHash),
    });
  });

  test('and the version is not a document, the error is thrown without a retry', async () => {
    context.writeText('scribble', ['scribble'], SUCCESSOR);
    const { message } = await faultFrom(record(context, parent, TOKENS, ASKED_AT_MS));
    expect(message).toContain('CREDENTIALS_INVALID');
    expect(context.sleepsMs).toEqual([]);
  });

  test('and has vanished, the answer is TOKEN_NOT_STORED and stays in memory', async () => {
    answeredBefore({ refresh_token: 'refresh-of-the-other' });
    context.store.readVersion = async () => undefined;
    const { name, message } = await faultFrom(record(context, parent, TOKENS, ASKED_AT_MS));
    expect([name, message]).toEqual(['TOKEN_NOT_STORED', expect.stringContaining('(STORE_UNAVAILABLE: ')]);
    expect(context.memory.pendingAnswer).toMatchObject({ parent, tokens: TOKENS });
  });
});
