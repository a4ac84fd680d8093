import { describe, expect, test } from 'vitest';
import { JOURNAL_STAGE } from '../../../lambda/contract.ts';
import { sha256 } from '../../../lambda/core/fingerprint.ts';
import { claimId, renderClaim, renderFailure, successorId } from '../../../lambda/core/journal.ts';
import { grantOf, load, requireComplete } from '../../../lambda/core/load.ts';
import { LOG_EVENTS } from '../../../lambda/core/log-events.ts';
import { FakeContext } from '../../support/fake-context.ts';
import { SECRET_ID } from '../../support/fake-credential-store.ts';
import { faultFrom } from '../../support/fault-of.ts';
import { CREDENTIALS, NOW_MS, refreshed, toDocumentEntry, versionIdOf } from '../../support/secret-documents.ts';

const SPENT = 'ab'.repeat(32);
const { tokenHash } = toDocumentEntry(CREDENTIALS);

test('a secret without a value is a separate state', async () => {
  const context = new FakeContext();
  context.world.secretsManager.createSecret({ Name: SECRET_ID });
  expect(await load(context)).toBeUndefined();
});

test('a document without a journal takes two parallel reads', async () => {
  const context = FakeContext.withSecret(CREDENTIALS);
  let begun = 0;
  context.store.intercept('readCurrent', 'before', async () => {
    await undefined;
    begun = context.store.calls.length;
  });
  expect(await load(context)).toMatchObject({ current: { tokenHash }, latestEntry: undefined, successor: undefined });
  expect(begun).toBe(2);
  expect(context.store.calls).toEqual(['readCurrent', 'readLatestEntry']);
});

test('a document that is the latest entry takes two reads', async () => {
  const context = FakeContext.withSecret(CREDENTIALS);
  const both = context.writeText(JSON.stringify(refreshed(0)), [JOURNAL_STAGE, 'AWSCURRENT']);
  expect(await load(context)).toMatchObject({ current: { versionId: both }, latestEntry: { versionId: both } });
  expect(context.store.calls).toEqual(['readCurrent', 'readLatestEntry']);
});

test('current, latest entry and the successor of current are found', async () => {
  const context = FakeContext.withSecret(CREDENTIALS);
  const successor = context.writeText(JSON.stringify(refreshed(0)), [JOURNAL_STAGE], successorId(tokenHash));
  const latestEntry = context.writeText(
    renderClaim({ tokenHash: 'other', attempt: 0, nonce: 'nonce', leaseSeconds: 90 }),
    [JOURNAL_STAGE],
  );
  expect(await load(context)).toMatchObject({
    current: { kind: 'document', versionId: versionIdOf('first'), document: { members: CREDENTIALS } },
    latestEntry: { kind: 'claim', versionId: latestEntry, tokenHash: 'other' },
    successor: { kind: 'document', versionId: successor },
  });
});

test('without the label, the successor of a refreshed document is still found', async () => {
  const members = refreshed(0, { spent_refresh_token_sha256: SPENT });
  const context = FakeContext.withSecret(members);
  const text = JSON.stringify({ ...members, refresh_token: 'refresh-2' });
  const successor = context.writeText(text, ['x'], successorId(toDocumentEntry(members).tokenHash));
  expect(await load(context)).toMatchObject({ latestEntry: undefined, successor: { versionId: successor } });
});

test('a label on a foreign version is logged and ignored', async () => {
  const context = FakeContext.withSecret(CREDENTIALS);
  const foreign = context.writeText('foreign', [JOURNAL_STAGE]);
  expect(await load(context)).toMatchObject({ latestEntry: undefined, successor: undefined });
  expect(context.telemetry.lines).toMatchObject([
    { level: 'warn', message: LOG_EVENTS.labelMisplaced, members: { versionId: foreign } },
  ]);
});

test('the first claim on the current token is found by its id if the label is on another token', async () => {
  const context = FakeContext.withSecret(CREDENTIALS);
  const claimed = context.writeText(
    renderClaim({ tokenHash, attempt: 0, nonce: 'nonce', leaseSeconds: 90 }),
    [JOURNAL_STAGE],
    claimId(tokenHash, 0),
  );
  context.writeText(JSON.stringify(refreshed(0, { refresh_token: 'of another grant' })), [JOURNAL_STAGE]);
  expect(await load(context)).toMatchObject({ latestEntry: { kind: 'claim', versionId: claimed, tokenHash } });
});

test.each([
  ['foreign content', 'foreign'],
  ['a document', JSON.stringify(CREDENTIALS)],
  ['a failure', renderFailure({ tokenHash, attempt: 0, code: 'CLIENT_REJECTED', digest: 'digest' })],
])('%s under the id of that claim is no claim', async (_what, text) => {
  const context = FakeContext.withSecret(CREDENTIALS);
  context.writeText(text, ['x'], claimId(tokenHash, 0));
  const latest = context.writeText(JSON.stringify(refreshed(0, { refresh_token: 'another' })), [JOURNAL_STAGE]);
  expect(await load(context)).toMatchObject({ latestEntry: { kind: 'document', versionId: latest } });
});

