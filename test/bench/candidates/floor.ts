import { createHash, createHmac, hash, randomUUID } from 'node:crypto';
import { Agent, request } from 'node:https';

// (c) The floor: the very calls of the deployed function, in its order, signed by hand (SigV4) and without any SDK,
// validation, retry or log. Nobody should run this; it shows what the calls alone cost.

const {
  AWS_REGION = '',
  AWS_ACCESS_KEY_ID = '',
  AWS_SECRET_ACCESS_KEY = '',
  AWS_SESSION_TOKEN = '',
  AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager = '',
  AWS_ENDPOINT_URL_EVENTBRIDGE: eventBridge = '',
  CREDENTIALS_SECRET_ID: SecretId = '',
  TOKEN_ENDPOINT = '',
} = process.env;
const REFRESH_BEFORE_MS = 3 * 60 * 60 * 1000;
const agent = new Agent({ keepAlive: true });

export async function handler({ force = false }: { force?: boolean }): Promise<{ outcome: string }> {
  const [current] = await Promise.all([
    secrets('GetSecretValue', { SecretId, VersionStage: 'AWSCURRENT' }),
    secrets('GetSecretValue', { SecretId, VersionStage: 'TOKEN_REFRESH' }),
  ]);
  const secret = JSON.parse(current.SecretString);
  const isFresh = Date.parse(secret.expires_at) - Date.now() > REFRESH_BEFORE_MS;
  if (isFresh && !force) return { outcome: 'fresh' };

  await secrets('ListSecretVersionIds', { SecretId, IncludeDeprecated: true });
  const successorId = hash('sha256', `successor ${secret.refresh_token}`);
  await Promise.all([
    put(hash('sha256', `claim ${secret.refresh_token}`), { nonce: randomUUID() }),
    secrets('GetSecretValue', { SecretId, VersionId: successorId }),
  ]);
  const { client_id, client_secret, refresh_token } = secret;
  const form = new URLSearchParams({ grant_type: 'refresh_token', client_id, client_secret, refresh_token });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const { expires_in, ...tokens } = await post(TOKEN_ENDPOINT, headers, form.toString());
  const expires_at = new Date(Date.now() + expires_in * 1000).toISOString();
  await put(successorId, { ...secret, ...tokens, expires_at });
  const move = { MoveToVersionId: successorId, RemoveFromVersionId: current.VersionId };
  await secrets('UpdateSecretVersionStage', { SecretId, VersionStage: 'AWSCURRENT', ...move });
  const Entries = [{ Source: 'token-refresh', DetailType: 'Token Refreshed', Detail: JSON.stringify({ expires_at }) }];
  await call(eventBridge, 'events', 'AWSEvents.PutEvents', { Entries });
  return { outcome: 'refreshed' };
}

function put(ClientRequestToken: string, document: object) {
  const SecretString = JSON.stringify(document);
  return secrets('PutSecretValue', { SecretId, ClientRequestToken, SecretString, VersionStages: ['TOKEN_REFRESH'] });
}

function secrets(operation: string, input: object) {
  return call(secretsManager, 'secretsmanager', `secretsmanager.${operation}`, input);
}

/** One call of AWS JSON 1.1, signed with Signature Version 4. */
function call(endpoint: string, service: string, target: string, input: object) {
  const body = JSON.stringify(input);
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    host: new URL(endpoint).host,
    'x-amz-date': time,
    'x-amz-security-token': AWS_SESSION_TOKEN,
    'x-amz-target': target,
  };
  const signed = Object.keys(headers).join(';');
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const canonical = ['POST', '/', '', lines.join(''), signed, hash('sha256', body)].join('\n');
  const scope = [time.slice(0, 8), AWS_REGION, service, 'aws4_request'];
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${AWS_SECRET_ACCESS_KEY}`);
  const digest = createHash('sha256').update(canonical).digest('hex');
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope.join('/'), digest].join('\n')).toString('hex');
  const credential = `${AWS_ACCESS_KEY_ID}/${scope.join('/')}`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signed}, Signature=${signature}`;
  return post(endpoint, { ...headers, authorization }, body);
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

// biome-ignore lint/suspicious/noExplicitAny: the floor trusts whatever comes.
function post(url: string, headers: Record<string, string>, body: string): Promise<any> {
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
