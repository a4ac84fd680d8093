import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseResponseBody, type ResponseBody } from '../../../lambda/adapters/parse-response-body.ts';

const MEMBERS = { access_token: 'a', refresh_token: 'b', token_type: 'Bearer', expires_in: 21_600 };
const TEXT = JSON.stringify(MEMBERS);
const FORM = 'access_token=a&refresh_token=b&token_type=Bearer&expires_in=21600';

function utf16(text: string, order: 'le' | 'be', mark = ''): Buffer {
  const bytes = Buffer.from(mark + text, 'utf16le');
  return order === 'le' ? bytes : bytes.swap16();
}

describe('a response is parsed in any encoding:', () => {
  test.each<[string, Uint8Array | string, Partial<ResponseBody>?]>([
    ['plain', TEXT],
    ['gzip', gzipSync(TEXT), { contentEncoding: 'gzip' }],
    ['gzip, in capitals', gzipSync(TEXT), { contentEncoding: 'GZIP' }],
    ['x-gzip', gzipSync(TEXT), { contentEncoding: 'x-gzip' }],
    ['gzip without a content-encoding', gzipSync(TEXT)],
    ['plain text that is announced as gzip', TEXT, { contentEncoding: 'gzip' }],
    ['gzip twice', gzipSync(gzipSync(TEXT)), { contentEncoding: 'gzip, gzip' }],
    ['gzip twice, announced once', gzipSync(gzipSync(TEXT)), { contentEncoding: 'gzip' }],
    ['truncated gzip', gzipSync(TEXT).subarray(0, -8), { contentEncoding: 'gzip' }],
    ['deflate', deflateSync(TEXT), { contentEncoding: 'deflate' }],
    ['deflate without its header', deflateRawSync(TEXT), { contentEncoding: 'deflate' }],
    ['deflate without a content-encoding', deflateSync(TEXT)],
    ['br', brotliCompressSync(TEXT), { contentEncoding: 'br' }],
    ['br inside gzip', gzipSync(brotliCompressSync(TEXT)), { contentEncoding: 'br, gzip' }],
    ['identity', TEXT, { contentEncoding: 'identity' }],
    ['indented JSON that is announced as deflate', JSON.stringify(MEMBERS, null, 2), { contentEncoding: 'deflate' }],
    ['an unknown content-encoding', TEXT, { contentEncoding: 'aws-chunked' }],
    ['a byte order mark', `\uFEFF${TEXT}`],
    ['UTF-16, little end first, with its mark', utf16(TEXT, 'le', '\uFEFF')],
    ['UTF-16, big end first, with its mark', utf16(TEXT, 'be', '\uFEFF')],
    ['UTF-16 without a mark', utf16(TEXT, 'le')],
    ['UTF-16, big end first, without a mark', utf16(TEXT, 'be')],
    ['UTF-16, compressed', gzipSync(utf16(TEXT, 'le', '\uFEFF')), { contentEncoding: 'gzip' }],
    ['a form', FORM],
    ['a form under the type of JSON', FORM, { contentType: 'application/json' }],
    ['a form, compressed', gzipSync(FORM)],
    ['JSON under the type of HTML', TEXT, { contentType: 'text/html' }],
    ['an unknown character set', TEXT, { contentType: 'application/json; charset=x-none' }],
    ['JSON in a JSON string', JSON.stringify(TEXT)],
    ['JSON with a notice before it', `<br />\nNotice: undefined index in /srv/token.php\n${TEXT}`],
    ['JSON with a guard before it', `)]}',\n${TEXT}`],
    ['JSON with text after it', `${TEXT}\n<!-- 12 ms -->`],
    ['white space and zeros around it', `\r\n ${TEXT}\n\0`],
    ['truncated JSON', TEXT.slice(0, -1)],
    ['compressed data above the limit', gzipSync(TEXT.replace('}', `,"id_token":"${'x'.repeat(20_000)}"}`))],
    ['a form as a fragment', `#${FORM}`],
    ['a form with semicolons', FORM.replaceAll('&', ';')],
    ['truncated JSON with a guard before it', `)]}',\n${TEXT.slice(0, -1)}`],
  ])('%s', (_name, body, announced = {}) => {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const parsed = parseResponseBody({ body: bytes, ...announced });
    expect(parsed).toMatchObject({ kind: 'members', members: { access_token: 'a', refresh_token: 'b' } });
  });

  test.each([
    ['Latin-1 in UTF-8', undefined, Buffer.from(TEXT.replace('}', ',"account":"Café"}'), 'latin1'), 'Café'],
    ['a character set of its own', 'application/json;charset="windows-1251"', cyrillic(), 'Имя'],
  ])('%s', (_name, contentType, body, account) => {
    expect(parseResponseBody({ body, contentType })).toMatchObject({ members: { ...MEMBERS, account } });
  });
});

test('zstd, if Node supports it', () => {
  const zlib = process.getBuiltinModule('node:zlib');
  const isKnown = 'zstdCompressSync' in zlib;
  const body = isKnown ? zlib.zstdCompressSync(TEXT) : Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
  for (const contentEncoding of [undefined, 'zstd']) {
    expect(parseResponseBody({ body, contentEncoding }).kind).toBe(isKnown ? 'members' : 'nothing');
  }
});

