import { describe, expect, test } from 'vitest';
import type { Exchanged } from '../../../lambda/core/exchange.ts';
import { sha256 } from '../../../lambda/core/fingerprint.ts';
import { toRfc3339 } from '../../../lambda/core/rfc3339.ts';
import { toTokenMembers } from '../../../lambda/core/token-members.ts';
import { REFRESH_TOKEN_ONLY, TOKEN } from '../../support/fake-token-endpoint.ts';
import { HOUR_MS, iso, NEW_TOKENS, NOW_MS, refreshed, toDocumentEntry } from '../../support/secret-documents.ts';

const PARENT = refreshed(4);

function tokensOf(answer: Partial<typeof TOKEN>, parent: object = PARENT) {
  const exchanged: Exchanged = { ...TOKEN, ...answer, startedAtMs: NOW_MS };
  return toTokenMembers(exchanged, toDocumentEntry(parent).document, 'refresh-1', 3_600);
}

test('an answer replaces all that belongs to a token', () => {
  expect(tokensOf({})).toEqual(NEW_TOKENS);
});

test('keeps the refresh token when the answer brings none', () => {
  expect(tokensOf({ refreshToken: undefined })).toMatchObject({ refresh_token: 'refresh-1' });
});

describe('the life of the token', () => {
  test('is counted from before the POST', () => {
    expect(tokensOf({ expiresInSeconds: 60 })).toMatchObject({ expires_at: iso(NOW_MS + 60_000) });
  });

  test('is DEFAULT_TOKEN_LIFETIME_SECONDS where the answer gives none', () => {
    expect(tokensOf({ expiresInSeconds: undefined })).toMatchObject({ expires_at: iso(NOW_MS + HOUR_MS) });
  });

  test('does not grow when the same token comes back without expires_in', () => {
    const same = { accessToken: PARENT.access_token, expiresInSeconds: undefined };
    expect(tokensOf(same)).toMatchObject({ expires_at: PARENT.expires_at });
    const { expires_at: _, ...parent } = PARENT;
    expect(tokensOf(same, parent)).toMatchObject({ expires_at: iso(NOW_MS + HOUR_MS) });
  });

  test('grows when the same token comes back and the server says so', () => {
    expect(tokensOf({ accessToken: PARENT.access_token })).toMatchObject({ expires_at: iso(NOW_MS + 6 * HOUR_MS) });
  });
});

test('two documents in one millisecond differ in refreshed_at, by which an unrotated one is known', () => {
  expect(tokensOf({}, refreshed(0))).toMatchObject({ refreshed_at: iso(NOW_MS + 1) });
});

test('a refresh token that comes alone is kept beside the old bearer token, and the document is due', () => {
  const exchanged = { ...REFRESH_TOKEN_ONLY, startedAtMs: NOW_MS };
  const { refreshed_at: _, client_id: _id, client_secret: _secret, ...kept } = PARENT;
  expect(toTokenMembers(exchanged, toDocumentEntry(PARENT).document, 'refresh-1', 3_600)).toEqual({
    ...kept,
    refresh_token: 'refresh-2',
    spent_refresh_token_sha256: sha256('refresh-1'),
  });
});

test('instants are RFC 3339 in UTC', () => {
  expect(toRfc3339(0)).toBe('1970-01-01T00:00:00.000Z');
});
