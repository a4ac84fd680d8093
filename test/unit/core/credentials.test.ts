import { describe, expect, test } from 'vitest';
import {
  expiresAt,
  hasRoomFor,
  parseDocument,
  renderWithTokens,
  requireGrant,
  secondsRemaining,
  tokenHashOf,
  tokenMembers,
} from '../../../lambda/core/credentials.ts';
import { sha256 } from '../../../lambda/core/fingerprint.ts';
import { faultOf } from '../../support/fault-of.ts';
import { CREDENTIALS, iso, NOW_MS, refreshed } from '../../support/secret-documents.ts';

const WHERE = 'Secret RetentlyCredentials';
const TOKENS = {
  refresh_token: 'refresh-2',
  access_token: 'access-2',
  token_type: 'Bearer',
  expires_at: '2026-11-22T18:00:00.000Z',
  refreshed_at: '2026-11-22T12:00:00.000Z',
  spent_refresh_token_sha256: 'ab'.repeat(32),
};

function parse(secret: unknown) {
  return parseDocument(JSON.stringify(secret), WHERE);
}

function render(text: string, tokens = TOKENS) {
  return renderWithTokens(parseDocument(text, WHERE), tokens);
}

describe('rejects as CREDENTIALS_INVALID', () => {
  const VALUE = 'P1ANTED-VALUE';
  const both = { client_id: VALUE, credentials: { client_id: VALUE } };

  test.each<[string, string | undefined, string?]>([
    ['a binary value', undefined],
    ['an empty value', ''],
    ['a value that is not JSON', `client_id=${VALUE}`],
    ['truncated JSON', `{"client_secret":"${VALUE}`],
    ['two documents', `{"client_id":"${VALUE}"}{}`],
    ['an array', `["${VALUE}"]`],
    ['a string', `"${VALUE}"`],
    ['null', 'null'],
    ['a number', '21600'],
    ['a boolean', 'true'],
    ['members at the top and nested', JSON.stringify(both), "'credentials'"],
    ['a member that is a number', '{"client_id":7}', 'client_id'],
    ['a member that is a list', `{"client_secret":["${VALUE}"]}`, 'client_secret'],
    ['a member that is an object', `{"refresh_token":{"a":"${VALUE}"}}`, 'refresh_token'],
    ['a nested member that is a boolean', '{"credentials":{"client_id":true}}', 'credentials.client_id'],
    ['the last of several wrong members', '{"client_id":1,"redirect_uri":false}', 'redirect_uri'],
    ['a number that is too large', `{"client_id":"${VALUE}","n":[{"m":1e400}]}`],
    ['a number that is too small', '{"n":-1e400}'],
    ['a value that is nested too deeply', `{"a":${'['.repeat(60_000)}${']'.repeat(60_000)}}`],
  ])('%s, without quoting it', (_what, secretString, member = WHERE) => {
    const { name, message } = faultOf(() => parseDocument(secretString, WHERE));
    expect(name).toBe('CREDENTIALS_INVALID');
    expect(message).toContain(member);
    expect(message).not.toContain(VALUE);
  });

  test.each(['client_id', 'client_secret', 'refresh_token', 'redirect_uri'])(
    '%s that is not a string, and names it',
    (name) => {
      expect(faultOf(() => parse({ [name]: 42 })).message).toContain(name);
    },
  );

  test.each(['access_token', 'token_type', 'expires_at', 'refreshed_at', 'spent_refresh_token_sha256'])(
    'but not %s of another type, which counts as absent because the function writes it',
    (name) => {
      expect(parse({ ...CREDENTIALS, [name]: 1_764_000_000 }).members).toEqual(CREDENTIALS);
    },
  );
});

