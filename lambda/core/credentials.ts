import * as z from 'zod/mini';
import { describeEncoding, findDamage, findMisplaced } from './damaged-credentials.ts';
import { Fault } from './fault.ts';
import { sha256 } from './fingerprint.ts';
import { orAbsent } from './or-absent.ts';
import { parseRfc3339, toRfc3339 } from './rfc3339.ts';

/**
 * OAuth input with the names of the API that this type mirrors. The API's type, too, makes each of the three optional.
 *
 * @public
 */
export interface RetentlyCredentials {
  client_id?: string | undefined;
  client_secret?: string | undefined;
  refresh_token?: string | undefined;
}

/** Secrets Manager's limit for `SecretString`, in bytes. */
export const SECRET_STRING_MAX_BYTES = 65_536;

/** Room for the tokens of an answer and the function's other members, beside everything else in the document. */
const ANSWER_ROOM_BYTES = 17 * 1024;

/** Members that people write. A value of another type is a mistake, which an error names. */
const text = z.optional(z.nullable(z.string()));
/** Members that the function writes. A value of another type comes from a tool that manages token files, and counts as absent. */
const written = orAbsent(text);

/** The members that this function reads or writes; all others stay unchanged. */
const Members = z.object({
  client_id: text,
  client_secret: text,
  refresh_token: text,
  access_token: written,
  token_type: written,
  expires_at: written,
  refreshed_at: written,
  spent_refresh_token_sha256: written,
  refresh_token_expires_at: written,
  refresh_token_obtained_at: written,
  may_be_revoked: written,
  reuse_possible_until: written,
  redirect_uri: text,
});

type MemberName = keyof z.infer<typeof Members>;
/** Names of the members that this function reads or writes. */
export const MEMBER_NAMES = Object.keys(Members.shape) as MemberName[];

/** Replaced together by every refresh: they come from one answer and are only true together. */
const TOKEN_MEMBERS = [
  'refresh_token',
  'access_token',
  'token_type',
  'expires_at',
  'refreshed_at',
  'spent_refresh_token_sha256',
  'refresh_token_expires_at',
  'refresh_token_obtained_at',
  'may_be_revoked',
  'reuse_possible_until',
] as const satisfies readonly MemberName[];

/** The token members of one document; an absent one is absent in the secret too. */
export type TokenMembers = { readonly [name in (typeof TOKEN_MEMBERS)[number]]?: string | undefined };

type JsonObject = { [name: string]: unknown };

/** The secret as it was found: the whole object, and where in it the members live. */
export interface CredentialsDocument {
  readonly raw: JsonObject;
  /** The members live under `credentials` (Airbyte's connector configuration) and not at the top. */
  readonly isNested: boolean;
  /** Size of the text that would be stored. */
  readonly sizeBytes: number;
  /** Empty and `null` members are absent here. */
  readonly members: RetentlyCredentials & { readonly [name in MemberName]?: string | undefined };
}

/** Parameters of a token request; `redirectUri` if the secret has one. */
export interface Grant {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly refreshToken: string;
  readonly redirectUri?: string | undefined;
}

/**
 * Reads `SecretString`. `where` names the secret or version in messages.
 *
 * @throws Fault `CREDENTIALS_INVALID` if the text is not a JSON object, or mixes both shapes. The same for a member of the wrong
 * type, a number that a double cannot hold, and nesting that is too deep to write back. No message shows a value.
 */
export function parseDocument(secretString: string | undefined, where: string): CredentialsDocument {
  const raw = parseObject(secretString, where);
  const { isNested, holder } = findHolder(raw, where);
  const parsed = Members.safeParse(holder);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path }) => String(path[0]));
    const received = wrong.map((name) => `${memberPath(isNested, name)} is ${describeType(holder[name])}`);
    throw invalid(
      where,
      `has members of the wrong type: ${received.join(', ')}. Each must be a string.${sayWhereSeen(raw)}`,
    );
  }
  if (hasOverflow(raw)) {
    throw invalid(
      where,
      'has a number that is too large for a double and would change when it is stored. Make it a string.',
    );
  }
  return { raw, isNested, sizeBytes: measure(raw, where), members: presentMembers(parsed.data) };
}

