import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, EXIT } from '../command-error.ts';
import { type LastPage, sendPage } from './last-page.ts';

/** The browser fetches its last page at once; one that was closed never does. */
const LAST_PAGE_WAIT_MS = 2_000;

const NOT_HERE: LastPage = {
  isGood: false,
  title: 'Nothing is here',
  paragraphs: ['This address only takes the answer of an authorization.'],
};

/** Waits on loopback for the browser to come back from the authorization server. */
export class RedirectListener implements AsyncDisposable {
  /** What the browser is told to come back to. */
  readonly redirectUri: string;
  readonly #server: Server;
  readonly #received = new Deferred<URL>();
  readonly #page = new Deferred<LastPage>();
  readonly #shown = new Deferred<void>();

  /** @throws CommandError if the port cannot be had */
  static async start(redirectUri: string): Promise<RedirectListener> {
    const server = createServer();
    const { hostname, port: portText } = new URL(redirectUri);
    const host = hostname === '[::1]' ? '::1' : '127.0.0.1';
    const port = Number(portText || 80);
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, resolve);
      });
    } catch (error) {
      throw toPortFailure(error, port);
    }
    return new RedirectListener(server, redirectUri);
  }

  constructor(server: Server, redirectUri: string) {
    this.#server = server;
    this.redirectUri = withPort(redirectUri, server);
    server.on('request', (request, response) => void this.#answer(request, response));
  }

  /** The first answer of the authorization server, with its parameters. @throws CommandError if none comes in time */
  async receive(waitSeconds: number): Promise<URL> {
    const late = new AbortController();
    const timeout = sleep(waitSeconds * 1000, undefined, { signal: late.signal }).then(() => {
      const message = `No browser came back within ${waitSeconds} s: was the page closed? Nothing was stored. Run the command again; with --manual, a browser on another machine will do.`;
      throw new CommandError(EXIT.attention, message);
    });
    try {
      return await Promise.race([this.#received.promise, timeout]);
    } finally {
      timeout.catch(() => undefined);
      late.abort();
    }
  }

  /** Shows the browser its last page, if it is still there. */
  async finish(page: LastPage): Promise<void> {
    this.#page.resolve(page);
    await Promise.race([this.#shown.promise, sleep(LAST_PAGE_WAIT_MS, undefined, { ref: false })]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { origin, pathname, host } = new URL(this.redirectUri);
    const donePath = `${pathname.replace(/\/$/, '')}/done`;
    // No other name leads here, so that no page elsewhere can pretend to be the authorization server.
    const isOurs = request.method === 'GET' && request.headers.host === host;
    const url = new URL(request.url ?? '/', origin);
    if (isOurs && url.pathname === donePath) {
      response.shouldKeepAlive = false;
      response.once('finish', () => this.#shown.resolve());
      return sendPage(response, await this.#page.promise);
    }
    const isAnswer = url.searchParams.has('code') || url.searchParams.has('error');
    if (!isOurs || url.pathname !== pathname || !isAnswer) return sendPage(response, NOT_HERE, 404);
    // A page that is loaded anew brings its code for the second time: the first one counts.
    this.#received.resolve(url);
    await this.#page.promise;
    // Away from the address that has the code in it.
    response
      .writeHead(303, { location: donePath, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
      .end();
  }
}

/** `Promise.withResolvers` came with Node 22. */
class Deferred<T> {
  readonly promise: Promise<T>;
  resolve: (value: T) => void = () => undefined;

  constructor() {
    this.promise = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }
}

/** Port 0 is any that is free; everything else stays as it was given. */
function withPort(redirectUri: string, server: Server): string {
  const address = server.address();
  const url = new URL(redirectUri);
  if (url.port !== '0' || address === null || typeof address === 'string') return redirectUri;
  url.port = String(address.port);
  return url.href;
}

function toPortFailure(error: unknown, port: number): CommandError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  const what = code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be listened on (${code})`;
  return new CommandError(
    EXIT.unable,
    `Port ${port} ${what}. Choose another with --port, and register the redirect URI that belongs to it. Nothing was changed.`,
  );
}
