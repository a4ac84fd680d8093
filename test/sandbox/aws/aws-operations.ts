import * as z from 'zod';
import { AwsError } from './aws-error.ts';
import type { EventBridge } from './event-bridge.ts';
import type { SecretsManager } from './secrets-manager.ts';

const EVENT_BUS_ARN_PREFIX = 'arn:aws:events:us-east-1:000000000000:event-bus/';

export interface AwsServices {
  secretsManager: SecretsManager;
  eventBridge: EventBridge;
}

/** A request that was understood and not yet carried out. */
export interface PreparedCall {
  input: object;
  /** ARNs of what it touches, for an IAM policy. */
  resources: string[];
  run(): object;
}

interface Operation {
  /** Prefix of the IAM action. */
  service: 'secretsmanager' | 'events';
  name: string;
  prepare(services: AwsServices, body: unknown): PreparedCall;
}

// The wire format of AWS JSON 1.1: a blob is base64, a timestamp is seconds since 1970.
const blob = z.base64().transform((text) => new Uint8Array(Buffer.from(text, 'base64')));
const timestamp = z.number().transform((seconds) => new Date(seconds * 1000));

const secretId = { SecretId: z.string().min(1) };
const secretValue = { SecretString: z.string().optional(), SecretBinary: blob.optional() };
const clientRequestToken = { ClientRequestToken: z.string().optional() };
const putEventsRequest = z.strictObject({
  Entries: z.array(
    z.strictObject({
      Source: z.string().optional(),
      DetailType: z.string().optional(),
      Detail: z.string().optional(),
      EventBusName: z.string().optional(),
      Resources: z.array(z.string()).optional(),
      Time: timestamp.optional(),
    }),
  ),
});

const operations: readonly Operation[] = [
  {
    service: 'secretsmanager',
    name: 'CreateSecret',
    prepare({ secretsManager }, body) {
      const shape = {
        Name: z.string().min(1),
        Description: z.string().optional(),
        ...clientRequestToken,
        ...secretValue,
      };
      const input = z.strictObject(shape).parse(body);
      return { input, resources: [secretsManager.arnOf(input.Name)], run: () => secretsManager.createSecret(input) };
    },
  },
  onSecret('DescribeSecret', z.strictObject(secretId), (service, input) => service.describeSecret(input)),
  onSecret(
    'GetSecretValue',
    z.strictObject({ ...secretId, VersionId: z.string().optional(), VersionStage: z.string().optional() }),
    (service, input) => service.getSecretValue(input),
  ),
  onSecret(
    'PutSecretValue',
    z.strictObject({
      ...secretId,
      ...clientRequestToken,
      ...secretValue,
      VersionStages: z.array(z.string().min(1)).min(1).optional(),
    }),
    (service, input) => service.putSecretValue(input),
  ),
  onSecret(
    'UpdateSecretVersionStage',
    z.strictObject({
      ...secretId,
      VersionStage: z.string().min(1),
      RemoveFromVersionId: z.string().optional(),
      MoveToVersionId: z.string().optional(),
    }),
    (service, input) => service.updateSecretVersionStage(input),
  ),
  onSecret(
    'ListSecretVersionIds',
    z.strictObject({
      ...secretId,
      MaxResults: z.int().min(1).max(100).optional(),
      NextToken: z.string().optional(),
      IncludeDeprecated: z.boolean().optional(),
    }),
    (service, input) => service.listSecretVersionIds(input),
  ),
  onSecret(
    'DeleteSecret',
    z.strictObject({
      ...secretId,
      RecoveryWindowInDays: z.int().optional(),
      ForceDeleteWithoutRecovery: z.boolean().optional(),
    }),
    (service, input) => service.deleteSecret(input),
  ),
  onSecret('RestoreSecret', z.strictObject(secretId), (service, input) => service.restoreSecret(input)),
  {
    service: 'events',
    name: 'PutEvents',
    prepare({ eventBridge }, body) {
      const input = putEventsRequest.parse(body);
      const resources = new Set(input.Entries.map(({ EventBusName }) => toBusArn(EventBusName ?? 'default')));
      return { input, resources: [...resources], run: () => eventBridge.putEvents(input) };
    },
  },
];

const TARGET_PREFIXES = { secretsmanager: 'secretsmanager', events: 'AWSEvents' } as const;
const operationsByTarget = new Map(operations.map((each) => [`${TARGET_PREFIXES[each.service]}.${each.name}`, each]));

/** The operation that the header `X-Amz-Target` names; throws for one that the sandbox does not model. */
export function findOperation(target: string): Operation {
  const operation = operationsByTarget.get(target);
  if (operation === undefined) throw new AwsError('UnknownOperationException', `The sandbox has no ${target}.`);
  return operation;
}

function onSecret<Input extends { SecretId: string }>(
  name: string,
  schema: z.ZodType<Input>,
  run: (secretsManager: SecretsManager, input: Input) => object,
): Operation {
  return {
    service: 'secretsmanager',
    name,
    prepare({ secretsManager }, body) {
      const input = schema.parse(body);
      return { input, resources: [secretsManager.arnOf(input.SecretId)], run: () => run(secretsManager, input) };
    },
  };
}

function toBusArn(nameOrArn: string): string {
  return nameOrArn.startsWith('arn:') ? nameOrArn : EVENT_BUS_ARN_PREFIX + nameOrArn;
}
