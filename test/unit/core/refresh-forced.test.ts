import { beforeEach, describe, expect, test } from 'vitest';
import { JOURNAL_STAGE } from '../../../lambda/contract.ts';
import { claimId, failureId, renderClaim, renderFailure, successorId } from '../../../lambda/core/journal.ts';
import { ADOPTED } from '../../../lambda/core/messages.ts';
import { refresh } from '../../../lambda/core/refresh.ts';
import { FakeContext } from '../../support/fake-context.ts';
import { INVALID_GRANT, TOKEN, UNRECOGNIZED } from '../../support/fake-token-endpoint.ts';
import { faultFrom } from '../../support/fault-of.ts';
import { CREDENTIALS, HOUR_MS, refreshed, toDocumentEntry } from '../../support/secret-documents.ts';

const FORCED = { force: true };
const IF_DUE = { force: false };
const { tokenHash } = toDocumentEntry(CREDENTIALS);

let context: FakeContext;

beforeEach(() => {
  context = FakeContext.withSecret(CREDENTIALS);
});

describe('force ignores', () => {
  test('fresh', async () => {
    context.write(refreshed(1));
    context.tokenEndpoint.willAnswer(TOKEN);
    expect(await refresh(context, FORCED)).toMatchObject({ outcome: 'refreshed' });
    expect(context.currentDocument).toMatchObject({ access_token: 'access-2' });
  });

  test('fresh, if it was only rolled forward and the run did not wait for it', async () => {
    context.writeText(
      JSON.stringify(refreshed(0, { refresh_token: 'refresh-2' })),
      ['elsewhere'],
      successorId(tokenHash),
    );
    context.writeText(
      renderClaim({ tokenHash, attempt: 0, nonce: 'nonce', leaseSeconds: 90 }),
      [JOURNAL_STAGE],
      claimId(tokenHash, 0),
    );
    context.tokenEndpoint.willAnswer({ ...TOKEN, refreshToken: 'refresh-3' });
    expect(await refresh(context, FORCED)).toMatchObject({ outcome: 'refreshed' });
    expect(context.tokenEndpoint.grants).toMatchObject([{ refreshToken: 'refresh-2' }]);
  });

  test('waiting', async () => {
    context.tokenEndpoint.willAnswer(UNRECOGNIZED);
    await faultFrom(refresh(context, IF_DUE));
    const next = context.nextRun();
    next.tokenEndpoint.willAnswer(TOKEN);
    expect(await refresh(next, FORCED)).toMatchObject({ outcome: 'refreshed' });
  });

  test('rejected: it sends one POST, and a second rejection is recorded again', async () => {
    context.tokenEndpoint.willAnswer(INVALID_GRANT);
    await faultFrom(refresh(context, IF_DUE));
    const forced = context.nextRun({ afterMs: HOUR_MS });
    forced.tokenEndpoint.willAnswer(INVALID_GRANT);
    expect((await faultFrom(refresh(forced, FORCED))).name).toBe('REAUTHORIZATION_REQUIRED');
    expect((await faultFrom(refresh(context.nextRun({ afterMs: HOUR_MS }), IF_DUE))).name).toBe(
      'REAUTHORIZATION_REQUIRED',
    );
  });

  test('rejected; after a success, no reauthorization is required', async () => {
    context.tokenEndpoint.willAnswer(INVALID_GRANT);
    await faultFrom(refresh(context, IF_DUE));
    const forced = context.nextRun({ afterMs: HOUR_MS });
    forced.tokenEndpoint.willAnswer(TOKEN);
    expect(await refresh(forced, FORCED)).toMatchObject({ outcome: 'refreshed' });
    expect(forced.telemetry.states).toEqual([
      { tokenSecondsRemaining: 21_600, tokenSecondsUntilDue: 10_800, isReauthorizationRequired: false },
    ]);
  });
});

