/** An OAuth 2.0 authorization server that is not ours, on loopback, with one confidential client. */
export interface ForeignServer extends AsyncDisposable {
  readonly tokenEndpointUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Issues a new grant, as if someone had authorized the application. */
  authorize(): Promise<{ access_token: string; refresh_token: string }>;
  close(): Promise<void>;
}

/** Sends a token request with client credentials in the body (RFC 6749 section 2.3.1). */
export async function requestToken(
  { tokenEndpointUrl, clientId, clientSecret }: Omit<ForeignServer, 'authorize' | 'close' | typeof Symbol.asyncDispose>,
  parameters: Readonly<Record<string, string>>,
): Promise<Response> {
  const body = new URLSearchParams({ client_id: clientId, client_secret: clientSecret, ...parameters });
  return await fetch(tokenEndpointUrl, { method: 'POST', body });
}
