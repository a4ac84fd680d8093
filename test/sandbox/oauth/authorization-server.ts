import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import type { Configuration } from 'oidc-provider';
import { Provider } from 'oidc-provider/lib/provider.js';
import * as z from 'zod';
import { startLoopbackServer } from '../loopback-server.ts';
import { interactionPages, interactionUrl } from './interaction-pages.ts';
import { OidcStorage } from './oidc-storage.ts';

const AUTHORIZATION_PATH = '/api/oauth/authorize';
const TOKEN_PATH = '/api/oauth/token';
/** An endpoint of the API that requires an access token. */
const API_PATH = '/api/v2/ping';
const SCOPE = 'offline_access';
const API_SCOPE = 'api';
const ACCOUNT_ID = 'retently-account';
const YEAR_SECONDS = 31_536_000;

const tokenRequestParameters = z.object({ client_id: z.string().optional(), refresh_token: z.string().optional() });
const errorAnswer = z.object({ error: z.string() });

export interface AuthorizationServerOptions {
  /**
   * `rotation`: a refresh token is good for one use, and a second use revokes the whole family. `grace`: the same, but
   * a spent token answers again for `graceSeconds`. `no-rotation`: it stays, and the answer brings the same one.
   */
  kind: 'rotation' | 'no-rotation' | 'grace';
  /** @default 60 */
  graceSeconds?: number;
  /** @default 21600, six hours */
  accessTokenLifetimeSeconds?: number;
  /** Whether the answer to a code has a refresh token. @default true */
  issuesRefreshToken?: boolean;
  /** Clock of the grace window, in ms. @default the real one */
  now?: () => number;
}

/** One POST to the token endpoint; nothing secret in it. */
interface TokenRequest {
  clientId: string | undefined;
  /** SHA-256 of the refresh token that was presented, in hex. */
  refreshTokenSha256: string | undefined;
  /** `performance.now()` at its arrival and at its answer. */
  beganAtMs: number;
  endedAtMs: number;
  status: number;
  /** Error code of RFC 6749 section 5.2. */
  error: string | undefined;
}

/** A real authorization server (`oidc-provider`) on loopback, with one client. */
export interface AuthorizationServer extends AsyncDisposable {
  /** The token endpoint. */
  readonly url: string;
  /** Where a browser begins: it leads to the pages for signing in and for consent. */
  readonly authorizationUrl: string;
  /** An endpoint that answers 200 to a valid access token, and 401 to any other. */
  readonly apiUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** In the order of their answers. */
  readonly requests: TokenRequest[];
  /** Issues a first refresh token, as after an approval on the consent screen. */
  mintRefreshToken(): Promise<string>;
  /** Uses up an authorization code, as another client would. */
  spendCode(code: string): Promise<void>;
  /** Whether the token endpoint would exchange this refresh token now. */
  isLive(refreshToken: string): Promise<boolean>;
  /** Whether this access token was issued here and is still valid. */
  isAccessTokenLive(accessToken: string): Promise<boolean>;
  /** Revokes every grant that was issued so far: later requests get `invalid_grant`. */
  revoke(): void;
  close(): Promise<void>;
}

