import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, EXIT } from '../command-error.ts';
import { GuardedServer } from './guarded-server.ts';
import { isEqualText } from './is-equal-text.ts';
import { type LastPage, sendPage } from './last-page.ts';
import type { RedirectTarget } from './redirect-target.ts';

/** Maximum wait for the browser to fetch its last page. A closed tab never does. */
const LAST_PAGE_WAIT_MS = 2_000;
/** Tries to find a port that is free on both loopback addresses. */
const MAX_PORT_TRIES = 5;
/** Codes of `listen` on a host without IPv4 or without IPv6. */
const NO_SUCH_ADDRESS = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);

const NOT_HERE: LastPage = {
  isGood: false,
  title: 'Nothing is here',
  paragraphs: ['This address only accepts the answer of an authorization.'],
};
const NOT_OURS: LastPage = {
  isGood: false,
  title: 'Unexpected answer',
  paragraphs: [
    'This answer does not belong to this request: it may come from an earlier attempt.',
    'Use the page that the terminal printed last. The terminal is still waiting.',
  ],
};

/**
 * Waits on loopback for the browser to come back from the authorization server. Any page and any program on this
 * machine can send requests to the port, so only an answer with the expected state changes anything.
 */
export class RedirectListener implements AsyncDisposable {
  /** Address to which the authorization server sends the browser. */
  readonly redirectUri: string;
  readonly #servers: readonly GuardedServer[];
  /** Only the tab that brought the answer learns this path. */
  readonly #donePath: string;
  readonly #received = new Deferred<URL>();
  readonly #page = new Deferred<LastPage>();
  readonly #shown = new Deferred<void>();
  #state: string | undefined;

  /** Starts to listen on each loopback address of the redirect URI. @throws CommandError if the port is taken */
  static async start(target: RedirectTarget): Promise<RedirectListener> {
    const url = new URL(target.redirectUri);
    const port = Number(url.port || 80);
    for (let tries = 1; ; tries += 1) {
      try {
        const servers = await listen(url.hostname, port);
        return new RedirectListener(servers, withPort(target.redirectUri, servers));
      } catch (error) {
        if (port !== 0 || tries === MAX_PORT_TRIES) throw toPortFailure(error, port, target);
      }
    }
  }

  private constructor(servers: readonly Server[], redirectUri: string) {
    this.redirectUri = redirectUri;
    this.#donePath = `${new URL(redirectUri).pathname.replace(/\/$/, '')}/done/${randomBytes(16).toString('hex')}`;
    this.#servers = servers.map((server) => new GuardedServer(server, (...each) => this.#answer(...each)));
  }

  /** Returns the authorization server's answer with this state. @throws CommandError if none comes in time */
  async receive(state: string, waitSeconds: number): Promise<URL> {
    this.#state = state;
    const late = new AbortController();
    const timeout = sleep(waitSeconds * 1000, undefined, { signal: late.signal }).then(() => {
      const message = `No answer from the browser within ${waitSeconds} s: the page may be closed. Nothing was stored. Run the command again. If the browser is on another machine, pass --manual.`;
      throw new CommandError(EXIT.attention, message);
    });
    try {
      return await Promise.race([this.#received.promise, timeout]);
    } finally {
      timeout.catch(() => undefined);
      late.abort();
    }
  }

  /** Shows the browser its last page, if the tab is still open. */
  async finish(page: LastPage): Promise<void> {
    this.#page.resolve(page);
    await Promise.race([this.#shown.promise, sleep(LAST_PAGE_WAIT_MS, undefined, { ref: false })]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { origin, pathname, host } = new URL(this.redirectUri);
    const url = parseTarget(request.url, origin);
    if (url === undefined) return sendPage(response, NOT_HERE, 400);
    // A page elsewhere can point its own name to this machine; the header then names that page's host.
    const isForUs = request.method === 'GET' && request.headers.host?.toLowerCase() === host;
    if (isForUs && url.pathname === this.#donePath) {
      response.once('finish', () => this.#shown.resolve());
      return sendPage(response, await this.#page.promise);
    }
    const isAnswer = url.searchParams.has('code') || url.searchParams.has('error');
    if (!isForUs || url.pathname !== pathname || !isAnswer) return sendPage(response, NOT_HERE, 404);
    if (!this.#hasState(url)) return sendPage(response, NOT_OURS, 400);
    // A reloaded tab brings its code a second time: the first one counts.
    this.#received.resolve(url);
    for (const server of this.#servers) server.keep(request.socket);
    await this.#page.promise;
    // Redirects away from the address that contains the code.
    const headers = { location: this.#donePath, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' };
    response.writeHead(303, headers).end();
  }

  #hasState({ searchParams }: URL): boolean {
    const [state, ...more] = searchParams.getAll('state');
    return this.#state !== undefined && state !== undefined && more.length === 0 && isEqualText(state, this.#state);
  }
}

/** Parses the origin form of a request target, the only one that a browser sends to a server that is no proxy. */
function parseTarget(target: string | undefined, origin: string): URL | undefined {
  if (target === undefined || !/^\/(?![/\\])/.test(target) || !URL.canParse(target, origin)) return undefined;
  const url = new URL(target, origin);
  return url.origin === origin ? url : undefined;
}

/** Listens on both addresses of `localhost`, because a browser may use either one. */
async function listen(hostname: string, port: number): Promise<readonly Server[]> {
  if (hostname !== 'localhost') return [await listenOn(hostname === '[::1]' ? '::1' : hostname, port)];
  const servers: Server[] = [];
  for (const host of ['127.0.0.1', '::1']) {
    try {
      const [first] = servers;
      servers.push(await listenOn(host, first === undefined ? port : portOf(first)));
    } catch (error) {
      const isLast = host === '::1';
      if (NO_SUCH_ADDRESS.has(codeOf(error)) && !(isLast && servers.length === 0)) continue;
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
      throw error;
    }
  }
  return servers;
}

async function listenOn(host: string, port: number): Promise<Server> {
  const server = createServer(GuardedServer.options);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, ipv6Only: true }, resolve);
  });
  return server;
}

/** Minimal stand-in for `Promise.withResolvers`, which Node 20 does not have. */
class Deferred<T> {
  readonly promise: Promise<T>;
  resolve: (value: T) => void = () => undefined;

  constructor() {
    this.promise = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }
}

/** Replaces port 0, which stands for any free port. Everything else stays as it was given. */
function withPort(redirectUri: string, [server]: readonly Server[]): string {
  const url = new URL(redirectUri);
  if (url.port !== '0' || server === undefined) return redirectUri;
  url.port = String(portOf(server));
  return url.href;
}

function portOf(server: Server): number {
  const address = server.address();
  return address === null || typeof address === 'string' ? 0 : address.port;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}

function toPortFailure(error: unknown, port: number, { source }: RedirectTarget): CommandError {
  const code = codeOf(error);
  const what = code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be opened (${code})`;
  const advice =
    source === 'port'
      ? 'Choose another with --port, and register the redirect URI that belongs to it.'
      : `The port comes from ${source === 'option' ? '--redirect-uri' : 'redirect_uri in the secret'}. Stop that program, or pass --manual and paste the address.`;
  return new CommandError(EXIT.unable, `Port ${port} ${what}. ${advice} Nothing was changed.`);
}
