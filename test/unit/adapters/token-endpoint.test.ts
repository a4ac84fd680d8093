import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import { createServer as createSilentServer, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { HttpTokenEndpoint, toRequestBody } from '../../../lambda/adapters/token-endpoint.ts';
import { ResponseBuffer } from '../../../lambda/core/response-buffer.ts';
import { startLoopbackServer } from '../../sandbox/loopback-server.ts';
import { type Step, startScriptedTokenEndpoint } from '../../sandbox/oauth/scripted-token-endpoint.ts';
import { NOW_MS } from '../../support/secret-documents.ts';
import { createSelfSignedCertificate } from '../../support/self-signed-certificate.ts';

const GRANT = { clientId: 'client id+1', clientSecret: 'sécret&=', refreshToken: 'refresh/1' };
const ANSWER = { access_token: 'access-2', expires_in: 21_600, refresh_token: 'refresh-2' };
const AMPLE_MS = 5_000;

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function post(url: string, timeoutMs = AMPLE_MS) {
  return new HttpTokenEndpoint(new URL(url), () => NOW_MS).requestToken(GRANT, timeoutMs);
}

/** Sends the request, whose time is up as soon as `isReady` is true, however long that takes. */
async function postUntil(isReady: () => boolean, url: string) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const answer = post(url);
    while (!isReady()) await new Promise((resolve) => setImmediate(resolve));
    vi.advanceTimersByTime(AMPLE_MS);
    return await answer;
  } finally {
    vi.useRealTimers();
  }
}

/** Returns whether a request has received a part of a body. Its bytes are kept raw first. */
function watchBody(): () => boolean {
  const add = vi.spyOn(ResponseBuffer.prototype, 'add');
  closing.push(() => add.mockRestore());
  return () => add.mock.calls.length > 1;
}

async function play(...script: Step[]) {
  const endpoint = await startScriptedTokenEndpoint(script);
  closing.push(endpoint.close);
  return endpoint;
}

async function serve(listener: RequestListener): Promise<string> {
  const { url, close } = await startLoopbackServer(listener);
  closing.push(close);
  return url;
}

describe('the request', () => {
  test('is the refresh grant of RFC 6749, section 6: a form with client credentials, and nothing else', async () => {
    const { url, requests } = await play({ status: 200, body: ANSWER });
    await post(url);
    expect(requests).toMatchObject([
      {
        method: 'POST',
        path: '/api/oauth/token',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'application/json',
          'accept-encoding': 'identity',
        },
      },
    ]);
    expect(requests[0]?.form).toEqual({
      grant_type: 'refresh_token',
      client_id: 'client id+1',
      client_secret: 'sécret&=',
      refresh_token: 'refresh/1',
    });
    expect(requests[0]?.headers).not.toHaveProperty('authorization');
  });

  test('carries redirect_uri if the secret has one', () => {
    const redirectUri = 'https://example.com/callback?a=1';
    const form = Object.fromEntries(new URLSearchParams(toRequestBody({ ...GRANT, redirectUri })));
    expect(form).toMatchObject({ grant_type: 'refresh_token', redirect_uri: redirectUri });
  });
});

describe('an answer', () => {
  test('with a token is returned', async () => {
    const { url } = await play({ status: 200, body: ANSWER });
    expect(await post(url)).toMatchObject({ kind: 'token', accessToken: 'access-2', refreshToken: 'refresh-2' });
  });

  test('with a rejection is returned', async () => {
    const { url } = await play({ status: 400, body: { error: 'invalid_grant' } });
    expect(await post(url)).toMatchObject({ kind: 'refused', error: 'invalid_grant' });
  });

  test.each([
    ['7', 7],
    [new Date(NOW_MS + 60_000).toUTCString(), 60],
  ])('that throttles has Retry-After: %s', async (header, retryAfterSeconds) => {
    const { url } = await play({ status: 429, headers: { 'retry-after': header } });
    expect(await post(url)).toMatchObject({ kind: 'throttled', retryAfterSeconds });
  });

  test('with a redirect is not followed, so that credentials go nowhere else', async () => {
    const elsewhere = await play({ status: 200, body: ANSWER });
    const { url } = await play({ status: 307, headers: { location: elsewhere.url } });
    expect(await post(url)).toMatchObject({ kind: 'misdirected', reason: 'Retently answered HTTP 307' });
    expect(elsewhere.requests).toEqual([]);
  });
});

