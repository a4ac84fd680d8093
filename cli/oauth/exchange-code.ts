import * as oauth from 'oauth4webapi';
import { processTokenResponse, type TokenResponse } from '../../lambda/adapters/process-token-response.ts';
import { postForm, type RequestFailure } from '../../lambda/adapters/token-endpoint.ts';
import { MAX_TOKEN_LIFETIME_SECONDS } from '../../lambda/contract.ts';
import type { TokenAnswer } from '../../lambda/core/ports.ts';
import { CommandError, EXIT } from '../command-error.ts';
import type { AuthorizationRequest } from './authorization-request.ts';
import { explainNetworkFailure } from './network-failure.ts';

const EXCHANGE_TIMEOUT_MS = 30_000;

/** Grant that was just made, and exists nowhere else. */
export interface NewGrant {
  readonly refreshToken: string;
  /** Absent if the server gives none that makes sense. */
  readonly refreshTokenExpiresInSeconds: number | undefined;
  /** Absent if the answer has no access token. */
  readonly bearer: BearerToken | undefined;
  /** Time before the request, in ms since the epoch. Lifetimes count from here. */
  readonly askedAtMs: number;
  readonly response: TokenResponse;
}

interface BearerToken {
  readonly accessToken: string;
  readonly tokenType: string;
  readonly expiresInSeconds: number | undefined;
}

/**
 * Returns the parameters of the authorization server's answer, whose state the caller has compared with the request's.
 *
 * @throws CommandError if they are not usable, or say that access was denied
 */
export function validateAnswer({ server, client, state }: AuthorizationRequest, answer: URL): URLSearchParams {
  const parameters = new URLSearchParams(answer.search);
  // RFC 9207: if the server does not announce this parameter, it means nothing.
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
      ? 'Access was denied on the consent page. Nothing was stored. Run the command again, and allow access as a user who has the permission to do so.'
      : `The authorization server answered with an error${isCode(error.error) ? ` (${error.error})` : ''}. Nothing was stored. Check the client id and the redirect URI that the application has registered.`;
    return new CommandError(EXIT.attention, message);
  }
  return new CommandError(
    EXIT.attention,
    "Cannot use the authorization server's answer: it has no code, has a parameter twice, or names another server. Nothing was stored. Run the command again, and check --authorization-endpoint.",
  );
}

/**
 * Exchanges the code for a grant with one POST. Reads the answer as the function does: one that is cut, too long or wrapped
 * may still hold the only refresh token of this grant.
 *
 * @throws CommandError that quotes an HTTP status and a code of RFC 6749 at most
 */
export async function exchangeCode(
  { client, redirectUri, codeVerifier }: AuthorizationRequest,
  parameters: URLSearchParams,
  tokenEndpoint: URL,
  clientSecret: string,
): Promise<NewGrant> {
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    code: parameters.get('code') ?? '',
    redirect_uri: redirectUri,
    client_id: client.client_id,
    client_secret: clientSecret,
  });
  if (codeVerifier !== undefined) form.set('code_verifier', codeVerifier);
  const askedAtMs = Date.now();
  const response = await postForm(tokenEndpoint, form.toString(), EXCHANGE_TIMEOUT_MS);
  if ('error' in response) throw toConnectionFailure(tokenEndpoint, response);
  const answer = processTokenResponse(response, '', askedAtMs);
  if (answer.kind !== 'token' && answer.kind !== 'refresh-token-only') throw toRefusal(answer);
  if (answer.refreshToken === undefined) {
    throw new CommandError(
      EXIT.attention,
      'Retently answered without a refresh token, so no token can be refreshed later. Nothing was stored. Check at app.retently.com/settings/oauth that the application has offline access.',
    );
  }
  const grant = {
    refreshToken: answer.refreshToken,
    refreshTokenExpiresInSeconds: answer.refreshTokenExpiresInSeconds,
    askedAtMs,
    response,
  };
  if (answer.kind === 'refresh-token-only') return { ...grant, bearer: undefined };
  const { accessToken, tokenType, expiresInSeconds = Infinity } = answer;
  const isCredible = expiresInSeconds <= MAX_TOKEN_LIFETIME_SECONDS;
  return { ...grant, bearer: { accessToken, tokenType, expiresInSeconds: isCredible ? expiresInSeconds : undefined } };
}

function toConnectionFailure(tokenEndpoint: URL, failure: RequestFailure): CommandError {
  const { code, advice } = explainNetworkFailure(failure.error);
  const consequence = failure.isSent
    ? 'The code may be used up. Run the command again.'
    : 'Nothing was sent, so no grant was made. Run the command again when the cause is fixed.';
  return new CommandError(
    EXIT.attention,
    `The token endpoint at ${tokenEndpoint.host} sent no response (${code}). Nothing was stored. ${advice} ${consequence}`,
  );
}

type Refusal = Exclude<TokenAnswer, { kind: 'token' | 'refresh-token-only' }>;

/** `reason` quotes an HTTP status and a code of RFC 6749 at most. */
function toRefusal(answer: Refusal): CommandError {
  const isCodeRefused = answer.kind === 'refused' && answer.error === 'invalid_grant';
  const advice = isCodeRefused
    ? 'The code was used before, has expired, or belongs to another redirect URI. Run the command again.'
    : 'Check client id, client secret and redirect URI against app.retently.com/settings/oauth, and --token-endpoint.';
  return new CommandError(EXIT.attention, `${answer.reason}. Nothing was stored. ${advice}`);
}

function isCode(text: string): boolean {
  return /^[a-z_]{1,40}$/.test(text);
}