describe('parseDocument accepts a secret as people and editors store it', () => {
  test('it skips one byte order mark, but not a second one', () => {
    const text = JSON.stringify(CREDENTIALS);
    expect(parseDocument(`\uFEFF${text}`, WHERE).members).toEqual(CREDENTIALS);
    expect(faultOf(() => parseDocument(`\uFEFF\uFEFF${text}`, WHERE)).name).toBe('CREDENTIALS_INVALID');
    expect(faultOf(() => parseDocument(`${text}\uFEFF`, WHERE)).name).toBe('CREDENTIALS_INVALID');
  });

  test.each([[[CREDENTIALS]], [null], ['text']])('credentials that are %j hold no members', (credentials) => {
    expect(parse({ ...CREDENTIALS, credentials })).toMatchObject({ isNested: false, members: CREDENTIALS });
    expect(parse({ credentials })).toMatchObject({ isNested: false, members: {} });
  });

  test('it names a member of the wrong type, and another place that has credentials', () => {
    const secret = { client_id: 7, oauth: { refresh_token: 'refresh-1' } };
    const { message } = faultOf(() => parse(secret));
    for (const path of ['client_id', ' oauth:']) expect(message).toContain(path);
  });

  test('the size is in bytes, as the function would write it', () => {
    expect(parseDocument('{ "note" : "é" }', WHERE).sizeBytes).toBe(Buffer.byteLength('{"note":"é"}'));
  });
});

describe('secondsRemaining', () => {
  const { access_token: _, ...withoutToken } = refreshed(0);

  test.each<[string, object, number]>([
    ['a millisecond short of two seconds', { expires_at: iso(NOW_MS + 1_999) }, 1],
    ['a second', { expires_at: iso(NOW_MS + 1_000) }, 1],
    ['a millisecond short of one second', { expires_at: iso(NOW_MS + 999) }, 0],
    ['nothing', { expires_at: iso(NOW_MS) }, 0],
    ['less than nothing', { expires_at: iso(NOW_MS - 60_000) }, 0],
    ['an unknown time', { expires_at: 'tomorrow' }, 0],
  ])('%s is left: whole seconds, rounded down', (_what, members, seconds) => {
    expect(secondsRemaining(parse(refreshed(0, members)), NOW_MS)).toBe(seconds);
  });

  test('is 0 without an access token, whatever expires_at contains', () => {
    expect(secondsRemaining(parse(withoutToken), NOW_MS)).toBe(0);
  });

  test('expiresAt is an instant in UTC, or undefined if the member is not an instant', () => {
    expect(expiresAt(parse({ expires_at: '2026-11-22T19:00:00+01:00' }))).toBe('2026-11-22T18:00:00.000Z');
    expect(expiresAt(parse({ expires_at: 'tomorrow' }))).toBeUndefined();
    expect(expiresAt(parse({}))).toBeUndefined();
  });
});

