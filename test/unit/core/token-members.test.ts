import { describe, expect, test } from 'vitest';
import type { TokenMembers } from '../../../lambda/core/credentials.ts';
import { isHalfRefreshed } from '../../../lambda/core/due.ts';
import type { Exchanged } from '../../../lambda/core/exchange.ts';
import { sha256 } from '../../../lambda/core/fingerprint.ts';
import { toRfc3339 } from '../../../lambda/core/rfc3339.ts';
import {
  MAX_REFRESH_TOKEN_LIFETIME_SECONDS,
  toTokenMembers,
  warnAboutExpiry,
  warnAboutLifetime,
} from '../../../lambda/core/token-members.ts';
import { REFRESH_TOKEN_ONLY, TOKEN } from '../../support/fake-token-endpoint.ts';
import { HOUR_MS, iso, NEW_TOKENS, NOW_MS, refreshed, toDocumentEntry } from '../../support/secret-documents.ts';

const PARENT = refreshed(4);

const DEFAULT_SECONDS = 21_600;

function tokensOf(answer: Partial<typeof TOKEN>, parent: object = PARENT) {
  const exchanged: Exchanged = { ...TOKEN, ...answer, startedAtMs: NOW_MS };
  return toTokenMembers(exchanged, toDocumentEntry(parent).document, 'refresh-1', DEFAULT_SECONDS);
}

test('a response replaces every member that belongs to a token', () => {
  expect(tokensOf({})).toEqual(NEW_TOKENS);
});

test('keeps the refresh token if the response has none', () => {
  expect(tokensOf({ refreshToken: undefined })).toMatchObject({ refresh_token: 'refresh-1' });
});

describe('the lifetime of the token', () => {
  test('is counted from before the POST', () => {
    expect(tokensOf({ expiresInSeconds: 60 })).toMatchObject({ expires_at: iso(NOW_MS + 60_000) });
  });

  test('is DEFAULT_TOKEN_LIFETIME_SECONDS if the response has none', () => {
    expect(tokensOf({ expiresInSeconds: undefined })).toMatchObject({ expires_at: iso(NOW_MS + 6 * HOUR_MS) });
  });

  test.each([21_601, 604_800, 21_600_000, Number.POSITIVE_INFINITY])(
    'is DEFAULT_TOKEN_LIFETIME_SECONDS if the response has a longer one, such as %i',
    (seconds) => {
      expect(tokensOf({ expiresInSeconds: seconds })).toMatchObject({ expires_at: iso(NOW_MS + 6 * HOUR_MS) });
    },
  );

  test('does not grow when the same token comes back without expires_in', () => {
    const same = { accessToken: PARENT.access_token, expiresInSeconds: undefined };
    expect(tokensOf(same)).toMatchObject({ expires_at: PARENT.expires_at });
    const { expires_at: _, ...parent } = PARENT;
    expect(tokensOf(same, parent)).toMatchObject({ expires_at: iso(NOW_MS + 6 * HOUR_MS) });
  });

  test('grows when the same token comes back with expires_in', () => {
    expect(tokensOf({ accessToken: PARENT.access_token })).toMatchObject({ expires_at: iso(NOW_MS + 6 * HOUR_MS) });
  });
});

