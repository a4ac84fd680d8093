import * as z from 'zod';
import { AwsError } from './aws-error.ts';
import type { EventBridge } from './event-bridge.ts';
import type { SecretsManager } from './secrets-manager.ts';
import type { Sqs } from './sqs.ts';

const EVENT_BUS_ARN_PREFIX = 'arn:aws:events:us-east-1:000000000000:event-bus/';

export interface AwsServices {
  secretsManager: SecretsManager;
  eventBridge: EventBridge;
  sqs: Sqs;
}

/** A request that was understood and not yet carried out. */
export interface PreparedCall {
  input: object;
  /** The resources that the operation uses, as ARNs. An IAM policy must allow each of them. */
  resources: string[];
  /** @param refuse function that returns the error of a batch for one of its secrets */
  run(refuse: (secretId: string) => AwsError | undefined): object;
}

interface Operation {
  /** The IAM action, if it has another name. */
  permission?: string;
  /** Prefix of the IAM action. */
  service: 'secretsmanager' | 'events' | 'sqs';
  name: string;
  prepare(services: AwsServices, body: unknown): PreparedCall;
}

// The wire format of AWS JSON 1.1: a blob is base64, a timestamp is seconds since 1970.
const blob = z.base64().transform((text) => new Uint8Array(Buffer.from(text, 'base64')));
const timestamp = z.number().transform((seconds) => new Date(seconds * 1000));

const secretId = { SecretId: z.string().min(1) };
const secretValue = { SecretString: z.string().optional(), SecretBinary: blob.optional() };
const clientRequestToken = { ClientRequestToken: z.string().optional() };
const tag = z.strictObject({ Key: z.string().min(1), Value: z.string() });
const listSecretsRequest = z.strictObject({
  Filters: z
    .array(z.strictObject({ Key: z.enum(['tag-key', 'tag-value']), Values: z.array(z.string()).min(1) }))
    .optional(),
  MaxResults: z.int().min(1).max(100).optional(),
  NextToken: z.string().optional(),
  SortBy: z.enum(['created-date', 'last-changed-date']).optional(),
  SortOrder: z.enum(['asc', 'desc']).optional(),
});
const sendMessageBatchRequest = z.strictObject({
  QueueUrl: z.url(),
  Entries: z.array(
    z.strictObject({
      Id: z.string().min(1),
      MessageBody: z.string().min(1),
      DelaySeconds: z.int().min(0).max(900).optional(),
    }),
  ),
});
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
        Tags: z.array(tag).optional(),
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
  {
    service: 'secretsmanager',
    name: 'BatchGetSecretValue',
    prepare({ secretsManager }, body) {
      const input = z
        .strictObject({ SecretIdList: z.array(z.string()).min(1), NextToken: z.string().optional() })
        .parse(body);
      return { input, resources: ['*'], run: (refuse) => secretsManager.batchGetSecretValue(input, refuse) };
    },
  },
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
  {
    service: 'secretsmanager',
    name: 'ListSecrets',
    prepare({ secretsManager }, body) {
      const input = listSecretsRequest.parse(body);
      return { input, resources: ['*'], run: () => secretsManager.listSecrets(input) };
    },
  },
  onSecret('TagResource', z.strictObject({ ...secretId, Tags: z.array(tag) }), (service, input) =>
    service.tagResource(input),
  ),
  onSecret('UntagResource', z.strictObject({ ...secretId, TagKeys: z.array(z.string()) }), (service, input) =>
    service.untagResource(input),
  ),
  {
    service: 'sqs',
    name: 'SendMessageBatch',
    permission: 'SendMessage',
    prepare({ sqs }, body) {
      const input = sendMessageBatchRequest.parse(body);
      return { input, resources: [sqs.arnOf(input.QueueUrl)], run: () => sqs.sendMessageBatch(input) };
    },
  },
  {
    service: 'sqs',
    name: 'GetQueueAttributes',
    prepare({ sqs }, body) {
      const input = z.strictObject({ QueueUrl: z.url(), AttributeNames: z.array(z.string()) }).parse(body);
      return { input, resources: [sqs.arnOf(input.QueueUrl)], run: () => sqs.getQueueAttributes(input) };
    },
  },
  onQueue('SendMessage', z.strictObject({ QueueUrl: z.url(), MessageBody: z.string() }), (sqs, input) =>
    sqs.sendMessage(input),
  ),
  onQueue(
    'ReceiveMessage',
    z.strictObject({
      QueueUrl: z.url(),
      MaxNumberOfMessages: z.int().min(1).max(10),
      VisibilityTimeout: z.int(),
      WaitTimeSeconds: z.int().max(20),
    }),
    (sqs, input) => sqs.receiveMessage(input),
  ),
  onQueue('DeleteMessage', z.strictObject({ QueueUrl: z.url(), ReceiptHandle: z.string() }), (sqs, input) =>
    sqs.deleteMessage(input),
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

const TARGET_PREFIXES = { secretsmanager: 'secretsmanager', events: 'AWSEvents', sqs: 'AmazonSQS' } as const;
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

function onQueue<Input extends { QueueUrl: string }>(
  name: string,
  schema: z.ZodType<Input>,
  run: (sqs: Sqs, input: Input) => object,
): Operation {
  return {
    service: 'sqs',
    name,
    prepare({ sqs }, body) {
      const input = schema.parse(body);
      return { input, resources: [sqs.arnOf(input.QueueUrl)], run: () => run(sqs, input) };
    },
  };
}

function toBusArn(nameOrArn: string): string {
  return nameOrArn.startsWith('arn:') ? nameOrArn : EVENT_BUS_ARN_PREFIX + nameOrArn;
}
