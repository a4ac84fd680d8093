import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { startServerProcess } from '../support/server-process.ts';
import { type ForeignServer, requestToken } from './foreign-server.ts';

const SERVER = fileURLToPath(new URL('django-oauth-toolkit.py', import.meta.url));
/** Debian's own Python: it finds the package `python3-django-oauth-toolkit`, and a Python from elsewhere does not. */
const PYTHON = '/usr/bin/python3';
const PASSWORD = 'password of the stand-in user';

const grant = z.object({ access_token: z.string(), refresh_token: z.string() });

export function isDjangoOAuthToolkitInstalled(): boolean {
  return spawnSync(PYTHON, ['-c', 'import oauth2_provider'], { stdio: 'ignore' }).status === 0;
}

/**
 * Starts django-oauth-toolkit with rotation of refresh tokens.
 *
 * @param graceSeconds how long a used refresh token still returns the same new pair; 0: never
 */
export async function startDjangoOAuthToolkit(graceSeconds: number): Promise<ForeignServer> {
  const directory = await mkdtemp(join(tmpdir(), 'django-oauth-toolkit-'));
  const client = { clientId: 'retently-client', clientSecret: 'retently-client-secret' };
  const database = join(directory, 'db.sqlite3');
  const { url, close: end } = await startServerProcess((port) => ({
    file: PYTHON,
    args: [SERVER, String(port), database, String(graceSeconds), client.clientId, client.clientSecret, PASSWORD],
    cwd: directory,
  }));
  const server = { ...client, tokenEndpointUrl: `${url}/o/token/` };
  const close = async () => {
    await end();
    await rm(directory, { recursive: true, force: true });
  };
  const authorize = async () => {
    const response = await requestToken(server, { grant_type: 'password', username: 'admin', password: PASSWORD });
    return grant.parse(await response.json());
  };
  return { ...server, authorize, close, [Symbol.asyncDispose]: close };
}
