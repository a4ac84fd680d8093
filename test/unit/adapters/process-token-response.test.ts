import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { processTokenResponse, type TokenResponse } from '../../../lambda/adapters/process-token-response.ts';
import { OAUTH_ERROR_CODES } from '../../../lambda/core/ports.ts';
import { NOW_MS } from '../../support/secret-documents.ts';

const SENT = 'refresh-1';
const PLANT = 'P1ANTED';
const ANSWER = { access_token: 'access-2', token_type: 'bearer', expires_in: 21_600, refresh_token: 'refresh-2' };

function processBody(status: number, body: unknown, more?: string | Partial<TokenResponse>) {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const headers = typeof more === 'string' ? { retryAfter: more } : more;
  return processTokenResponse({ status, ...headers, body: bytes }, SENT, NOW_MS);
}

function processAnswer(members: object) {
  return processBody(200, { ...ANSWER, ...members });
}

describe('a token answer', () => {
  test('is parsed as in RFC 6749, section 5.1', () => {
    expect(processBody(200, ANSWER)).toEqual({
      kind: 'token',
      accessToken: 'access-2',
      tokenType: 'bearer',
      expiresInSeconds: 21_600,
      refreshToken: 'refresh-2',
    });
    expect(processBody(201, ANSWER)).toMatchObject({ kind: 'token' });
  });

  test.each([undefined, null, '', 7])('token_type %j: Bearer', (token_type) => {
    expect(processAnswer({ token_type })).toMatchObject({ kind: 'token', tokenType: 'Bearer' });
  });

  test.each([undefined, null, '', false])('refresh_token %j: the old one stays valid', (refresh_token) => {
    expect(processAnswer({ refresh_token })).toMatchObject({ kind: 'token', refreshToken: undefined });
  });

  test('an unchanged refresh token is not a new one', () => {
    expect(processAnswer({ refresh_token: SENT })).toMatchObject({ kind: 'token', refreshToken: SENT });
  });

  test.each<[unknown, number | undefined]>([
    [21_600, 21_600],
    ['21600', 21_600],
    ['21600.5', 21_600.5],
    [0.5, 0.5],
    [21_600_000, 21_600_000],
    ['9'.repeat(400), Number.POSITIVE_INFINITY],
    [0, undefined],
    ['0', undefined],
    [-1, undefined],
    ['-1', undefined],
    ['', undefined],
    ['1e3', undefined],
    ['0x10', undefined],
    [' 60', 60],
    ['3600s', 3600],
    ['soon', undefined],
    [true, undefined],
    [[60], undefined],
    [null, undefined],
    [undefined, undefined],
  ])('expires_in %j gives %j seconds', (expires_in, expiresInSeconds) => {
    expect(processAnswer({ expires_in })).toMatchObject({ kind: 'token', expiresInSeconds });
  });

  test.each<[object, number | undefined]>([
    [{ refresh_token_expires_in: 2_592_000 }, 2_592_000],
    [{ refresh_token_expires_in: '2592000' }, 2_592_000],
    [{ refresh_token_expires_in: 0 }, undefined],
    [{}, undefined],
  ])('%j: the refresh token expires after %j seconds', (members, refreshTokenExpiresInSeconds) => {
    expect(processAnswer(members)).toMatchObject({ refreshTokenExpiresInSeconds });
    const body = { refresh_token: 'refresh-2', ...members };
    expect(processBody(200, body)).toMatchObject({ kind: 'refresh-token-only', refreshTokenExpiresInSeconds });
  });

  test('the lifetime of a refresh token may be next to that token', () => {
    const refresh = { refresh_token: 'refresh-2', refresh_token_expires_in: 60 };
    const tokens = { access: { access_token: 'a' }, refresh };
    expect(processBody(200, { tokens })).toMatchObject({ kind: 'token', refreshTokenExpiresInSeconds: 60 });
  });

  test('additional members change nothing', () => {
    expect(processAnswer({ error: null, scope: 'all', created_at: 1, __proto__: { error: 'x' } })).toMatchObject({
      kind: 'token',
    });
  });
});

