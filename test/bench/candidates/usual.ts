import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { z } from 'zod';

// The usual solution: read, POST, write back, publish. It is short, and it loses tokens; see docs/why.md.

const Secret = z.looseObject({
  client_id: z.string(),
  client_secret: z.string(),
  refresh_token: z.string(),
  access_token: z.string().optional(),
  expires_at: z.iso.datetime().optional(),
});
const Answer = z.object({ access_token: z.string(), refresh_token: z.string(), expires_in: z.number() });
const Settings = z.object({ CREDENTIALS_SECRET_ID: z.string(), TOKEN_SECRET_ID: z.string(), TOKEN_ENDPOINT: z.url() });

const { CREDENTIALS_SECRET_ID: SecretId, TOKEN_SECRET_ID, TOKEN_ENDPOINT } = Settings.parse(process.env);
const REFRESH_BEFORE_MS = 3 * 60 * 60 * 1000;

const secretsManager = new SecretsManagerClient();
const eventBridge = new EventBridgeClient();

export async function handler({ force = false }: { force?: boolean }): Promise<{ outcome: string }> {
  const { SecretString = '' } = await secretsManager.send(new GetSecretValueCommand({ SecretId }));
  const secret = Secret.parse(JSON.parse(SecretString));
  const isFresh = Date.parse(secret.expires_at ?? '') - Date.now() > REFRESH_BEFORE_MS;
  if (isFresh && !force) return { outcome: 'fresh' };

  const { client_id, client_secret, refresh_token } = secret;
  const body = new URLSearchParams({ grant_type: 'refresh_token', client_id, client_secret, refresh_token });
  const response = await fetch(TOKEN_ENDPOINT, { method: 'POST', body });
  const { expires_in, ...tokens } = Answer.parse(await response.json());
  const expires_at = new Date(Date.now() + expires_in * 1000).toISOString();
  const put = (id: string, value: object) =>
    secretsManager.send(new PutSecretValueCommand({ SecretId: id, SecretString: JSON.stringify(value) }));
  await put(SecretId, { ...secret, ...tokens, expires_at });
  await put(TOKEN_SECRET_ID, { access_token: tokens.access_token, token_type: 'Bearer', expires_at });
  const Detail = JSON.stringify({ expires_at });
  const Entries = [{ Source: 'token-refresh', DetailType: 'Token Refreshed', Detail }];
  await eventBridge.send(new PutEventsCommand({ Entries }));
  return { outcome: 'refreshed' };
}
