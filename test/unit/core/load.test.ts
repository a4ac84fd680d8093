import { describe, expect, test } from 'vitest';
import { JOURNAL_STAGE } from '../../../lambda/contract.ts';
import { sha256 } from '../../../lambda/core/fingerprint.ts';
import { renderClaim, successorId } from '../../../lambda/core/journal.ts';
import { load } from '../../../lambda/core/load.ts';
import { FakeContext } from '../../support/fake-context.ts';
import { SECRET_ID } from '../../support/fake-credential-store.ts';
import { faultFrom } from '../../support/fault-of.ts';
import { CREDENTIALS, refreshed, toDocumentEntry, versionIdOf } from '../../support/secret-documents.ts';

const SPENT = 'ab'.repeat(32);
const { key } = toDocumentEntry(CREDENTIALS);

test('a secret without a value is a state of its own', async () => {
  const context = new FakeContext();
  context.world.secretsManager.createSecret({ Name: SECRET_ID });
  expect(await load(context)).toBeUndefined();
});

test('a document without any journal costs two reads, begun together', async () => {
  const context = FakeContext.withSecret(CREDENTIALS);
  let begun = 0;
  context.store.intercept('readCurrent', 'before', async () => {
    await undefined;
    begun = context.store.calls.length;
  });
  expect(await load(context)).toMatchObject({ current: { key }, head: undefined, successor: undefined });
  expect(begun).toBe(2);
  expect(context.store.calls).toEqual(['readCurrent', 'readHead']);
});

test('a document that is the head costs two reads', async () => {
  const context = FakeContext.withSecret(CREDENTIALS);
  const both = context.writeText(JSON.stringify(refreshed(0)), [JOURNAL_STAGE, 'AWSCURRENT']);
  expect(await load(context)).toMatchObject({ current: { versionId: both }, head: { versionId: both } });
  expect(context.store.calls).toEqual(['readCurrent', 'readHead']);
});

test('current, head and the successor of current are found', async () => {
  const context = FakeContext.withSecret(CREDENTIALS);
  const successor = context.writeText(JSON.stringify(refreshed(0)), [JOURNAL_STAGE], successorId(key));
  const head = context.writeText(renderClaim({ key: 'other', attempt: 0, nonce: 'nonce', leaseSeconds: 90 }), [
    JOURNAL_STAGE,
  ]);
  expect(await load(context)).toMatchObject({
    current: { kind: 'document', versionId: versionIdOf('first'), document: { members: CREDENTIALS } },
    head: { kind: 'claim', versionId: head, key: 'other' },
    successor: { kind: 'document', versionId: successor },
  });
});

test('a label that is gone hides no successor of a document that was refreshed', async () => {
  const members = refreshed(0, { spent_refresh_token_sha256: SPENT });
  const context = FakeContext.withSecret(members);
  const text = JSON.stringify({ ...members, refresh_token: 'refresh-2' });
  const successor = context.writeText(text, ['x'], successorId(toDocumentEntry(members).key));
  expect(await load(context)).toMatchObject({ head: undefined, successor: { versionId: successor } });
});

test('a label on a foreign version is said, and passed over', async () => {
  const context = FakeContext.withSecret(CREDENTIALS);
  const foreign = context.writeText('foreign', [JOURNAL_STAGE]);
  expect(await load(context)).toMatchObject({ head: undefined, successor: undefined });
  expect(context.telemetry.lines).toMatchObject([
    { level: 'warn', message: expect.stringContaining('is no journal entry'), members: { versionId: foreign } },
  ]);
});

test('an answer without a refresh token is none, and what to do is said', async () => {
  const context = FakeContext.withSecret(CREDENTIALS);
  const version = context.writeText('{"access_token":"a"}', [JOURNAL_STAGE], successorId(key));
  const { name, message } = await faultFrom(load(context));
  expect(name).toBe('CREDENTIALS_INVALID');
  expect(message).toMatch(new RegExp(`^Version ${version}, .* has no refresh_token\\. Put credentials with a new`));
});

test('what holds AWSCURRENT must be a document', async () => {
  const context = FakeContext.withSecret([]);
  const { name, message } = await faultFrom(load(context));
  expect(name).toBe('CREDENTIALS_INVALID');
  expect(message).toContain(`Secret ${SECRET_ID} is JSON, but an array`);
});

describe('a current that cannot be read says where the last whole document is', () => {
  const broken = Buffer.from(JSON.stringify(CREDENTIALS), 'utf16le').toString('latin1');

  test('under the label of the journal, if there is one: moving AWSCURRENT there needs no new consent', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    const answer = context.writeText(JSON.stringify(refreshed(0)), ['AWSCURRENT', JOURNAL_STAGE]);
    const current = context.writeText(broken);
    const { name, message } = await faultFrom(load(context));
    expect(name).toBe('CREDENTIALS_INVALID');
    expect(message).toContain(
      `--version-stage AWSCURRENT --move-to-version-id ${answer} --remove-from-version-id ${current}`,
    );
    context.moveStage('AWSCURRENT', answer);
    expect(await load(context)).toMatchObject({ current: { versionId: answer } });
  });

  test('else under AWSPREVIOUS', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    const current = context.writeText(broken);
    const { message } = await faultFrom(load(context));
    expect(message).toContain(`--move-to-version-id ${versionIdOf('first')} --remove-from-version-id ${current}`);
  });

  test('and nothing of it if there is none, or if it cannot be looked for', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.writeText(broken);
    context.store.refuse('readPrevious');
    expect((await faultFrom(load(context))).message).not.toContain('version-id');
    context.writeText('scribble');
    expect((await faultFrom(load(context))).message).not.toContain('version-id');
  });
});

describe('a secret that was restored or moved, whose versions have ids of their own', () => {
  test('current is spent: the answer under the label is its successor, by what it says', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    const answer = refreshed(0, { refresh_token: 'refresh-2', spent_refresh_token_sha256: sha256('refresh-1') });
    const copy = context.writeText(JSON.stringify(answer), [JOURNAL_STAGE]);
    expect(await load(context)).toMatchObject({ successor: { versionId: copy } });
  });

  test('the answer to an answer is found by its id alone: an operator may have brought another token since', async () => {
    const spent = { spent_refresh_token_sha256: sha256('refresh-1') };
    const context = FakeContext.withSecret(refreshed(4, spent));
    context.writeText(JSON.stringify(refreshed(1, { ...spent, refresh_token: 'by-hand' })), [JOURNAL_STAGE]);
    expect((await load(context))?.successor).toBeUndefined();
  });
});