describe('room for a response of 16 KiB, checked before the refresh token is used', () => {
  const LIMIT_BYTES = 64 * 1024;
  const ROOM_BYTES = 17 * 1024;
  /** Returns a document of exactly `sizeBytes`. */
  const filled = (sizeBytes: number, members: object = {}) => {
    const rest = sizeBytes - JSON.stringify({ ...members, note: '' }).length;
    return JSON.stringify({ ...members, note: 'é'.repeat(rest >> 1) + '.'.repeat(rest % 2) });
  };

  const grantFrom = (text: string) => requireGrant(parseDocument(text, WHERE), WHERE, 'human');

  test('accepts a document that leaves 17 KiB', () => {
    const text = filled(LIMIT_BYTES - ROOM_BYTES, CREDENTIALS);
    expect(Buffer.byteLength(text)).toBe(LIMIT_BYTES - ROOM_BYTES);
    expect(grantFrom(text)).toMatchObject({ refreshToken: CREDENTIALS.refresh_token });
  });

  test('rejects a document that leaves one byte less, and shows its size', () => {
    const { name, message } = faultOf(() => grantFrom(filled(LIMIT_BYTES - ROOM_BYTES + 1, CREDENTIALS)));
    expect(name).toBe('CREDENTIALS_INVALID');
    expect(message).toMatch(/48129 .*17408 .*65536/);
  });

  test('counts the tokens of the last response as room for those of the next one', () => {
    const tokens = { ...refreshed(4), access_token: 'a'.repeat(16 * 1024) };
    const text = filled(LIMIT_BYTES - ROOM_BYTES + 8 * 1024, {
      ...tokens,
      spent_refresh_token_sha256: sha256('refresh-0'),
    });
    expect(grantFrom(text)).toMatchObject({ refreshToken: tokens.refresh_token });
    expect(faultOf(() => grantFrom(filled(LIMIT_BYTES - ROOM_BYTES + 8 * 1024, tokens))).name).toBe(
      'CREDENTIALS_INVALID',
    );
    const fuller = filled(LIMIT_BYTES - 64, { ...refreshed(4), spent_refresh_token_sha256: sha256('refresh-0') });
    expect(faultOf(() => grantFrom(fuller)).name).toBe('CREDENTIALS_INVALID');
  });

  test('there is room up to the last byte that a secret may have', () => {
    const document = (sizeBytes: number) => parseDocument(filled(sizeBytes, refreshed(4)), WHERE);
    const { client_id: _id, client_secret: _secret, ...tokens } = refreshed(4);
    expect(hasRoomFor(document(LIMIT_BYTES), tokens)).toBe(true);
    expect(hasRoomFor(document(LIMIT_BYTES + 1), tokens)).toBe(false);
  });

  test('the longest accepted response fits into the fullest accepted document', () => {
    const tokens = { ...TOKENS, access_token: 'a'.repeat(8 * 1024), refresh_token: 'r'.repeat(8 * 1024) };
    expect(Buffer.byteLength(render(filled(LIMIT_BYTES - ROOM_BYTES), tokens))).toBeLessThanOrEqual(LIMIT_BYTES);
  });
});

describe('requireGrant', () => {
  test('returns the three credentials, and redirect_uri if there is one', () => {
    const grant = { clientId: 'client-id-1', clientSecret: 'client-secret-1', refreshToken: 'refresh-1' };
    expect(requireGrant(parse(CREDENTIALS), WHERE, 'human')).toEqual(grant);
    const redirectUri = 'https://example.com/callback';
    expect(requireGrant(parse({ ...CREDENTIALS, redirect_uri: redirectUri }), WHERE, 'human')).toEqual({
      ...grant,
      redirectUri,
    });
  });

  test.each<[object, string]>([
    [{}, 'no client_id, no client_secret, no refresh_token'],
    [{ ...CREDENTIALS, client_id: '' }, 'no client_id'],
    [{ ...CREDENTIALS, client_secret: '' }, 'no client_secret'],
    [{ ...CREDENTIALS, client_id: null, refresh_token: '' }, 'no client_id, no refresh_token'],
    [{ credentials: { ...CREDENTIALS, refresh_token: null } }, 'no credentials.refresh_token'],
    [{ credentials: {} }, 'no credentials.client_id, no credentials.client_secret, no credentials.refresh_token'],
    [{ credentials: 'client-secret-1' }, 'no client_id, no client_secret, no refresh_token'],
  ])('%j: lists every missing member', (secret, missing) => {
    const { name, message } = faultOf(() => requireGrant(parse(secret), WHERE, 'human'));
    expect(name).toBe('CREDENTIALS_INCOMPLETE');
    expect(message).toContain(` ${missing}`);
    expect(message).toContain('put-secret-value');
    expect(message).not.toMatch(/client-id-1|client-secret-1|refresh-1/);
  });
});

