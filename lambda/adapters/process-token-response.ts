import * as z from 'zod/mini';
import { orAbsent } from '../core/or-absent.ts';
import { OAUTH_ERROR_CODES, type OAuthErrorCode, type TokenAnswer } from '../core/ports.ts';
import { isObject, type ParsedBody, parseResponseBody, type ResponseBody } from './parse-response-body.ts';

export interface TokenResponse extends ResponseBody {
  readonly status: number;
  readonly retryAfter?: string | undefined;
}

/** Whatever is missing or of another type counts as absent: an answer may have cost a refresh token. */
const Members = z.object({
  access_token: orAbsent(z.string()),
  token_type: orAbsent(z.string()),
  refresh_token: orAbsent(z.string()),
  expires_in: z.optional(z.unknown()),
  error: z.optional(z.pipe(z.unknown(), z.transform(toOAuthErrorCode))),
});
type Members = z.infer<typeof Members>;

/** The token endpoint is elsewhere, or takes no POST. */
const MISDIRECTED = new Set([404, 405, 410]);
/** The server asks to come again: 408 and 425 say so without a date. */
const THROTTLED = new Set([408, 425, 429, 503]);
/** Any of these in a success without a token says that it is none. */
const ERROR_MEMBERS = ['error', 'errors', 'error_code', 'error_description', 'error_message', 'message'];

/**
 * Sorts an answer into its class. No `reason` quotes anything received but an HTTP status and an error code of
 * RFC 6749.
 *
 * @param sentRefreshToken told apart from a new one that an otherwise useless answer may carry
 */
export function processTokenResponse(response: TokenResponse, sentRefreshToken: string, nowMs: number): TokenAnswer {
  const { status, retryAfter } = response;
  const parsed = parseResponseBody(response);
  const members = parsed.kind === 'members' ? findMembers(parsed.members) : undefined;
  const reason = `Retently answered HTTP ${status}`;
  const isSuccess = status >= 200 && status < 300;
  if (isSuccess && members?.access_token && !members.error) return toToken(members, members.access_token);

  // Of a success alone: an error may have a sentence about the refresh token in the place of one.
  const refreshToken = (isSuccess && members?.refresh_token) || sentRefreshToken;
  if (refreshToken !== sentRefreshToken) {
    return {
      kind: 'refresh-token-only',
      refreshToken,
      reason: `${reason} with a new refresh token and no bearer token`,
    };
  }
  if (isSuccess) return toUselessSuccess(parsed, members?.error, reason);
  if (THROTTLED.has(status)) {
    return { kind: 'throttled', retryAfterSeconds: parseRetryAfter(retryAfter, nowMs), reason };
  }
  if (status >= 500) return { kind: 'ambiguous', reason };
  if (status >= 400 && members?.error) return refused(members.error, reason);
  return { kind: status < 400 || MISDIRECTED.has(status) ? 'misdirected' : 'unrecognized', reason };
}

function toToken({ token_type, refresh_token, expires_in }: Members, accessToken: string): TokenAnswer {
  const expiresInSeconds = parseExpiresIn(expires_in);
  const refreshToken = refresh_token || undefined;
  return { kind: 'token', accessToken, tokenType: token_type || 'Bearer', expiresInSeconds, refreshToken };
}

function toUselessSuccess(parsed: ParsedBody, error: OAuthErrorCode | undefined, reason: string): TokenAnswer {
  if (error) return refused(error, reason);
  if (parsed.kind === 'nothing') return { kind: 'ambiguous', reason: `${reason} with ${parsed.what}` };
  // It says in its own words that it is an error: that is an answer, and no doubt about one.
  const isError = ERROR_MEMBERS.some((name) => Boolean(parsed.members[name]));
  return isError
    ? { kind: 'unrecognized', reason: `${reason} with an error and no bearer token` }
    : { kind: 'ambiguous', reason: `${reason} with JSON that has no bearer token` };
}

function refused(error: OAuthErrorCode, reason: string): TokenAnswer {
  return { kind: 'refused', error, reason: `${reason} with ${error}` };
}

/** At the top or, in the envelope of Retently's API (`message`, `code`, `data`), under `data`. */
function findMembers(members: { readonly [name: string]: unknown }): Members | undefined {
  const { data } = members;
  const isEnvelope = !('access_token' in members) && !('error' in members) && isObject(data);
  return Members.safeParse(isEnvelope ? data : members).data;
}

function toOAuthErrorCode(error: unknown): OAuthErrorCode | undefined {
  return typeof error === 'string' ? OAUTH_ERROR_CODES.find((code) => code === error.trim().toLowerCase()) : undefined;
}

/** A number or a decimal string of seconds; `undefined` if it is missing or not positive. */
function parseExpiresIn(expiresIn: unknown): number | undefined {
  const isDecimal = typeof expiresIn === 'string' && /^\d+(\.\d+)?$/.test(expiresIn);
  const seconds = typeof expiresIn === 'number' || isDecimal ? Number(expiresIn) : Number.NaN;
  return seconds > 0 ? seconds : undefined;
}

/** Seconds from now. The header holds whole seconds or an HTTP date (RFC 9110 section 10.2.3); anything else is ignored. */
function parseRetryAfter(retryAfter: string | undefined, nowMs: number): number | undefined {
  if (retryAfter === undefined) return undefined;
  const text = retryAfter.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const isDate = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d\d:\d\d:\d\d/.test(text);
  const dateMs = isDate ? Date.parse(text) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : Math.max(0, Math.ceil((dateMs - nowMs) / 1000));
}
