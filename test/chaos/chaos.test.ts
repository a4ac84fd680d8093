import { expect, test } from 'vitest';
import type { SecretsManager } from '../sandbox/secrets-manager.ts';
import { runChaos } from './chaos.ts';

test('real processes that are killed at any moment never spend a token twice, lose a recorded one, or end in silence', async () => {
  const { ticks, kills, recovered, broken } = await runChaos(24, 1);
  expect(broken).toEqual([]);
  expect(ticks).toBeGreaterThanOrEqual(24);
  expect(Math.min(kills, recovered)).toBeGreaterThan(2);
}, 60_000);

test('and that is seen where they do: a store that gives one claim to everybody', async () => {
  const { broken } = await runChaos(20, 1, undefined, shareClaims);
  expect(broken).toContain('a refresh token was sent again while the claim of the run that spent it was live');
}, 60_000);

function shareClaims(secretsManager: SecretsManager): void {
  const honest = secretsManager.putSecretValue.bind(secretsManager);
  secretsManager.putSecretValue = (request) => {
    try {
      return honest(request);
    } catch (error) {
      const isClaim = request.SecretString?.startsWith('{"kind":"retently-token-refresh/claim"');
      if (!isClaim) throw error;
      return { ARN: '', Name: '', VersionId: request.ClientRequestToken ?? '', VersionStages: undefined };
    }
  };
}
