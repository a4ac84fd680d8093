import * as oauth from 'oauth4webapi';
import * as z from 'zod';
import { MAX_TOKEN_LIFETIME_SECONDS, parseJson } from '../../lambda/contract.ts';
import { OAUTH_ERROR_CODES } from '../../lambda/core/ports.ts';
import { CommandError, EXIT } from '../command-error.ts';
import type { AuthorizationRequest } from './authorization-request.ts';
import { isLoopback } from './endpoints.ts';
import { explainNetworkFailure } from './network-failure.ts';
import { readBody } from './read-body.ts';

const EXCHANGE_TIMEOUT_MS = 30_000;

/** Read as the function reads an answer: whatever is missing or of another type counts as absent. */
const answerSchema = z.object({
  access_token: z.string().min(1).optional().catch(undefined),
  refresh_token: z.string().min(1).optional().catch(undefined),
  token_type: z.string().min(1).optional().catch(undefined),
  expires_in: z.coerce.number().positive().max(MAX_TOKEN_LIFETIME_SECONDS).optional().catch(undefined),
  error: z.enum(OAUTH_ERROR_CODES).optional().catch(undefined),
});

export interface NewGrant {
  readonly refreshToken: string;
  readonly accessToken: string | undefined;
  readonly tokenType: string;
  readonly expiresInSeconds: number | undefined;
  /** Before the request, in ms since the epoch: from here on the lifetime counts. */
  readonly askedAtMs: number;
  readonly response: TokenResponse;
}

/** What came back, as far as it may be shown. */
export interface TokenResponse {
  readonly status: number;
  readonly contentType: string | null;
  readonly body: unknown;
}

/**
 * The parameters of the authorization server's answer, held against the request.
 *
 * @throws CommandError if they belong to another request, or say that access was denied
 */
export function validateAnswer({ server, client, state }: AuthorizationRequest, answer: URL): URLSearchParams {
  const parameters = new URLSearchParams(answer.search);
  // RFC 9207: of a server that does not announce it, the parameter means nothing.
  if (server.authorization_response_iss_parameter_supported !== true) parameters.delete('iss');
  try {
    return oauth.validateAuthResponse(server, client, parameters, state);
  } catch (error) {
    throw toAnswerFailure(error);
  }
}

function toAnswerFailure(error: unknown): CommandError {
  if (error instanceof oauth.AuthorizationResponseError) {
    const isDenied = error.error === 'access_denied';
    const message = isDenied
      ? 'Access was denied on the consent page. Nothing was stored. Run the command again and allow it, as a user who may.'
      : `The authorization server answered with an error${isCode(error.error) ? ` (${error.error})` : ''}. Nothing was stored. Check the client id and the redirect URI that the application has registered.`;
    return new CommandError(EXIT.attention, message);
  }
  return new CommandError(
    EXIT.attention,
    'The answer does not belong to this request: its state is another one, as if it came from an earlier attempt or from somebody else. Nothing was stored. Run the command again and use the page that it opens.',
  );
}

/**
 * Trades the code for a grant: one POST.
 *
 * @throws CommandError that quotes an HTTP status and a code of RFC 6749 at most
 */
export async function exchangeCode(
  { server, client, redirectUri, codeVerifier }: AuthorizationRequest,
  parameters: URLSearchParams,
  tokenEndpoint: URL,
  clientSecret: string,
): Promise<NewGrant> {
  const askedAtMs = Date.now();
  const response = await post(tokenEndpoint, () =>
    oauth.authorizationCodeGrantRequest(
      { ...server, token_endpoint: tokenEndpoint.href },
      client,
      oauth.ClientSecretPost(clientSecret),
      parameters,
      redirectUri,
      codeVerifier ?? oauth.nopkce,
      {
        signal: AbortSignal.timeout(EXCHANGE_TIMEOUT_MS),
        [oauth.allowInsecureRequests]: isLoopback(tokenEndpoint),
      },
    ),
  );
  const {
    access_token,
    refresh_token,
    token_type = 'Bearer',
    expires_in,
    error,
  } = answerSchema.catch({}).parse(response.body);
  const isSuccess = response.status >= 200 && response.status < 300;
  if (!isSuccess || error !== undefined) throw toRefusal(response.status, error);
  if (refresh_token === undefined) {
    throw new CommandError(
      EXIT.attention,
      'Retently answered without a refresh token, so there is nothing to keep fresh with. Nothing was stored. Check at app.retently.com/settings/oauth that the application may have offline access.',
    );
  }
  return {
    refreshToken: refresh_token,
    accessToken: access_token,
    tokenType: token_type,
    expiresInSeconds: expires_in,
    askedAtMs,
    response,
  };
}

async function post(tokenEndpoint: URL, send: () => Promise<Response>): Promise<TokenResponse> {
  try {
    const response = await send();
    const text = await readBody(response);
    return { status: response.status, contentType: response.headers.get('content-type'), body: parseJson(text) };
  } catch (error) {
    const { code, isSent, advice } = explainNetworkFailure(error);
    const consequence = isSent
      ? 'The code may be used up. Run the command again.'
      : 'Nothing was sent, so no grant was made. Run the command again once it works.';
    throw new CommandError(
      EXIT.attention,
      `The token endpoint at ${tokenEndpoint.host} gave no answer (${code}). Nothing was stored. ${advice} ${consequence}`,
    );
  }
}

function toRefusal(status: number, error: string | undefined): CommandError {
  const quoted = `Retently answered HTTP ${status}${error === undefined ? '' : ` with ${error}`}`;
  const advice =
    error === 'invalid_grant'
      ? 'The code was used before or is too old, or the redirect URI is another one. Run the command again.'
      : 'Check client id, client secret and redirect URI against app.retently.com/settings/oauth, and --token-endpoint.';
  return new CommandError(EXIT.attention, `${quoted}. Nothing was stored. ${advice}`);
}

function isCode(text: string): boolean {
  return /^[a-z_]{1,40}$/.test(text);
}
