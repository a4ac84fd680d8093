import { parseJson } from '../contract.ts';
import { once } from './once.ts';

/**
 * Recognizes what clipboards, editors and shells do to credentials. Each answer describes the damage and never quotes a value.
 */

/** Characters beyond those that RFC 6749 appendix A allows in the three credentials: visible ASCII, and the space. */
const NOT_ALLOWED = /[^\x20-\x7e]/;

const DAMAGES: readonly (readonly [RegExp, string])[] = [
  [
    /^(…|\.{3}|<[\w -]+>|\*{4,}|(YOUR|REPLACE|CHANGE|INSERT)[_-](ME|HERE|YOUR|CLIENT|REFRESH|TOKEN|SECRET)\b.*|YOUR_[A-Z_]+|null|undefined|\[object Object\])$/i,
    'is a placeholder',
  ],
  [/^\$\{\w+\}$|^\$[A-Z_]{4,}$|^\{\{.*\}\}$|^%[A-Z_]{4,}%$/, 'is a variable that was not replaced'],
  [
    /^(Bearer |(client_id|client_secret|refresh_token|access_token)[=:])/i,
    'has a prefix that is not part of the value',
  ],
  [/\\[rn]$/, 'ends with a line break that was written out'],
  [/\n|\r/, 'has a line break'],
  [/^\s|\s$/, 'has white space at its beginning or end'],
  [/^(["'`]).*\1$/, 'has quotes around it'],
  [/^\{\s*".*\}$/, 'is JSON itself'],
];

/** Damage that only a disallowed character shows. Unicode classes take a millisecond to build, so they are built when needed. */
const otherDamages = once((): typeof DAMAGES => [
  [/[\u2018-\u201f\u2032\u2033\u00ab\u00bb]/, 'has a typographic quote'],
  [/[\u2010-\u2015\u2212]/, 'has a typographic dash'],
  [/…/, 'has an ellipsis: it was cut off'],
  [/[^\S ]|[\p{Cf}\p{Cc}\u2800\u3164\uffa0]/u, 'has a character that cannot be seen'],
  [NOT_ALLOWED, 'has a character that is not ASCII'],
]);

/** Returns what is visibly wrong with a value that a person wrote; `undefined` if nothing is. */
export function findDamage(value: string): string | undefined {
  const damages = NOT_ALLOWED.test(value) ? [...DAMAGES, ...otherDamages()] : DAMAGES;
  return damages.find(([pattern]) => pattern.test(value))?.[1];
}

const CREDENTIAL_NAMES = ['client_id', 'client_secret', 'refresh_token'];
/** Deep enough for every tool that was seen, and for a text that holds JSON in it. */
const MAX_DEPTH = 6;

/** Returns the path of the first object below the top and `credentials` that holds one of the credentials. */
export function findMisplaced(document: { readonly [name: string]: unknown }): string | undefined {
  const pending: { readonly value: unknown; readonly path: readonly string[] }[] = [{ value: document, path: [] }];
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    const { value, path } = next;
    const isText = typeof value === 'string';
    const object = isText ? parseObjectText(value) : value;
    if (typeof object !== 'object' || object === null) continue;
    const holds = CREDENTIAL_NAMES.some((name) => Reflect.get(object, name));
    const isInPlace = path.length === 0 || (path.join('.') === 'credentials' && !isText);
    if (holds && !isInPlace) return `${path.join('.')}${isText ? ', which is a text that holds JSON' : ''}`;
    if (path.length === MAX_DEPTH) continue;
    for (const [name, member] of Object.entries(object)) pending.push({ value: member, path: [...path, toStep(name)] });
  }
  return undefined;
}

/** Returns a name only if it looks like one that people choose: anything else might be a value in the wrong place. */
function toStep(name: string): string {
  return /^(?!(.*\d){4})[A-Za-z_][\w-]{0,39}$|^\d{1,3}$/.test(name) ? name : '(a member)';
}

/** Returns which encoding a text was written in before it was read as another one; `undefined` if nothing shows it. */
export function describeEncoding(text: string): string | undefined {
  if (/^(\u00ff\u00fe|\u00fe\u00ff)/.test(text)) return 'it looks like UTF-16 read as Latin-1';
  if (/^\ufffd\ufffd/.test(text)) return 'it looks like UTF-16 read as UTF-8';
  if (/^\u00ef\u00bb\u00bf/.test(text)) return 'it looks like UTF-8 with a byte order mark, read as Latin-1';
  if (/^\ufffe/.test(text)) return 'it looks like UTF-16 with its bytes swapped';
  // ASCII in UTF-16 has a zero beside each character.
  if (text.includes('\0')) return 'it looks like UTF-16 read as something else';
  // Two ASCII characters that were read as one: a JSON object would begin with one of these.
  if (/^[\u227b\u7b22\u0a7b\u7b0a\u7b0d\u0d7b]/.test(text)) return 'it looks like UTF-8 read as UTF-16';
  return undefined;
}

/** Returns `undefined` for a text that does not hold a JSON object. */
function parseObjectText(text: string): unknown {
  return text.trimStart().startsWith('{') ? parseJson(text) : undefined;
}
