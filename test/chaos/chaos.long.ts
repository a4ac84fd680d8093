import { expect, test } from 'vitest';
import type { Aws } from '../sandbox/aws/aws-server.ts';
import { TOKEN_SECRET_ID } from '../sandbox/sandbox.ts';
import { runChaos } from './chaos.ts';
import { runFleetChaos } from './fleet-chaos.ts';

test('real processes that are killed at any moment never spend a token twice, lose a recorded one, or end in silence', async () => {
  const { ticks, kills, recovered, broken } = await runChaos(24, 1);
  expect(broken).toEqual([]);
  expect(ticks).toBeGreaterThanOrEqual(24);
  expect(Math.min(kills, recovered)).toBeGreaterThan(2);
});

test('a store that gives one claim to every run is reported', async () => {
  const { broken } = await runChaos(20, 1, { sabotage: shareClaims });
  expect(broken).toContain('a refresh token was sent again while the claim of the run that spent it was live');
});

test('a token secret that is not updated is reported', async () => {
  const { broken } = await runChaos(12, 1, { sabotage: breakTokenSecret });
  expect(broken).toContain('a quiet tick left the token secret stale');
});

test('a fleet that can refresh no account is reported', async () => {
  const { broken } = await runFleetChaos(0, 1, (aws) =>
    aws.inject({ kind: 'access-denied', operation: 'PutSecretValue', times: Infinity }),
  );
  expect(broken).toHaveLength(12);
});

function breakTokenSecret(aws: Aws): void {
  const when = (input: object) => JSON.stringify(input).includes(`"${TOKEN_SECRET_ID}"`);
  aws.inject({ kind: 'access-denied', operation: 'PutSecretValue', when, times: Infinity });
}

/** And answers late, so that the others have it before the first has spent the token. */
function shareClaims(aws: Aws): void {
  aws.inject({ kind: 'latency', operation: 'PutSecretValue', when: isClaim, times: Infinity, latencyMs: 300 });
  const { secretsManager } = aws;
  const honest = secretsManager.putSecretValue.bind(secretsManager);
  secretsManager.putSecretValue = (request) => {
    try {
      return honest(request);
    } catch (error) {
      if (!isClaim(request)) throw error;
      return { ARN: '', Name: '', VersionId: request.ClientRequestToken ?? '', VersionStages: undefined };
    }
  };
}

function isClaim(request: { SecretString?: string | undefined }): boolean {
  return request.SecretString?.startsWith('{"kind":"retently-token-refresh/claim"') === true;
}