describe('not sent, because no byte of the request was sent:', () => {
  test('a rejected connection', async () => {
    const { url, close } = await play('hang');
    await close();
    expect(await post(url)).toEqual({
      kind: 'not-sent',
      reason: expect.stringContaining('(ECONNREFUSED)'),
    });
  });

  test('a TLS handshake with a server without TLS', async () => {
    const { url } = await play('hang');
    expect(await post(url.replace('http:', 'https:'))).toMatchObject({ kind: 'not-sent' });
  });

  test('an untrusted certificate, so that the server receives no byte of the request', async () => {
    const received: unknown[] = [];
    const server = createServer(createSelfSignedCertificate(), (request) => received.push(request.method));
    server.on('secureConnection', (socket) => socket.on('data', (bytes) => received.push(bytes)));
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => server.close());
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    expect(await post(`https://127.0.0.1:${port}/api/oauth/token`)).toMatchObject({
      kind: 'not-sent',
      reason: expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT'),
    });
    expect(received).toEqual([]);
  });
});

describe('ambiguous, because the token may be used up:', () => {
  test('a connection that is reset after the request was read', async () => {
    const { url, requests } = await play('reset');
    expect(await post(url)).toEqual({
      kind: 'ambiguous',
      reason: expect.stringContaining('(ECONNRESET)'),
    });
    expect(requests).toHaveLength(1);
  });

  test('no response in time', async () => {
    const { url, requests } = await play('hang');
    expect(await postUntil(() => requests.length > 0, url)).toEqual({
      kind: 'ambiguous',
      reason: expect.stringContaining('(ETIMEDOUT)'),
    });
    expect(requests).toHaveLength(1);
  });

  test('headers that never end, and an error in headers that cannot be parsed either', async () => {
    const endless = await serve((request) => request.socket.end(`HTTP/1.1 200 OK\r\nfo o: b\r\n${'x'.repeat(99)}`));
    expect(await post(endless)).toMatchObject({ kind: 'ambiguous' });
    const refusal = 'HTTP/1.1 400 Bad Request\r\ncontent-length: -1\r\n\r\n{"error":"invalid_grant"}';
    const refused = await serve((request) => request.socket.end(refusal));
    expect(await post(refused)).toMatchObject({ kind: 'refused', error: 'invalid_grant' });
  });

  test('a response that is not HTTP', async () => {
    const url = await serve((request) => request.socket.end('P1ANTED\r\n\r\n'));
    const answer = await post(url);
    expect(answer).toMatchObject({ kind: 'ambiguous' });
    expect(JSON.stringify(answer)).not.toContain('P1ANTED');
  });

  test('a truncated body', async () => {
    const { url } = await play('truncated-body');
    expect(await post(url)).toMatchObject({ kind: 'ambiguous' });
  });

  test('a body that never ends, which is read up to 1 MiB', async () => {
    const { url } = await play('endless-body');
    expect(await post(url)).toMatchObject({ kind: 'ambiguous', isTruncated: true });
  });

  test('a body that stops coming', async () => {
    const url = await serve((_request, response) => void response.write('{"access_token":"P1ANTED'));
    expect(await postUntil(watchBody(), url)).toMatchObject({ kind: 'ambiguous' });
  });
});

