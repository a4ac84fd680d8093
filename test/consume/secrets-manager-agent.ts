import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  type GetSecretValueCommandOutput,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { type LoopbackServer, startLoopbackServer } from '../sandbox/loopback-server.ts';
import { awsClientOptions } from '../support/aws-client-options.ts';

export const AGENT_TOKEN = 'of-the-agent';

const TTL_MS = 300_000;

/**
 * A stand-in of the Secrets Manager Agent. It requires its own token and caches a value for 300 seconds. Then it asks
 * `DescribeSecret` whether the version is still current, and reads only if it is not. `refreshNow` reads immediately.
 *
 * @param now its clock, in ms since 1970
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/secrets-manager-agent.html
 * @see https://github.com/aws/aws-secretsmanager-agent (`refresh_secret_value` of the caching library)
 */
export function startAgent(awsUrl: string, now: () => number = Date.now): Promise<LoopbackServer> {
  const client = new SecretsManagerClient(awsClientOptions(awsUrl));
  const kept = new Map<string, { readonly value: GetSecretValueCommandOutput; readonly readAtMs: number }>();

  async function read(SecretId: string, VersionStage: string | undefined, isForced: boolean) {
    const key = `${SecretId} ${VersionStage}`;
    const known = kept.get(key);
    if (known !== undefined && !isForced) {
      if (now() - known.readAtMs < TTL_MS) return known.value;
      const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId }));
      const stages = VersionIdsToStages[known.value.VersionId ?? ''] ?? [];
      if (stages.includes(VersionStage ?? 'AWSCURRENT')) {
        kept.set(key, { ...known, readAtMs: now() });
        return known.value;
      }
    }
    const value = await client.send(new GetSecretValueCommand({ SecretId, VersionStage }));
    kept.set(key, { value, readAtMs: now() });
    return value;
  }

  return startLoopbackServer(async ({ url = '', headers }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://agent');
    if (headers['x-aws-parameters-secrets-token'] !== AGENT_TOKEN || pathname !== '/secretsmanager/get') {
      response.writeHead(403).end();
      return;
    }
    const stage = searchParams.get('versionStage') ?? undefined;
    try {
      const isForced = searchParams.get('refreshNow') === 'true';
      const { $metadata, ...value } = await read(searchParams.get('secretId') ?? '', stage, isForced);
      response.writeHead(200).end(JSON.stringify(value));
    } catch {
      response.writeHead(400).end();
    }
  });
}
