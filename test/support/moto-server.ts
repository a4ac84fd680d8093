import { spawnSync } from 'node:child_process';
import { type ServerProcess, startServerProcess } from './server-process.ts';

const BINARY = 'moto_server';

export type MotoServer = ServerProcess;

export function isMotoInstalled(): boolean {
  return spawnSync(BINARY, ['--help'], { stdio: 'ignore' }).status === 0;
}

/** Starts a `moto_server` on loopback. @throws Error if the process exits before it answers */
export async function startMoto(): Promise<MotoServer> {
  return await startServerProcess((port) => ({
    file: BINARY,
    args: ['-H', '127.0.0.1', '-p', String(port)],
    // moto resolves profiles itself, and answers 500 if it does not find one.
    env: { ...process.env, AWS_PROFILE: undefined, AWS_DEFAULT_PROFILE: undefined },
  }));
}