test('an answer without a refresh token is invalid, with advice', async () => {
  const context = FakeContext.withSecret(CREDENTIALS);
  const version = context.writeText('{"access_token":"a"}', [JOURNAL_STAGE], successorId(tokenHash));
  const { name, message } = await faultFrom(load(context));
  expect(name).toBe('CREDENTIALS_INVALID');
  expect(message).toMatch(new RegExp(`^Version ${version}, .* refresh_token`));
});

test('the version with AWSCURRENT must be a document', async () => {
  const context = FakeContext.withSecret([]);
  const { name, message } = await faultFrom(load(context));
  expect(name).toBe('CREDENTIALS_INVALID');
  expect(message).toContain(`Secret ${SECRET_ID} `);
});

describe('if the current document is invalid, the error names the last complete document', () => {
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

  test('under that label before AWSPREVIOUS', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    const answer = context.writeText(JSON.stringify(refreshed(0)), [JOURNAL_STAGE]);
    const current = context.writeText(broken);
    const { message } = await faultFrom(load(context));
    expect(message).toContain(`--move-to-version-id ${answer} --remove-from-version-id ${current}`);
  });

  test('otherwise under AWSPREVIOUS', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    const current = context.writeText(broken);
    const { message } = await faultFrom(load(context));
    expect(message).toContain(`--move-to-version-id ${versionIdOf('first')} --remove-from-version-id ${current}`);
  });

  test('otherwise without a label, after two overwrites while attempts fail', async () => {
    const context = FakeContext.withSecret(refreshed(4));
    const whole = versionIdOf('first');
    for (let attempt = 0; attempt < 40; attempt++) {
      context.writeText(renderClaim({ tokenHash, attempt, nonce: 'nonce', leaseSeconds: 90 }), [JOURNAL_STAGE]);
      const failure = { tokenHash, attempt, code: 'PROVIDER_UNAVAILABLE' as const, digest: 'digest' };
      context.writeText(renderFailure(failure), [JOURNAL_STAGE]);
      context.advance(1_000);
    }
    context.deadlineMs = context.world.nowMs + 60_000;
    context.writeText(broken);
    const current = context.writeText('scribble');
    const { message } = await faultFrom(load(context));
    expect(message).toContain(`--move-to-version-id ${whole} --remove-from-version-id ${current}`);
    context.moveStage('AWSCURRENT', whole);
    expect(await load(context)).toMatchObject({ current: { versionId: whole } });
  });

  test('the newest of several that have no label', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    const newer = context.nextRun({ afterMs: 1_000 });
    const whole = newer.write(refreshed(0));
    for (const text of [broken, 'scribble', 'more']) {
      newer.advance(1_000);
      newer.writeText(text);
    }
    expect((await faultFrom(load(newer))).message).toContain(`--move-to-version-id ${whole} `);
  });

  test('under AWSPREVIOUS before a newer one that has no label', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.advance(1_000);
    context.writeText(JSON.stringify(refreshed(0)), ['elsewhere']);
    context.writeText(broken);
    expect((await faultFrom(load(context))).message).toContain(`--move-to-version-id ${versionIdOf('first')} `);
  });

  test('after at most ten reads if it is among the ten newest', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    for (let count = 0; count < 20; count++) context.writeText('foreign', [`stage-${count}`]);
    context.advance(1_000);
    const whole = context.writeText(JSON.stringify(refreshed(0)), ['elsewhere']);
    for (const text of ['scribble', 'more']) context.writeText(text);
    expect((await faultFrom(load(context))).message).toContain(`--move-to-version-id ${whole} `);
    expect(context.store.calls.filter((call) => call === 'readVersion')).toHaveLength(10);
  });

  test('but names none if there is none, if it cannot be read, or if there is no time', async () => {
    const none = new FakeContext();
    none.world.secretsManager.createSecret({ Name: SECRET_ID });
    none.writeText(broken);
    expect((await faultFrom(load(none))).message).not.toContain('version-id');
    const context = FakeContext.withSecret(CREDENTIALS);
    context.writeText(broken);
    context.store.refuse('readPrevious');
    expect((await faultFrom(load(context))).message).not.toContain('version-id');
    context.writeText('scribble');
    context.deadlineMs = NOW_MS + 5_000;
    expect((await faultFrom(load(context))).message).not.toContain('version-id');
  });
});

