import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Grant } from '../core/credentials.ts';
import type { TokenAnswer, TokenEndpoint } from '../core/ports.ts';
import { RESPONSE_MAX_BYTES, ResponseBuffer } from '../core/response-buffer.ts';
import { processTokenResponse, type TokenResponse } from './process-token-response.ts';

/** Time to connect, including TLS. Nothing has been sent by then, so a retry is safe, and there is no reason to wait longer. */
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Limits of Node's HTTP client. None of them may end an exchange that our own limits allow: an answer may have cost a
 * refresh token.
 */
const NODE_LIMITS = {
  // Node: 16 KiB. The headers are not part of the answer, so they must not cost one.
  maxHeaderSize: RESPONSE_MAX_BYTES,
  // Node: on, unless NODE_OPTIONS says otherwise. Without it, a host whose first address is unreachable is never reached.
  autoSelectFamily: true,
  // Node: 250 ms per address, less than some TCP handshakes take. Leaves the second address more than half of our 5 s.
  autoSelectFamilyAttemptTimeout: 2_000,
  // Node: no socket timeout for a request without an agent. Set, so that a later default cannot end a slow POST.
  timeout: 0,
  // Node: strict. Reads an answer although its framing is sloppy. No other request shares this connection.
  insecureHTTPParser: true,
  // Node: a shared agent, with its own timeout for sockets and a queue. Each request has a connection of its own.
  agent: false,
} as const;
/** Node drops all headers behind the 2,000th, and `content-encoding` may be one of them. 0: no limit. */
const HEADERS_MAX_COUNT = 0;

/** The refresh grant (RFC 6749 section 6) over HTTP, client credentials in the body, redirects never followed. */
export class HttpTokenEndpoint implements TokenEndpoint {
  readonly #url: URL;
  readonly #now: () => number;

  constructor(url: URL, now: () => number) {
    this.#url = url;
    this.#now = now;
  }

