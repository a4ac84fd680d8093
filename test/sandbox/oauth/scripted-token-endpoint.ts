import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLoopbackServer } from '../loopback-server.ts';

const TOKEN_PATH = '/api/oauth/token';
const CHUNK = '{"padding":"'.padEnd(4096, 'x');
/** Bytes that `truncated-body` sends of the 4,096 that it announces. */
const TRUNCATED = '{"access_token":"';

interface ScriptedAnswer {
  status: number;
  headers?: Record<string, string>;
  /** A string or bytes go out as they are, anything else as JSON. @default an empty body */
  body?: unknown;
}

export type Step =
  | ScriptedAnswer
  /** The answer comes after `slowMs`. */
  | { slowMs: number; answer: ScriptedAnswer | 'forward' }
  /** Exactly these bytes, even if they are not valid HTTP. Then the connection ends. */
  | { raw: Uint8Array }
  /** The request is read, nothing follows. */
  | 'hang'
  /** The request is read, then the connection is reset. */
  | 'reset'
  /** The connection is reset before a byte of the request was read. */
  | 'reset-before'
  /** 200 and a body that never ends. */
  | 'endless-body'
  /** 200 and fewer bytes than `content-length` states. Then the connection is reset. */
  | 'truncated-body'
  /** `upstream` answers. */
  | 'forward'
  /** `upstream` answers after the test has called `release`. */
  | 'held'
  /** `upstream` answers, then the connection is reset: the answer is lost. */
  | 'lose-answer'
  /** `upstream` answers, and nothing follows: time to kill a caller. */
  | 'hold-answer';

export interface ReceivedRequest {
  /** `performance.now()` at its end. */
  beganAtMs: number;
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  form: Record<string, string>;
  /** Response of `upstream`, even if it was not passed on; otherwise the response of the script. */
  answer?: ScriptedAnswer;
  /** The script lost the answer, or keeps it. */
  isAnswerLost?: boolean;
}

/** A token endpoint on loopback for answers that a correct server never gives. */
export interface ScriptedTokenEndpoint extends AsyncDisposable {
  readonly url: string;
  /** Requests that were read to their end, oldest first; so none of a `reset-before`. */
  readonly requests: ReceivedRequest[];
  /** From the next connection on, plays this script from its beginning. */
  play(...script: readonly Step[]): void;
  /** Lets every request that is `held` go on. */
  release(): void;
  close(): Promise<void>;
}

/**
 * Plays one step a connection; the last one repeats.
 *
 * @param upstream the token endpoint behind `forward`, `lose-answer` and `hold-answer`
 */
export async function startScriptedTokenEndpoint(
  script: readonly Step[],
  upstream?: string,
): Promise<ScriptedTokenEndpoint> {
  const requests: ReceivedRequest[] = [];
  const steps = new WeakMap<Socket, Step>();
  let playing = script;
  let connections = 0;
  const held: (() => void)[] = [];
  const release = () => {
    for (const goOn of held.splice(0)) goOn();
  };
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    // One request a connection, so that a step can be chosen before anything is read.
    response.shouldKeepAlive = false;
    const received = await receive(request);
    requests.push(received);
    const step = steps.get(request.socket) ?? 'reset';
    if (step === 'held') await new Promise<void>((resolve) => held.push(resolve));
    await perform(step, received, response, upstream);
  };
  const { url, server, close } = await startLoopbackServer((request, response) => {
    // Clients may disconnect at any time.
    serve(request, response).catch(() => response.destroy());
  });
  server.on('connection', (socket: Socket) => {
    const step = playing[Math.min(connections, playing.length - 1)];
    connections += 1;
    if (step === undefined || step === 'reset-before') {
      socket.resetAndDestroy();
      return;
    }
    steps.set(socket, step);
    const script = playing;
    // A client may connect, send nothing and close. That uses up no step.
    socket.once('close', () => {
      if (socket.bytesRead === 0 && script === playing) connections -= 1;
    });
  });
  const play = (...steps: readonly Step[]) => {
    playing = steps;
    connections = 0;
  };
  return { url: url + TOKEN_PATH, requests, play, release, close, [Symbol.asyncDispose]: close };
}

async function receive(request: IncomingMessage): Promise<ReceivedRequest> {
  const form = Object.fromEntries(new URLSearchParams(await text(request)));
  return {
    beganAtMs: performance.now(),
    method: request.method ?? '',
    path: request.url ?? '',
    headers: request.headers,
    form,
  };
}

async function forward({ form }: ReceivedRequest, upstream = 'about:blank'): Promise<ScriptedAnswer> {
  const response = await fetch(upstream, { method: 'POST', body: new URLSearchParams(form) });
  const { status, headers } = response;
  const type = headers.get('content-type');
  return { status, headers: type === null ? {} : { 'content-type': type }, body: await response.text() };
}

async function perform(
  step: Step,
  request: ReceivedRequest,
  response: ServerResponse,
  upstream: string | undefined,
): Promise<void> {
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
    case 'forward':
    case 'held':
      request.answer = await forward(request, upstream);
      answer(request.answer, response);
      return;
    case 'lose-answer':
    case 'hold-answer':
      request.answer = await forward(request, upstream);
      request.isAnswerLost = true;
      if (step === 'lose-answer') response.socket?.resetAndDestroy();
      return;
    default:
      if ('raw' in step) {
        response.socket?.end(step.raw);
        return;
      }
      if ('slowMs' in step) {
        await sleep(step.slowMs, undefined, { ref: false });
        await perform(step.answer, request, response, upstream);
        return;
      }
      request.answer = step;
      answer(step, response);
  }
}

function answer({ status, headers = {}, body = '' }: ScriptedAnswer, response: ServerResponse): void {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  response.writeHead(status, isRaw ? headers : { 'content-type': 'application/json', ...headers });
  response.end(isRaw ? body : JSON.stringify(body));
}

function* endlessly(chunk: string): Generator<string> {
  while (true) yield chunk;
}
