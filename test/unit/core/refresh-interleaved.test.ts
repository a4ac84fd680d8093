import { beforeEach, describe, expect, test } from 'vitest';
import { JOURNAL_STAGE } from '../../../lambda/contract.ts';
import { successorId } from '../../../lambda/core/journal.ts';
import { LOG_EVENTS } from '../../../lambda/core/log-events.ts';
import { ADOPTED, STORED_LATE } from '../../../lambda/core/messages.ts';
import { refresh } from '../../../lambda/core/refresh.ts';
import { FakeContext } from '../../support/fake-context.ts';
import { AMBIGUOUS, INVALID_GRANT, REFRESH_TOKEN_ONLY, TOKEN } from '../../support/fake-token-endpoint.ts';
import { faultFrom } from '../../support/fault-of.ts';
import { CREDENTIALS, NEW_TOKENS, NOW_MS, toDocumentEntry } from '../../support/secret-documents.ts';

const IF_DUE = { force: false };
const SUCCESSOR = successorId(toDocumentEntry(CREDENTIALS).tokenHash);
const REFRESHED = { ...CREDENTIALS, ...NEW_TOKENS };

/** A run that has ended without storing its answer, which is in the memory of its environment. */
async function withPendingAnswer(): Promise<FakeContext> {
  const context = FakeContext.withSecret(CREDENTIALS);
  context.deadlineMs = NOW_MS + 36_000;
  context.tokenEndpoint.willAnswer(() => {
    context.store.refuse('putVersion', 1_000);
    return TOKEN;
  });
  expect((await faultFrom(refresh(context, IF_DUE))).name).toBe('TOKEN_NOT_STORED');
  return context;
}

