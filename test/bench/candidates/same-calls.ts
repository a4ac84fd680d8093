import { hash, randomUUID } from 'node:crypto';
import { type Agent, request } from 'node:https';

const { CREDENTIALS_SECRET_ID: SecretId = '' } = process.env;
const REFRESH_BEFORE_MS = 3 * 60 * 60 * 1000;

/** How a candidate talks. */
interface Calls {
  // biome-ignore lint/suspicious/noExplicitAny: these candidates trust whatever comes.
  readonly secretsManager: (operation: string, input: object) => Promise<any>;
  readonly putEvents: (entries: object[]) => Promise<unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: these candidates trust whatever comes.
  readonly post: (body: string) => Promise<any>;
}

/** The calls of the deployed function in its order, without validation, faults or a log. */
export function toHandler({ secretsManager, putEvents, post }: Calls) {
  const put = (ClientRequestToken: string, document: object) => {
    const SecretString = JSON.stringify(document);
    const VersionStages = ['TOKEN_REFRESH'];
    return secretsManager('PutSecretValue', { SecretId, ClientRequestToken, SecretString, VersionStages });
  };

  return async function handler({ force = false }: { force?: boolean }): Promise<{ outcome: string }> {
    const [current] = await Promise.all([
      secretsManager('GetSecretValue', { SecretId, VersionStage: 'AWSCURRENT' }),
      secretsManager('GetSecretValue', { SecretId, VersionStage: 'TOKEN_REFRESH' }),
    ]);
    const secret = JSON.parse(current.SecretString);
    const isFresh = Date.parse(secret.expires_at) - Date.now() > REFRESH_BEFORE_MS;
    if (isFresh && !force) return { outcome: 'fresh' };

    await secretsManager('ListSecretVersionIds', { SecretId, IncludeDeprecated: true });
    const successorId = hash('sha256', `successor ${secret.refresh_token}`);
    await Promise.all([
      put(hash('sha256', `claim ${secret.refresh_token}`), { nonce: randomUUID() }),
      secretsManager('GetSecretValue', { SecretId, VersionId: successorId }).catch(() => undefined),
    ]);
    const { client_id, client_secret, refresh_token } = secret;
    const form = new URLSearchParams({ grant_type: 'refresh_token', client_id, client_secret, refresh_token });
    const { expires_in, ...tokens } = await post(form.toString());
    const expires_at = new Date(Date.now() + expires_in * 1000).toISOString();
    await put(successorId, { ...secret, ...tokens, expires_at });
    const move = { MoveToVersionId: successorId, RemoveFromVersionId: current.VersionId };
    await secretsManager('UpdateSecretVersionStage', { SecretId, VersionStage: 'AWSCURRENT', ...move });
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
