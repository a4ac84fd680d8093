import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Maximum number of open connections. Beyond that, the oldest one is closed, so a new one is always accepted. */
const MAX_CONNECTIONS = 100;
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const CHECK_INTERVAL_MS = 1_000;

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** HTTP server that any program may connect to. No request, no partial request and no number of sockets ends or delays it. */
export class GuardedServer {
  readonly #server: Server;
  /** Open connections, oldest first. */
  readonly #sockets = new Set<Socket>();
  readonly #kept = new Set<Socket>();

  constructor(server: Server, handle: Handler) {
    this.#server = server;
    server.headersTimeout = HEADERS_TIMEOUT_MS;
    server.requestTimeout = REQUEST_TIMEOUT_MS;
    server.setTimeout(0);
    // For example, too many open files: the connection is lost, and the server continues.
    server.on('error', () => undefined);
    server.on('connection', (socket) => this.#accept(socket));
    server.on('clientError', (_error, socket) => {
      const answer = 'HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';
      if (socket.writable) socket.end(answer, () => socket.destroy());
      else socket.destroy();
    });
    const serve = (request: IncomingMessage, response: ServerResponse) => {
      request.on('error', () => undefined);
      response.on('error', () => undefined);
      response.shouldKeepAlive = false;
      handle(request, response).catch(() => response.destroy());
    };
    server.on('request', serve);
    // Node itself answers an unknown `expect` header, and keeps the connection open.
    server.on('checkExpectation', serve);
  }

  /** Options of `createServer` that have no property. */
  static readonly options = { connectionsCheckingInterval: CHECK_INTERVAL_MS };

  /** Keeps a connection open, however many others come. */
  keep(socket: Socket): void {
    if (this.#sockets.delete(socket)) this.#kept.add(socket);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const socket of [...this.#sockets, ...this.#kept]) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
    this.#sockets.add(socket);
    const [oldest] = this.#sockets;
    if (this.#sockets.size > MAX_CONNECTIONS) oldest?.destroy();
  }
}
