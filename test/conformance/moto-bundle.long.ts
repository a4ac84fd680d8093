import { CreateSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { expect, test, vi } from 'vitest';
import { LOG_EVENTS } from '../../lambda/core/log-events.ts';
import { startSandbox, TOKEN_SECRET_ID } from '../sandbox/sandbox.ts';
import { endingOf } from '../support/in-sandbox.ts';
import { isMotoInstalled, startMoto } from '../support/moto-server.ts';
import { createEmulatorClient } from './run-checks.ts';

const SECRET_ID = 'RetentlyCredentials';
const FORCED = { action: 'refresh', force: true };
const isMissing = !isMotoInstalled();
const reason = isMissing ? ' (SKIPPED: moto_server is not installed)' : '';

vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');

/** Secrets Manager and EventBridge by other authors: they show where the sandbox's stand-ins are too lenient. */
test.skipIf(isMissing)(`the deployed bundle refreshes against moto${reason}`, async () => {
  await using moto = await startMoto();
  await using sandbox = await startSandbox();
  const client = createEmulatorClient(moto.url);
  const credentials = { ...(await sandbox.mintCredentials()), note: 'kept' };
  await client.send(new CreateSecretCommand({ Name: SECRET_ID, SecretString: JSON.stringify(credentials) }));
  await client.send(new CreateSecretCommand({ Name: TOKEN_SECRET_ID }));
  const lambda = await sandbox.startFunction({
    AWS_ENDPOINT_URL_SECRETS_MANAGER: moto.url,
    AWS_ENDPOINT_URL_EVENTBRIDGE: moto.url,
  });

  const endings: string[] = [];
  for (const event of [{ action: 'status' }, {}, {}, FORCED, { action: 'status' }]) {
    endings.push(endingOf(await lambda.invoke(event)));
  }

  expect(endings).toEqual(['status', 'refreshed', 'fresh', 'refreshed', 'status']);
  expect(sandbox.tokenEndpoint.requests).toHaveLength(2);
  const current = await client.send(new GetSecretValueCommand({ SecretId: SECRET_ID, VersionStage: 'AWSCURRENT' }));
  const { refresh_token, access_token, note } = JSON.parse(current.SecretString ?? '');
  expect(note).toBe('kept');
  expect(await sandbox.authorizationServer.isLive(refresh_token)).toBe(true);
  expect(await sandbox.authorizationServer.isAccessTokenLive(access_token)).toBe(true);
  const held = await client.send(new GetSecretValueCommand({ SecretId: TOKEN_SECRET_ID, VersionStage: 'AWSCURRENT' }));
  expect(JSON.parse(held.SecretString ?? '')).toMatchObject({ access_token });
  expect(lambda.stdout).not.toMatch(new RegExp(`${LOG_EVENTS.eventsNotPublished}|${LOG_EVENTS.tokenSecretStale}`));
});
