import * as z from 'zod/mini';
import { OAUTH_ERROR_CODES, type OAuthErrorCode, type TokenAnswer } from '../core/ports.ts';

/** What came back over HTTP. `body` is absent where it was cut short or too long. */
export interface TokenResponse {
  readonly status: number;
  readonly retryAfter?: string | undefined;
  readonly body: Uint8Array | undefined;
}

const MAX_LIFETIME_SECONDS = 365 * 24 * 60 * 60;

/** Whatever is missing or of another type counts as absent: an answer may have cost a refresh token. */
const Body = z.object({
  access_token: z.catch(z.optional(z.string()), undefined),
  token_type: z.catch(z.optional(z.string()), undefined),
  refresh_token: z.catch(z.optional(z.string()), undefined),
  expires_in: z.optional(z.unknown()),
  error: z.catch(z.optional(z.enum(OAUTH_ERROR_CODES)), undefined),
});

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
  const isSuccess = status >= 200 && status < 300;
  const reason = `Retently answered HTTP ${status}`;

  if (isSuccess) return processSuccess(members, sentRefreshToken, reason);
  if (status === 429 || status === 503)
    return { kind: 'throttled', retryAfterSeconds: parseRetryAfter(retryAfter, nowMs), reason };
  if (status >= 500) return { kind: 'ambiguous', reason };
  const isClientError = status >= 400;
  return isClientError && members?.error ? refused(members.error, reason) : { kind: 'odd', reason };
}

function processSuccess(
  members: z.infer<typeof Body> | undefined,
  sentRefreshToken: string,
  reason: string,
): TokenAnswer {
  const refreshToken = members?.refresh_token || undefined;
  if (members?.access_token && !members.error) {
    const expiresInSeconds = parseExpiresIn(members.expires_in);
    return {
      kind: 'token',
      accessToken: members.access_token,
      tokenType: members.token_type || 'Bearer',
      expiresInSeconds,
      refreshToken,
    };
  }
  if (refreshToken !== undefined && refreshToken !== sentRefreshToken) {
    return {
      kind: 'refresh-token-only',
      refreshToken,
      reason: `${reason} with a new refresh token and no bearer token`,
    };
  }
  return members?.error
    ? refused(members.error, reason)
    : { kind: 'ambiguous', reason: `${reason} without a bearer token` };
}

function refused(error: OAuthErrorCode, reason: string): TokenAnswer {
  return { kind: 'refused', error, reason: `${reason} with ${error}` };
}

function parseBody(body: Uint8Array | undefined): z.infer<typeof Body> | undefined {
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
  return seconds > 0 && seconds <= MAX_LIFETIME_SECONDS ? seconds : undefined;
}

/** Seconds from now; the header holds seconds or an HTTP date (RFC 9110 section 10.2.3). */
function parseRetryAfter(retryAfter: string | undefined, nowMs: number): number | undefined {
  if (retryAfter === undefined) return undefined;
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter);
  const dateMs = Date.parse(retryAfter);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, Math.ceil((dateMs - nowMs) / 1000));
}
