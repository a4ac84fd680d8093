import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Grant } from '../core/credentials.ts';
import type { TokenAnswer, TokenEndpoint } from '../core/ports.ts';
import { BODY_MAX_BYTES } from './parse-response-body.ts';
import { processTokenResponse, type TokenResponse } from './process-token-response.ts';

/** To connect, TLS included. Nothing was sent by then, so another try is safe: no reason to wait long. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Node's own limit is a quarter of it. The headers are no part of the answer, and must not cost one. */
const HEADERS_MAX_BYTES = 64 * 1024;

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

/** `application/x-www-form-urlencoded`; `redirect_uri` if the grant has one. */
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
  // Only a sandbox on loopback speaks it. An import would load undici with it, a quarter of the whole cold start.
  const send = isSecure ? httpsRequest : process.getBuiltinModule('node:http').request;
  return new Promise((resolve) => {
    let isConnected = false;
    let finish: (() => void) | undefined;
    const request = send(url, {
      method: 'POST',
      agent: false,
      // An answer in hand is read although its framing is sloppy. Nobody else's request shares this connection.
      insecureHTTPParser: true,
      maxHeaderSize: HEADERS_MAX_BYTES,
      headers: {
        accept: 'application/json',
        'accept-encoding': 'identity',
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'retently-token-refresh',
      },
    });
    const fail = () => request.destroy(new TimeoutError());
    const connectTimer = setTimeout(fail, Math.min(timeoutMs, CONNECT_TIMEOUT_MS));
    const timer = setTimeout(fail, timeoutMs);
    const end = (answer: TokenResponse | NoResponse) => {
      clearTimeout(connectTimer);
      clearTimeout(timer);
      resolve(answer);
    };
    request.on('socket', (socket) =>
      socket.once(isSecure ? 'secureConnect' : 'connect', () => {
        isConnected = true;
        clearTimeout(connectTimer);
      }),
    );
    request.on('response', (response) => {
      finish = readBody(response, (answer) => {
        request.destroy();
        end(answer);
      });
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (finish) return finish();
      const answer = fromRawPacket(error);
      if (answer) return end(answer);
      end(isConnected ? ambiguous(error) : notSent(error));
    });
    // Also where Node says nothing else of it: an answer that switches the protocol, for one.
    request.on('close', () => (finish ? finish() : end(ambiguous({ code: 'closed without an answer' }))));
    request.end(body);
  });
}

/** @returns ends the reading: what came until then is the answer, for a whole one must not be lost to how it ended */
function readBody(response: IncomingMessage, done: (response: TokenResponse) => void): () => void {
  const { statusCode = 0, headers } = response;
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  const finish = () => {
    // What came in one packet with an error is still in the stream.
    for (let rest: Buffer | null = response.read(); rest !== null; rest = response.read()) chunks.push(rest);
    done({
      status: statusCode,
      retryAfter: headers['retry-after'],
      contentEncoding: headers['content-encoding'],
      contentType: headers['content-type'],
      body: Buffer.concat(chunks).subarray(0, BODY_MAX_BYTES),
    });
  };
  response.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.length;
    chunks.push(chunk);
    if (sizeBytes > BODY_MAX_BYTES) finish();
  });
  response.on('end', finish);
  response.on('error', finish);
  return finish;
}

/** Node gives up on headers that it cannot parse, with the bytes in hand: what is an answer in them counts. */
function fromRawPacket(error: object): TokenResponse | undefined {
  const bytes: unknown = Reflect.get(error, 'rawPacket');
  if (!(bytes instanceof Uint8Array)) return undefined;
  // One character a byte, so that places in the text are places in the bytes.
  const text = Buffer.from(bytes).toString('latin1');
  const [, status] = /^\s*http\/[\d.]+ +(\d{3})/i.exec(text) ?? [];
  const [separator = ''] = /\r?\n\r?\n/.exec(text) ?? [];
  if (status === undefined || separator === '') return undefined;
  const head = text.slice(0, text.indexOf(separator));
  const body = bytes.subarray(head.length + separator.length, head.length + separator.length + BODY_MAX_BYTES);
  return { status: Number(status), body, contentEncoding: /^content-encoding:\s*(.*)$/im.exec(head)?.[1] };
}

class TimeoutError extends Error {
  readonly code = 'ETIMEDOUT';
}

// Node's own code, such as `ECONNRESET`, and not its message, which may name addresses and more.

function notSent({ code }: NodeJS.ErrnoException): NoResponse {
  return { kind: 'not-sent', reason: `The token endpoint could not be reached (${code})` };
}

function ambiguous({ code }: Pick<NodeJS.ErrnoException, 'code'>): NoResponse {
  return { kind: 'ambiguous', reason: `The token endpoint was reached but gave no answer (${code})` };
}