describe('an error code of RFC 6749, section 5.2', () => {
  test.each(OAUTH_ERROR_CODES)('%s is a final rejection, with status 400, 401, 403 and even 200', (error) => {
    for (const status of [400, 401, 403, 200]) {
      expect(processBody(status, { error, error_description: PLANT })).toEqual({
        kind: 'refused',
        error,
        reason: `Retently answered HTTP ${status} with ${error}`,
      });
    }
  });

  test('with an access token is still a rejection', () => {
    expect(processBody(200, { error: 'invalid_grant', access_token: 'access-2' })).toMatchObject({ kind: 'refused' });
  });

  test('is recognized in any case and with spaces around it', () => {
    expect(processBody(400, { error: ' Invalid_Grant\n' })).toMatchObject({ kind: 'refused', error: 'invalid_grant' });
  });

  test('that RFC 6749 does not define is an unrecognized rejection, and is not quoted', () => {
    const body = { error: PLANT };
    expect(processBody(400, body)).toEqual({ kind: 'unrecognized', reason: 'Retently answered HTTP 400' });
    expect(processBody(200, body)).toEqual({
      kind: 'unrecognized',
      reason: 'Retently answered HTTP 200 with neither a token nor an error code of RFC 6749',
    });
  });

  test("is found in the envelope of Retently's API, with tokens and codes under data", () => {
    const refusal = { message: 'Invalid refresh token', code: 400, data: null };
    expect(processBody(400, refusal)).toMatchObject({ kind: 'unrecognized' });
    expect(processBody(200, refusal)).toMatchObject({ kind: 'unrecognized' });
    expect(processBody(200, { message: 'ok', code: 200, data: ANSWER })).toMatchObject({ kind: 'token' });
    expect(processBody(400, { message: 'no', data: { error: 'invalid_grant' } })).toMatchObject({ kind: 'refused' });
  });
});

