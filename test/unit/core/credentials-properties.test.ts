import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDocument, renderWithTokens, tokenMembers } from '../../../lambda/core/credentials.ts';

const TOKEN_MEMBERS = ['refresh_token', 'access_token', 'token_type', 'expires_at', 'refreshed_at'] as const;
const OWN_MEMBERS = new Set<string>([
  ...TOKEN_MEMBERS,
  'spent_refresh_token_sha256',
  'client_id',
  'client_secret',
  'redirect_uri',
  'credentials',
]);

const otherMembers = fc
  .uniqueArray(fc.tuple(fc.oneof(fc.string(), fc.constant('__proto__')), fc.jsonValue()), {
    selector: ([name]) => name,
  })
  .map((members) => members.filter(([name]) => !OWN_MEMBERS.has(name)));
const tokens = fc.record(Object.fromEntries(TOKEN_MEMBERS.map((name) => [name, fc.string({ minLength: 1 })])));
const credentials = fc.record(
  { client_id: fc.string(), refresh_token: fc.option(fc.string()), access_token: fc.string() },
  { requiredKeys: ['client_id'] },
);
const secretText = fc.tuple(otherMembers, credentials, otherMembers, fc.boolean()).map(toText);

/** Returns a document as an operator writes it. It is text, because an object literal cannot have a member `__proto__`. */
function toText([outer, own, inner, isNested]: [[string, unknown][], object, [string, unknown][], boolean]): string {
  const held = [...inner, ...Object.entries(own)];
  return toJson(isNested ? [...outer, ['credentials', toJson(held)]] : held, isNested ? 'credentials' : undefined);
}

function toJson(members: readonly (readonly [string, unknown])[], rawName?: string): string {
  const texts = members.map(([name, value]) => {
    const text = name === rawName ? String(value) : JSON.stringify(value);
    return `${JSON.stringify(name)}:${text}`;
  });
  return `{${texts.join(',')}}`;
}

/** Returns every member that is not a token, with its value as text, in order. */
function othersOf(text: string): [string, string][] {
  const parsed: object = JSON.parse(text);
  const isToken = (name: string) => TOKEN_MEMBERS.some((token) => token === name);
  return Object.entries(parsed)
    .filter(([name]) => !isToken(name))
    .map(([name, value]) => [
      name,
      name === 'credentials' ? String(othersOf(JSON.stringify(value))) : JSON.stringify(value),
    ]);
}

test('new tokens change no value, shape or position of another member', () => {
  fc.assert(
    fc.property(secretText, tokens, (text, newTokens) => {
      const rendered = renderWithTokens(parseDocument(text, 'Secret'), newTokens);
      expect(othersOf(rendered)).toEqual(othersOf(text));
      expect(tokenMembers(parseDocument(rendered, 'Secret'))).toMatchObject(newTokens);
    }),
  );
});

test('a document that is rendered with its own tokens parses and renders to the same text', () => {
  fc.assert(
    fc.property(secretText, (text) => {
      const parsed = parseDocument(text, 'Secret');
      const rendered = renderWithTokens(parsed, tokenMembers(parsed));
      const again = parseDocument(rendered, 'Secret');
      expect(again.members).toEqual(parsed.members);
      expect(again.isNested).toBe(parsed.isNested);
      expect(renderWithTokens(again, tokenMembers(again))).toBe(rendered);
    }),
  );
});

test('any text is a document, or a fault that does not quote it', () => {
  const plant = 'P1ANTED';
  const broken = fc.string().map((noise) => `${noise}{"client_secret":"${plant}"`);
  fc.assert(
    fc.property(broken, (text) => {
      expect(() => parseDocument(text, 'Secret')).toThrow(
        expect.objectContaining({ name: 'CREDENTIALS_INVALID', message: expect.not.stringContaining(plant) }),
      );
    }),
  );
});
