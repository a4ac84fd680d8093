import { describe, expect, test } from 'vitest';
import {
  expiresAt,
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

describe('a secret that cannot be used is refused as CREDENTIALS_INVALID', () => {
  const VALUE = 'P1ANTED-VALUE';
  const both = { client_id: VALUE, credentials: { client_id: VALUE } };

  test.each<[string, string | undefined, string | RegExp, string | RegExp]>([
    ['binary', undefined, 'SecretBinary', 'Store one JSON object as SecretString'],
    ['empty', '', 'is not JSON (0 characters)', 'Store one JSON object'],
    ['not JSON', `client_id=${VALUE}`, 'is not JSON (23 characters)', 'Store one JSON object'],
    ['truncated', `{"client_secret":"${VALUE}`, 'is not JSON', 'as UTF-8'],
    ['two documents', `{"client_id":"${VALUE}"}{}`, 'is not JSON', 'Store one JSON object'],
    ['an array', `["${VALUE}"]`, 'an array', 'Store one JSON object'],
    ['a string', `"${VALUE}"`, 'a string', 'Store one JSON object'],
    ['null', 'null', 'but null', 'Store one JSON object'],
    ['a bare number', '21600', 'a number', 'Store one JSON object'],
    ['a boolean', 'true', 'a boolean', 'Store one JSON object'],
    ['both shapes at once', JSON.stringify(both), /at the top and under 'credentials'/, 'Keep one of the two'],
    ['a number as member', '{"client_id":7}', 'client_id is a number', 'Each of them is a string'],
    ['a list', `{"client_secret":["${VALUE}"]}`, 'client_secret is an array', 'Each of them is a string'],
    ['an object', `{"refresh_token":{"a":"${VALUE}"}}`, 'refresh_token is an object', 'Each of them is a string'],
    ['nested', '{"credentials":{"client_id":true}}', 'credentials.client_id is a boolean', 'Each of them is a string'],
    ['several', '{"client_id":1,"redirect_uri":false}', 'client_id is a number, redirect_uri is a boolean', 'string'],
    ['too large a number', `{"client_id":"${VALUE}","n":[{"m":1e400}]}`, 'too large for a double', 'Make it a string'],
    ['too small a number', '{"n":-1e400}', 'too large for a double', 'Make it a string'],
    ['too deep', `{"a":${'['.repeat(60_000)}${']'.repeat(60_000)}}`, 'nested too deeply', 'It was left as it is'],
  ])('%s', (_what, secretString, what, advice) => {
    const { name, message } = faultOf(() => parseDocument(secretString, WHERE));
    expect(name).toBe('CREDENTIALS_INVALID');
    expect(message).toMatch(/^Secret RetentlyCredentials .* It was left as it is\.$/);
    expect(message).toMatch(what);
    expect(message).toMatch(advice);
    expect(message).not.toContain(VALUE);
  });

  test.each(['client_id', 'client_secret', 'refresh_token', 'redirect_uri'])(
    '%s that is no string is named',
    (name) => {
      expect(faultOf(() => parse({ [name]: 42 })).message).toContain(`${name} is a number`);
    },
  );

  test.each(['access_token', 'token_type', 'expires_at', 'refreshed_at', 'spent_refresh_token_sha256'])(
    '%s of another type counts as absent: the function writes it itself',
    (name) => {
      expect(parse({ ...CREDENTIALS, [name]: 1_764_000_000 }).members).toEqual(CREDENTIALS);
    },
  );
});

describe('a secret is read as people and editors store it', () => {
  test('a byte order mark before the text is no part of it; a second one is', () => {
    const text = JSON.stringify(CREDENTIALS);
    expect(parseDocument(`\uFEFF${text}`, WHERE).members).toEqual(CREDENTIALS);
    expect(faultOf(() => parseDocument(`\uFEFF\uFEFF${text}`, WHERE)).name).toBe('CREDENTIALS_INVALID');
    expect(faultOf(() => parseDocument(`${text}\uFEFF`, WHERE)).name).toBe('CREDENTIALS_INVALID');
  });

  test.each([[[CREDENTIALS]], [null], ['text']])('credentials that are %j hold no members', (credentials) => {
    expect(parse({ ...CREDENTIALS, credentials })).toMatchObject({ isNested: false, members: CREDENTIALS });
    expect(parse({ credentials })).toMatchObject({ isNested: false, members: {} });
  });

  test('a member of the wrong type is said, and where else credentials were seen', () => {
    const secret = { client_id: 7, oauth: { refresh_token: 'refresh-1' } };
    expect(faultOf(() => parse(secret)).message).toBe(
      `${WHERE} has members of the wrong type: client_id is a number. Each of them is a string. ` +
        "They were seen in oauth: move them up, to the top or under 'credentials'. It was left as it is.",
    );
  });

  test('its size counts bytes, as it would be written', () => {
    expect(parseDocument('{ "note" : "é" }', WHERE).sizeBytes).toBe(Buffer.byteLength('{"note":"é"}'));
  });
});

describe('the life of a bearer token', () => {
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

  test('is over if there is no bearer token, whatever expires_at says', () => {
    expect(secondsRemaining(parse(withoutToken), NOW_MS)).toBe(0);
  });

  test('ends at an instant in UTC, or at none if what stands there is none', () => {
    expect(expiresAt(parse({ expires_at: '2026-11-22T19:00:00+01:00' }))).toBe('2026-11-22T18:00:00.000Z');
    expect(expiresAt(parse({ expires_at: 'tomorrow' }))).toBeUndefined();
    expect(expiresAt(parse({}))).toBeUndefined();
  });
});

describe('room for an answer of 16 KiB is checked before anything is spent', () => {
  const LIMIT_BYTES = 64 * 1024;
  const ROOM_BYTES = 17 * 1024;
  /** A document of exactly so many bytes. */
  const filled = (sizeBytes: number, members: object = {}) => {
    const rest = sizeBytes - JSON.stringify({ ...members, note: '' }).length;
    return JSON.stringify({ ...members, note: 'é'.repeat(rest >> 1) + '.'.repeat(rest % 2) });
  };

  const grantFrom = (text: string) => requireGrant(parseDocument(text, WHERE), WHERE, 'human');

  test('a document that leaves 17 KiB is accepted', () => {
    const text = filled(LIMIT_BYTES - ROOM_BYTES, CREDENTIALS);
    expect(Buffer.byteLength(text)).toBe(LIMIT_BYTES - ROOM_BYTES);
    expect(grantFrom(text)).toMatchObject({ refreshToken: CREDENTIALS.refresh_token });
  });

  test('one that leaves a byte less is refused, with its size in bytes and what to do', () => {
    const { name, message } = faultOf(() => grantFrom(filled(LIMIT_BYTES - ROOM_BYTES + 1, CREDENTIALS)));
    expect(name).toBe('CREDENTIALS_INVALID');
    expect(message).toMatch(/takes 48129 bytes.* less than 17408 of 65536 .* Move other data out/);
  });

  test('the longest answer that is read fits into the fullest document that is accepted', () => {
    const tokens = { ...TOKENS, access_token: 'a'.repeat(8 * 1024), refresh_token: 'r'.repeat(8 * 1024) };
    expect(Buffer.byteLength(render(filled(LIMIT_BYTES - ROOM_BYTES), tokens))).toBeLessThanOrEqual(LIMIT_BYTES);
  });
});

describe('requireGrant', () => {
  test('takes the three credentials, and redirect_uri if there is one', () => {
    const grant = { clientId: 'client-id-1', clientSecret: 'client-secret-1', refreshToken: 'refresh-1' };
    expect(requireGrant(parse(CREDENTIALS), WHERE, 'human')).toEqual(grant);
    const redirectUri = 'https://example.com/callback';
    expect(requireGrant(parse({ ...CREDENTIALS, redirect_uri: redirectUri }), WHERE, 'human')).toEqual({
      ...grant,
      redirectUri,
    });
  });

  test.each<[object, string]>([
    [{}, 'has no client_id, no client_secret, no refresh_token (missing, empty or null)'],
    [{ ...CREDENTIALS, client_secret: '' }, 'has no client_secret (missing, empty or null)'],
    [{ ...CREDENTIALS, client_id: null, refresh_token: '' }, 'has no client_id, no refresh_token (missing'],
    [{ credentials: { ...CREDENTIALS, refresh_token: null } }, 'has no credentials.refresh_token (missing'],
    [{ credentials: {} }, 'has no credentials.client_id, no credentials.client_secret, no credentials.refresh_token'],
    [{ credentials: 'client-secret-1' }, 'has no client_id, no client_secret, no refresh_token'],
    [
      { ...CREDENTIALS, client_id: null },
      'has no client_id (missing, empty or null). Client ID and Client Secret are at app.retently.com/settings/oauth; the refresh token comes from',
    ],
  ])('%j: names every missing member at once', (secret, missing) => {
    const { name, message } = faultOf(() => requireGrant(parse(secret), WHERE, 'human'));
    expect(name).toBe('CREDENTIALS_INCOMPLETE');
    expect(message).toContain(`${WHERE} ${missing}`);
    expect(message).toContain('put-secret-value');
    expect(message).not.toMatch(/client-id-1|client-secret-1|refresh-1/);
  });
});

describe('writing tokens', () => {
  test('goes to the top where the members are at the top, and keeps places', () => {
    const text = '{"refresh_token":"old","a":[1,{"b":null}],"client_id":"c","expires_at":"x","z":-0.5e-7}';
    expect(render(text)).toBe(
      '{"refresh_token":"refresh-2","a":[1,{"b":null}],"client_id":"c","expires_at":"2026-11-22T18:00:00.000Z","z":-5e-8,' +
        '"access_token":"access-2","token_type":"Bearer","refreshed_at":"2026-11-22T12:00:00.000Z",' +
        `"spent_refresh_token_sha256":"${'ab'.repeat(32)}"}`,
    );
  });

  test('goes under credentials where they are there', () => {
    const secret = { auth_type: 'outside', credentials: { auth_type: 'Client', ...CREDENTIALS }, start_date: '2024' };
    const credentials = { auth_type: 'Client', ...CREDENTIALS, ...TOKENS };
    expect(JSON.parse(render(JSON.stringify(secret)))).toStrictEqual({ ...secret, credentials });
  });

  test('leaves a foreign object called credentials alone', () => {
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

  test('removes the token members that the new tokens do not have: they are only true together', () => {
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
