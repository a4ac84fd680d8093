import { beforeEach, describe, expect, test } from 'vitest';
import { JOURNAL_STAGE } from '../../../lambda/contract.ts';
import { Fault } from '../../../lambda/core/fault.ts';
import {
  claimId,
  digestGrant,
  type FailureCause,
  type FailureCode,
  failureId,
  renderClaim,
  renderFailure,
  successorId,
} from '../../../lambda/core/journal.ts';
import { adviceOn, ROLLS_FORWARD } from '../../../lambda/core/messages.ts';
import { status } from '../../../lambda/core/status.ts';
import { FakeContext } from '../../support/fake-context.ts';
import { SECRET_ID } from '../../support/fake-credential-store.ts';
import { faultFrom } from '../../support/fault-of.ts';
import { CREDENTIALS, iso, MINUTE_MS, NOW_MS, refreshed, toDocumentEntry } from '../../support/secret-documents.ts';

const { tokenHash } = toDocumentEntry(CREDENTIALS);
const READS = new Set(['readCurrent', 'readLatestEntry', 'readVersion', 'listVersions']);

const PENDING_ANSWER = new Fault('TOKEN_NOT_STORED', 'The store denied access.');

let context: FakeContext;

beforeEach(() => {
  context = FakeContext.withSecret(CREDENTIALS);
});

function failedWith(code: FailureCode, label: string = JOURNAL_STAGE, cause?: FailureCause): void {
  const grant = { clientId: 'client-id-1', clientSecret: 'client-secret-1', refreshToken: 'refresh-1' };
  const digest = digestGrant(grant, context.settings.tokenEndpointUrl);
  context.writeText(renderClaim({ tokenHash, attempt: 0, nonce: 'n', leaseSeconds: 90 }), [], claimId(tokenHash, 0));
  context.writeText(renderFailure({ tokenHash, attempt: 0, code, digest, cause }), [label], failureId(tokenHash, 0));
}

describe('status returns the decision of a refresh, only reads, and notifies no one', () => {
  test.each<[string, () => unknown, object]>([
    [
      'fresh',
      () => context.write(refreshed(1)),
      { secondsRemaining: 18_000, expiresAt: iso(NOW_MS + 300 * MINUTE_MS) },
    ],
    ['attempt', () => undefined, { secondsRemaining: 0, expiresAt: null }],
    [
      'busy',
      () =>
        context.writeText(
          renderClaim({ tokenHash, attempt: 0, nonce: 'n', leaseSeconds: 90 }),
          [JOURNAL_STAGE],
          claimId(tokenHash, 0),
        ),
      {},
    ],
    ['waiting', () => failedWith('PROVIDER_UNAVAILABLE'), { retryAt: iso(NOW_MS + MINUTE_MS) }],
    ['rejected', () => failedWith('REAUTHORIZATION_REQUIRED'), {}],
    [
      'settle',
      () => context.writeText(JSON.stringify(refreshed(0)), [JOURNAL_STAGE], successorId(tokenHash)),
      { message: ROLLS_FORWARD },
    ],
  ])('%s', async (decision, prepare, members) => {
    prepare();
    const before = [context.currentVersionId, ...context.versionIds];
    const result = await status(context);
    expect(result).toMatchObject({ outcome: 'status', decision, versionId: context.currentVersionId, ...members });
    expect([context.currentVersionId, ...context.versionIds]).toEqual(before);
    expect(context.store.calls.filter((call) => !READS.has(call))).toEqual([]);
    // A claim hides earlier findings, so the state may be unknown.
    const [state] = context.telemetry.states;
    expect(state?.isReauthorizationRequired ?? false).toBe(decision === 'rejected');
  });

  test.each<[string, () => unknown]>([
    [
      'busy',
      () =>
        context.writeText(
          renderClaim({ tokenHash, attempt: 0, nonce: 'n', leaseSeconds: 90 }),
          ['elsewhere'],
          claimId(tokenHash, 0),
        ),
    ],
    ['waiting', () => failedWith('PROVIDER_UNAVAILABLE', 'elsewhere')],
    ['rejected', () => failedWith('REAUTHORIZATION_REQUIRED', 'elsewhere')],
    ['settle', () => context.writeText(JSON.stringify(refreshed(0)), ['elsewhere'], successorId(tokenHash))],
  ])('%s, by the ids, where the label is gone', async (decision, prepare) => {
    prepare();
    const before = [context.currentVersionId, ...context.versionIds];
    expect(await status(context)).toMatchObject({ decision });
    expect([context.currentVersionId, ...context.versionIds]).toEqual(before);
    // A claim hides earlier findings, so the state may be unknown.
    const [state] = context.telemetry.states;
    expect(state?.isReauthorizationRequired ?? false).toBe(decision === 'rejected');
  });

  test('waiting if the version history has no room for an attempt', async () => {
    for (let number = 1; number < 90; number += 1) context.writeText('{}', ['filler']);
    expect(await status(context)).toMatchObject({ decision: 'waiting', retryAt: expect.any(String) });
  });

  test('settle if an answer is only in memory', async () => {
    context.memory.pendingAnswer = {
      parent: toDocumentEntry(CREDENTIALS),
      tokens: {},
      askedAtMs: NOW_MS,
      attempt: 0,
      fault: PENDING_ANSWER,
    };
    expect(await status(context)).toMatchObject({
      outcome: 'status',
      decision: 'settle',
      action: 'fixStore',
    });
    const parent = toDocumentEntry({ ...CREDENTIALS, refresh_token: 'another' });
    context.memory.pendingAnswer = { parent, tokens: {}, askedAtMs: NOW_MS, attempt: 0, fault: PENDING_ANSWER };
    expect(await status(context)).toMatchObject({ decision: 'attempt' });
  });

  test('not-configured', async () => {
    const empty = new FakeContext();
    empty.world.secretsManager.createSecret({ Name: SECRET_ID });
    expect(await status(empty)).toMatchObject({ outcome: 'status', decision: 'not-configured', versionId: null });
  });

  test('throws for a secret that cannot be used, and still records the states', async () => {
    context.write({ refresh_token: 'refresh-1' });
    expect((await faultFrom(status(context))).name).toBe('CREDENTIALS_INCOMPLETE');
    expect(context.telemetry.states).toHaveLength(1);
  });
});