/**
 * Returns the three credentials if none is missing or visibly damaged, and if the document has room for an answer.
 *
 * @param origin of the refresh token: one from an answer is sent back byte for byte, one that a person wrote is checked
 * @throws Fault `CREDENTIALS_INCOMPLETE`, which names every missing one; `CREDENTIALS_INVALID`, which names every
 * damaged one, or if an answer might not fit
 */
export function requireGrant(
  { raw, members, isNested, sizeBytes }: CredentialsDocument,
  where: string,
  origin: 'human' | 'answer',
): Grant {
  const { client_id, client_secret, refresh_token, redirect_uri } = members;
  if (client_id === undefined || client_secret === undefined || refresh_token === undefined) {
    const missing = Object.entries({ client_id, client_secret, refresh_token })
      .filter(([, value]) => value === undefined)
      .map(([name]) => memberPath(isNested, name));
    throw new Fault(
      'CREDENTIALS_INCOMPLETE',
      `${where} has no ${missing.join(', no ')} (missing, empty or null).${sayWhereSeen(raw)} Client ID and Client Secret ` +
        'are at app.retently.com/settings/oauth; the refresh token comes from authorizing that application. Add what is ' +
        'missing with put-secret-value; the next run uses it.',
    );
  }
  const judged = { client_id, client_secret, redirect_uri, ...(origin === 'human' && { refresh_token }) };
  const damages = Object.entries(judged).flatMap(([name, value]) => {
    const damage = value === undefined ? undefined : findDamage(value);
    return damage === undefined ? [] : [`${memberPath(isNested, name)} ${damage}`];
  });
  if (damages.length > 0) {
    throw invalid(
      where,
      `is damaged: ${damages.join('; ')}. Nothing was sent. Store the value again, exactly as Retently shows it.`,
    );
  }
  // The tokens of the last answer make room for those of the next one.
  const answerBytes =
    members.spent_refresh_token_sha256 === undefined ? 0 : sizeBytes - sizeWith({ raw, isNested }, {});
  if (sizeBytes - answerBytes > SECRET_STRING_MAX_BYTES - ANSWER_ROOM_BYTES) {
    throw invalid(
      where,
      `takes ${sizeBytes} bytes, which leaves less than ${ANSWER_ROOM_BYTES} of ${SECRET_STRING_MAX_BYTES} for an answer. Move other data out of this secret.`,
    );
  }
  return { clientId: client_id, clientSecret: client_secret, refreshToken: refresh_token, redirectUri: redirect_uri };
}

function sayWhereSeen(raw: JsonObject): string {
  const path = findMisplaced(raw);
  return path === undefined
    ? ''
    : ` Credentials were found in ${path}: move them up to the top level, or under 'credentials'.`;
}

/**
 * Identifies this document in the journal: the SHA-256 of its refresh token. If the server did not rotate, the same
 * token was also used for this document; `refreshed_at` then distinguishes it from its predecessor.
 */
export function tokenHashOf({ members }: Pick<CredentialsDocument, 'members'>): string {
  const tokenHash = sha256(members.refresh_token ?? '');
  const isUnrotated = members.spent_refresh_token_sha256 === tokenHash && members.refreshed_at !== undefined;
  return isUnrotated ? sha256(`${tokenHash} ${members.refreshed_at}`) : tokenHash;
}

export function tokenMembers({ members }: CredentialsDocument): TokenMembers {
  return Object.fromEntries(TOKEN_MEMBERS.map((name) => [name, members[name]]));
}

/** Returns `expires_at` as RFC 3339, UTC; `undefined` if it is absent, or not an instant. */
export function expiresAt({ members }: CredentialsDocument): string | undefined {
  const expiresAtMs = parseRfc3339(members.expires_at);
  return Number.isNaN(expiresAtMs) ? undefined : toRfc3339(expiresAtMs);
}

/** Returns the seconds until `expires_at`, rounded down; 0 if the token has expired, is absent or has no known lifetime. */
export function secondsRemaining({ members }: CredentialsDocument, nowMs: number): number {
  const remainingSeconds = Math.floor((parseRfc3339(members.expires_at) - nowMs) / 1000);
  return members.access_token === undefined ? 0 : Math.max(0, remainingSeconds || 0);
}

