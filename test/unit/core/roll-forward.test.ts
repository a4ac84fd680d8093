import { beforeEach, expect, test } from 'vitest';
import { JOURNAL_STAGE } from '../../../lambda/contract.ts';
import { SECRET_STRING_MAX_BYTES } from '../../../lambda/core/credentials.ts';
import {
  claimId,
  type FailureCode,
  failureId,
  mergeId,
  renderClaim,
  renderFailure,
  successorId,
} from '../../../lambda/core/journal.ts';
import { load } from '../../../lambda/core/load.ts';
import { refresh } from '../../../lambda/core/refresh.ts';
import { rollForward } from '../../../lambda/core/roll-forward.ts';
import { FakeContext } from '../../support/fake-context.ts';
import { INVALID_GRANT } from '../../support/fake-token-endpoint.ts';
import { faultFrom } from '../../support/fault-of.ts';
import { CREDENTIALS, iso, MINUTE_MS, NOW_MS, refreshed, toDocumentEntry } from '../../support/secret-documents.ts';

const SECOND = { ...refreshed(0), access_token: 'access-2', refresh_token: 'refresh-2' };
const THIRD = { ...refreshed(0), access_token: 'access-3', refresh_token: 'refresh-3' };
const { client_id, client_secret, ...tokensOfSecond } = SECOND;

let context: FakeContext;

beforeEach(() => {
  context = FakeContext.withSecret(CREDENTIALS);
});

/** Records the answer to `parent`, and promotes nothing. */
function record(parent: object, document: object): string {
  return context.writeText(JSON.stringify(document), [JOURNAL_STAGE], successorId(toDocumentEntry(parent).tokenHash));
}

function failureOf(tokenHash: string, code: FailureCode): string {
  return renderFailure({ tokenHash, attempt: 0, code, digest: 'd' });
}

async function run(beforeSettling = () => {}) {
  const view = await load(context);
  beforeSettling();
  if (view?.successor === undefined) throw new Error('There is nothing to roll forward.');
  const merged = await rollForward(context, view, view.successor);
  return { merged, promotion: await context.store.promote(merged.versionId, view.current.versionId) };
}

test('after a crash before the promotion, the recorded document is promoted unchanged', async () => {
  const recorded = record(CREDENTIALS, SECOND);
  expect(await run()).toMatchObject({ merged: { versionId: recorded }, promotion: 'promoted' });
  expect(context.currentVersionId).toBe(recorded);
});

test('an edit during a refresh stays, with the new tokens', async () => {
  const recorded = record(CREDENTIALS, SECOND);
  const edit = context.write({ ...CREDENTIALS, client_secret: 'client-secret-2', note: { by: 'ops' } });
  const { merged } = await run();
  expect(merged.versionId).toBe(mergeId(edit, recorded));
  expect(context.currentVersionId).toBe(merged.versionId);
  expect(context.latestEntryVersionId).toBe(merged.versionId);
  expect(context.currentDocument).toStrictEqual({
    client_id,
    client_secret: 'client-secret-2',
    note: { by: 'ops' },
    ...tokensOfSecond,
  });
});

test.each<[string, (tokenHash: string) => string, string | undefined]>([
  ['is a claim', (tokenHash) => renderClaim({ tokenHash, attempt: 0, nonce: 'n', leaseSeconds: 90 }), 'UNKNOWN'],
  ['is a lost answer', (tokenHash) => failureOf(tokenHash, 'PROVIDER_AMBIGUOUS'), 'PROVIDER_AMBIGUOUS'],
  ['is a rejection', (tokenHash) => failureOf(tokenHash, 'REAUTHORIZATION_REQUIRED'), 'REAUTHORIZATION_REQUIRED'],
  ['is a request that was not sent', (tokenHash) => failureOf(tokenHash, 'PROVIDER_UNAVAILABLE'), undefined],
  [
    'is a claim on another token',
    () => renderClaim({ tokenHash: 'x', attempt: 0, nonce: 'n', leaseSeconds: 90 }),
    undefined,
  ],
])('a merged document says that its tokens may be revoked, if its latest entry %s', async (_what, entry, reason) => {
  const { tokenHash } = toDocumentEntry(CREDENTIALS);
  const claim = renderClaim({ tokenHash, attempt: 0, nonce: 'n', leaseSeconds: 90 });
  context.writeText(claim, [JOURNAL_STAGE], claimId(tokenHash, 0));
  record(CREDENTIALS, SECOND);
  context.writeText(entry(toDocumentEntry(SECOND).tokenHash), [JOURNAL_STAGE]);
  context.write({ ...CREDENTIALS, note: 'pasted' });
  const { merged } = await run();
  expect(merged.document.members.may_be_revoked).toBe(reason);
  expect(context.currentDocument).toMatchObject({ note: 'pasted', refresh_token: 'refresh-2' });
  expect(context.currentVersionId).toBe(merged.versionId);
});

