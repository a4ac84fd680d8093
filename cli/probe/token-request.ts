import { parseResponseBody } from '../../lambda/adapters/parse-response-body.ts';
import type { TokenResponse } from '../../lambda/adapters/process-token-response.ts';
import { postForm, toRequestBody } from '../../lambda/adapters/token-endpoint.ts';
import { OAUTH_ERROR_CODES } from '../../lambda/core/ports.ts';
import { CommandError, EXIT } from '../command-error.ts';
import type { ClientCredentials } from '../oauth/client-credentials.ts';
import { explainNetworkFailure } from '../oauth/network-failure.ts';

const TIMEOUT_MS = 30_000;
const MAX_MEMBERS = 20;

/** Part of an answer that may be published: names, and values only if they are codes. */
export interface Observation {
  readonly status: number;
  readonly contentType: string | null;
  readonly members: readonly string[];
  /** A code of RFC 6749, or the number of an error. */
  readonly code?: string;
  readonly expiresIn?: number;
}

/** Answer of the token endpoint: the part that may be published, and the tokens. */
export interface TokenAnswer {
  readonly observation: Observation;
  readonly isSuccess: boolean;
  readonly accessToken: string | undefined;
  readonly refreshToken: string | undefined;
}

export async function requestRefresh(
  tokenEndpoint: URL,
  { clientId, clientSecret }: ClientCredentials,
  refreshToken: string,
  redirectUri?: string,
): Promise<TokenAnswer> {
  const form = toRequestBody({ clientId, clientSecret, refreshToken, redirectUri });
  const response = await postForm(tokenEndpoint, form, TIMEOUT_MS);
  if ('error' in response) throw toFailure('The token endpoint', tokenEndpoint, response.error);
  return toAnswer(response);
}

/** Tries an access token, and returns only the HTTP status: the body is the account's own data. */
export async function tryBearer(apiUrl: URL, accessToken: string): Promise<number> {
  const headers = { authorization: `Bearer ${accessToken}`, accept: 'application/json' };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const request = fetch(apiUrl, { headers, redirect: 'manual', signal });
  const response = await request.catch((error: unknown) => {
    throw toFailure('The API', apiUrl, error);
  });
  await response.body?.cancel();
  return response.status;
}

/** Reduces an answer to what the probe needs. */
export function toAnswer(response: TokenResponse): TokenAnswer {
  const { status, contentType } = response;
  const parsed = parseResponseBody(response);
  const members = parsed.kind === 'members' ? Object.entries(parsed.members) : [];
  const { access_token, refresh_token, expires_in, error, code } = Object.fromEntries(members);
  const accessToken = toText(access_token);
  const expiresIn = Number(expires_in ?? Number.NaN);
  const shownCode = toCode(error) ?? toCode(code);
  return {
    observation: {
      status,
      contentType: /^[\w/.+-]+/.exec(contentType ?? '')?.[0] ?? null,
      members: members.map(([name]) => (/^[a-z_]{1,40}$/i.test(name) ? name : '(another)')).slice(0, MAX_MEMBERS),
      ...(shownCode === undefined ? {} : { code: shownCode }),
      ...(Number.isFinite(expiresIn) ? { expiresIn } : {}),
    },
    isSuccess: status >= 200 && status < 300 && accessToken !== undefined && error === undefined,
    accessToken,
    refreshToken: toText(refresh_token),
  };
}

/** Returns the text of a code. Anything else may be a sentence that quotes the request. */
function toCode(value: unknown): string | undefined {
  const isNumber = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 10_000;
  if (isNumber) return String(value);
  return OAUTH_ERROR_CODES.find((code) => code === value);
}

function toText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function toFailure(who: string, { host }: URL, error: unknown): CommandError {
  const { code, advice } = explainNetworkFailure(error);
  const message = `${who} at ${host} sent no response (${code}). ${advice} Run the command again with a new grant.`;
  return new CommandError(EXIT.attention, message);
}