describe('if the current document lacks one of the three credentials, the error names the last complete document', () => {
  const LACKING = { client_id: 'client-id-1', client_secret: 'client-secret-1' };

  async function messageFor(context: FakeContext): Promise<string> {
    const snapshot = await load(context);
    if (snapshot === undefined) throw new Error('The secret has no value.');
    const { name, message } = await faultFrom(requireComplete(context, snapshot));
    expect(name).toBe('CREDENTIALS_INCOMPLETE');
    return message;
  }

  test('after the missing members, with the whole command', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    const current = context.write(LACKING);
    const message = await messageFor(context);
    expect(message).toMatch(new RegExp(`^Secret ${SECRET_ID} .*refresh_token`));
    expect(message).toContain(
      `aws secretsmanager update-secret-version-stage --secret-id ${SECRET_ID} --version-stage AWSCURRENT ` +
        `--move-to-version-id ${versionIdOf('first')} --remove-from-version-id ${current}`,
    );
  });

  test('under the label of the journal before AWSPREVIOUS', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    const answer = context.writeText(JSON.stringify(refreshed(0, { refresh_token: 'refresh-2' })), [JOURNAL_STAGE]);
    context.write(LACKING);
    expect(await messageFor(context)).toContain(`version ${answer}.`);
  });

  test.each([
    ['a claim', renderClaim({ tokenHash, attempt: 0, nonce: 'nonce', leaseSeconds: 90 })],
    ['a failure', renderFailure({ tokenHash, attempt: 0, code: 'CLIENT_REJECTED', digest: 'digest' })],
    ['no journal entry', 'foreign'],
  ])('under AWSPREVIOUS if the label is on %s', async (_what, text) => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.writeText(text, [JOURNAL_STAGE]);
    context.write(LACKING);
    expect(await messageFor(context)).toContain(`version ${versionIdOf('first')}.`);
  });

  test.each(['client_id', 'client_secret', 'refresh_token'])(
    'and a document without %s is not complete',
    async (name) => {
      const context = FakeContext.withSecret({ ...CREDENTIALS, [name]: '' });
      context.write(LACKING);
      expect(await messageFor(context)).not.toContain('--move-to-version-id');
    },
  );

  test('a complete document takes no read, and is not checked here', async () => {
    const context = FakeContext.withSecret({ ...CREDENTIALS, refresh_token: '<refresh token>' });
    const snapshot = await load(context);
    const { calls } = context.store;
    const before = calls.length;
    expect(snapshot && (await requireComplete(context, snapshot))).toBeUndefined();
    expect(calls).toHaveLength(before);
  });
});

describe('a refresh token from an answer is sent unchanged, and one from an operator is checked', () => {
  const odd = { ...CREDENTIALS, refresh_token: '<refresh token>' };
  const { tokenHash: oddTokenHash } = toDocumentEntry(odd);
  const FAILED = { attempt: 0, code: 'PROVIDER_UNAVAILABLE', digest: 'digest' } as const;

  async function grant(context: FakeContext) {
    const snapshot = await load(context);
    if (snapshot === undefined) throw new Error('The secret has no value.');
    return grantOf(context, snapshot);
  }

  test('without a journal, it is from an operator', async () => {
    const { name, message } = await faultFrom(grant(FakeContext.withSecret(odd)));
    expect(name).toBe('CREDENTIALS_INVALID');
    expect(message).toMatch(new RegExp(`^Secret ${SECRET_ID} is damaged: refresh_token `));
  });

  test('a latest entry of the same token shows that it was checked before', async () => {
    const context = FakeContext.withSecret(odd);
    context.writeText(renderFailure({ ...FAILED, tokenHash: oddTokenHash }), [JOURNAL_STAGE]);
    expect(await grant(context)).toMatchObject({ refreshToken: '<refresh token>' });
  });

  test('an entry of another token shows nothing', async () => {
    const context = FakeContext.withSecret(odd);
    context.writeText(renderFailure({ ...FAILED, tokenHash }), [JOURNAL_STAGE]);
    expect((await faultFrom(grant(context))).name).toBe('CREDENTIALS_INVALID');
  });

  test('a recorded answer is from the server, whatever the latest entry is', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    const answer = { ...odd, spent_refresh_token_sha256: sha256('refresh-1') };
    context.writeText(JSON.stringify(answer), ['AWSCURRENT'], successorId(tokenHash));
    expect(await grant(context)).toMatchObject({ refreshToken: '<refresh token>' });
  });
});

describe('a restored or moved secret, whose versions have other ids', () => {
  test('if the current token is used, the answer under the label is its successor, by its content', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    const answer = refreshed(0, { refresh_token: 'refresh-2', spent_refresh_token_sha256: sha256('refresh-1') });
    const copy = context.writeText(JSON.stringify(answer), [JOURNAL_STAGE]);
    expect(await load(context)).toMatchObject({ successor: { versionId: copy } });
  });

  test('the answer to an answer is found only by its id, because an operator may have stored another token', async () => {
    const spent = { spent_refresh_token_sha256: sha256('refresh-1') };
    const context = FakeContext.withSecret(refreshed(4, spent));
    context.writeText(JSON.stringify(refreshed(1, { ...spent, refresh_token: 'by-hand' })), [JOURNAL_STAGE]);
    expect((await load(context))?.successor).toBeUndefined();
  });
});
