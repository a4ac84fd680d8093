import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLoopbackServer } from './loopback-server.ts';

const TOKEN_PATH = '/api/oauth/token';
const CHUNK = '{"padding":"'.padEnd(4096, 'x');
/** What `truncated-body` sends of the 4,096 bytes that it announces. */
const TRUNCATED = '{"access_token":"';

interface ScriptedAnswer {
  status: number;
  headers?: Record<string, string>;
  /** A string goes out as it is, anything else as JSON. @default an empty body */
  body?: unknown;
}

export type Step =
  | ScriptedAnswer
  /** The answer comes after `slowMs`. */
  | { slowMs: number; answer: ScriptedAnswer }
  /** The request is read, nothing follows. */
  | 'hang'
  /** The request is read, then the connection is reset. */
  | 'reset'
  /** The connection is reset before a byte of the request was read. */
  | 'reset-before'
  /** 200 and a body that never ends. */
  | 'endless-body'
  /** 200 and fewer bytes than `content-length` says, then the connection is reset. */
  | 'truncated-body';

interface ReceivedRequest {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  form: Record<string, string>;
}

/** A token endpoint on loopback for answers that a correct server never gives. */
export interface ScriptedTokenEndpoint extends AsyncDisposable {
  readonly url: string;
  /** Requests that were read to their end, oldest first; so none of a `reset-before`. */
  readonly requests: ReceivedRequest[];
  close(): Promise<void>;
}

/** Plays one step a connection; the last one repeats. */
export async function startScriptedTokenEndpoint(script: readonly Step[]): Promise<ScriptedTokenEndpoint> {
  const requests: ReceivedRequest[] = [];
  const steps = new WeakMap<Socket, Step>();
  let connections = 0;
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    // One request a connection, so that a step can be chosen before anything is read.
    response.shouldKeepAlive = false;
    requests.push(await receive(request));
    await play(steps.get(request.socket) ?? 'reset', response);
  };
  const { url, server, close } = await startLoopbackServer((request, response) => {
    // A client that goes away in the middle is part of the game.
    serve(request, response).catch(() => response.destroy());
  });
  server.on('connection', (socket) => {
    const step = script[Math.min(connections, script.length - 1)];
    connections += 1;
    if (step === undefined || step === 'reset-before') socket.resetAndDestroy();
    else steps.set(socket, step);
  });
  return { url: url + TOKEN_PATH, requests, close, [Symbol.asyncDispose]: close };
}

async function receive(request: IncomingMessage): Promise<ReceivedRequest> {
  const form = Object.fromEntries(new URLSearchParams(await text(request)));
  return { method: request.method ?? '', path: request.url ?? '', headers: request.headers, form };
}

async function play(step: Step, response: ServerResponse): Promise<void> {
  const json = { 'content-type': 'application/json' };
  switch (step) {
    case 'hang':
      return;
    case 'reset':
    case 'reset-before':
      response.socket?.resetAndDestroy();
      return;
    case 'endless-body':
      response.writeHead(200, json);
      await pipeline(Readable.from(endlessly(CHUNK)), response);
      return;
    case 'truncated-body':
      response.writeHead(200, { ...json, 'content-length': CHUNK.length });
      response.write(TRUNCATED, () => response.socket?.destroy());
      return;
    default:
      if ('slowMs' in step) await sleep(step.slowMs, undefined, { ref: false });
      answer('slowMs' in step ? step.answer : step, response);
  }
}

function answer({ status, headers = {}, body = '' }: ScriptedAnswer, response: ServerResponse): void {
  const isText = typeof body === 'string';
  response.writeHead(status, isText ? headers : { 'content-type': 'application/json', ...headers });
  response.end(isText ? body : JSON.stringify(body));
}

function* endlessly(chunk: string): Generator<string> {
  while (true) yield chunk;
}
