import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { startServerProcess } from '../support/server-process.ts';
import { type ForeignServer, requestToken } from './foreign-server.ts';

/** Tables and the administrator `admin`, as Debian's package `glewlwyd` creates them. */
const SCHEMA = '/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3';
const ADMINISTRATOR = { username: 'admin', password: 'password' };
const USER = { username: 'retently-admin', password: 'password of the stand-in user' };
const CLIENT = { clientId: 'retently-client', clientSecret: 'retently-client-secret' };
const SCOPE = 'read';

const grant = z.object({ access_token: z.string(), refresh_token: z.string() });

export function isGlewlwydInstalled(): boolean {
  const isThere = (binary: string) => spawnSync(binary, ['--version'], { stdio: 'ignore' }).error === undefined;
  return existsSync(SCHEMA) && isThere('glewlwyd') && isThere('sqlite3');
}

/** Starts Glewlwyd: refresh tokens rotate, and the second use of one revokes all tokens that came from it. */
export async function startGlewlwyd(): Promise<ForeignServer> {
  const directory = await mkdtemp(join(tmpdir(), 'glewlwyd-'));
  const database = join(directory, 'glewlwyd.db');
  spawnSync('sqlite3', [database], { input: readFileSync(SCHEMA) });
  const configuration = join(directory, 'glewlwyd.conf');
  const { url, close: end } = await startServerProcess((port) => {
    writeFileSync(configuration, renderConfiguration(port, database));
    return { file: 'glewlwyd', args: [`--config-file=${configuration}`], cwd: directory };
  });
  await configure(`${url}/api`);
  const server = { ...CLIENT, tokenEndpointUrl: `${url}/api/oidc/token` };
  const close = async () => {
    await end();
    await rm(directory, { recursive: true, force: true });
  };
  const authorize = async () => {
    const response = await requestToken(server, { grant_type: 'password', ...USER, scope: SCOPE });
    return grant.parse(await response.json());
  };
  return { ...server, authorize, close, [Symbol.asyncDispose]: close };
}

function renderConfiguration(port: number, database: string): string {
  const modules = '/usr/lib/glewlwyd';
  return `port=${port}
bind_address="127.0.0.1"
external_url="http://localhost:${port}/"
login_url="login.html"
api_prefix="api"
log_mode="console"
log_level="ERROR"
cookie_secure=0
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="${modules}/user"
client_module_path="${modules}/client"
user_auth_scheme_module_path="${modules}/scheme"
plugin_module_path="${modules}/plugin"
hash_algorithm="SHA512"
database={ type="sqlite3"; path="${database}"; };
`;
}

/** Creates scope, client, user and the plugin that serves the token endpoint, over Glewlwyd's HTTP API. */
async function configure(api: string): Promise<void> {
  const { cookie } = await post(api, '/auth/', ADMINISTRATOR);
  await post(api, '/mod/plugin/', TOKEN_PLUGIN, cookie);
  await post(api, '/scope/', { name: SCOPE, display_name: SCOPE, password_required: true, scheme: {} }, cookie);
  await post(api, '/client/?source=database', toClient(), cookie);
  const { username, password } = USER;
  const user = { username, name: username, password, enabled: true, scope: [SCOPE, 'g_profile'] };
  await post(api, '/user/?source=database', user, cookie);
}

async function post(api: string, path: string, body: object, cookie = ''): Promise<{ cookie: string }> {
  const headers = { 'content-type': 'application/json', cookie };
  const response = await fetch(api + path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`Glewlwyd rejected ${path}: ${response.status} ${await response.text()}`);
  return {
    cookie: response.headers
      .getSetCookie()
      .map((each) => each.split(';')[0])
      .join('; '),
  };
}

function toClient(): object {
  return {
    client_id: CLIENT.clientId,
    name: CLIENT.clientId,
    confidential: true,
    enabled: true,
    password: CLIENT.clientSecret,
    redirect_uri: ['http://127.0.0.1:8976/callback'],
    authorization_type: ['code', 'password', 'refresh_token'],
    scope: [SCOPE],
    token_endpoint_auth_method: ['client_secret_post'],
  };
}

const TOKEN_PLUGIN = {
  module: 'oidc',
  name: 'oidc',
  display_name: 'oidc',
  order_rank: 0,
  readonly: false,
  parameters: {
    iss: 'http://localhost',
    'jwt-type': 'sha',
    'jwt-key-size': '256',
    key: '0123456789abcdef0123456789abcdef',
    'access-token-duration': 21_600,
    'refresh-token-duration': 1_209_600,
    'code-duration': 600,
    'refresh-token-rolling': true,
    // A refresh token works once.
    'refresh-token-one-use': 'always',
    'allow-non-oidc': true,
    'auth-type-code-enabled': true,
    'auth-type-token-enabled': false,
    'auth-type-id-token-enabled': false,
    'auth-type-none-enabled': false,
    'auth-type-password-enabled': true,
    'auth-type-client-enabled': false,
    'auth-type-refresh-enabled': true,
    scope: [],
    'additional-parameters': [],
    claims: [],
    'service-documentation': '',
    'op-policy-uri': '',
    'op-tos-uri': '',
    'jwks-show': true,
    'subject-type': 'public',
  },
};
