import {
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import type { PutEvents } from '../../../lambda/adapters/put-events.ts';
import { post, toHandler } from './same-calls.ts';

// The same calls through the SDK as AWS publishes it, bundled with the same options as the deployed function.

const { TOKEN_ENDPOINT = '' } = process.env;
const client = new SecretsManagerClient();
// biome-ignore lint/suspicious/noExplicitAny: one table for four commands with inputs of their own.
const commands: Record<string, new (input: any) => any> = {
  GetSecretValue: GetSecretValueCommand,
  ListSecretVersionIds: ListSecretVersionIdsCommand,
  PutSecretValue: PutSecretValueCommand,
  UpdateSecretVersionStage: UpdateSecretVersionStageCommand,
};

export const handler = toHandler({
  async secretsManager(operation, input) {
    const Command = commands[operation];
    if (Command === undefined) throw new Error(`There is no command for ${operation}.`);
    return client.send(new Command(input));
  },
  async putEvents(entries) {
    const { connectPutEvents } = await import('../../../lambda/adapters/put-events.ts');
    putEvents ??= connectPutEvents({});
    return putEvents(entries, AbortSignal.timeout(7_000));
  },
  post: (body) => post(false, TOKEN_ENDPOINT, { 'content-type': 'application/x-www-form-urlencoded' }, body),
});

let putEvents: PutEvents | undefined;