describe('every other status', () => {
  test.each([
    ...[300, 301, 302, 303, 304, 307, 308, 404, 405, 406, 410, 411, 415, 421, 426].map(
      (status) => [status, 'misdirected'] as const,
    ),
    ...[401, 403, 407, 418, 451, 511].map((status) => [status, 'intercepted'] as const),
    ...[400, 402, 409, 422, 499].map((status) => [status, 'unrecognized'] as const),
    ...[408, 425, 429, 503].map((status) => [status, 'throttled'] as const),
    ...[500, 502, 504, 520, 522, 524, 525, 529, 599].map((status) => [status, 'ambiguous'] as const),
  ])('%d with HTML: %s', (status, kind) => {
    expect(processBody(status, `<html>${PLANT}</html>`)).toMatchObject({
      kind,
      reason: `Retently answered HTTP ${status}`,
    });
  });

  test.each([
    [403, '<h1>403 Forbidden</h1>'],
    [403, '<!-- a --> <!-- b -->\n<html></html>'],
    [403, '<head><style>h1 { color: red }</style></head>'],
    [403, '<!DOCTYPE html><script>var cfg = {"type":"invalid_request"};</script>'],
    [401, '<!DOCTYPE html><script>var cfg = {"error":"invalid_grant"</script>'],
    [403, 'Access Denied'],
  ])('%d with the page %s, announced as HTML, comes from a proxy in front of the server', (status, body) => {
    expect(processBody(status, body, { contentType: 'text/html; charset=utf-8' })).toMatchObject({
      kind: 'intercepted',
    });
  });

  test.each<[string, string]>([
    ['JSON', '{"access_to'],
    ['JSON after a notice', '<br />\n<b>Notice</b>: x {"access_to'],
    ['a form', 'access_tok='],
  ])('%s that was cut short is ambiguous, even if it is announced as HTML', (_what, body) => {
    expect(processBody(200, body, { contentType: 'text/html' })).toMatchObject({ kind: 'ambiguous' });
  });

  test('tokens in a page are read', () => {
    expect(processBody(200, `<html><pre>${JSON.stringify(ANSWER)}</pre></html>`)).toMatchObject({ kind: 'token' });
  });

  test.each(['temporarily_unavailable', 'server_error', 'slow_down', 'rate_limit_exceeded'])(
    '%s is throttled in a success, too',
    (error) => {
      expect(processBody(200, { error }, { retryAfter: '7' })).toMatchObject({
        kind: 'throttled',
        retryAfterSeconds: 7,
      });
      expect(processBody(400, { error }, { retryAfter: '7' })).toMatchObject({
        kind: 'throttled',
        retryAfterSeconds: 7,
      });
    },
  );

  test.each([
    [202, `<html>${PLANT}</html>`, {}],
    [202, '', { isBlocked: true }],
    [407, '', {}],
    [511, '', {}],
    [403, { message: 'Forbidden' }, { isBlocked: true }],
    [405, '', { isBlocked: true }],
  ])('%d from a proxy in front of the server is not a rejection by the server', (status, body, response) => {
    expect(processBody(status, body, response)).toMatchObject({ kind: 'intercepted' });
  });

  test('a token, an error code and a rate limit count, even from a proxy in front of the server', () => {
    const blocked = { isBlocked: true };
    expect(processBody(200, ANSWER, blocked).kind).toBe('token');
    expect(processBody(400, { error: 'invalid_grant' }, blocked).kind).toBe('refused');
    expect(processBody(429, '', blocked).kind).toBe('throttled');
  });

  test('an error code with status 5xx, 3xx or 429 does not mean that the token is revoked', () => {
    const body = { error: 'invalid_grant' };
    expect([500, 502, 503, 302, 429].map((status) => processBody(status, body).kind)).toEqual([
      'ambiguous',
      'ambiguous',
      'throttled',
      'misdirected',
      'throttled',
    ]);
  });

  test.each<[string, unknown, string]>([
    ['nothing', '', 'an empty body'],
    ['cut short', `{"access_token":"${PLANT}`, 'a body that is neither JSON nor a form'],
    ['a list', [PLANT], 'a body that is neither JSON nor a form'],
    ['a string', JSON.stringify(PLANT), 'a body that is neither JSON nor a form'],
    ['null', 'null', 'a body that is neither JSON nor a form'],
    ['no access_token', { token_type: 'Bearer' }, 'JSON that has no access token'],
    ['an empty access_token', { access_token: '' }, 'JSON that has no access token'],
    ['an access_token of the wrong type', { access_token: { value: PLANT } }, 'JSON that has no access token'],
    ['only the old refresh token', { refresh_token: SENT }, 'JSON that has no access token'],
    [
      'an access token, truncated before its refresh token',
      '{"access_token":"a","expires_in":21600,"refr',
      'JSON whose refresh token cannot be read',
    ],
    ['an envelope that is truncated', '{"data":{"access_token":"a"}', 'JSON whose refresh token cannot be read'],
    [
      'a refresh token that is not JSON',
      `{"access_token":"a","refresh_token":'b',}`,
      'JSON whose refresh token cannot be read',
    ],
  ])('200 with %s is ambiguous, with the reason', (_what, body, reason) => {
    expect(processBody(200, body)).toEqual({ kind: 'ambiguous', reason: `Retently answered HTTP 200 with ${reason}` });
  });

  test.each([
    ['a comma too many', '{"access_token":"a","expires_in":21600,}'],
    ['a comment', '{"access_token":"a", /* six hours */ "expires_in":21600}'],
    ['an unquoted value', '{"access_token":"a","scope":all,"expires_in":21600,"refresh_token":null}'],
    ['braces and quotes in a string', '{"access_token":"a","note":"{{ \\" {","expires_in":21600,}'],
  ])('200 that is not quite JSON, but complete, is an answer without a refresh token: %s', (_what, body) => {
    expect(processBody(200, body)).toMatchObject({
      kind: 'token',
      accessToken: 'a',
      expiresInSeconds: 21_600,
      refreshToken: undefined,
    });
  });

  test('200 with HTML is a web page, and probably not from the token endpoint', () => {
    expect(processBody(200, `<html>${PLANT}</html>`)).toEqual({
      kind: 'misdirected',
      reason: 'Retently answered HTTP 200 with HTML',
    });
  });

  test.each<object>([
    { success: false },
    { ok: false, msg: PLANT },
    { title: PLANT, status: 400, detail: PLANT },
    { error: null, data: { error: 'bad_refresh_token' } },
    { result: 'failure' },
    { code: 401 },
    {},
  ])("200 with %j is a rejection in the server's own format, and not ambiguous", (body) => {
    expect(processBody(200, body)).toMatchObject({ kind: 'unrecognized' });
  });
});

