import { request as httpsRequest } from 'node:https';
import type { Grant } from '../core/credentials.ts';
import type { TokenAnswer, TokenEndpoint } from '../core/ports.ts';
import { processTokenResponse, type TokenResponse } from './process-token-response.ts';

/** No token answer is near this long; the rest of a longer one is not read. */
const BODY_MAX_BYTES = 16 * 1024;

/** The refresh grant (RFC 6749 section 6) over HTTP, client credentials in the body, redirects never followed. */
export class HttpTokenEndpoint implements TokenEndpoint {
  readonly #url: URL;
  readonly #now: () => number;

  constructor(url: URL, now: () => number) {
    this.#url = url;
    this.#now = now;
  }

  async requestToken(grant: Grant, timeoutMs: number): Promise<TokenAnswer> {
    const response = await post(this.#url, toRequestBody(grant), timeoutMs);
    return 'kind' in response ? response : processTokenResponse(response, grant.refreshToken, this.#now());
  }
}

/** `application/x-www-form-urlencoded`; `redirect_uri` where the grant has one. */
export function toRequestBody({ clientId, clientSecret, refreshToken, redirectUri }: Grant): string {
  const body = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: clientId,
    client_secret: clientSecret,
    refresh_token: refreshToken,
  });
  if (redirectUri !== undefined) body.set('redirect_uri', redirectUri);
  return body.toString();
}

type NoResponse = Extract<TokenAnswer, { kind: 'not-sent' | 'ambiguous' }>;

/**
 * `fetch` does not tell whether anything was sent, and costs a cold start 15 ms; `node:https` is in memory already.
 * Each request has a connection of its own, so that "connected" says which side of the line an error is on.
 */
function post(url: URL, body: string, timeoutMs: number): Promise<TokenResponse | NoResponse> {
  const isSecure = url.protocol === 'https:';
  return new Promise((resolve) => {
    let isConnected = false;
    let finish: (() => void) | undefined;
    // On loopback alone. An import of `node:http` would load undici and http2, a quarter of the whole start.
    const send = isSecure ? httpsRequest : process.getBuiltinModule('node:http').request;
    const request = send(url, {
      method: 'POST',
      agent: false,
      headers: {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'retently-token-refresh',
      },
    });
    const timer = setTimeout(() => request.destroy(new TimeoutError()), timeoutMs);
    request.on('socket', (socket) => socket.once(isSecure ? 'secureConnect' : 'connect', () => (isConnected = true)));
    request.on('response', (response) => {
      const { statusCode = 0, headers } = response;
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      // However it ends: a JSON object that was cut short never parses, and one that is whole must not be lost.
      finish = () => {
        clearTimeout(timer);
        request.destroy();
        resolve({
          status: statusCode,
          retryAfter: headers['retry-after'],
          body: Buffer.concat(chunks).subarray(0, BODY_MAX_BYTES),
        });
      };
      response.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.length;
        chunks.push(chunk);
        if (sizeBytes > BODY_MAX_BYTES) finish?.();
      });
      response.on('end', finish);
      response.on('error', finish);
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (finish) return finish();
      clearTimeout(timer);
      resolve(isConnected ? ambiguous(error) : notSent(error));
    });
    request.end(body);
  });
}

class TimeoutError extends Error {
  readonly code = 'ETIMEDOUT';
}

// Node's own code, such as `ECONNRESET`, and not its message, which may name addresses and more.

function notSent({ code }: NodeJS.ErrnoException): NoResponse {
  return { kind: 'not-sent', reason: `The token endpoint could not be reached (${code})` };
}

function ambiguous({ code }: NodeJS.ErrnoException): NoResponse {
  return { kind: 'ambiguous', reason: `The token endpoint was reached but gave no answer (${code})` };
}