/** Pastes an old document back after an answer to another grant, stored late, has taken the label. */
async function mergeBehindAnotherGrant() {
  record({ ...CREDENTIALS, refresh_token: 'of another grant' }, { ...refreshed(0), refresh_token: 'refresh-9' });
  context.write({ ...CREDENTIALS, note: 'pasted' });
  return (await run()).merged.document.members;
}

test('a merged document says that its tokens may be revoked, if the label does not show the claim on them', async () => {
  record(CREDENTIALS, SECOND);
  const { tokenHash } = toDocumentEntry(SECOND);
  const claim = renderClaim({ tokenHash, attempt: 0, nonce: 'n', leaseSeconds: 90 });
  context.writeText(claim, [JOURNAL_STAGE], claimId(tokenHash, 0));
  expect(await mergeBehindAnotherGrant()).toHaveProperty('may_be_revoked', 'UNKNOWN');
});

test('a merged document does not doubt tokens that no run has claimed', async () => {
  record(CREDENTIALS, SECOND);
  expect(await mergeBehindAnotherGrant()).not.toHaveProperty('may_be_revoked');
});

test('a merged document keeps the doubt that the document with its tokens states', async () => {
  const doubt = { may_be_revoked: 'REAUTHORIZATION_REQUIRED', reuse_possible_until: iso(NOW_MS + MINUTE_MS) };
  record(CREDENTIALS, { ...SECOND, ...doubt });
  context.write({ ...CREDENTIALS, note: 'edit' });
  const { merged } = await run();
  expect(merged.document.members).toMatchObject(doubt);
  expect(context.currentDocument).toMatchObject({ note: 'edit', ...doubt });
});

test('a merge with a doubt is stored beside one without it, which another run has made before', async () => {
  record(CREDENTIALS, SECOND);
  context.write({ ...CREDENTIALS, note: 'edit' });
  const before = await load(context);
  if (before?.successor === undefined) throw new Error('There is nothing to roll forward.');
  await rollForward(context, before, before.successor);
  const { tokenHash } = toDocumentEntry(SECOND);
  context.writeText(failureOf(tokenHash, 'PROVIDER_AMBIGUOUS'), [JOURNAL_STAGE], failureId(tokenHash, 0));
  expect(await run()).toMatchObject({ promotion: 'promoted' });
  expect(context.currentDocument).toMatchObject({ note: 'edit', may_be_revoked: 'PROVIDER_AMBIGUOUS' });
});

test('after an answer was lost, pasting an old document back does not make the token fresh', async () => {
  const { tokenHash } = toDocumentEntry(SECOND);
  record(CREDENTIALS, SECOND);
  await run();
  const lost = renderFailure({ tokenHash, attempt: 0, code: 'PROVIDER_AMBIGUOUS', digest: 'd' });
  context.writeText(lost, [JOURNAL_STAGE], failureId(tokenHash, 0));
  context.write({ ...CREDENTIALS, note: 'pasted' });
  context.tokenEndpoint.willAnswer(INVALID_GRANT);
  const { name } = await faultFrom(refresh(context, { force: false }));
  expect([name, context.currentDocument]).toEqual([
    'REAUTHORIZATION_REQUIRED',
    expect.objectContaining({ note: 'pasted' }),
  ]);
});