describe('sixty forced refreshes in a row', () => {
  test('leave room for every scheduled refresh of the next 24 hours', async () => {
    context.tokenEndpoint.willAnswer(TOKEN);
    await refresh(context, IF_DUE);
    let run = context;
    const outcomes: string[] = [];
    for (let count = 0; count < 60; count++) {
      run = run.nextRun({ afterMs: 50 });
      run.tokenEndpoint.willAnswer(TOKEN);
      const { outcome, retryAt, action } = await refresh(run, FORCED);
      if (outcome === 'waiting') expect({ retryAt, action }).toEqual({ retryAt: expect.any(String), action: 'none' });
      outcomes.push(outcome);
    }
    expect(outcomes).toContain('refreshed');
    expect(outcomes.at(-1)).toBe('waiting');
    // Every three hours, when tokens of six hours are due.
    for (let hours = 0; hours < 24; hours += 3) {
      run = run.nextRun({ afterMs: 3 * HOUR_MS + 1 });
      run.tokenEndpoint.willAnswer(TOKEN);
      expect(await refresh(run, IF_DUE)).toMatchObject({ outcome: 'refreshed', health: 'healthy' });
    }
  });

  test('do not delay new credentials, which are used immediately', async () => {
    let run = context;
    for (let count = 0; count < 43; count++) {
      run.tokenEndpoint.willAnswer(TOKEN);
      await refresh(run, FORCED);
      run = run.nextRun({ afterMs: 50 });
    }
    run.write({ ...CREDENTIALS, refresh_token: 'authorized-anew' });
    run.tokenEndpoint.willAnswer(TOKEN);
    expect(await refresh(run, FORCED)).toMatchObject({ outcome: 'refreshed' });
  });
});

describe('but not a live claim: a forced run waits for its end and reports it', () => {
  /** Starts a run, and a forced run during its POST. @param end answer to the POST */
  async function meet(
    end: () => Promise<typeof TOKEN | typeof INVALID_GRANT | typeof UNRECOGNIZED> | never,
    afterLooks = 3,
  ) {
    const forced = new FakeContext(context.world);
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    context.tokenEndpoint.willAnswer(async () => {
      await answered;
      return await end();
    });
    const first = refresh(context, IF_DUE).catch(() => undefined);
    await claimed();
    forced.whileAsleep = async () => {
      if (forced.sleepsMs.length !== afterLooks) return;
      answer();
      await first;
    };
    return { forced, first };
  }

  /** Waits until the first run is in its POST. */
  async function claimed(): Promise<void> {
    while (context.tokenEndpoint.grants.length === 0) await undefined;
  }

  test('in a new token: it adopts it, without a second POST', async () => {
    const { forced } = await meet(async () => TOKEN);
    expect(await refresh(forced, FORCED)).toMatchObject({
      outcome: 'adopted',
      message: ADOPTED,
      versionId: context.currentVersionId,
    });
    expect(forced.sleepsMs).toEqual([2_000, 2_000, 2_000]);
    expect(forced.announcements).toEqual([]);
  });

  test('in a temporary failure: it returns waiting', async () => {
    const { forced } = await meet(async () => UNRECOGNIZED);
    expect(await refresh(forced, FORCED)).toMatchObject({ outcome: 'waiting' });
  });

  test('in a rejection: it throws, without a second POST', async () => {
    const { forced } = await meet(async () => INVALID_GRANT);
    expect((await faultFrom(refresh(forced, FORCED))).name).toBe('REAUTHORIZATION_REQUIRED');
    expect(forced.announcements).toEqual([]);
  });

  test('in nothing, because its run crashed: it is taken over when the lease ends', async () => {
    context.writeText(
      renderClaim({ tokenHash, attempt: 0, nonce: 'nonce of a run that crashed', leaseSeconds: 90 }),
      [JOURNAL_STAGE],
      claimId(tokenHash, 0),
    );
    const forced = context.nextRun({ afterMs: 85_000 });
    forced.tokenEndpoint.willAnswer(TOKEN);
    expect(await refresh(forced, FORCED)).toMatchObject({ outcome: 'refreshed' });
    expect(forced.sleepsMs).toHaveLength(3);
    expect(forced.telemetry.counts).toEqual(['claim taken over', 'refreshed']);
  });

  test('in an answer, whatever the label of the journal shows in between', async () => {
    const other = toDocumentEntry({ ...CREDENTIALS, refresh_token: 'another' }).tokenHash;
    context.writeText(
      renderClaim({ tokenHash, attempt: 1, nonce: 'nonce of another run', leaseSeconds: 90 }),
      [JOURNAL_STAGE],
      claimId(tokenHash, 1),
    );
    const forced = context.nextRun();
    const entries = [
      () =>
        forced.writeText(
          renderFailure({ tokenHash: other, attempt: 0, code: 'CLIENT_REJECTED', digest: 'digest' }),
          [JOURNAL_STAGE],
          failureId(other, 0),
        ),
      () =>
        forced.writeText(
          JSON.stringify(refreshed(0, { refresh_token: 'refresh-2' })),
          [JOURNAL_STAGE],
          successorId(tokenHash),
        ),
    ];
    forced.whileAsleep = () => entries.shift()?.();
    expect(await refresh(forced, FORCED)).toMatchObject({ outcome: 'adopted' });
    expect(forced.sleepsMs).toHaveLength(2);
  });

  test('or it returns busy when time runs short', async () => {
    context.writeText(
      renderClaim({ tokenHash, attempt: 0, nonce: 'nonce of another run', leaseSeconds: 90 }),
      [JOURNAL_STAGE],
      claimId(tokenHash, 0),
    );
    const forced = context.nextRun();
    expect(await refresh(forced, FORCED)).toMatchObject({ outcome: 'busy' });
    expect(forced.sleepsMs).toHaveLength(12);
    expect(forced.runtime.remainingMs()).toBe(36_000);
  });

  test('as long as a look and an attempt fit into the time that is left', async () => {
    context.writeText(
      renderClaim({ tokenHash, attempt: 0, nonce: 'nonce of another run', leaseSeconds: 90 }),
      [JOURNAL_STAGE],
      claimId(tokenHash, 0),
    );
    const forced = context.nextRun();
    forced.deadlineMs += 1_000;
    expect(await refresh(forced, FORCED)).toMatchObject({ outcome: 'busy' });
    expect(forced.runtime.remainingMs()).toBe(35_000);
  });

  test('if an operator stores new credentials meanwhile, it uses them', async () => {
    context.writeText(
      renderClaim({ tokenHash, attempt: 0, nonce: 'nonce of another run', leaseSeconds: 90 }),
      [JOURNAL_STAGE],
      claimId(tokenHash, 0),
    );
    const forced = context.nextRun();
    forced.whileAsleep = () => {
      if (forced.sleepsMs.length === 2) forced.write({ ...CREDENTIALS, refresh_token: 'refresh-7' });
    };
    forced.tokenEndpoint.willAnswer(TOKEN);
    expect(await refresh(forced, FORCED)).toMatchObject({ outcome: 'refreshed' });
    expect(forced.tokenEndpoint.grants[0]?.refreshToken).toBe('refresh-7');
  });

  test('even without the label, an unfinished attempt is not reported as adopted', async () => {
    const document = refreshed(1);
    const current = toDocumentEntry(document);
    context.write(document);
    context.writeText(
      renderClaim({ tokenHash: current.tokenHash, attempt: 0, nonce: 'nonce', leaseSeconds: 90 }),
      [JOURNAL_STAGE],
      claimId(current.tokenHash, 0),
    );
    context.loseLabel();
    const forced = context.nextRun();
    expect(await refresh(forced, FORCED)).toMatchObject({ outcome: 'busy' });
  });
});