  async requestToken(grant: Grant, timeoutMs: number): Promise<TokenAnswer> {
    const response = await postForm(this.#url, toRequestBody(grant), timeoutMs);
    if ('error' in response) return response.isSent ? ambiguous(response.error) : notSent(response.error);
    return processTokenResponse(response, grant.refreshToken, this.#now());
  }
}

/** Returns `application/x-www-form-urlencoded`; with `redirect_uri` if the grant has one. */
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

/** Failure of a request that got no answer. */
export interface RequestFailure {
  readonly error: NodeJS.ErrnoException;
  /** Whether the server may have received the request. */
  readonly isSent: boolean;
}

/**
 * Sends one POST and never throws. `fetch` does not report whether anything was sent, and costs a cold start 15 ms;
 * `node:https` is in memory already. Each request has its own connection: an error before it is connected proves that nothing was sent.
 */
export function postForm(url: URL, body: string, timeoutMs: number): Promise<TokenResponse | RequestFailure> {
  const isSecure = url.protocol === 'https:';
  // Only a sandbox on loopback uses http:. An import would also load undici, a quarter of the whole cold start.
  const send = isSecure ? httpsRequest : process.getBuiltinModule('node:http').request;
  return new Promise((resolve) => {
    let isConnected = false;
    let finish: ((error?: Error) => void) | undefined;
    const received = new ResponseBuffer();
    const request = send(url, {
      ...NODE_LIMITS,
      method: 'POST',
      headers: {
        accept: 'application/json',
        'accept-encoding': 'identity',
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'retently-token-refresh',
      },
    });
    request.maxHeadersCount = HEADERS_MAX_COUNT;
    const fail = () => request.destroy(new TimeoutError());
    const connectTimer = setTimeout(fail, Math.min(timeoutMs, CONNECT_TIMEOUT_MS));
    const timer = setTimeout(fail, timeoutMs);
    const end = (answer: TokenResponse | RequestFailure) => {
      clearTimeout(connectTimer);
      clearTimeout(timer);
      resolve(answer);
    };
    request.on('socket', (socket) => {
      // Ahead of Node's parser, which stops at the first bytes that it cannot read.
      socket.prependListener('data', (bytes: Buffer) => received.add(bytes));
      socket.once(isSecure ? 'secureConnect' : 'connect', () => {
        isConnected = true;
        clearTimeout(connectTimer);
      });
    });
    request.on('response', (response) => {
      finish = readBody(response, (answer) => {
        request.destroy();
        end(answer);
      });
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (finish) return finish(error);
      const answer = fromRawBytes(received.toBytes());
      if (answer) return end(answer);
      end({ error, isSent: isConnected });
    });
    // Sometimes the only event, for example after an answer that switches the protocol.
    request.on('close', () => (finish ? finish() : end({ error: new ClosedError(), isSent: true })));
    request.end(body);
  });
}

/** Headers with which AWS WAF, Cloudflare, Squid and proxies that require credentials block a request. */
const BLOCKING_HEADERS = ['x-amzn-waf-action', 'cf-mitigated', 'x-squid-error', 'proxy-authenticate'];

/** Returns a function that ends the reading with the part received so far: a complete answer must not be lost because the connection broke. */
function readBody(response: IncomingMessage, done: (response: TokenResponse) => void): (error?: Error) => void {
  const { statusCode = 0, headers } = response;
  const buffer = new ResponseBuffer();
  const finish = (error?: Error) => {
    // A chunk that came in one packet with an error is still in the stream.
    for (let rest: Buffer | null = response.read(); rest !== null; rest = response.read()) buffer.add(rest);
    done({
      status: statusCode,
      retryAfter: headers['retry-after'],
      isBlocked: BLOCKING_HEADERS.some((name) => headers[name] !== undefined),
      contentEncoding: headers['content-encoding'],
      contentType: headers['content-type'],
      body: buffer.toBytes(),
      isTruncated: buffer.isTruncated || isLimitOfParser(error),
    });
  };
  response.on('data', (chunk: Buffer) => {
    buffer.add(chunk);
    if (buffer.isTruncated) finish();
  });
  response.on('end', () => finish());
  response.on('error', finish);
  return finish;
}

/** Returns whether Node's parser gave up on a size: of all headers, or of a chunk's extensions. The same answer would fail again. */
function isLimitOfParser(error: NodeJS.ErrnoException | undefined): boolean {
  return error?.code?.endsWith('_OVERFLOW') === true;
}

/** Finds the answer in the bytes received before Node gave up on headers that it could not parse. */
function fromRawBytes(bytes: Uint8Array): TokenResponse | undefined {
  // One character per byte, so that offsets in the text are offsets in the bytes.
  const text = Buffer.from(bytes).toString('latin1');
  const [, status] = /^\s*http\/[\d.]+ +(\d{3})/i.exec(text) ?? [];
  const [separator = ''] = /\r?\n\r?\n/.exec(text) ?? [];
  if (status === undefined || separator === '') return undefined;
  const head = text.slice(0, text.indexOf(separator));
  const body = bytes.subarray(head.length + separator.length);
  return { status: Number(status), body, contentEncoding: /^content-encoding:\s*(.*)$/im.exec(head)?.[1] };
}

class TimeoutError extends Error {
  readonly code = 'ETIMEDOUT';
}

class ClosedError extends Error {
  readonly code = 'closed without an answer';
}

// Node's own code, such as `ECONNRESET`, and not its message, which may name addresses and more.

function notSent({ code }: NodeJS.ErrnoException): TokenAnswer {
  return { kind: 'not-sent', reason: `The token endpoint could not be reached (${code})` };
}

function ambiguous(error: NodeJS.ErrnoException): TokenAnswer {
  const reason = `The token endpoint was reached but gave no answer (${error.code})`;
  return { kind: 'ambiguous', reason, ...(isLimitOfParser(error) && { isTruncated: true }) };
}
