import * as z from 'zod/mini';
import { MAX_TOKEN_LIFETIME_SECONDS, OAUTH_ERROR_CODES, type OAuthErrorCode, type TokenAnswer } from '../core/ports.ts';

/** What came back over HTTP; of a body that was cut short or too long, the beginning. */
export interface TokenResponse {
  readonly status: number;
  readonly retryAfter?: string | undefined;
  readonly body: Uint8Array;
}

/** Whatever is missing or of another type counts as absent: an answer may have cost a refresh token. */
const Body = z.object({
  access_token: orAbsent(z.string()),
  token_type: orAbsent(z.string()),
  refresh_token: orAbsent(z.string()),
  expires_in: z.optional(z.unknown()),
  error: orAbsent(z.enum(OAUTH_ERROR_CODES)),
});

/** As `z.catch` with `undefined`, which would bring all that zod keeps for itself into the bundle: 10 KB. */
function orAbsent<T>(type: z.ZodMiniType<T>) {
  return z.optional(
    z.pipe(
      z.unknown(),
      z.transform((value) => type.safeParse(value).data),
    ),
  );
}

/**
 * Sorts an answer into its class. No `reason` quotes anything received but an HTTP status and an error code of
 * RFC 6749.
 *
 * @param sentRefreshToken told apart from a new one that an otherwise useless answer may carry
 */
export function processTokenResponse(
  { status, retryAfter, body }: TokenResponse,
  sentRefreshToken: string,
  nowMs: number,
): TokenAnswer {
  const members = parseBody(body);
  const reason = `Retently answered HTTP ${status}`;
  const isSuccess = status >= 200 && status < 300;
  if (isSuccess && members?.access_token && !members.error) return toToken(members, members.access_token);

  // Of a success alone: an error may have a sentence about the refresh token where a token would be.
  const refreshToken = (isSuccess && members?.refresh_token) || sentRefreshToken;
  if (refreshToken !== sentRefreshToken) {
    return {
      kind: 'refresh-token-only',
      refreshToken,
      reason: `${reason} with a new refresh token and no bearer token`,
    };
  }
  if (status === 429 || status === 503) {
    return { kind: 'throttled', retryAfterSeconds: parseRetryAfter(retryAfter, nowMs), reason };
  }
  if (status >= 500) return { kind: 'ambiguous', reason };
  const isClientError = status >= 400;
  if (members?.error && (isSuccess || isClientError)) return refused(members.error, reason);
  return isSuccess
    ? { kind: 'ambiguous', reason: `${reason} without a bearer token` }
    : { kind: 'unclassified', reason };
}

function toToken({ token_type, refresh_token, expires_in }: z.infer<typeof Body>, accessToken: string): TokenAnswer {
  const expiresInSeconds = parseExpiresIn(expires_in);
  const refreshToken = refresh_token || undefined;
  return { kind: 'token', accessToken, tokenType: token_type || 'Bearer', expiresInSeconds, refreshToken };
}

function refused(error: OAuthErrorCode, reason: string): TokenAnswer {
  return { kind: 'refused', error, reason: `${reason} with ${error}` };
}

function parseBody(body: Uint8Array): z.infer<typeof Body> | undefined {
  try {
    const parsed = Body.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)));
    return parsed.data;
  } catch {
    // Neither the text nor the error that quotes it goes anywhere.
    return undefined;
  }
}

/** A number or a decimal string of seconds; `undefined` where it is missing, not positive or over a year. */
function parseExpiresIn(expiresIn: unknown): number | undefined {
  const isDecimal = typeof expiresIn === 'string' && /^\d+(\.\d+)?$/.test(expiresIn);
  const seconds = typeof expiresIn === 'number' || isDecimal ? Number(expiresIn) : Number.NaN;
  return seconds > 0 && seconds <= MAX_TOKEN_LIFETIME_SECONDS ? seconds : undefined;
}

/** Seconds from now; the header holds seconds or an HTTP date (RFC 9110 section 10.2.3). */
function parseRetryAfter(retryAfter: string | undefined, nowMs: number): number | undefined {
  if (retryAfter === undefined) return undefined;
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter);
  const dateMs = Date.parse(retryAfter);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, Math.ceil((dateMs - nowMs) / 1000));
}