describe('renderWithTokens', () => {
  test('writes to the top if the members are at the top, and keeps their order', () => {
    const text = '{"refresh_token":"old","a":[1,{"b":null}],"client_id":"c","expires_at":"x","z":-0.5e-7}';
    expect(render(text)).toBe(
      '{"refresh_token":"refresh-2","a":[1,{"b":null}],"client_id":"c","expires_at":"2026-11-22T18:00:00.000Z","z":-5e-8,' +
        '"access_token":"access-2","token_type":"Bearer","refreshed_at":"2026-11-22T12:00:00.000Z",' +
        `"spent_refresh_token_sha256":"${'ab'.repeat(32)}"}`,
    );
  });

  test('writes under credentials if the members are there', () => {
    const secret = { auth_type: 'outside', credentials: { auth_type: 'Client', ...CREDENTIALS }, start_date: '2024' };
    const credentials = { auth_type: 'Client', ...CREDENTIALS, ...TOKENS };
    expect(JSON.parse(render(JSON.stringify(secret)))).toStrictEqual({ ...secret, credentials });
  });

  test('does not change an unrelated object named credentials', () => {
    const secret = { ...CREDENTIALS, credentials: { user: 'somebody' } };
    expect(JSON.parse(render(JSON.stringify(secret)))).toStrictEqual({ ...secret, ...TOKENS });
  });

  test.each([
    '{"__proto__":{"a":1},"client_id":"c"}',
    '{"credentials":{"client_id":"c","__proto__":"text"}}',
    '{"other":{"__proto__":{"__proto__":7}},"constructor":null}',
  ])('keeps members called __proto__: %s', (text) => {
    const withoutTokens = renderWithTokens(parseDocument(text, WHERE), {});
    expect(withoutTokens).toBe(text);
  });

  test('replaces each member that an answer can bring, and removes each if the next answer lacks it', () => {
    const tokens = {
      ...TOKENS,
      refresh_token_expires_at: iso(NOW_MS),
      refresh_token_obtained_at: iso(NOW_MS - 1),
      may_be_revoked: 'UNKNOWN',
      reuse_possible_until: iso(NOW_MS + 1),
    };
    const { client_id, client_secret } = CREDENTIALS;
    const document = parse({ ...CREDENTIALS, ...tokens });
    expect(JSON.parse(renderWithTokens(parse(CREDENTIALS), tokens))).toStrictEqual({ ...CREDENTIALS, ...tokens });
    expect(JSON.parse(renderWithTokens(document, {}))).toStrictEqual({ client_id, client_secret });
    expect(tokenMembers(document)).toEqual(tokens);
  });

  test('removes token members that the new tokens do not have, because they belong together', () => {
    const { refreshed_at: _, ...tokens } = TOKENS;
    const document = parse({ ...CREDENTIALS, ...TOKENS });
    expect(JSON.parse(renderWithTokens(document, tokens))).toStrictEqual({ ...CREDENTIALS, ...tokens });
    expect(tokenMembers(document)).toEqual(TOKENS);
  });
});

describe('tokenHashOf', () => {
  const refreshedAt = '2026-11-22T12:00:00.000Z';
  const spent = (token: string) => ({ refresh_token: 'r', spent_refresh_token_sha256: sha256(token) });

  test.each<[string, object, string]>([
    ['never refreshed', { refresh_token: 'r' }, sha256('r')],
    ['rotated', { ...spent('q'), refreshed_at: refreshedAt }, sha256('r')],
    ['not rotated', { ...spent('r'), refreshed_at: refreshedAt }, sha256(`${sha256('r')} ${refreshedAt}`)],
    ['not rotated, refreshed_at taken out by hand', spent('r'), sha256('r')],
    ['nothing to spend', {}, sha256('')],
  ])('%s', (_what, members, tokenHash) => {
    expect(tokenHashOf(parse(members))).toBe(tokenHash);
    expect(tokenHashOf(parse({ credentials: members }))).toBe(tokenHash);
  });

  test('does not change with anything that an operator may edit meanwhile', () => {
    const edited = { ...CREDENTIALS, client_secret: 'client-secret-2', note: 'rotated on Monday' };
    expect(tokenHashOf(parse(edited))).toBe(tokenHashOf(parse(CREDENTIALS)));
  });
});