describe('when other writers interfere', () => {
  test('a crash after the record: the next run promotes it and announces it, without a POST', async () => {
    const crashed = FakeContext.withSecret(CREDENTIALS);
    crashed.tokenEndpoint.willAnswer(TOKEN);
    crashed.store.refuse('promote');
    await faultFrom(refresh(crashed, IF_DUE));
    expect(crashed.currentDocument).toEqual(CREDENTIALS);
    const previousVersionId = crashed.currentVersionId;
    const next = crashed.nextRun();
    expect(await refresh(next, IF_DUE)).toMatchObject({
      outcome: 'adopted',
      versionId: SUCCESSOR,
      message: ADOPTED,
    });
    expect(next.currentDocument).toEqual(REFRESHED);
    expect(next.announced).toMatchObject([{ type: 'refreshed', versionId: SUCCESSOR }]);
    expect(next.telemetry.counts).toEqual(['refreshed']);
    expect(next.telemetry.lines).toContainEqual({
      level: 'info',
      message: LOG_EVENTS.rolledForward,
      members: { versionId: SUCCESSOR, previousVersionId },
    });
  });

  test('an answer is promoted although an edit has removed the client secret, which is reported', async () => {
    const crashed = FakeContext.withSecret(CREDENTIALS);
    crashed.tokenEndpoint.willAnswer(TOKEN);
    crashed.store.refuse('promote');
    await faultFrom(refresh(crashed, IF_DUE));
    const { client_secret: _, ...edited } = CREDENTIALS;
    crashed.write(edited);
    const next = crashed.nextRun();
    expect((await faultFrom(refresh(next, IF_DUE))).name).toBe('CREDENTIALS_INCOMPLETE');
    expect(next.currentDocument).toEqual({ ...edited, ...NEW_TOKENS });
  });

  test('an edit during the POST stays, with the new tokens', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.tokenEndpoint.willAnswer(() => {
      context.write({ ...CREDENTIALS, client_secret: 'client-secret-2' });
      return TOKEN;
    });
    expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'refreshed', secondsRemaining: 21_600 });
    expect(context.currentDocument).toEqual({ ...REFRESHED, client_secret: 'client-secret-2' });
    expect(context.announced).toMatchObject([{ type: 'refreshed', attempt: 0, versionId: context.currentVersionId }]);
  });

  test('new credentials stored during the POST replace its answer, and are used immediately', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    const written = { ...CREDENTIALS, refresh_token: 'refresh-from-the-consent-screen' };
    context.tokenEndpoint.willAnswer(
      () => {
        context.write(written);
        return TOKEN;
      },
      { ...TOKEN, accessToken: 'access-3', refreshToken: 'refresh-3' },
    );
    expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'refreshed' });
    expect(context.tokenEndpoint.grants[1]?.refreshToken).toBe('refresh-from-the-consent-screen');
    expect(context.currentDocument).toMatchObject({ access_token: 'access-3', refresh_token: 'refresh-3' });
  });

  test('the answer to new credentials is not used again if an older refresh is recorded after it', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    const other = context.nextRun();
    other.tokenEndpoint.willAnswer({ ...TOKEN, accessToken: 'access-3', refreshToken: 'refresh-3' });
    context.tokenEndpoint.willAnswer(async () => {
      context.write({ ...CREDENTIALS, refresh_token: 'refresh-from-the-consent-screen' });
      await refresh(other, IF_DUE);
      return TOKEN;
    });
    expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'refreshed' });
    expect(context.tokenEndpoint.grants).toHaveLength(1);
    expect(context.currentDocument).toMatchObject({ access_token: 'access-3', refresh_token: 'refresh-3' });
  });

  test('if another run promotes this answer first, the outcome is still refreshed', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.tokenEndpoint.willAnswer(TOKEN);
    context.store.intercept('promote', 'before', () => refresh(context.nextRun(), IF_DUE));
    expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'refreshed', versionId: SUCCESSOR });
  });

  test('and both announce it, because a promotion whose response was lost looks the same', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.tokenEndpoint.willAnswer(TOKEN);
    const other = context.nextRun();
    context.store.intercept('promote', 'before', () => refresh(other, IF_DUE));
    await refresh(context, IF_DUE);
    expect([other.announced.length, context.announced.length]).toEqual([1, 1]);
  });

  test('a token that turns out to be used while it is claimed is rolled forward, not sent', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.writeText(JSON.stringify(REFRESHED), ['recorded'], SUCCESSOR);
    context.tokenEndpoint.willAnswer({ ...TOKEN, refreshToken: 'refresh-3' });
    await refresh(context, IF_DUE);
    expect(context.tokenEndpoint.grants.map(({ refreshToken }) => refreshToken)).not.toContain('refresh-1');
    expect(context.announced[0]).toMatchObject({ type: 'refreshed', versionId: SUCCESSOR });
  });

  test('the fresh token from rolling forward is not sent either, because its claim needs no attempt', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.writeText(JSON.stringify(REFRESHED), ['recorded'], SUCCESSOR);
    expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'adopted', versionId: SUCCESSOR });
  });

  test('if AWSCURRENT keeps moving, the run ends with an error, and the next run continues', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.writeText(JSON.stringify(REFRESHED), [JOURNAL_STAGE], SUCCESSOR);
    context.store.intercept('promote', 'before', () => void context.write({ ...CREDENTIALS, at: Math.random() }), 99);
    expect((await faultFrom(refresh(context, IF_DUE))).name).toBe('STORE_UNAVAILABLE');
    expect(context.telemetry.states).toHaveLength(1);
    // Each try reads once before and, if rejected, once after: the SDK's first try may have moved the label.
    expect(context.store.calls.filter((call) => call === 'readCurrent')).toHaveLength(20);
  });

  describe('while an answer is only in memory', () => {
    let context: FakeContext;

    beforeEach(async () => {
      context = await withPendingAnswer();
      const { pendingAnswer } = context.memory;
      context = context.nextRun({ afterMs: 120_000 });
      context.memory.pendingAnswer = pendingAnswer;
    });

    test('the token that was used for it is not sent again', async () => {
      context.store.refuse('putVersion', 1_000);
      expect((await faultFrom(refresh(context, IF_DUE))).name).toBe('TOKEN_NOT_STORED');
      expect(context.tokenEndpoint.grants).toEqual([]);
    });

    test('the token is not sent again, even if a claim could be stored', async () => {
      // The first put is the claim that keeps other runs from sending the token.
      context.store.intercept('putVersion', 'before', () => {
        context.store.intercept('putVersion', 'before', () => Promise.reject(new Error('unexpected')));
      });
      context.tokenEndpoint.willAnswer(TOKEN);
      expect((await faultFrom(refresh(context, IF_DUE))).name).toBe('TOKEN_NOT_STORED');
      expect(context.tokenEndpoint.grants).toEqual([]);
    });

    test('new credentials are used, even if its id exists', async () => {
      context.writeText('scribble', ['scribble'], SUCCESSOR);
      context.write({ ...CREDENTIALS, refresh_token: 'refresh-7' });
      context.tokenEndpoint.willAnswer(TOKEN);
      expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'refreshed' });
      expect(context.tokenEndpoint.grants[0]?.refreshToken).toBe('refresh-7');
    });
  });

  test('an answer that a run without time stores late is tried by the next run, and the alarm stays until then', async () => {
    const first = await withPendingAnswer();
    const other = first.nextRun({ afterMs: 120_000 });
    other.tokenEndpoint.willAnswer(INVALID_GRANT);
    expect((await faultFrom(refresh(other, IF_DUE))).name).toBe('REAUTHORIZATION_REQUIRED');
    const late = other.nextRun({ afterMs: 60_000 });
    late.memory.pendingAnswer = first.memory.pendingAnswer;
    late.deadlineMs = late.world.nowMs + 10_000;
    expect(await refresh(late, IF_DUE)).toMatchObject({ outcome: 'adopted' });
    expect(late.telemetry.states.at(-1)?.isReauthorizationRequired).toBe(true);
    expect(late.tokenEndpoint.grants).toEqual([]);
    const elsewhere = late.nextRun({ afterMs: 600_000 });
    elsewhere.tokenEndpoint.willAnswer(INVALID_GRANT);
    expect((await faultFrom(refresh(elsewhere, IF_DUE))).name).toBe('REAUTHORIZATION_REQUIRED');
    expect(elsewhere.tokenEndpoint.grants).toMatchObject([{ refreshToken: 'refresh-2' }]);
  });

  test('a refresh ends the doubt only after the last run that may still send the token', async () => {
    const first = await withPendingAnswer();
    const sending = first.nextRun({ afterMs: 120_000 });
    const late = sending.nextRun();
    late.memory.pendingAnswer = first.memory.pendingAnswer;
    late.tokenEndpoint.willAnswer({ ...TOKEN, refreshToken: 'refresh-3' });
    // The request of the other run is still on its way while the late answer is stored, promoted and refreshed.
    sending.tokenEndpoint.willAnswer(
      async () => {
        expect(await refresh(late, IF_DUE)).toMatchObject({ outcome: 'refreshed', health: 'attention' });
        return AMBIGUOUS;
      },
      ...[AMBIGUOUS, AMBIGUOUS],
    );
    await faultFrom(refresh(sending, IF_DUE));
    const reuse_possible_until = new Date(sending.world.nowMs + 90_000).toISOString();
    expect(late.currentDocument).toMatchObject({
      refresh_token: 'refresh-3',
      may_be_revoked: 'UNKNOWN',
      reuse_possible_until,
    });

    const next = late.nextRun({ afterMs: 90_000 });
    next.tokenEndpoint.willAnswer({ ...TOKEN, refreshToken: 'refresh-4' });
    expect(await refresh(next, IF_DUE)).toMatchObject({ outcome: 'refreshed', health: 'healthy' });
    expect(next.currentDocument).not.toHaveProperty('may_be_revoked');
    expect(next.currentDocument).not.toHaveProperty('reuse_possible_until');
  });

  test('an answer that another run stored without the doubt is tried immediately and not called fresh', async () => {
    const first = await withPendingAnswer();
    const other = first.nextRun({ afterMs: 120_000 });
    other.tokenEndpoint.willAnswer(INVALID_GRANT);
    await faultFrom(refresh(other, IF_DUE));
    other.writeText(JSON.stringify(REFRESHED), [JOURNAL_STAGE], SUCCESSOR);
    const late = other.nextRun({ afterMs: 60_000 });
    late.memory.pendingAnswer = first.memory.pendingAnswer;
    late.tokenEndpoint.willAnswer({ ...TOKEN, refreshToken: 'refresh-3' });
    expect(await refresh(late, IF_DUE)).toMatchObject({ outcome: 'refreshed' });
    expect(late.tokenEndpoint.grants).toMatchObject([{ refreshToken: 'refresh-2' }]);
  });

  test('a secret that is emptied while its answer is promoted is not configured', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.tokenEndpoint.willAnswer(TOKEN);
    context.store.promote = async () => {
      context.store.readCurrent = async () => undefined;
      return 'refused';
    };
    expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'not-configured' });
    expect(context.announcements).toEqual([]);
  });

  test('an edit stays if another run has recorded the same answer without it', async () => {
    const context = FakeContext.withSecret({ ...CREDENTIALS, note: 1 });
    context.tokenEndpoint.willAnswer(() => {
      context.writeText(JSON.stringify({ ...REFRESHED, note: 0 }), [JOURNAL_STAGE], SUCCESSOR);
      return TOKEN;
    });
    expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'refreshed' });
    expect(context.currentDocument).toEqual({ ...REFRESHED, note: 1 });
  });

  test('an edit stays if another run has recorded the same new refresh token without it, and without an access token', async () => {
    const { refresh_token, spent_refresh_token_sha256 } = NEW_TOKENS;
    const half = { ...CREDENTIALS, refresh_token, spent_refresh_token_sha256, note: 0 };
    const context = FakeContext.withSecret({ ...CREDENTIALS, note: 1 });
    context.tokenEndpoint.willAnswer(
      () => {
        context.writeText(JSON.stringify(half), [JOURNAL_STAGE], SUCCESSOR);
        return REFRESH_TOKEN_ONLY;
      },
      { ...TOKEN, refreshToken: 'refresh-3' },
    );
    expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'refreshed' });
    expect(context.currentDocument).toMatchObject({ note: 1, refresh_token: 'refresh-3' });
  });

  test('an answer that an earlier run here could not store is stored first, then promoted', async () => {
    const context = await withPendingAnswer();
    expect(context.announcements).toEqual([]);
    const next = context.nextRun({ afterMs: 60_000 });
    next.memory.pendingAnswer = context.memory.pendingAnswer;
    expect(await refresh(next, IF_DUE)).toMatchObject({
      outcome: 'adopted',
      message: STORED_LATE,
    });
    expect(next.currentDocument).toEqual(REFRESHED);
    expect(next.announced).toMatchObject([{ type: 'refreshed' }]);
  });

  test('a forced run, too, first stores an answer that an earlier run here could not store', async () => {
    const context = await withPendingAnswer();
    const next = context.nextRun({ afterMs: 60_000 });
    next.memory.pendingAnswer = context.memory.pendingAnswer;
    next.tokenEndpoint.willAnswer({ ...TOKEN, refreshToken: 'refresh-3' });
    expect(await refresh(next, { force: true })).toMatchObject({ outcome: 'refreshed' });
    expect(next.tokenEndpoint.grants).toMatchObject([{ refreshToken: 'refresh-2' }]);
    expect(next.memory.pendingAnswer).toBeUndefined();
  });
});