describe('finds tokens in an envelope:', () => {
  test.each<[string, unknown]>([
    ['success, error and data', { success: true, error: null, data: ANSWER }],
    ['an empty error', { error: '', message: 'OK', data: ANSWER }],
    ['an empty access_token next to it', { access_token: null, data: ANSWER }],
    ['a list', { data: [ANSWER] }],
    ['a JSON string', { statusCode: 200, body: JSON.stringify(ANSWER) }],
    ['two levels', { response: { token: ANSWER } }],
  ])('%s', (_what, body) => {
    expect(processBody(200, body)).toMatchObject({ kind: 'token', accessToken: 'access-2', refreshToken: 'refresh-2' });
  });

  test('the lifetime may stand in an envelope; the one nearest to the token counts', () => {
    const tokens = { access_token: 'access-2', refresh_token: 'refresh-2' };
    expect(processBody(200, { data: tokens, expires_in: 3_600 })).toMatchObject({ expiresInSeconds: 3_600 });
    const both = { data: { ...tokens, expires_in: 60 }, expires_in: 3_600 };
    expect(processBody(200, both)).toMatchObject({ expiresInSeconds: 60 });
    const nested = { expires_in: 9, body: { expires_in: 3_600, data: tokens } };
    expect(processBody(200, nested)).toMatchObject({ expiresInSeconds: 3_600 });
    const other = { refresh: { refresh_token: 'refresh-2', expires_in: 9 }, access: { access_token: 'access-2' } };
    expect(processBody(200, other)).toMatchObject({ expiresInSeconds: undefined });
  });

  test.each(['null', ' ', 'undefined'])(
    'a refresh token of %j counts as missing, and the old one stays valid',
    (refresh_token) => {
      expect(processAnswer({ refresh_token })).toMatchObject({ kind: 'token', refreshToken: undefined });
    },
  );
});

describe('ignores values that only look like a token:', () => {
  test.each<[number, object, string]>([
    [200, { message: PLANT, code: 422, errors: { refresh_token: 'The refresh token is invalid.' } }, 'unrecognized'],
    [200, { error: 'invalid_grant', request: { refresh_token: '***' } }, 'refused'],
    [400, { error: 'invalid_grant', request: { refresh_token: 'old' } }, 'refused'],
    [400, { error: 'invalid_grant', errors: { refresh_token: 'is expired' } }, 'refused'],
    [400, { message: 'Invalid request: rate limit exceeded' }, 'unrecognized'],
    [403, { message: 'Invalid request' }, 'unrecognized'],
  ])('%d with %j: %s', (status, body, kind) => {
    expect(processBody(status, body)).toMatchObject({ kind });
  });

  test.each<object>([
    { params: { refresh_token: SENT }, result: { access_token: 'a', refresh_token: 'refresh-2' } },
    { access_token: 'a', data: { refresh_token: 'refresh-2' } },
    { tokens: { access: { access_token: 'a' }, refresh: { refresh_token: 'refresh-2' } } },
  ])('200 with %j: both tokens are found', (body) => {
    expect(processBody(200, body)).toMatchObject({ kind: 'token', accessToken: 'a', refreshToken: 'refresh-2' });
  });
});

describe('recognizes a code of RFC 6749 in other members and spellings:', () => {
  test.each<object>([
    { error: { code: 'invalid_grant' } },
    { errors: [{ code: 'invalid_grant' }] },
    { error_code: 'invalid_grant' },
    { errorCode: 'invalidGrant' },
    { message: 'invalid_grant: the token has expired' },
    { error: 'INVALID GRANT' },
    { error: { error: { type: 'invalid_grant' } } },
  ])('400 with %j', (body) => {
    expect(processBody(400, body)).toMatchObject({ kind: 'refused', error: 'invalid_grant' });
  });

  test.each<[number, object, string | undefined]>([
    [400, { error: 'temporarily_unavailable' }, undefined],
    [400, { error: 'server_error' }, undefined],
    [403, { message: PLANT }, '120'],
  ])('%d with %j and Retry-After %j is temporary, and asks for a pause', (status, body, retryAfter) => {
    expect(processBody(status, body, retryAfter)).toMatchObject({ kind: 'throttled' });
  });
});