test('force allows one attempt: a stale read after a rejection does not cause a second one', async () => {
  const honest = context.store.readCurrent.bind(context.store);
  let looks = 0;
  context.tokenEndpoint.willAnswer(() => {
    const stale = JSON.stringify({ ...CREDENTIALS, refresh_token: 'an-older-one' });
    const older = { versionId: 'stale', createdAt: 0, secretString: stale };
    context.store.readCurrent = async () => (looks++ === 0 ? older : await honest());
    return INVALID_GRANT;
  });
  expect((await faultFrom(refresh(context, FORCED))).name).toBe('REAUTHORIZATION_REQUIRED');
  expect(looks).toBeGreaterThan(1);
  expect(context.tokenEndpoint.grants).toHaveLength(1);
});

test('if the other run crashes before it promotes, the forced run promotes its answer and requests no second one', async () => {
  context.writeText(
    renderClaim({ tokenHash, attempt: 0, nonce: 'nonce of another run', leaseSeconds: 90 }),
    [JOURNAL_STAGE],
    claimId(tokenHash, 0),
  );
  context.whileAsleep = () => {
    const answer = refreshed(0, { refresh_token: 'refresh-2', access_token: 'access-2' });
    context.writeText(JSON.stringify(answer), [JOURNAL_STAGE], successorId(tokenHash));
  };
  expect(await refresh(context, FORCED)).toMatchObject({ outcome: 'adopted' });
  expect(context.tokenEndpoint.grants).toEqual([]);
});