/** Renders a document with all of its token members replaced by `tokens`, and everything else unchanged. */
export function renderWithTokens(
  { raw, isNested }: Pick<CredentialsDocument, 'raw' | 'isNested'>,
  tokens: TokenMembers,
): string {
  const replace = (holder: JsonObject): JsonObject => {
    // Spread defines members, and assignment sets them: only spread copies a member named __proto__.
    const replaced = { ...holder };
    // JSON has no member for `undefined`.
    for (const name of TOKEN_MEMBERS) replaced[name] = tokens[name];
    return replaced;
  };
  const nested = raw['credentials'];
  return JSON.stringify(isNested && isObject(nested) ? { ...raw, credentials: replace(nested) } : replace(raw));
}

/** Returns the size in bytes of the document with these tokens, as it would be stored. */
function sizeWith(document: Pick<CredentialsDocument, 'raw' | 'isNested'>, tokens: TokenMembers): number {
  return Buffer.byteLength(renderWithTokens(document, tokens));
}

/** Returns whether Secrets Manager has room for the document with these tokens. */
export function hasRoomFor(document: Pick<CredentialsDocument, 'raw' | 'isNested'>, tokens: TokenMembers): boolean {
  return sizeWith(document, tokens) <= SECRET_STRING_MAX_BYTES;
}

function invalid(where: string, what: string): Fault {
  return new Fault('CREDENTIALS_INVALID', `${where} ${what} The secret was not changed.`);
}

function parseObject(secretString: string | undefined, where: string): JsonObject {
  if (secretString === undefined) {
    throw invalid(where, 'is a SecretBinary. Store one JSON object as SecretString instead.');
  }
  let json: unknown;
  try {
    // Some editors put a byte order mark before the text.
    json = JSON.parse(secretString.replace(/^\uFEFF/, ''));
  } catch {
    // No `cause`: the SyntaxError quotes the text that it failed on, and that text is a secret.
    const looks = describeEncoding(secretString) ?? `${secretString.length} characters`;
    throw invalid(where, `is not JSON (${looks}). Store one JSON object, as UTF-8.`);
  }
  if (isObject(json)) return json;
  throw invalid(
    where,
    `is JSON, but ${describeType(json)}. Store one JSON object with client_id, client_secret and refresh_token.`,
  );
}

/** Finds the object that has the members: the document itself or its `credentials`. */
function findHolder(raw: JsonObject, where: string): { isNested: boolean; holder: JsonObject } {
  const nested = raw['credentials'];
  const isAtTop = hasMember(raw);
  if (!isObject(nested)) return { isNested: false, holder: raw };
  if (isAtTop && hasMember(nested)) {
    throw invalid(where, "has credentials both at the top and under 'credentials'. Keep one of the two.");
  }
  return isAtTop ? { isNested: false, holder: raw } : { isNested: true, holder: nested };
}

function presentMembers(parsed: z.infer<typeof Members>): CredentialsDocument['members'] {
  const present: { [name in MemberName]?: string } = {};
  for (const name of MEMBER_NAMES) {
    const value = parsed[name];
    if (value) present[name] = value;
  }
  return present;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasMember(holder: JsonObject): boolean {
  return MEMBER_NAMES.some((name) => Object.hasOwn(holder, name));
}

function memberPath(isNested: boolean, name: string): string {
  return isNested ? `credentials.${name}` : name;
}

function describeType(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** `1e400` parses to Infinity and would be written back as `null`. Iterative: the text may nest thousands deep. */
function hasOverflow(root: unknown): boolean {
  const pending = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value === 'number' && !Number.isFinite(value)) return true;
    if (typeof value === 'object' && value !== null) {
      for (const member of Object.values(value)) pending.push(member);
    }
  }
  return false;
}

/**
 * Returns the size in bytes of the text that would be stored. JSON.parse takes any depth, but JSON.stringify recurses: a
 * document that cannot be written back must fail here, before a token is used.
 */
function measure(raw: JsonObject, where: string): number {
  try {
    return Buffer.byteLength(JSON.stringify(raw));
  } catch {
    throw invalid(where, 'is nested too deeply to be written back.');
  }
}