export async function startAuthorizationServer(options: AuthorizationServerOptions): Promise<AuthorizationServer> {
  const { kind, now = Date.now, graceSeconds = 60 } = options;
  const storage = new OidcStorage({ now, graceMs: kind === 'grace' ? graceSeconds * 1000 : 0 });
  const clientId = 'retently-app';
  const clientSecret = randomBytes(24).toString('base64url');
  // The issuer is the URL, which is known once the port is.
  let listener: RequestListener = (_request, response) => void response.writeHead(503).end();
  const { url, close } = await startLoopbackServer((request, response) => listener(request, response));
  const provider = new Provider(url, configure(options, storage, { clientId, clientSecret }));
  const requests: TokenRequest[] = [];
  let turn: Promise<unknown> = Promise.resolve();
  provider.use(async (context, next) => {
    const beganAtMs = performance.now();
    // `oidc-provider` accepts Basic from a client of `client_secret_post`; Retently accepts credentials only in the body.
    if (context.path !== API_PATH) delete context.req.headers.authorization;
    // One at a time: `oidc-provider` checks and consumes a token in two steps, so parallel requests could use a token twice.
    const answered = turn.then(next);
    turn = answered.catch(() => undefined);
    await answered;
    if (context.path !== TOKEN_PATH) return;
    const request = toTokenRequest(context['oidc']?.params, context.body);
    requests.push({ ...request, beganAtMs, endedAtMs: performance.now(), status: context.status });
  });
  provider.use(async (context, next) => {
    // A client need not name a scope, and then the server's own counts (RFC 6749 section 3.3).
    if (context.path === AUTHORIZATION_PATH) context.query = { scope: API_SCOPE, ...context.query };
    await next();
  });
  provider.use(interactionPages(provider, API_SCOPE));
  provider.use(async (context, next) => {
    if (context.path !== API_PATH) return await next();
    const token = /^Bearer (.+)$/.exec(context.get('authorization'))?.[1] ?? '';
    context.status = (await provider.AccessToken.find(token))?.isValid ? 200 : 401;
  });
  listener = provider.callback();
  const grantIds: string[] = [];
  return {
    url: url + TOKEN_PATH,
    authorizationUrl: url + AUTHORIZATION_PATH,
    apiUrl: url + API_PATH,
    clientId,
    clientSecret,
    requests,
    async mintRefreshToken() {
      const { grantId, refreshToken } = await mintRefreshToken(provider, clientId);
      grantIds.push(grantId);
      return refreshToken;
    },
    async spendCode(code) {
      await (await provider.AuthorizationCode.find(code))?.consume();
    },
    async isLive(refreshToken) {
      return (await provider.RefreshToken.find(refreshToken))?.isValid ?? false;
    },
    async isAccessTokenLive(accessToken) {
      return (await provider.AccessToken.find(accessToken))?.isValid ?? false;
    },
    revoke() {
      for (const grantId of grantIds) storage.revokeGrant(grantId);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function configure(
  { kind, accessTokenLifetimeSeconds = 21_600, issuesRefreshToken = true }: AuthorizationServerOptions,
  storage: OidcStorage,
  { clientId, clientSecret }: { clientId: string; clientSecret: string },
): Configuration {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    adapter: (model) => storage.adapterFor(model),
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: ['https://client.example/callback', 'http://127.0.0.1/callback', 'http://127.0.0.1/registered'],
        // On loopback any port will do (RFC 8252 section 7.3).
        application_type: 'native',
        id_token_signed_response_alg: 'ES256',
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    clientAuthMethods: ['client_secret_post'],
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => interactionUrl(uid) },
    issueRefreshToken: async () => issuesRefreshToken,
    findAccount: (_context, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
    jwks: { keys: [privateKey.export({ format: 'jwk' })] },
    scopes: ['openid', SCOPE, API_SCOPE],
    rotateRefreshToken: kind !== 'no-rotation',
    routes: { authorization: AUTHORIZATION_PATH, token: TOKEN_PATH },
    ttl: {
      AccessToken: accessTokenLifetimeSeconds,
      AuthorizationCode: 60,
      Grant: YEAR_SECONDS,
      IdToken: 3600,
      Interaction: 3600,
      RefreshToken: YEAR_SECONDS,
      Session: 3600,
    },
  };
}

async function mintRefreshToken(provider: Provider, clientId: string) {
  const client = await provider.Client.find(clientId);
  if (client === undefined) throw new Error(`The authorization server does not know ${clientId}.`);
  const grant = new provider.Grant({ accountId: ACCOUNT_ID, clientId });
  grant.addOIDCScope(SCOPE);
  const grantId = await grant.save();
  const token = new provider.RefreshToken({
    accountId: ACCOUNT_ID,
    client,
    grantId,
    gty: 'authorization_code',
    scope: SCOPE,
  });
  return { grantId, refreshToken: await token.save() };
}

function toTokenRequest(parameters: unknown, body: unknown): Omit<TokenRequest, 'beganAtMs' | 'endedAtMs' | 'status'> {
  const { client_id: clientId, refresh_token: refreshToken } = tokenRequestParameters.parse(parameters ?? {});
  const refreshTokenSha256 =
    refreshToken === undefined ? undefined : createHash('sha256').update(refreshToken).digest('hex');
  return { clientId, refreshTokenSha256, error: errorAnswer.safeParse(body).data?.error };
}
