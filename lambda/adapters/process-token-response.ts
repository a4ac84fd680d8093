import * as z from 'zod/mini';
import { parseJson } from '../contract.ts';
import { orAbsent } from '../core/or-absent.ts';
import { OAUTH_ERROR_CODES, type OAuthErrorCode, type TokenAnswer } from '../core/ports.ts';
import {
  isObject,
  type JsonObject,
  type ParsedBody,
  parseResponseBody,
  type ResponseBody,
} from './parse-response-body.ts';

export interface TokenResponse extends ResponseBody {
  readonly status: number;
  readonly retryAfter?: string | undefined;
  /** A header shows that a firewall or a proxy answered instead of the server. */
  readonly isBlocked?: boolean | undefined;
}

const text = orAbsent(z.string());
const anything = z.optional(z.unknown());

/** Treats a member of the wrong type as absent: the answer may have used up a refresh token. */
const Members = z.object({
  access_token: text,
  token_type: text,
  refresh_token: text,
  expires_in: anything,
  refresh_token_expires_in: anything,
});
type Found = z.infer<typeof Members>;
type Members = Found & { readonly error?: OAuthErrorCode | undefined };

/** Statuses that show that the token endpoint is elsewhere, accepts no POST, or is behind a proxy. */
const MISDIRECTED = new Set([404, 405, 406, 410, 411, 415, 421, 426]);
/** Statuses that, with HTML, come from a firewall, a proxy or a login page in front of the server. */
const INTERCEPTED = new Set([202, 401, 403, 418, 451]);
/** Statuses that never come from the server: *Proxy Authentication Required* and *Network Authentication Required*. */
const OF_A_PROXY = new Set([407, 511]);
/** Statuses that ask for a later retry; 408 and 425 do so without a date. */
const THROTTLED = new Set([408, 425, 429, 503]);
/** Error codes that ask for a later retry: those of RFC 6749 section 4.1.2.1 and RFC 8628, and common ones. */
const PASSING = /^(temporarily_unavailable|server_error|slow_down|rate_limit(ed|_exceeded)|too_many_requests)$/;
/** Members of a token response. JSON without any of them is not a token response that lacks its token. */
const TOKEN_MEMBERS = ['access_token', 'refresh_token', 'token_type', 'expires_in'];
/** Members that repeat what was sent. */
const ECHOES = new Set(['request', 'params', 'input', 'headers', 'query']);
/** Maximum nesting of envelopes. No known server nests deeper. */
const MAX_DEPTH = 3;

/**
 * Classifies an answer. A `reason` quotes only the HTTP status and the error codes of RFC 6749.
 *
 * @param sentRefreshToken distinguishes a new refresh token, which an otherwise useless answer may contain
 */
export function processTokenResponse(response: TokenResponse, sentRefreshToken: string, nowMs: number): TokenAnswer {
  const { status, retryAfter } = response;
  const parsed = parseResponseBody(response);
  const { isTruncated } = parsed;
  const objects = parsed.kind === 'members' ? [...unwrap(parsed.members)] : [];
  const members = findMembers(objects, sentRefreshToken);
  const reason = `Retently answered HTTP ${status}`;
  const isSuccess = status >= 200 && status < 300;
  if (isSuccess && members.access_token && !members.error) {
    // The missing part may hold a refresh token: that is not "the server sent none". If the limit is ours, the next answer
    // would be cut in the same place, so this access token is the best available.
    const isHalf = parsed.kind === 'members' && parsed.isCut && !members.refresh_token && !isTruncated;
    if (isHalf) return { kind: 'ambiguous', reason: `${reason} with JSON whose refresh token cannot be read` };
    return { ...toToken(members, members.access_token), isTruncated };
  }

  // Only in a success: in an error, that member may be a sentence about the refresh token.
  const refreshToken = (isSuccess && members.refresh_token) || sentRefreshToken;
  if (refreshToken !== sentRefreshToken) {
    return {
      kind: 'refresh-token-only',
      refreshToken,
      refreshTokenExpiresInSeconds: parseSeconds(members.refresh_token_expires_in),
      reason: `${reason} with a new refresh token and no access token`,
    };
  }
  const isPage = parsed.kind === 'nothing' && parsed.what === 'HTML' && INTERCEPTED.has(status);
  const isIntercepted = response.isBlocked === true || isPage || OF_A_PROXY.has(status);
  if (isSuccess && isIntercepted) return { kind: 'intercepted', reason, isTruncated };
  const retryAfterSeconds = parseRetryAfter(retryAfter, nowMs);
  const isPassing = objects.some(({ error }) => typeof error === 'string' && PASSING.test(error));
  if (isSuccess && isPassing && !members.error) return { kind: 'throttled', retryAfterSeconds, reason, isTruncated };
  if (isSuccess) return toUselessSuccess(parsed, objects, members.error, reason);
  if (THROTTLED.has(status)) return { kind: 'throttled', retryAfterSeconds, reason, isTruncated };
  if (status >= 500 && !OF_A_PROXY.has(status)) return { kind: 'ambiguous', reason, isTruncated };
  if (status >= 400 && members.error) return refused(members.error, reason);
  // A rate limit may arrive as 403. Every other rejection stays one, whatever its headers say.
  if (status >= 400 && (isPassing || (status === 403 && retryAfterSeconds !== undefined))) {
    return { kind: 'throttled', retryAfterSeconds, reason, isTruncated };
  }
  if (isIntercepted) return { kind: 'intercepted', reason };
  return { kind: status < 400 || MISDIRECTED.has(status) ? 'misdirected' : 'unrecognized', reason };
}

