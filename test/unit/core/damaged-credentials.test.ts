import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDocument, requireGrant } from '../../../lambda/core/credentials.ts';
import { describeEncoding, findDamage, findMisplaced } from '../../../lambda/core/damaged-credentials.ts';
import { faultOf } from '../../support/fault-of.ts';
import { CREDENTIALS } from '../../support/secret-documents.ts';

const WHERE = 'Secret RetentlyCredentials';
type Document = { readonly [name: string]: unknown };

function requireFrom(secret: object, origin: 'human' | 'answer' = 'human') {
  return requireGrant(parseDocument(JSON.stringify(secret), WHERE), WHERE, origin);
}

describe('a visibly damaged value', () => {
  test.each([
    ['a\n', 'has a line break'],
    ['\r\na', 'has a line break'],
    ['a ', 'has white space at its beginning or end'],
    ['\ta', 'has white space at its beginning or end'],
    ['\u00a0a', 'has white space at its beginning or end'],
    ['"a"', 'has quotes around it'],
    ["'a'", 'has quotes around it'],
    ['\u201ca\u201d', 'has a typographic quote'],
    ['a\u2019b', 'has a typographic quote'],
    ['a\u2013b', 'has a typographic dash'],
    ['abc…', 'has an ellipsis: it was cut off'],
    ['…', 'is a placeholder'],
    ['<client_id>', 'is a placeholder'],
    ['a\\n', 'ends with a line break that was written out'],
    ['YOUR_REFRESH_TOKEN', 'is a placeholder'],
    ['****************', 'is a placeholder'],
    ['[object Object]', 'is a placeholder'],
    ['null', 'is a placeholder'],
    ['{{ refresh_token }}', 'is a variable that was not replaced'],
    ['%TOKEN%', 'is a variable that was not replaced'],
    ['$TOKEN', 'is a variable that was not replaced'],
    ['\u0024{TOKEN}', 'is a variable that was not replaced'],
    ['{{TOKEN}}', 'is a variable that was not replaced'],
    ['...', 'is a placeholder'],
    ['undefined', 'is a placeholder'],
    ['<the client id>', 'is a placeholder'],
    ['CHANGE_ME', 'is a placeholder'],
    ['insert-token-here', 'is a placeholder'],
    ['your_id', 'is a placeholder'],
    ['client_id:abc', 'has a prefix that is not part of the value'],
    ['a\\r', 'ends with a line break that was written out'],
    ['`a`', 'has quotes around it'],
    ['""', 'has quotes around it'],
    ['{ "token": "abc" }', 'is JSON itself'],
    ['Bearer abc', 'has a prefix that is not part of the value'],
    ['refresh_token=abc', 'has a prefix that is not part of the value'],
    ['{"token":"abc"}', 'is JSON itself'],
    ['a\u200bb', 'has a character that cannot be seen'],
    ['\ufeffa', 'has white space at its beginning or end'],
    ['a\u00adb', 'has a character that cannot be seen'],
    ['a\tb', 'has a character that cannot be seen'],
    ['a\u00a0b', 'has a character that cannot be seen'],
    ['a\0', 'has a character that cannot be seen'],
    ['sécret', 'has a character that is not ASCII'],
    ['sеcret', 'has a character that is not ASCII'],
  ])('%j %s', (value, damage) => {
    expect(findDamage(value)).toBe(damage);
  });

  test.each([
    ...[
      '$ecret123',
      'abc"',
      '{abc}',
      'change-1234',
      '%abc%',
      '%AB%',
      '$AB',
      '$ABCD1',
      'a$ABCD',
      'a\u0024{b}',
      '\u0024{b}c',
      '{{a}}b',
      'a{{b}}',
    ],
    ...[
      '%ABCD%e',
      'a%BCDE%',
      'a...',
      '...a',
      '..',
      'a<b>',
      '<a>b',
      '***',
      'nulls',
      'annull',
      'undefined1',
      'YOUR_',
      'your1',
    ],
    ...[
      'abearer x',
      'xclient_id=a',
      'client_id_a',
      'a\\nb',
      'a\\x',
      '"a',
      '"a"b',
      'a"b"',
      'a b',
      '{"a"}b',
      'a{"b"}',
      '{a"b"}',
    ],
  ])('is none that %s shows: a secret may look like that', (value) => {
    expect(findDamage(value)).toBeUndefined();
  });

  test('is none if RFC 6749 appendix A allows it, even with a space inside', () => {
    const vschar = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));
    const value = fc.tuple(fc.constantFrom('a', '0', '-'), fc.string({ unit: fc.oneof(vschar, fc.constant(' ')) }));
    fc.assert(
      fc.property(value, ([ends, inside]) => {
        expect(findDamage(`${ends}${inside}${ends}`)).toBeUndefined();
      }),
    );
  });

  test('is rejected; the message lists every damaged member, without its value', () => {
    const damaged = {
      client_id: 'ID\n',
      client_secret: 'SECRET ',
      refresh_token: 'TOKEN\u200b',
      redirect_uri: '“URI”',
    };
    const { name, message } = faultOf(() => requireFrom(damaged));
    expect(name).toBe('CREDENTIALS_INVALID');
    expect(message).toContain(
      'is damaged: client_id has a line break; client_secret has white space at its beginning or end; ' +
        'redirect_uri has a typographic quote; refresh_token has a character that cannot be seen. Nothing was sent.',
    );
    expect(message).not.toMatch(/ID\n|SECRET|TOKEN|URI/);
  });

  test('is named with its path under credentials', () => {
    const { message } = faultOf(() => requireFrom({ credentials: { ...CREDENTIALS, client_secret: 'a\n' } }));
    expect(message).toContain('credentials.client_secret has a line break');
  });

  test('is accepted in a refresh token from a response, which is sent back byte for byte', () => {
    const refresh_token = ' é\n“”…\u200b ';
    expect(requireFrom({ ...CREDENTIALS, refresh_token }, 'answer')).toMatchObject({ refreshToken: refresh_token });
    expect(faultOf(() => requireFrom({ ...CREDENTIALS, client_id: 'a\n' }, 'answer')).name).toBe('CREDENTIALS_INVALID');
  });
});