describe('status judges', () => {
  const recordAnswer = () => context.writeText(JSON.stringify(refreshed(0)), [JOURNAL_STAGE], successorId(tokenHash));

  test.each<[string, () => unknown, string, string]>([
    ['an overdue token', () => undefined, 'attention', 'refresh'],
    ['an overdue token whose answer waits for its promotion', recordAnswer, 'healthy', 'wait'],
    [
      'a rejected token',
      () => failedWith('REAUTHORIZATION_REQUIRED', JOURNAL_STAGE, 'REAUTHORIZATION_REQUIRED'),
      'attention',
      'reauthorize',
    ],
  ])('%s: %s, %s', async (_what, prepare, health, action) => {
    context.write(refreshed(4));
    prepare();
    expect(await status(context)).toMatchObject({ health, action });
  });
});

const AT_REST = 'At rest: the last answer is recorded and promoted.';

function claimed(attempt: number, stages: string[] = [JOURNAL_STAGE]): void {
  context.writeText(
    renderClaim({ tokenHash, attempt, nonce: 'n', leaseSeconds: 90 }),
    stages,
    claimId(tokenHash, attempt),
  );
}

describe('status reports', () => {
  test.each<[string, () => unknown, object]>([
    [
      'when the token was obtained and when it is due, at half of its life',
      () => context.write(refreshed(1)),
      {
        refreshedAt: iso(NOW_MS - 60 * MINUTE_MS),
        dueAt: iso(NOW_MS + 120 * MINUTE_MS),
        lastFailure: null,
        versionsUsed: 2,
        versionsBudget: 90,
      },
    ],
    [
      'when the refresh token expires, if the server has sent it',
      () => context.write(refreshed(1, { refresh_token_expires_at: iso(NOW_MS + 60 * MINUTE_MS) })),
      { refreshTokenExpiresAt: iso(NOW_MS + 60 * MINUTE_MS) },
    ],
    [
      'no times for a token that was never refreshed',
      () => undefined,
      {
        refreshedAt: null,
        dueAt: null,
        journal: 'No attempt at the current refresh token is recorded.',
        lastFailure: null,
        versionsUsed: 1,
      },
    ],
    [
      'a live claim',
      () => claimed(0),
      { journal: 'A run has claimed the current refresh token and asks for a new one.', lastFailure: null },
    ],
    [
      'a claim whose run left no answer',
      () => {
        claimed(0);
        context.world.nowMs += 2 * MINUTE_MS;
      },
      { journal: expect.stringContaining(`on ${iso(NOW_MS)} left no answer`), lastFailure: null },
    ],
    [
      'the failure before the live claim',
      () => {
        failedWith('PROVIDER_UNAVAILABLE', 'elsewhere');
        claimed(1);
      },
      { lastFailure: { code: 'PROVIDER_UNAVAILABLE', at: iso(NOW_MS), attempts: 1, advice: expect.any(String) } },
    ],
    ['no failure before a claim without one', () => claimed(1), { lastFailure: null }],
    [
      'a failure whose back-off runs',
      () => failedWith('PROVIDER_UNAVAILABLE'),
      {
        journal: `Attempt 1 at the current refresh token ended in PROVIDER_UNAVAILABLE on ${iso(NOW_MS)}.`,
        lastFailure: { code: 'PROVIDER_UNAVAILABLE', attempts: 1, retryAt: iso(NOW_MS + MINUTE_MS) },
      },
    ],
    [
      'a rejection, by the ids, if the label is gone',
      () => failedWith('REAUTHORIZATION_REQUIRED', 'elsewhere'),
      {
        journal: `Attempt 1 at the current refresh token ended in REAUTHORIZATION_REQUIRED on ${iso(NOW_MS)}.`,
        lastFailure: { code: 'REAUTHORIZATION_REQUIRED', at: iso(NOW_MS) },
      },
    ],
    [
      'an answer that is not yet promoted',
      () => context.writeText(JSON.stringify(refreshed(0)), [JOURNAL_STAGE], successorId(tokenHash)),
      { journal: expect.stringContaining('waits for its promotion'), isAnswerUnsaved: false },
    ],
    [
      'an answer that is only in memory',
      () => {
        context.memory.pendingAnswer = {
          parent: toDocumentEntry(CREDENTIALS),
          tokens: {},
          askedAtMs: NOW_MS,
          attempt: 0,
          fault: PENDING_ANSWER,
        };
      },
      { journal: expect.stringContaining('only in memory'), isAnswerUnsaved: true },
    ],
    [
      'a journal at rest',
      () => context.writeText(JSON.stringify(refreshed(1)), ['AWSCURRENT', JOURNAL_STAGE]),
      { journal: AT_REST },
    ],
  ])('%s', async (_what, prepare, details) => {
    prepare();
    expect((await status(context)).details).toMatchObject(details);
  });

  test('no expiry of a refresh token if the server has sent none', async () => {
    expect((await status(context)).details).not.toHaveProperty('refreshTokenExpiresAt');
  });

  test('the cause of a failure, if one is recorded', async () => {
    failedWith('PROVIDER_UNAVAILABLE', JOURNAL_STAGE, 'throttled');
    expect((await status(context)).details?.lastFailure).toMatchObject({ cause: 'throttled' });
  });

  test('no cause of a failure if none is recorded', async () => {
    failedWith('PROVIDER_UNAVAILABLE');
    expect((await status(context)).details?.lastFailure).not.toHaveProperty('cause');
  });

  test('why and since when credentials are rejected, and the next step', async () => {
    failedWith('REAUTHORIZATION_REQUIRED');
    const { message, details } = await status(context);
    expect(message).toContain(`on ${iso(NOW_MS)} (REAUTHORIZATION_REQUIRED)`);
    expect(message).toContain(adviceOn('REAUTHORIZATION_REQUIRED', context.settings));
    expect(details?.lastFailure).not.toHaveProperty('retryAt');
  });

  test('settle, if the answer is recorded while the claim of another attempt runs', async () => {
    claimed(0);
    context.writeText(JSON.stringify(refreshed(0)), ['elsewhere'], successorId(tokenHash));
    const { decision, details } = await status(context);
    expect(decision).toBe('settle');
    expect(details?.isAnswerUnsaved).toBe(false);
  });

  test.each<[string, number, () => unknown]>([
    ['a fresh token', 0, () => context.writeText(JSON.stringify(refreshed(1)), ['AWSCURRENT', JOURNAL_STAGE])],
    ['a failure whose back-off runs', 1, () => failedWith('PROVIDER_UNAVAILABLE')],
  ])('of %s by three reads and %i looks for a successor', async (_, looks, prepare) => {
    prepare();
    await status(context);
    const calls = context.store.calls.filter((call) => call !== 'readVersion');
    expect(calls.sort()).toEqual(['listVersions', 'readCurrent', 'readLatestEntry']);
    expect(context.store.calls.length - calls.length).toBe(looks);
  });

  test('of a first claim without looking for a failure before it', async () => {
    claimed(0);
    await status(context);
    // Only the read of the successor.
    expect(context.store.calls.filter((call) => call === 'readVersion')).toHaveLength(1);
  });

  test('no failure, if the version in its place has foreign content', async () => {
    context.writeText(
      renderClaim({ tokenHash, attempt: 0, nonce: 'other', leaseSeconds: 90 }),
      ['elsewhere'],
      failureId(tokenHash, 0),
    );
    claimed(1);
    expect((await status(context)).details?.lastFailure).toBeNull();
  });

  test('the failure before an expired claim, and that the next run takes over', async () => {
    failedWith('PROVIDER_UNAVAILABLE', 'elsewhere');
    claimed(1);
    context.world.nowMs += 2 * MINUTE_MS;
    const { decision, details } = await status(context);
    expect(decision).toBe('attempt');
    expect(details?.lastFailure).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect(details?.lastFailure).not.toHaveProperty('retryAt');
  });

  test('no time of a retry while the version budget is used up', async () => {
    failedWith('PROVIDER_UNAVAILABLE');
    context.world.nowMs += 2 * MINUTE_MS;
    for (let number = 1; number < 90; number += 1) context.writeText('{}', ['filler']);
    const { decision, details } = await status(context);
    expect(decision).toBe('waiting');
    expect(details?.lastFailure).not.toHaveProperty('retryAt');
  });

  test('nothing from the journal of another refresh token', async () => {
    const other = toDocumentEntry({ ...CREDENTIALS, refresh_token: 'another' }).tokenHash;
    context.writeText(
      renderClaim({ tokenHash: other, attempt: 0, nonce: 'n', leaseSeconds: 90 }),
      [JOURNAL_STAGE],
      claimId(other, 0),
    );
    expect((await status(context)).details).toMatchObject({
      journal: 'No attempt at the current refresh token is recorded.',
      lastFailure: null,
    });
  });

  test.each<[FailureCode, FailureCause | undefined, Parameters<typeof adviceOn>[0]]>([
    ['PROVIDER_AMBIGUOUS', undefined, 'ambiguous'],
    ['PROVIDER_UNAVAILABLE', 'throttled', 'throttled'],
    ['REAUTHORIZATION_PROBABLE', undefined, 'REAUTHORIZATION_PROBABLE'],
    ['REAUTHORIZATION_PROBABLE', 'throttled', 'REAUTHORIZATION_PROBABLE'],
    ['REAUTHORIZATION_REQUIRED', undefined, 'REAUTHORIZATION_REQUIRED'],
    ['CLIENT_REJECTED', undefined, 'CLIENT_REJECTED'],
  ])('what to do about %s with the cause %s', async (code, cause, advised) => {
    failedWith(code, JOURNAL_STAGE, cause);
    expect((await status(context)).details?.lastFailure?.advice).toBe(adviceOn(advised, context.settings));
  });

  test('to read the log about PROVIDER_UNAVAILABLE without a cause', async () => {
    failedWith('PROVIDER_UNAVAILABLE');
    expect((await status(context)).details?.lastFailure?.advice).toMatch(/\bERROR\b/);
  });

  test('that nothing was done', async () => {
    expect((await status(context)).message).toBe('A refresh now would decide: attempt. Nothing was sent or changed.');
  });
});