describe('stores any new refresh token from a success, even if the rest is unusable', () => {
  test.each<[string, object]>([
    ['no access_token', { refresh_token: 'refresh-2' }],
    ['an access_token of the wrong type', { access_token: 7, refresh_token: 'refresh-2' }],
    ['an error', { error: 'invalid_grant', refresh_token: 'refresh-2' }],
    ['an error next to an access token', { error: 'invalid_scope', access_token: 'a', refresh_token: 'refresh-2' }],
  ])('200 with %s', (_what, body) => {
    expect(processBody(200, body)).toEqual({
      kind: 'refresh-token-only',
      refreshToken: 'refresh-2',
      reason: 'Retently answered HTTP 200 with a new refresh token and no access token',
    });
  });

  test.each([302, 400, 401, 422, 429, 500, 503])(
    '%d: what an error has under that name may be a sentence about it',
    (status) => {
      const { kind } = processBody(status, {
        error: 'invalid_request',
        refresh_token: 'The refresh token is invalid.',
      });
      expect(kind).not.toBe('refresh-token-only');
    },
  );
});

describe('Retry-After (RFC 9110, section 10.2.3)', () => {
  test.each<[string | undefined, number | undefined]>([
    [undefined, undefined],
    ['0', 0],
    ['120', 120],
    [new Date(NOW_MS + 90_000).toUTCString(), 90],
    [new Date(NOW_MS - 90_000).toUTCString(), 0],
    ['soon', undefined],
    ['', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['2026', 2026],
    ['2026-11-25', undefined],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 0],
    ['Sun Nov  6 08:49:37 1994', 0],
  ])('%j: %j seconds', (retryAfter, retryAfterSeconds) => {
    for (const status of [429, 503]) {
      expect(processBody(status, '', retryAfter)).toMatchObject({ kind: 'throttled', retryAfterSeconds });
    }
  });

  test('a date counts from the millisecond of the response, rounded up, so that it is never too early', () => {
    const answer = processTokenResponse(
      { status: 429, retryAfter: new Date(NOW_MS + 10_000).toUTCString(), body: Buffer.of() },
      SENT,
      NOW_MS + 1,
    );
    expect(answer).toMatchObject({ retryAfterSeconds: 10 });
  });

  // Infinity becomes null in JSON. The failure record would not parse, and the back-off would be lost.
  test('more digits than a number can have do not lose the failure', () => {
    const answer = processBody(429, '', '9'.repeat(400));
    expect(JSON.parse(JSON.stringify(answer))).not.toMatchObject({ retryAfterSeconds: null });
  });
});

describe('a truncated response is marked, whatever its kind:', () => {
  test.each([
    [200, '', 'ambiguous'],
    [200, '{"scope":"', 'ambiguous'],
    [200, '{"token_type":"Bearer","scope":"', 'ambiguous'],
    [200, '<html>', 'misdirected'],
    [200, '{"access_token":"a","refr', 'token'],
    [400, '{"error":"server_error","x":"', 'throttled'],
    [429, '', 'throttled'],
    [500, '', 'ambiguous'],
    [503, '', 'throttled'],
  ])('%d with %j: %s', (status, text, kind) => {
    const answer = processTokenResponse({ status, body: Buffer.from(text), isTruncated: true }, SENT, NOW_MS);
    expect(answer).toMatchObject({ kind, isTruncated: true });
  });
});

test('any response gives an answer whose reason quotes nothing of it', () => {
  const body = fc.oneof(
    fc.uint8Array(),
    fc.json().map((text) => Buffer.from(text)),
    fc.record({ error: fc.string(), refresh_token: fc.jsonValue() }).map((json) => Buffer.from(JSON.stringify(json))),
  );
  const status = fc.integer({ min: 200, max: 599 });
  fc.assert(
    fc.property(status, body, fc.option(fc.string(), { nil: undefined }), (code, bytes, retryAfter) => {
      const answer = processTokenResponse({ status: code, retryAfter, body: bytes }, SENT, NOW_MS);
      const reason = 'reason' in answer ? answer.reason : 'Retently answered HTTP 200';
      expect(reason).toMatch(
        /^Retently answered HTTP [2-5]\d\d( with ([a-z_]+|an empty body|a body that is neither JSON nor a form|JSON that has no access token|neither a token nor an error code of RFC 6749|HTML|JSON that is truncated before its refresh token|a new refresh token and no access token))?$/,
      );
    }),
  );
});
