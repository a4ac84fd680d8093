import { describe, expect, test } from 'vitest';
import { JOURNAL_STAGE } from '../../../lambda/contract.ts';
import { digestGrant, type FailureCode, failureId, renderClaim, renderFailure } from '../../../lambda/core/journal.ts';
import { RunReport } from '../../../lambda/core/run-report.ts';
import { FakeContext } from '../../support/fake-context.ts';
import { SECRET_ID } from '../../support/fake-credential-store.ts';
import { CREDENTIALS, HOUR_MS, iso, NOW_MS, refreshed, toDocumentEntry } from '../../support/secret-documents.ts';

const { tokenHash } = toDocumentEntry(CREDENTIALS);

/** Returns the state that a run sends which loads, decides and ends. */
async function stateOf(context: FakeContext, act: (report: RunReport) => unknown = () => undefined) {
  const report = new RunReport(context);
  const snapshot = await report.load();
  if (snapshot) report.toSituation(snapshot, false);
  await act(report);
  report.recordStates();
  expect(context.telemetry.states).toHaveLength(1);
  return context.telemetry.states[0];
}

function claimed(claimedTokenHash: string): FakeContext {
  const context = FakeContext.withSecret(CREDENTIALS);
  const text = renderClaim({ tokenHash: claimedTokenHash, attempt: 0, nonce: 'nonce', leaseSeconds: 90 });
  context.writeText(text, [JOURNAL_STAGE]);
  return context;
}

describe('the state "reauthorization required"', () => {
  test('is unchanged if the current token has a claim: the earlier state is still valid', async () => {
    expect((await stateOf(claimed(tokenHash)))?.isReauthorizationRequired).toBeUndefined();
  });

  test('is 0 if the claim is for another token, because nothing was rejected', async () => {
    expect((await stateOf(claimed('hash of another token')))?.isReauthorizationRequired).toBe(false);
  });

  test.each<[FailureCode, boolean]>([
    ['REAUTHORIZATION_REQUIRED', true],
    ['REAUTHORIZATION_PROBABLE', true],
    ['CLIENT_REJECTED', false],
    ['PROVIDER_AMBIGUOUS', false],
  ])('after %s: %s', async (code, isRequired) => {
    const state = await stateOf(FakeContext.withSecret(CREDENTIALS), (report) => report.noteFailure({ code }));
    expect(state?.isReauthorizationRequired).toBe(isRequired);
  });

  test.each([
    ['REAUTHORIZATION_REQUIRED', true],
    ['REAUTHORIZATION_PROBABLE', true],
    ['PROVIDER_AMBIGUOUS', undefined],
    ['UNKNOWN', undefined],
  ])('for tokens that may be revoked, %s: %s, until they are tried', async (may_be_revoked, isRequired) => {
    const context = FakeContext.withSecret(refreshed(1, { may_be_revoked }));
    expect((await stateOf(context))?.isReauthorizationRequired).toBe(isRequired);
  });

  test('stays the same if the run reads the secret again', async () => {
    const state = await stateOf(FakeContext.withSecret(CREDENTIALS), async (report) => {
      report.noteFailure({ code: 'REAUTHORIZATION_REQUIRED' });
      await report.load();
    });
    expect(state?.isReauthorizationRequired).toBe(true);
  });
});

describe('the judgment', () => {
  /** Returns the report of a run that finds these credentials, and that attempt 2 with them ended in `code`. */
  async function reportAfter(code: FailureCode) {
    const context = FakeContext.withSecret(refreshed(3.5));
    const grant = { clientId: 'client-id-1', clientSecret: 'client-secret-1', refreshToken: 'refresh-1' };
    const digest = digestGrant(grant, context.settings.tokenEndpointUrl);
    const text = renderFailure({ tokenHash, attempt: 2, code, digest });
    context.writeText(text, [JOURNAL_STAGE], failureId(tokenHash, 2));
    const report = new RunReport(context);
    const snapshot = await report.load();
    if (snapshot) report.toSituation(snapshot, false);
    return report;
  }

  test('includes the failure that the run has found', async () => {
    const report = await reportAfter('PROVIDER_UNAVAILABLE');
    expect(report.judge()).toMatchObject({ health: 'attention', action: 'fixNetwork' });
  });

  test.each<[string, object]>([
    ['that this run promoted', { refresh_token: 'refresh-2' }],
    ['with a lineage', { refresh_token: 'refresh-2', spent_refresh_token_sha256: tokenHash }],
  ])('owes nothing to a document %s, whatever came before it', async (_what, members) => {
    const report = await reportAfter('PROVIDER_AMBIGUOUS');
    report.current = toDocumentEntry(refreshed(0, members));
    expect(report.judge()).toMatchObject({ health: 'healthy', action: 'none' });
  });

  test.each<[string, string | undefined, string, string]>([
    ['repaired', undefined, 'healthy', 'none'],
    ['foreign', '{"note":1}', 'attention', 'fixTokenSecret'],
  ])('includes that the token secret is %s', async (_state, text, health, action) => {
    const context = FakeContext.withSecret(refreshed(1));
    context.giveTokenSecret(text);
    const report = new RunReport(context);
    await report.load();
    await report.syncTokenSecret();
    expect(report.judge()).toMatchObject({ health, action });
  });
});

describe('the last line of a run', () => {
  test('has the current version and when its token expires', async () => {
    const context = FakeContext.withSecret(refreshed(1));
    await stateOf(context);
    expect(context.telemetry.noted).toEqual({
      versionId: context.currentVersionId,
      expiresAt: iso(NOW_MS + 5 * HOUR_MS),
    });
  });

  test('has the version of unused credentials, and no expiry', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    await stateOf(context);
    expect(context.telemetry.noted).toStrictEqual({ versionId: context.currentVersionId, expiresAt: undefined });
  });

  test('has neither for a secret without a value', async () => {
    const context = new FakeContext();
    context.world.secretsManager.createSecret({ Name: SECRET_ID });
    await stateOf(context);
    expect(context.telemetry.noted).toStrictEqual({ versionId: undefined, expiresAt: undefined });
  });
});

describe('the seconds until a token is due', () => {
  test('are whole, and rounded down', async () => {
    const context = FakeContext.withSecret(refreshed(1));
    context.advance(1);
    expect(await stateOf(context)).toMatchObject({ tokenSecondsUntilDue: 2 * 60 * 60 - 1 });
  });

  test('are negative for a token that is due, and show for how long', async () => {
    expect(await stateOf(FakeContext.withSecret(refreshed(4)))).toMatchObject({ tokenSecondsUntilDue: -60 * 60 });
  });

  test.each<[string, object]>([
    ['was never used', CREDENTIALS],
    ['has an unknown life', refreshed(1, { refreshed_at: 'yesterday' })],
  ])('count from when it was written for one that %s', async (_what, document) => {
    const context = FakeContext.withSecret(document);
    context.advance(90_000);
    expect(await stateOf(context)).toMatchObject({ tokenSecondsUntilDue: -90 });
  });

  test('are none for a secret without a value', async () => {
    const context = new FakeContext();
    context.world.secretsManager.createSecret({ Name: SECRET_ID });
    expect(await stateOf(context)).toMatchObject({ tokenSecondsUntilDue: 0 });
  });
});