describe('exp of an access token that is a JWT', () => {
  const withExpiry = (seconds: unknown) => jwtOf({ sub: 'account', exp: seconds });
  const inSeconds = (seconds: number) => withExpiry(NOW_MS / 1000 + seconds);
  const lifetimeOf = (accessToken: string, expiresInSeconds?: number) =>
    (Date.parse(tokensOf({ accessToken, expiresInSeconds }).expires_at ?? '') - NOW_MS) / 1000;
  const warning = (accessToken: string, expiresInSeconds?: number) =>
    warnAboutExpiry({ ...TOKEN, accessToken, expiresInSeconds, startedAtMs: NOW_MS });

  test.each<[string, string, number]>([
    ['of an hour caps the configured lifetime', inSeconds(3_600), 3_600],
    ['of 60 seconds caps it', inSeconds(60), 60],
    ['of 59 seconds does not', inSeconds(59), DEFAULT_SECONDS],
    ['in the past does not', inSeconds(-3_600), DEFAULT_SECONDS],
    ['of a day does not make it longer', inSeconds(86_400), DEFAULT_SECONDS],
    ['in milliseconds does not make it longer', withExpiry(NOW_MS + 3_600_000), DEFAULT_SECONDS],
    ['as a string is none', withExpiry(String(NOW_MS / 1000 + 3_600)), DEFAULT_SECONDS],
    ['that is missing is none', jwtOf({ sub: 'account' }), DEFAULT_SECONDS],
    ['of a payload that is null is none', jwtOf(null), DEFAULT_SECONDS],
    ['of a token in two parts is none', inSeconds(3_600).split('.').slice(0, 2).join('.'), DEFAULT_SECONDS],
    ['of a token in five parts is none', `${inSeconds(3_600)}.a.b`, DEFAULT_SECONDS],
    ['of a token whose payload is no JSON is none', 'a.b.c', DEFAULT_SECONDS],
    ['of an opaque token is none', 'access-2', DEFAULT_SECONDS],
  ])('%s', (_what, accessToken, seconds) => {
    expect(lifetimeOf(accessToken)).toBe(seconds);
  });

  test('has no effect if there is expires_in', () => {
    expect(lifetimeOf(inSeconds(3_600), 7_200)).toBe(7_200);
    expect(lifetimeOf(inSeconds(7_200), 3_600)).toBe(3_600);
  });

  test.each<[number, number | undefined, boolean]>([
    [3_600, 7_200, true],
    [7_200, 3_600, true],
    [3_600, 3_661, true],
    [3_600, 3_660, false],
    [3_600, 3_600, false],
    [3_600, undefined, false],
    [60, undefined, false],
    [59, undefined, true],
  ])('of %d seconds beside an expires_in of %s: warned is %s', (exp, expiresInSeconds, isWarned) => {
    expect(warning(inSeconds(exp), expiresInSeconds) !== undefined).toBe(isWarned);
  });

  test('is the only claim that a warning shows; the token is not shown', () => {
    expect(warning(inSeconds(3_600), 7_200)).not.toMatch(/account|ey/);
  });

  test('causes no warning for an opaque or missing token', () => {
    expect(warning('access-2', 7_200)).toBeUndefined();
    expect(warning('access-2')).toBeUndefined();
    expect(warnAboutExpiry({ ...REFRESH_TOKEN_ONLY, startedAtMs: NOW_MS })).toBeUndefined();
  });

  test('causes the same warning as any other short lifetime', () => {
    const answer = { ...TOKEN, accessToken: inSeconds(1_800), expiresInSeconds: undefined, startedAtMs: NOW_MS };
    expect(warnAboutLifetime(answer, DEFAULT_SECONDS)).toContain('1800');
  });

  test('causes no warning if it is later than the configured lifetime, which then counts', () => {
    const answer = { ...TOKEN, accessToken: inSeconds(86_400), expiresInSeconds: undefined, startedAtMs: NOW_MS };
    expect(warnAboutLifetime(answer, DEFAULT_SECONDS)).toBeUndefined();
  });
});

describe('the lifetime of a refresh token', () => {
  const DAY_SECONDS = 86_400;
  const inADay = iso(NOW_MS + DAY_SECONDS * 1000);
  const held = { ...PARENT, refresh_token_expires_at: iso(NOW_MS + HOUR_MS) };
  const refreshTokenExpiresInSeconds = DAY_SECONDS;

  test.each<[string, object, string | undefined]>([
    ['is kept as an instant', { refreshTokenExpiresInSeconds }, inADay],
    ['goes with the refresh token that it belonged to', {}, undefined],
    ['stays with a refresh token that stays', { refreshToken: undefined }, held.refresh_token_expires_at],
    ['stays with a refresh token that comes back', { refreshToken: 'refresh-1' }, held.refresh_token_expires_at],
    ['grows with a refresh token that stays', { refreshToken: undefined, refreshTokenExpiresInSeconds }, inADay],
    [
      'of a century is kept',
      { refreshTokenExpiresInSeconds: MAX_REFRESH_TOKEN_LIFETIME_SECONDS },
      iso(NOW_MS + MAX_REFRESH_TOKEN_LIFETIME_SECONDS * 1000),
    ],
    ['of centuries is not kept', { refreshTokenExpiresInSeconds: 1e15 }, undefined],
  ])('%s', (_what, answer, expected) => {
    expect(tokensOf(answer, held).refresh_token_expires_at).toBe(expected);
  });

  test('is kept if the response has only a refresh token', () => {
    const exchanged = { ...REFRESH_TOKEN_ONLY, refreshTokenExpiresInSeconds, startedAtMs: NOW_MS };
    const tokens = toTokenMembers(exchanged, toDocumentEntry(held).document, 'refresh-1', DEFAULT_SECONDS);
    expect(tokens.refresh_token_expires_at).toBe(inADay);
  });
});

