import { hash, randomUUID } from 'node:crypto';
import { type Agent, request } from 'node:https';

const { CREDENTIALS_SECRET_ID: SecretId = '', TOKEN_SECRET_ID: TokenSecretId = '' } = process.env;
const REFRESH_BEFORE_MS = 3 * 60 * 60 * 1000;

/** Clients of a candidate. */
interface Calls {
  // biome-ignore lint/suspicious/noExplicitAny: these candidates trust whatever comes.
  readonly secretsManager: (operation: string, input: object) => Promise<any>;
  readonly putEvents: (entries: object[]) => Promise<unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: these candidates trust whatever comes.
  readonly post: (body: string) => Promise<any>;
}

/** The calls of the deployed function in its order, without validation, faults or a log. */
export function toHandler({ secretsManager, putEvents, post }: Calls) {
  const put = (ClientRequestToken: string, document: object, SecretId: string) => {
    const SecretString = JSON.stringify(document);
    const VersionStages = ['TOKEN_REFRESH'];
    return secretsManager('PutSecretValue', { SecretId, ClientRequestToken, SecretString, VersionStages });
  };
  const promote = (SecretId: string, MoveToVersionId: string, RemoveFromVersionId: string) => {
    const ids = { MoveToVersionId, RemoveFromVersionId };
    return secretsManager('UpdateSecretVersionStage', { SecretId, VersionStage: 'AWSCURRENT', ...ids });
  };
  const readCurrent = (SecretId: string) => secretsManager('GetSecretValue', { SecretId, VersionStage: 'AWSCURRENT' });
  const look = (VersionId: string) => secretsManager('GetSecretValue', { SecretId, VersionId }).catch(() => undefined);

  return async function handler({ force = false }: { force?: boolean }): Promise<{ outcome: string }> {
    const [current] = await Promise.all([
      readCurrent(SecretId),
      secretsManager('GetSecretValue', { SecretId, VersionStage: 'TOKEN_REFRESH' }),
    ]);
    const secret = JSON.parse(current.SecretString);
    const isFresh = Date.parse(secret.expires_at) - Date.now() > REFRESH_BEFORE_MS;
    if (isFresh && !force) {
      const { SecretString } = await readCurrent(TokenSecretId);
      return { outcome: JSON.parse(SecretString).access_token === secret.access_token ? 'fresh' : 'stale' };
    }

    await secretsManager('ListSecretVersionIds', { SecretId, IncludeDeprecated: true });
    const successorId = hash('sha256', `successor ${secret.refresh_token}`);
    await Promise.all([
      put(hash('sha256', `claim ${secret.refresh_token}`), { nonce: randomUUID() }, SecretId),
      look(successorId),
    ]);
    const { client_id, client_secret, refresh_token } = secret;
    const form = new URLSearchParams({ grant_type: 'refresh_token', client_id, client_secret, refresh_token });
    const { expires_in, ...tokens } = await post(form.toString());
    const expires_at = new Date(Date.now() + expires_in * 1000).toISOString();
    await put(successorId, { ...secret, ...tokens, expires_at }, SecretId);
    await promote(SecretId, successorId, current.VersionId);

    const held = await readCurrent(TokenSecretId);
    await readCurrent(SecretId);
    await look(hash('sha256', `successor ${tokens.refresh_token}`));
    const { access_token, token_type } = tokens;
    const tokenId = hash('sha256', `token ${access_token}`);
    await put(tokenId, { access_token, token_type, expires_at }, TokenSecretId);
    await promote(TokenSecretId, tokenId, held.VersionId);
    await putEvents([{ Source: 'bench', DetailType: 'Token Refreshed', Detail: JSON.stringify({ expires_at }) }]);
    return { outcome: 'refreshed' };
  };
}

// biome-ignore lint/suspicious/noExplicitAny: these candidates trust whatever comes.
export function post(agent: Agent | false, url: string, headers: Record<string, string>, body: string): Promise<any> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