describe('a response of any size', () => {
  const MIB = 1024 * 1024;
  const leading = (sizeBytes: number) => `{"id_token":"${'x'.repeat(sizeBytes)}",${JSON.stringify(ANSWER).slice(1)}`;
  const behind = (sizeBytes: number) => `${JSON.stringify(ANSWER).slice(0, -1)},"id_token":"${'x'.repeat(sizeBytes)}"}`;
  const TOKENS = { kind: 'token', accessToken: 'access-2', refreshToken: 'refresh-2', expiresInSeconds: 21_600 };

  test.each<[string, string, object]>([
    ['an id_token of 17,000 characters before the tokens', leading(17_000), TOKENS],
    ['an id_token of 1,000,000 characters before the tokens', leading(1_000_000), TOKENS],
    ['an id_token of 2 MiB behind the tokens', behind(2 * MIB), { ...TOKENS, isTruncated: true }],
    ['an id_token of 2 MiB before the tokens', leading(2 * MIB), { kind: 'ambiguous', isTruncated: true }],
    ['white space of 2 MiB behind the tokens', JSON.stringify(ANSWER) + ' '.repeat(2 * MIB), TOKENS],
    ['white space of 2 MiB', ' '.repeat(2 * MIB), { kind: 'ambiguous', isTruncated: true }],
    [
      'an access token, and its refresh token behind 2 MiB',
      `{"access_token":"access-2","x":"${'x'.repeat(2 * MIB)}","refresh_token":"refresh-2"}`,
      { kind: 'token', accessToken: 'access-2', refreshToken: undefined, isTruncated: true },
    ],
  ])('%s', async (_name, body, expected) => {
    const { url } = await play({ status: 200, body });
    expect(await post(url)).toMatchObject(expected);
  });

  test.each([
    ['100 KiB in one header', `x-a: ${'a'.repeat(100 * 1024)}\r\n`],
    ['900 KiB in many headers', `x-a: ${'a'.repeat(1_000)}\r\n`.repeat(900)],
    ['3,000 headers before content-encoding', 'x-a: b\r\n'.repeat(3_000)],
  ])('headers of %s', async (_name, headers) => {
    const body = gzipSync(JSON.stringify(ANSWER));
    const head = `HTTP/1.1 200 OK\r\n${headers}content-encoding: gzip\r\ncontent-length: ${body.length}\r\n\r\n`;
    const { url } = await play({ raw: Buffer.concat([Buffer.from(head), body]) });
    expect(await post(url)).toMatchObject(TOKENS);
  });

  test.each([
    ['headers of 2 MiB', `HTTP/1.1 200 OK\r\n${`x-a: ${'a'.repeat(1_000)}\r\n`.repeat(2_100)}\r\n`],
    [
      'a chunk extension of 20 KiB, before the tokens',
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9;${'e'.repeat(20 * 1024)}\r\n`,
    ],
  ])('%s: if Node gives up because of a size, no second request follows', async (_name, raw) => {
    const { url } = await play({ raw: Buffer.from(raw) });
    expect(await post(url)).toMatchObject({ kind: 'ambiguous', isTruncated: true });
  });

  test('headers that Node cannot parse, in several packets', async () => {
    const url = await serve(({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nx-a: ${'a'.repeat(200 * 1024)}\r\n`);
      setImmediate(() => socket.end(`fo o: b\r\n\r\n${JSON.stringify(ANSWER)}`));
    });
    expect(await post(url)).toMatchObject(TOKENS);
  });
});

test.each(['http', 'https'])(
  '%s: each address of a host has two seconds for its TCP handshake, not 250 ms',
  async (scheme) => {
    const connect = vi.spyOn(Socket.prototype, 'connect');
    const { url, close } = await play('hang');
    await close();
    try {
      await post(url.replace('http', scheme));
      expect(JSON.stringify(connect.mock.calls[0])).toContain(
        '"autoSelectFamily":true,"autoSelectFamilyAttemptTimeout":2000',
      );
    } finally {
      connect.mockRestore();
    }
  },
);