describe('complete members of truncated JSON count:', () => {
  test('both tokens', () => {
    const body = Buffer.from('{"refresh_token":"b\\"b","access_token":"a","scope":"every');
    expect(parseResponseBody({ body })).toEqual({
      kind: 'members',
      members: { refresh_token: 'b"b', access_token: 'a' },
      isCut: true,
    });
  });

  test('a member that is not JSON is skipped, and hides no other', () => {
    const body = Buffer.from('{"access_token":"a\\x","refresh_token":"b","scope":"every');
    expect(parseResponseBody({ body })).toMatchObject({ members: { access_token: undefined, refresh_token: 'b' } });
  });

  test('but not a truncated token or a number that may continue', () => {
    const body = Buffer.from('{"access_token":"a","expires_in":216');
    expect(parseResponseBody({ body })).toMatchObject({ members: { access_token: 'a' }, isCut: true });
    expect(parseResponseBody({ body: Buffer.from('{"access_token":"a') })).toMatchObject({ kind: 'nothing' });
  });
});

describe('distinguishes other content:', () => {
  test.each([
    ['', 'an empty body'],
    [' \n', 'an empty body'],
    ['<html>{"access_token":</html>', 'HTML'],
    ['[]', 'a body that is neither JSON nor a form'],
    ['null', 'a body that is neither JSON nor a form'],
    ['OK=1', 'a body that is neither JSON nor a form'],
  ])('%j: %s', (text, what) => {
    expect(parseResponseBody({ body: Buffer.from(text) })).toEqual({ kind: 'nothing', what });
  });

  test('bytes that only begin like a content-encoding', () => {
    const body = Buffer.from([0x1f, 0x8b, 0x07, 0x00, 0x01]);
    expect(parseResponseBody({ body: Buffer.concat([body, Buffer.from('no gzip')]) })).toMatchObject({
      kind: 'nothing',
    });
  });

  test('nested encodings beyond a limit are not decoded', () => {
    let body = gzipSync(TEXT);
    for (let layer = 0; layer < 8; layer++) body = gzipSync(body);
    expect(parseResponseBody({ body })).toMatchObject({ kind: 'nothing' });
  });

  test('of a decompression bomb, only the first 1 MiB is read', () => {
    const body = gzipSync(JSON.stringify({ padding: ' '.repeat(10_000_000), ...MEMBERS }));
    expect(body.length).toBeLessThan(16 * 1024);
    expect(parseResponseBody({ body, contentEncoding: 'gzip' })).toMatchObject({ kind: 'nothing', isTruncated: true });
  });
});

describe('of a response above the limit, the beginning counts, and it is marked as truncated:', () => {
  const PADDED = JSON.stringify({ ...MEMBERS, padding: ' '.repeat(10_000_000) });

  test.each<[string, Uint8Array, string]>([
    ['gzip', gzipSync(PADDED), 'gzip'],
    ['deflate', deflateSync(PADDED), 'deflate'],
    ['br', brotliCompressSync(PADDED), 'br'],
    ['gzip twice', gzipSync(gzipSync(PADDED)), 'gzip'],
  ])('%s that begins with the tokens', (_name, body, contentEncoding) => {
    const parsed = parseResponseBody({ body, contentEncoding });
    expect(parsed).toEqual({ kind: 'members', members: MEMBERS, isCut: true, isTruncated: true });
  });

  test('a form, whose last member may be truncated', () => {
    const body = Buffer.from('access_token=a&refresh_token=b&scope=ev');
    expect(parseResponseBody({ body, isTruncated: true })).toEqual({
      kind: 'members',
      members: { access_token: 'a', refresh_token: 'b' },
      isCut: false,
      isTruncated: true,
    });
    expect(parseResponseBody({ body: Buffer.from('refresh_token=b'), isTruncated: true }).kind).toBe('nothing');
  });

  test('a truncated character does not change the character set', () => {
    const body = Buffer.from('{"access_token":"é","refresh_token":"b","scope":"é').subarray(0, -1);
    expect(parseResponseBody({ body, isTruncated: true })).toMatchObject({ members: { access_token: 'é' } });
  });

  test('an echo of the request is not an answer, even if it comes last', () => {
    const body = Buffer.from('{"access_token":"a","refresh_token":"b","request":{"refresh_token":"old"},"x":"');
    expect(parseResponseBody({ body })).toMatchObject({ members: { access_token: 'a', refresh_token: 'b' } });
  });

  test('a token of 1 MiB, and text made to slow down a search', () => {
    const token = 'a\\"'.repeat(300_000);
    const whole = Buffer.from(`{"access_token":${JSON.stringify(token)},"x":"`);
    expect(parseResponseBody({ body: whole })).toMatchObject({ members: { access_token: token } });
    const spaces = Buffer.from(`${' '.repeat(500_000)}x${' '.repeat(500_000)}x`);
    expect(parseResponseBody({ body: spaces })).toMatchObject({ kind: 'nothing' });
  });
});

test('any bytes with any headers are handled', () => {
  const codings = fc.constantFrom(undefined, 'gzip', 'deflate', 'br', 'zstd', 'gzip, br', '\u0000');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), codings, fc.string(), (body, contentEncoding, contentType) => {
      const { kind } = parseResponseBody({ body, contentEncoding, contentType });
      expect(['members', 'nothing']).toContain(kind);
    }),
  );
});

/** Returns text in windows-1251: a capital И is 0xC8, м is 0xEC, я is 0xFF. */
function cyrillic(): Buffer {
  const [before = '', after = ''] = TEXT.replace('}', ',"account":"@"}').split('@');
  return Buffer.concat([Buffer.from(before), Buffer.from([0xc8, 0xec, 0xff]), Buffer.from(after)]);
}
