import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const BINARY = 'moto_server';
const POLL_MS = 50;

/** A `moto_server` of our own on loopback; `close` ends it and waits until it is gone. */
export interface MotoServer extends AsyncDisposable {
  readonly url: string;
  close(): Promise<void>;
}

export function isMotoInstalled(): boolean {
  return spawnSync(BINARY, ['--help'], { stdio: 'ignore' }).status === 0;
}

/** Rejects where the process ends before it answers. */
export async function startMoto(): Promise<MotoServer> {
  const port = await findFreePort();
  // It looks for a profile itself, and answers 500 if that is not to be found.
  const env = { ...process.env, AWS_PROFILE: undefined, AWS_DEFAULT_PROFILE: undefined };
  const child = spawn(BINARY, ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore', env });
  const url = `http://127.0.0.1:${port}`;
  const close = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill();
    await once(child, 'exit');
  };
  while (!(await isAnswering(url))) {
    if (child.exitCode !== null) throw new Error(`${BINARY} ended with ${child.exitCode}.`);
    await sleep(POLL_MS);
  }
  return { url, close, [Symbol.asyncDispose]: close };
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