function toToken(members: Members, accessToken: string): Extract<TokenAnswer, { kind: 'token' }> {
  return {
    kind: 'token',
    accessToken,
    tokenType: members.token_type || 'Bearer',
    expiresInSeconds: parseSeconds(members.expires_in),
    refreshToken: members.refresh_token,
    refreshTokenExpiresInSeconds: parseSeconds(members.refresh_token_expires_in),
  };
}

function toUselessSuccess(
  parsed: ParsedBody,
  objects: readonly JsonObject[],
  error: OAuthErrorCode | undefined,
  reason: string,
): TokenAnswer {
  if (error) return refused(error, reason);
  const { isTruncated } = parsed;
  if (parsed.kind === 'nothing') {
    const kind = parsed.what === 'HTML' ? 'misdirected' : 'ambiguous';
    return { kind, reason: `${reason} with ${parsed.what}`, isTruncated };
  }
  // A complete body without any member of a token is a rejection in the server's own words. It leaves no doubt about a token.
  const isTokenAnswer =
    parsed.isCut || (!saysError(objects) && objects.some((object) => TOKEN_MEMBERS.some((name) => name in object)));
  return isTokenAnswer
    ? { kind: 'ambiguous', reason: `${reason} with JSON that has no access token`, isTruncated }
    : { kind: 'unrecognized', reason: `${reason} with neither a token nor an error code of RFC 6749` };
}

function refused(error: OAuthErrorCode, reason: string): TokenAnswer {
  return { kind: 'refused', error, reason: `${reason} with ${error}` };
}

/**
 * Finds tokens and error at the top, or in an envelope such as Retently's API has (`data`). Beside an error, a deeper
 * `refresh_token` is a sentence about the token, or an echo of ours.
 */
function findMembers(objects: readonly JsonObject[], sentRefreshToken: string): Members {
  const found = objects.map((object) => Members.parse(object));
  const error = objects.map(errorOf).find(Boolean);
  const withBearer = found.find(({ access_token }) => toPresent(access_token));
  const holders = error !== undefined || saysError(objects) ? found.slice(0, 1) : found;
  const refreshToken =
    toPresent(withBearer?.refresh_token) ??
    holders.map(({ refresh_token }) => toPresent(refresh_token)).find((token) => token && token !== sentRefreshToken);
  return {
    ...withBearer,
    access_token: withBearer?.access_token,
    // An envelope may have it outside the object of the tokens.
    expires_in: withBearer?.expires_in ?? envelopesOf(withBearer, found).at(-1)?.expires_in,
    refresh_token: refreshToken,
    refresh_token_expires_in: found.map((each) => each.refresh_token_expires_in).find((each) => each !== undefined),
    error,
  };
}

/** Returns the objects before the one with the access token that have a lifetime and no refresh token. */
function envelopesOf(withBearer: Found | undefined, found: readonly Found[]): readonly Found[] {
  const before = withBearer === undefined ? [] : found.slice(0, found.indexOf(withBearer));
  return before.filter(({ expires_in, refresh_token }) => expires_in !== undefined && refresh_token === undefined);
}

function saysError(objects: readonly JsonObject[]): boolean {
  return objects.some(({ error, errors }) => Boolean(error || errors));
}

function* unwrap(value: unknown, depth = 0): Generator<JsonObject> {
  const isText = typeof value === 'string' && value.startsWith('{');
  const object = isText ? parseJson(value) : value;
  if (typeof object !== 'object' || object === null || depth > MAX_DEPTH) return;
  if (isObject(object)) yield object;
  for (const [name, member] of Object.entries(object)) if (!ECHOES.has(name)) yield* unwrap(member, depth + 1);
}

const NOTHINGS = new Set(['', 'null', 'undefined']);

/** Treats texts such as "null" as absent: some servers write an empty value that way. */
function toPresent(token: string | undefined): string | undefined {
  return token === undefined || NOTHINGS.has(token.trim()) ? undefined : token;
}

/** Finds a code of RFC 6749, whatever the member's name. A revoked grant is also recognized in looser spellings. */
function errorOf({ error, error_code, errorCode, code, type, message }: JsonObject): OAuthErrorCode | undefined {
  for (const value of [error, error_code, errorCode, code, type]) {
    const text = typeof value === 'string' ? value.trim() : '';
    const known = OAUTH_ERROR_CODES.find((each) => each === text.toLowerCase());
    if (known) return known;
    if (/^invalid[_ -]?grant(:.*)?$/is.test(text)) return 'invalid_grant';
  }
  return typeof message === 'string' && /^invalid_grant\b/i.test(message.trim()) ? 'invalid_grant' : undefined;
}

/** Parses a number or a decimal string of seconds; `undefined` if it is missing or not positive. */
function parseSeconds(value: unknown): number | undefined {
  const text = typeof value === 'string' ? value.trim().replace(/s$/, '') : '';
  const isDecimal = /^\d+(\.\d+)?$/.test(text);
  const seconds = typeof value === 'number' ? value : isDecimal ? Number(text) : Number.NaN;
  return seconds > 0 ? seconds : undefined;
}

/** Returns seconds from now. The header holds whole seconds or an HTTP date (RFC 9110 section 10.2.3); anything else is ignored. */
function parseRetryAfter(retryAfter: string | undefined, nowMs: number): number | undefined {
  if (retryAfter === undefined) return undefined;
  const text = retryAfter.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const isDate = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d\d:\d\d:\d\d/.test(text);
  const dateMs = isDate ? Date.parse(text) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : Math.max(0, Math.ceil((dateMs - nowMs) / 1000));
}
