import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../../lambda/core/fingerprint.ts';
import {
  claimId,
  digestGrant,
  FAILURE_CAUSES,
  type FailureEntry,
  failureId,
  isAnswerTo,
  isRecordedAnswer,
  type JournalEntry,
  mayHaveRevoked,
  mergeId,
  parseDocumentEntry,
  parseEntry,
  renderClaim,
  renderFailure,
  successorId,
  tokenVersionId,
} from '../../../lambda/core/journal.ts';
import { faultOf } from '../../support/fault-of.ts';
import { CREDENTIALS, refreshed, toDocumentEntry } from '../../support/secret-documents.ts';

const TOKEN_HASH = 'ab'.repeat(32);
const DIGEST = 'cd'.repeat(32);

function versionOf(secretString: string | undefined) {
  return { versionId: 'version-1', createdAt: 1_000, secretString };
}

describe('ids', () => {
  test('are SHA-256 in hex: 64 characters, the maximum of Secrets Manager', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(), (tokenHash, attempt) => {
        for (const id of [
          successorId(tokenHash),
          claimId(tokenHash, attempt),
          failureId(tokenHash, attempt),
          mergeId(tokenHash, tokenHash),
        ]) {
          expect(id).toMatch(/^[0-9a-f]{64}$/);
        }
      }),
    );
  });

  test('of different kinds, token hashes and attempts never collide', () => {
    const tokenHashes = [TOKEN_HASH, DIGEST, ''];
    const attempts = [0, 1, 2, 10, 11, 12, 100];
    const ids = tokenHashes.flatMap((tokenHash) => [
      successorId(tokenHash),
      ...attempts.flatMap((attempt) => [claimId(tokenHash, attempt), failureId(tokenHash, attempt)]),
      ...tokenHashes.map((other) => mergeId(tokenHash, other)),
    ]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  // These ids are the only way to find the entries of earlier releases.
  test('do not change from release to release', () => {
    expect([
      successorId(TOKEN_HASH),
      claimId(TOKEN_HASH, 1),
      failureId(TOKEN_HASH, 1),
      mergeId('a', 'b'),
    ]).toMatchInlineSnapshot(`
      [
        "af123cb2175d2dccdd4fdbd8bcbd550fe6a36e3e22209c9a3699612350b67747",
        "32c6ee1daab15e5083d49baf44f8b6e91e038cefdaa29e0643c72be401ac4f5f",
        "7386be8a8bdb780f43f563821456b252e7ee7242a0271e35d159ae6cfe80b583",
        "218765bb2d66f4293b8bc788dc4f9c635ec3972173dea27e98cf0a57dc7393ba",
      ]
    `);
  });
});

describe('the id of a text in the token secret', () => {
  test('depends only on the text, and does not change from release to release', () => {
    expect(tokenVersionId('{}')).toMatchInlineSnapshot(
      `"b98af2414368236dbdc78d8516610c0506c5790f3f3c88c2e9ce695f9e80b0f2"`,
    );
    expect(tokenVersionId('{"access_token":"a"}')).not.toBe(tokenVersionId('{}'));
    expect(tokenVersionId(TOKEN_HASH)).not.toBe(successorId(TOKEN_HASH));
  });
});

describe('entries', () => {
  const failure = { tokenHash: TOKEN_HASH, attempt: 3, code: 'PROVIDER_UNAVAILABLE', digest: DIGEST } as const;

  test('a failure comes back as it was recorded, whatever its code and its cause', () => {
    const codes = [
      'PROVIDER_UNAVAILABLE',
      'PROVIDER_AMBIGUOUS',
      'REAUTHORIZATION_PROBABLE',
      'REAUTHORIZATION_REQUIRED',
      'CLIENT_REJECTED',
    ] as const;
    for (const code of codes) {
      for (const cause of FAILURE_CAUSES) {
        const entry = parseEntry(versionOf(renderFailure({ ...failure, code, cause })));
        expect(entry).toEqual({ kind: 'failure', versionId: 'version-1', createdAt: 1_000, ...failure, code, cause });
      }
    }
  });

  test('a failure whose cause only a later release knows has none', () => {
    const text = renderFailure({ ...failure, cause: 'throttled' }).replace('throttled', 'eclipsed');
    expect(parseEntry(versionOf(text))).toMatchObject({ kind: 'failure', cause: undefined });
  });

  // Stored: later and earlier versions of this function read entries in this format.
  test('have the stored format', () => {
    expect(JSON.parse(renderClaim({ tokenHash: TOKEN_HASH, attempt: 2, nonce: 'nonce-1', leaseSeconds: 90 }))).toEqual({
      kind: 'retently-token-refresh/claim',
      key: TOKEN_HASH,
      attempt: 2,
      nonce: 'nonce-1',
      lease_seconds: 90,
    });
  });

  test('a claim names its purpose, and a nonce distinguishes two runs', () => {
    const text = renderClaim({ tokenHash: TOKEN_HASH, attempt: 2, nonce: 'nonce-1', leaseSeconds: 90 });
    expect(parseEntry(versionOf(text))).toEqual({
      kind: 'claim',
      versionId: 'version-1',
      createdAt: 1_000,
      tokenHash: TOKEN_HASH,
      attempt: 2,
      leaseSeconds: 90,
    });
    expect(renderClaim({ tokenHash: TOKEN_HASH, attempt: 2, nonce: 'nonce-2', leaseSeconds: 90 })).not.toBe(text);
  });

  test.each<Partial<FailureEntry>>([
    { code: 'PROVIDER_UNAVAILABLE', retryAfterSeconds: 120 },
    { code: 'PROVIDER_AMBIGUOUS' },
    { code: 'REAUTHORIZATION_PROBABLE', refusals: { count: 3, sinceMs: 500 } },
    { code: 'REAUTHORIZATION_REQUIRED' },
    { code: 'CLIENT_REJECTED' },
  ])('a failure comes back as it was recorded: %j', (members) => {
    const recorded = { ...failure, ...members };
    expect(parseEntry(versionOf(renderFailure(recorded)))).toEqual({
      kind: 'failure',
      versionId: 'version-1',
      createdAt: 1_000,
      ...recorded,
    });
  });

  test('the first of several rejections has its own date; the second one keeps the given date', () => {
    const refusals = (count: number) => {
      const entry = parseEntry(versionOf(renderFailure({ ...failure, refusals: { count, sinceMs: 900 } })));
      return entry?.kind === 'failure' && entry.refusals;
    };
    expect(refusals(1)).toEqual({ count: 1, sinceMs: 1_000 });
    expect(refusals(2)).toEqual({ count: 2, sinceMs: 900 });
  });

  test.each([
    ['a lease of an hour', { attempt: 0, leaseSeconds: 3_600 }, true],
    ['a lease of a second', { attempt: 0, leaseSeconds: 1 }, true],
    ['no lease', { attempt: 0, leaseSeconds: 0 }, false],
    ['a fractional attempt', { attempt: 0.5, leaseSeconds: 90 }, false],
  ])('a claim with %s is an entry: %j %s', (_what, members, isEntry) => {
    const entry = parseEntry(versionOf(renderClaim({ tokenHash: TOKEN_HASH, nonce: 'nonce', ...members })));
    expect(entry !== undefined).toBe(isEntry);
  });

  test('a failure with an attempt below the first is not an entry', () => {
    expect(parseEntry(versionOf(renderFailure({ ...failure, attempt: 0 })))).toMatchObject({ attempt: 0 });
    expect(parseEntry(versionOf(renderFailure({ ...failure, attempt: -1 })))).toBeUndefined();
  });

  test('a damaged entry is not a document, even if it has a refresh token', () => {
    const text = JSON.stringify({ ...CREDENTIALS, kind: 'retently-token-refresh/failure' });
    expect(parseEntry(versionOf(text))).toBeUndefined();
    expect(parseEntry(versionOf(text.replace('/failure', '/other')))).toMatchObject({ kind: 'document' });
  });

  test('a document is returned with its token hash', () => {
    expect(parseEntry(versionOf(JSON.stringify(CREDENTIALS)))).toEqual(
      toDocumentEntry(CREDENTIALS, 'version-1', 1_000),
    );
  });

  test.each<[string, string | undefined]>([
    ['a SecretBinary', undefined],
    ['no JSON', 'RDS password'],
    ['a list', '[1]'],
    [
      'a claim that was cut short',
      renderClaim({ tokenHash: TOKEN_HASH, attempt: 0, nonce: 'nonce', leaseSeconds: 90 }).slice(0, -9),
    ],
    ['a document of the wrong type', '{"client_id":1}'],
  ])('foreign content is not an entry: %s', (_what, text) => {
    expect(parseEntry(versionOf(text))).toBeUndefined();
  });

  test.each<[string, string]>([
    ['an object without credentials', '{"username":"u","password":"p"}'],
    ['a claim without a token hash', '{"kind":"retently-token-refresh/claim","attempt":0,"nonce":"n"}'],
    [
      'a claim with a broken attempt',
      renderClaim({ tokenHash: TOKEN_HASH, attempt: -1, nonce: 'nonce', leaseSeconds: 90 }),
    ],
    [
      'a claim with a lease without end',
      renderClaim({ tokenHash: TOKEN_HASH, attempt: 0, nonce: 'nonce', leaseSeconds: 3_601 }),
    ],
    ['a failure of an unknown code', renderFailure(failure).replace('PROVIDER_UNAVAILABLE', 'TIRED')],
    ['an entry of a future kind', '{"kind":"retently-token-refresh/lease","key":"k"}'],
  ])('nor is %s', (_what, text) => {
    expect(parseEntry(versionOf(text))).toBeUndefined();
  });

  test('a required document that is invalid is rejected with its location', () => {
    const { name, message } = faultOf(() => parseDocumentEntry(versionOf('[]'), 'Version version-1'));
    expect(name).toBe('CREDENTIALS_INVALID');
    expect(message).toMatch(/^Version version-1 /);
  });
});

describe('the answer to a refresh token, by its content', () => {
  const spent = sha256('refresh-1');
  const answer = toDocumentEntry(refreshed(0, { refresh_token: 'refresh-2', spent_refresh_token_sha256: spent }));

  test('names the token that was used for it, and has another one', () => {
    expect(isAnswerTo(toDocumentEntry(CREDENTIALS), answer)).toBe(true);
    expect(isAnswerTo(toDocumentEntry({ ...CREDENTIALS, refresh_token: 'refresh-0' }), answer)).toBe(false);
    expect(isAnswerTo(answer, answer)).toBe(false);
  });

  test('does not answer itself, even if the server does not rotate tokens', () => {
    const unrotated = toDocumentEntry(refreshed(0, { spent_refresh_token_sha256: spent }));
    expect(isAnswerTo(toDocumentEntry(CREDENTIALS), unrotated)).toBe(true);
    expect(isAnswerTo(unrotated, unrotated)).toBe(false);
  });

  test('does not answer a recorded answer, whose successor is found only by its id', () => {
    const recorded = toDocumentEntry(refreshed(3, { spent_refresh_token_sha256: spent }));
    expect(isAnswerTo(recorded, answer)).toBe(false);
  });

  test('nor one from a server that rotates tokens', () => {
    const recorded = toDocumentEntry(answer.document.members, successorId(spent));
    const next = refreshed(0, { refresh_token: 'refresh-3', spent_refresh_token_sha256: sha256('refresh-2') });
    expect(isAnswerTo(recorded, toDocumentEntry(next))).toBe(false);
  });

  test('has another token hash than its parent: an unrotated one without an access token is not distinguishable', () => {
    const unrotated = toDocumentEntry({ ...CREDENTIALS, spent_refresh_token_sha256: spent });
    expect(unrotated.tokenHash).toBe(toDocumentEntry(CREDENTIALS).tokenHash);
    expect(isAnswerTo(toDocumentEntry(CREDENTIALS), unrotated)).toBe(false);
  });

  test('does not answer a document without a refresh token', () => {
    const { refresh_token: _, ...none } = CREDENTIALS;
    expect(isAnswerTo(toDocumentEntry(none), answer)).toBe(false);
  });
});

describe('a recorded answer', () => {
  const spent = sha256('refresh-1');
  const members = refreshed(0, { refresh_token: 'refresh-2', spent_refresh_token_sha256: spent });

  test.each<[string, object, string, boolean]>([
    ['under the id of its parent', members, successorId(spent), true],
    ['under another id, with another token', members, 'version-1', false],
    ['whose token is the used one', { ...members, refresh_token: 'refresh-1' }, 'version-1', true],
    ['that names no used token', refreshed(0), successorId(spent), false],
  ])('a document %s', (_what, document, versionId, isRecorded) => {
    expect(isRecordedAnswer(toDocumentEntry(document, versionId))).toBe(isRecorded);
  });
});

describe('the events that may have revoked an answer', () => {
  const failed = {
    kind: 'failure',
    versionId: 'version-1',
    createdAt: 1_000,
    tokenHash: TOKEN_HASH,
    attempt: 0,
    code: 'PROVIDER_UNAVAILABLE',
    digest: DIGEST,
  } as const;

  test.each<[string, JournalEntry | undefined, boolean]>([
    ['nothing', undefined, false],
    ['a request that was never sent', failed, false],
    ['a lost answer', { ...failed, code: 'PROVIDER_AMBIGUOUS' }, true],
    ['a rejection', { ...failed, code: 'REAUTHORIZATION_REQUIRED' }, true],
    ['a rejection without a known code', { ...failed, refusals: { count: 1, sinceMs: 1_000 } }, true],
    ['a rejection of another token', { ...failed, code: 'REAUTHORIZATION_REQUIRED', tokenHash: DIGEST }, false],
    ['a claim', { ...failed, kind: 'claim', leaseSeconds: 90 }, false],
    ['a document', { ...toDocumentEntry(CREDENTIALS), tokenHash: TOKEN_HASH }, false],
  ])('may include %s as the latest entry of its parent: %j', (_what, latestEntry, mayBeRevoked) => {
    expect(mayHaveRevoked(latestEntry, TOKEN_HASH)).toBe(mayBeRevoked);
  });
});

describe('the digest of the rejected credentials', () => {
  const grant = { clientId: 'c', clientSecret: 's', refreshToken: 'r', redirectUri: undefined };
  const endpoint = 'https://app.retently.com/api/oauth/token';

  test('changes with each of the five members, and with nothing else', () => {
    const digests = [
      digestGrant(grant, endpoint),
      digestGrant(grant, `${endpoint}2`),
      digestGrant({ ...grant, clientId: 'c2' }, endpoint),
      digestGrant({ ...grant, clientSecret: 's2' }, endpoint),
      digestGrant({ ...grant, refreshToken: 'r2' }, endpoint),
      digestGrant({ ...grant, redirectUri: 'https://example.com' }, endpoint),
      digestGrant({ ...grant, clientId: 'cs', clientSecret: '' }, endpoint),
    ];
    expect(new Set(digests).size).toBe(digests.length);
    expect(digestGrant({ ...grant }, endpoint)).toBe(digests[0]);
    expect(digests.join()).toMatch(/^[0-9a-f,]+$/);
  });
});