describe('finds misplaced credentials', () => {
  const { client_id, client_secret, refresh_token } = CREDENTIALS;
  const all = { client_id, client_secret, refresh_token };

  test.each<[string, object]>([
    ['credentials.authenticate_via_retently_o_auth', { credentials: { authenticate_via_retently_o_auth: all } }],
    ['configuration.credentials', { configuration: { credentials: all } }],
    ['credentials, which is a text that holds JSON', { credentials: JSON.stringify(all) }],
    ['connections.0.config', { connections: [{ config: all }] }],
    ['(a member)', { 'a name that could be a secret': all }],
    ['value, which is a text that holds JSON', { value: JSON.stringify(all) }],
  ])('%s', (path, secret) => {
    const { name, message } = faultOf(() => requireFrom(secret));
    expect(name).toBe('CREDENTIALS_INCOMPLETE');
    expect(message).toContain(`Credentials were found in ${path}: move them up`);
    expect(message).not.toContain('could be a secret');
  });

  test.each<[string, Document]>([
    ['a', { a: { client_id: 'x' } }],
    ['a', { a: { client_secret: 'x' } }],
    ['a', { a: { refresh_token: 'x' } }],
    ['a, which is a text that holds JSON', { a: `  ${JSON.stringify(all)}` }],
    ['a.b.c.d.e.f', { a: { b: { c: { d: { e: { f: all } } } } } }],
    ['cred.entials', { cred: { entials: all } }],
    ['_a-1.b2c3d4', { '_a-1': { b2c3d4: all } }],
    ['(a member)', { a1b2c3d4: all }],
    ['(a member)', { a1234: all }],
    ['(a member)', { '1a': all }],
    ['(a member)', { 'a b': all }],
    ['(a member)', { 1234: all }],
    ['(a member)', { ['a'.repeat(41)]: all }],
    ['a'.repeat(40), { ['a'.repeat(40)]: all }],
    ['123', { 123: all }],
  ])('at %s', (path, document) => {
    expect(findMisplaced(document)).toBe(path);
  });

  test.each<[string, Document]>([
    ['in place, at the top', all],
    ['in place, under credentials', { credentials: all }],
    ['empty', { a: { client_id: '', client_secret: null } }],
    ['in a list that is a text', { a: JSON.stringify([all]) }],
    ['nothing, in a text that begins like JSON and is none', { a: '{"client_id": ' }],
  ])('nowhere if they are %s', (_, document) => {
    expect(findMisplaced(document)).toBeUndefined();
  });

  test('nowhere if there are none, or if they are nested too deeply', () => {
    expect(findMisplaced({ a: [1, 'text', null, { b: {} }], c: '{not json' })).toBeUndefined();
    expect(findMisplaced({ a: { b: { c: { d: { e: { f: { g: all } } } } } } })).toBeUndefined();
  });
});

describe('describes the encoding of a secret that is not JSON', () => {
  const text = JSON.stringify(CREDENTIALS);
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');

  test.each([
    ['UTF-16 read as Latin-1', utf16.toString('latin1'), 'it looks like UTF-16 read as Latin-1'],
    ['UTF-16 read as UTF-8', utf16.toString('utf8'), 'it looks like UTF-16 read as UTF-8'],
    [
      'UTF-16, big end first, read as Latin-1',
      utf16.swap16().toString('latin1'),
      'it looks like UTF-16 read as Latin-1',
    ],
    [
      'UTF-16 without a mark',
      Buffer.from(text, 'utf16le').toString('latin1'),
      'it looks like UTF-16 read as something',
    ],
    ['a mark read as Latin-1', Buffer.from(`\ufeff${text}`).toString('latin1'), 'a byte order mark, read as Latin-1'],
    ['UTF-16 with its bytes swapped', `\ufffe${text}`, 'it looks like UTF-16 with its bytes swapped'],
    ['UTF-8 read as UTF-16', Buffer.from(`${text} `).toString('utf16le'), 'it looks like UTF-8 read as UTF-16'],
  ])('%s', (_name, secretString, says) => {
    const { name, message } = faultOf(() => parseDocument(secretString, WHERE));
    expect(name).toBe('CREDENTIALS_INVALID');
    expect(message).toContain(says);
    expect(message).not.toMatch(/client-secret-1|refresh-1/);
  });

  test('but skips a byte order mark before valid JSON', () => {
    expect(parseDocument(`\ufeff${text}`, WHERE).members).toEqual(CREDENTIALS);
  });

  test('but reports no encoding that does not show', () => {
    for (const sign of ['', '\u00ff\u00fe', '\u00fe\u00ff', '\ufffd\ufffd', '\u00ef\u00bb\u00bf', '\ufffe', '\u227b']) {
      expect(describeEncoding(`client_id=a${sign}`)).toBeUndefined();
    }
  });
});
