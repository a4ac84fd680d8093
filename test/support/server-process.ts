import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;

/** A foreign server in its own process, on loopback. `close` ends the process and waits until it has exited. */
export interface ServerProcess extends AsyncDisposable {
  /** Origin, without a trailing slash. */
  readonly url: string;
  close(): Promise<void>;
}

export interface ServerCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Starts a server on a free port and resolves when it answers HTTP.
 *
 * @throws Error if the process exits before it answers
 */
export async function startServerProcess(toCommand: (port: number) => ServerCommand): Promise<ServerProcess> {
  const port = await findFreePort();
  const { file, args, ...options } = toCommand(port);
  const child = spawn(file, args, { stdio: 'ignore', ...options });
  const url = `http://127.0.0.1:${port}`;
  while (!(await isAnswering(url))) {
    if (hasExited(child)) throw new Error(`${file} exited with ${child.exitCode ?? child.signalCode}.`);
    await sleep(POLL_MS);
  }
  const close = async () => {
    if (hasExited(child)) return;
    child.kill();
    await once(child, 'exit');
  };
  return { url, close, [Symbol.asyncDispose]: close };
}

function hasExited({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function isAnswering(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  );
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('The server has no TCP address.');
  return address.port;
}
