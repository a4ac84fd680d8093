import * as oauth from 'oauth4webapi';
import { isLoopback } from './endpoints.ts';

/** Timeout of the discovery. A server that does not respond in time counts as one without metadata. */
const DISCOVERY_TIMEOUT_MS = 3_000;

/** Request that the browser carries, and the values to compare its answer with. */
export interface AuthorizationRequest {
  /** Address for the browser. It contains no secret. */
  readonly url: URL;
  readonly server: oauth.AuthorizationServer;
  readonly client: oauth.Client;
  readonly state: string;
  readonly redirectUri: string;
  /** Absent if PKCE is turned off. */
  readonly codeVerifier: string | undefined;
}

export async function createAuthorizationRequest(
  authorizationEndpoint: URL,
  clientId: string,
  redirectUri: string,
  isWithPkce: boolean,
): Promise<AuthorizationRequest> {
  const server = await discover(authorizationEndpoint);
  const state = oauth.generateRandomState();
  // A server without PKCE ignores its parameters (RFC 6749 section 3.1), and many servers support PKCE without metadata.
  const codeVerifier = isWithPkce ? oauth.generateRandomCodeVerifier() : undefined;
  const url = new URL(authorizationEndpoint);
  url.searchParams.set('client_id', clientId);
  url.searchParams.set('redirect_uri', redirectUri);
  url.searchParams.set('response_type', 'code');
  url.searchParams.set('state', state);
  if (codeVerifier !== undefined) {
    url.searchParams.set('code_challenge', await oauth.calculatePKCECodeChallenge(codeVerifier));
    url.searchParams.set('code_challenge_method', 'S256');
  }
  return { url, server, client: { client_id: clientId }, state, redirectUri, codeVerifier };
}

/** Returns the server's metadata (RFC 8414 or OpenID) if it is for this endpoint; otherwise, minimal metadata. */
async function discover(authorizationEndpoint: URL): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(authorizationEndpoint.origin);
  const metadata = await Promise.all([readMetadata(issuer, 'oauth2'), readMetadata(issuer, 'oidc')]);
  const own = metadata.find((each) => each?.authorization_endpoint === authorizationEndpoint.href);
  return own ?? { issuer: issuer.origin };
}

async function readMetadata(issuer: URL, algorithm: 'oauth2' | 'oidc'): Promise<oauth.AuthorizationServer | undefined> {
  try {
    const response = await oauth.discoveryRequest(issuer, {
      algorithm,
      signal: AbortSignal.timeout(DISCOVERY_TIMEOUT_MS),
      [oauth.allowInsecureRequests]: isLoopback(issuer),
    });
    return await oauth.processDiscoveryResponse(issuer, response);
  } catch {
    // Most servers of this kind have no metadata, and a proxy may respond with a web page.
    return undefined;
  }
}
