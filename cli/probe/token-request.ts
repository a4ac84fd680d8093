import { parseJson } from '../../lambda/contract.ts';
import { OAUTH_ERROR_CODES } from '../../lambda/core/ports.ts';
import { CommandError, EXIT } from '../command-error.ts';
import type { ClientCredentials } from '../oauth/client-credentials.ts';
import type { TokenResponse } from '../oauth/exchange-code.ts';
import { explainNetworkFailure } from '../oauth/network-failure.ts';
import { readBody } from '../oauth/read-body.ts';

const TIMEOUT_MS = 30_000;
const MAX_MEMBERS = 20;

/** What may be published of an answer: names, and values only if they are codes. */
export interface Observation {
  readonly status: number;
  readonly contentType: string | null;
  readonly members: readonly string[];
  /** A code of RFC 6749, or the number of an error. */
  readonly code?: string;
  readonly expiresIn?: number;
}

/** One answer of the token endpoint, with what must not be shown beside what may. */
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
  const form = {
    grant_type: 'refresh_token',
    client_id: clientId,
    client_secret: clientSecret,
    refresh_token: refreshToken,
  };
  const body = new URLSearchParams(redirectUri === undefined ? form : { ...form, redirect_uri: redirectUri });
  const init = { method: 'POST', body, headers: { accept: 'application/json' }, redirect: 'manual' } as const;
  const response = await fetchOnce(tokenEndpoint, init, 'The token endpoint');
  return toAnswer({
    status: response.status,
    contentType: response.headers.get('content-type'),
    body: parseJson(await readBody(response)),
  });
}

/** The HTTP status alone: the body is the account's own data. */
export async function tryBearer(apiUrl: URL, accessToken: string): Promise<number> {
  const headers = { authorization: `Bearer ${accessToken}`, accept: 'application/json' };
  const response = await fetchOnce(apiUrl, { headers, redirect: 'manual' }, 'The API');
  await response.body?.cancel();
  return response.status;
}

export function toAnswer({ status, contentType, body }: TokenResponse): TokenAnswer {
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
  const members: [string, unknown][] = isObject ? Object.entries(body) : [];
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

/** What is no code may be a sentence that quotes what was sent. */
function toCode(value: unknown): string | undefined {
  const isNumber = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 10_000;
  if (isNumber) return String(value);
  return OAUTH_ERROR_CODES.find((code) => code === value);
}

function toText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

async function fetchOnce(url: URL, init: RequestInit, who: string): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    const { code, advice } = explainNetworkFailure(error);
    throw new CommandError(
      EXIT.attention,
      `${who} at ${url.host} gave no answer (${code}). ${advice} Run the command again with a new grant.`,
    );
  }
}
