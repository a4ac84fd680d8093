import { DescribeSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type LoopbackServer, startLoopbackServer } from '../sandbox/loopback-server.ts';
import { awsClientOptions } from '../support/aws-client-options.ts';

export const AGENT_TOKEN = 'of-the-agent';

/**
 * A stand-in of the Secrets Manager Agent: it wants its own token, keeps a value, and `refreshNow` reads past it.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/secrets-manager-agent.html
 */
export function startAgent(awsUrl: string): Promise<LoopbackServer> {
  const client = new SecretsManagerClient(awsClientOptions(awsUrl));
  const kept = new Map<string, string>();
  return startLoopbackServer(async ({ url = '', headers }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://agent');
    const SecretId = searchParams.get('secretId') ?? '';
    if (headers['x-aws-parameters-secrets-token'] !== AGENT_TOKEN || pathname !== '/secretsmanager/get') {
      response.writeHead(403).end();
      return;
    }
    try {
      if (!kept.has(SecretId) || searchParams.get('refreshNow') === 'true') {
        await client.send(new DescribeSecretCommand({ SecretId }));
        const { $metadata, ...value } = await client.send(new GetSecretValueCommand({ SecretId }));
        kept.set(SecretId, JSON.stringify(value));
      }
      response.writeHead(200).end(kept.get(SecretId));
    } catch {
      response.writeHead(400).end();
    }
  });
}