describe('a received token is never discarded', () => {
  test('even if it comes long after the time for the connection, because that time ends with the connection', async () => {
    let respond: (() => unknown) | undefined;
    const url = await serve((_request, response) => {
      respond = () => response.end(JSON.stringify(ANSWER));
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const answer = post(url, 36_000);
      while (respond === undefined) await new Promise((resolve) => setImmediate(resolve));
      vi.advanceTimersByTime(35_999);
      respond();
      expect(await answer).toMatchObject({ kind: 'token', refreshToken: 'refresh-2' });
    } finally {
      vi.useRealTimers();
    }
  });

  test('even if the connection stays open after it', async () => {
    const url = await serve((_request, response) => void response.write(JSON.stringify(ANSWER)));
    expect(await postUntil(watchBody(), url)).toMatchObject({ kind: 'token', refreshToken: 'refresh-2' });
  });

  test('even if the connection breaks after it', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 4_096 });
      response.write(JSON.stringify(ANSWER), () => response.socket?.destroy());
    });
    expect(await post(url)).toMatchObject({ kind: 'token', refreshToken: 'refresh-2' });
  });
});

describe('a response with incorrect framing is read:', () => {
  const body = JSON.stringify(ANSWER);
  const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

  test.each([
    [
      'a length and chunks together',
      `HTTP/1.1 200 OK\r\ncontent-length: 7\r\ntransfer-encoding: chunked\r\n\r\n${chunked}`,
    ],
    ['a bare line feed behind a header', `HTTP/1.1 200 OK\r\nx-a: b\ncontent-length: ${body.length}\r\n\r\n${body}`],
    ['bare line feeds everywhere', `HTTP/1.1 200 OK\ncontent-length: ${body.length}\n\n${body}`],
    [
      'headers of 48 KiB',
      `HTTP/1.1 200 OK\r\nx-a: ${'a'.repeat(48 * 1024)}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    ],
    ['no length', `HTTP/1.1 200 OK\r\n\r\n${body}`],
    ['HTTP/1.0', `HTTP/1.0 200 OK\r\n\r\n${body}`],
    ['a length that is too long', `HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n${body}`],
    ['two lengths', `HTTP/1.1 200 OK\r\ncontent-length: 9\r\ncontent-length: 9\r\n\r\n${body}`],
    ['a list of lengths', `HTTP/1.1 200 OK\r\ncontent-length: 9, 9\r\n\r\n${body}`],
    ['a length that is not a number', `HTTP/1.1 200 OK\r\ncontent-length: abc\r\n\r\n${body}`],
    ['a length that is too short', `HTTP/1.1 200 OK\r\ncontent-length: ${body.length - 1}\r\n\r\n${body}`],
    ['a header without a colon', `HTTP/1.1 200 OK\r\nsomething\r\n\r\n${body}`],
    ['another spelling of HTTP', `http/1.1  200 OK\r\n\r\n${body}`],
    ['an invalid header before chunks', `HTTP/1.1 200 OK\r\nfo o: b\r\ntransfer-encoding: chunked\r\n\r\n${chunked}`],
    [
      'an invalid chunk after a complete one',
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\nzz\r\n`,
    ],
    [
      'a header value that is not ASCII',
      `HTTP/1.1 200 OK\r\nx-a: Caf\u00e9\u0001\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    ],
  ])('%s', async (_name, response) => {
    const url = await serve((request) => request.socket.end(Buffer.from(response, 'latin1')));
    expect(await post(url)).toMatchObject({ kind: 'token', accessToken: 'access-2', refreshToken: 'refresh-2' });
  });
});

test('a response that switches the protocol is ambiguous, without a wait', async () => {
  const url = await serve((request) =>
    request.socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n'),
  );
  expect(await post(url)).toMatchObject({ kind: 'ambiguous' });
});

test('a handshake that never ends is aborted after five seconds, and nothing is sent', async () => {
  const server = createSilentServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sockets: Socket[] = [];
  const connected = new Promise<void>((resolve) =>
    server.on('connection', (socket) => resolve(void sockets.push(socket))),
  );
  closing.push(
    () => server.close(),
    () => sockets.map((socket) => socket.destroy()),
  );
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const answer = post(`https://127.0.0.1:${port}/`, 45_000);
    await connected;
    vi.advanceTimersByTime(4_999);
    expect(vi.getTimerCount()).toBeGreaterThan(1);
    vi.advanceTimersByTime(1);
    expect(await answer).toMatchObject({ kind: 'not-sent', reason: expect.stringContaining('ETIMEDOUT') });
  } finally {
    vi.useRealTimers();
  }
});