describe('a doubt about the spent tokens', () => {
  const doubtOf = ({ may_be_revoked, reuse_possible_until }: TokenMembers) => ({
    may_be_revoked,
    reuse_possible_until,
  });
  const doubted = (reuse_possible_until?: string) => ({ ...PARENT, may_be_revoked: 'UNKNOWN', reuse_possible_until });
  const soon = iso(NOW_MS + 1);

  test.each<[string, object, string | undefined]>([
    ['stays while another run may still send the token', doubted(soon), 'UNKNOWN'],
    ['ends when no other run can send it any more', doubted(iso(NOW_MS)), undefined],
    ['ends if no other run was sending it', doubted(), undefined],
    ['ends if it is not known until when', doubted('soon'), undefined],
    ['is not made up', { ...doubted(soon), may_be_revoked: undefined }, undefined],
  ])('%s', (_what, parent, reason) => {
    const expected = { may_be_revoked: reason, reuse_possible_until: reason && soon };
    expect(doubtOf(tokensOf({}, parent))).toEqual(expected);
    const exchanged = { ...REFRESH_TOKEN_ONLY, startedAtMs: NOW_MS };
    expect(doubtOf(toTokenMembers(exchanged, toDocumentEntry(parent).document, 'refresh-1', 3_600))).toEqual(expected);
  });
});

describe('a warning about the lifetime', () => {
  const warning = (expiresInSeconds: number | undefined, longest = DEFAULT_SECONDS) =>
    warnAboutLifetime({ ...TOKEN, expiresInSeconds, startedAtMs: NOW_MS }, longest);

  test('shows both values if it is longer than the default', () => {
    expect(warning(21_600_000)).toMatch(/\b21600000\b.*\b21600\b/);
    expect(warning(604_801, 604_800)).toMatch(/\b604801\b.*\b604800\b/);
  });

  test('is below an hour, from any source', () => {
    expect(warning(3_599)).toMatch(/\b3599\b.*\b3600\b/);
    expect(warning(undefined, 1_800)).toMatch(/\b1800\b.*\b3600\b/);
  });

  test.each([3_600, 21_600, undefined])('is none of %s', (seconds) => {
    expect(warning(seconds)).toBeUndefined();
  });

  test('is absent if the response has no access token', () => {
    expect(warnAboutLifetime({ ...REFRESH_TOKEN_ONLY, startedAtMs: NOW_MS }, 1_800)).toBeUndefined();
  });
});

test('two documents in one millisecond differ in refreshed_at, which identifies an unrotated one', () => {
  expect(tokensOf({}, refreshed(0))).toMatchObject({ refreshed_at: iso(NOW_MS + 1) });
});

test('if the response has only a refresh token, the old access token stays, and the document is due', () => {
  const exchanged = { ...REFRESH_TOKEN_ONLY, startedAtMs: NOW_MS };
  const { refreshed_at: _, client_id: _id, client_secret: _secret, ...kept } = PARENT;
  expect(toTokenMembers(exchanged, toDocumentEntry(PARENT).document, 'refresh-1', 3_600)).toEqual({
    ...kept,
    refresh_token: 'refresh-2',
    refresh_token_obtained_at: iso(NOW_MS),
    spent_refresh_token_sha256: sha256('refresh-1'),
  });
});

test.each<[string, object, boolean]>([
  ['only a refresh token came', { spent_refresh_token_sha256: sha256('refresh-0'), refreshed_at: undefined }, true],
  ['a whole answer came', { spent_refresh_token_sha256: sha256('refresh-0') }, false],
  ['nothing came yet', { refreshed_at: undefined }, false],
])('a document is half refreshed if only a refresh token came: %s', (_what, members, isHalf) => {
  expect(isHalfRefreshed(toDocumentEntry(refreshed(0, members)).document)).toBe(isHalf);
});

test('instants are RFC 3339 in UTC', () => {
  expect(toRfc3339(0)).toBe('1970-01-01T00:00:00.000Z');
});

function jwtOf(claims: unknown): string {
  const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
  return [encode({ alg: 'RS256' }), encode(claims), 'signature'].join('.');
}