test('if an old document is stored again, the chain is followed to its end', async () => {
  record(CREDENTIALS, SECOND);
  const end = record(SECOND, THIRD);
  context.write({ ...refreshed(5), note: 'pasted' });
  await run();
  expect(context.currentDocument).toStrictEqual({ ...THIRD, note: 'pasted' });
  expect(context.versionIds).toContain(end);
});

test('if the label is moved back by hand, the end of the chain becomes current again', async () => {
  record(CREDENTIALS, SECOND);
  const end = record(SECOND, THIRD);
  expect(await run()).toMatchObject({ merged: { versionId: end }, promotion: 'promoted' });
});

test('a merge that another run has made is not made again', async () => {
  const recorded = record(CREDENTIALS, SECOND);
  const edit = context.write({ ...CREDENTIALS, note: 'edit' });
  const other = new FakeContext(context.world);
  let versions = 0;
  context.store.intercept('putVersion', 'before', async () => {
    const snapshot = await load(other);
    if (snapshot?.successor) await rollForward(other, snapshot, snapshot.successor);
    versions = context.versionIds.length;
  });
  expect(await run()).toMatchObject({ merged: { versionId: mergeId(edit, recorded) }, promotion: 'promoted' });
  expect(context.versionIds).toHaveLength(versions);
});

test('a nested document stays nested', async () => {
  record(CREDENTIALS, SECOND);
  context.write({ credentials: { auth_type: 'Client', ...CREDENTIALS } });
  await run();
  expect(context.currentDocument).toStrictEqual({
    credentials: { auth_type: 'Client', client_id, client_secret, ...tokensOfSecond },
  });
});

test('if AWSCURRENT moved meanwhile, its new value stays', async () => {
  record(CREDENTIALS, SECOND);
  const later = { ...CREDENTIALS, refresh_token: 'refresh-from-the-consent-screen' };
  expect(await run(() => void context.write(later))).toMatchObject({ promotion: 'refused' });
  expect(context.currentDocument).toEqual(later);
  expect(context.telemetry.lines).toEqual([]);
});

test('if a server issues a token twice, the chain is a cycle: nothing moves, and an error reports it', async () => {
  record(CREDENTIALS, SECOND);
  record(SECOND, THIRD);
  record(THIRD, { ...refreshed(0), access_token: 'access-4' });
  const { name } = await faultFrom(run());
  expect(name).toBe('CREDENTIALS_INVALID');
  expect(context.currentDocument).toEqual(CREDENTIALS);
});

test('an edit that leaves no more room than the tokens take is merged', async () => {
  record(CREDENTIALS, SECOND);
  const restBytes = Buffer.byteLength(JSON.stringify({ ...SECOND, note: '' }));
  context.write({ ...CREDENTIALS, note: '.'.repeat(SECRET_STRING_MAX_BYTES - restBytes) });
  expect(await run()).toMatchObject({ promotion: 'promoted' });
  expect(context.currentDocument).toMatchObject(tokensOfSecond);
});

test('an edit that leaves no room for the tokens is rejected, and nothing moves', async () => {
  record(CREDENTIALS, { ...SECOND, access_token: 'a'.repeat(15 * 1024) });
  const edit = context.write({ ...CREDENTIALS, note: '.'.repeat(60 * 1024) });
  const { name, message } = await faultFrom(run());
  expect([name, message]).toEqual(['CREDENTIALS_INVALID', expect.any(String)]);
  expect(context.currentVersionId).toBe(edit);
});

test('an answer that does not parse is not promoted, and its version is named', async () => {
  const version = context.writeText('scribble', [JOURNAL_STAGE], successorId(toDocumentEntry(CREDENTIALS).tokenHash));
  const { name, message } = await faultFrom(run());
  expect(name).toBe('CREDENTIALS_INVALID');
  expect(message).toContain(`Version ${version}, `);
  expect(context.currentDocument).toEqual(CREDENTIALS);
});

test('an answer without a refresh token is not promoted, because it is not complete', async () => {
  record(CREDENTIALS, { note: 'scribble' });
  await run().catch(() => undefined);
  expect(context.currentDocument).toEqual(CREDENTIALS);
});
