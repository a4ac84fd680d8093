import { ArnFormat, Stack } from 'aws-cdk-lib';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { FleetSettings } from '../options/fleet-schema.ts';
import { acknowledgeWildcard } from './acknowledge.ts';
import type { EventDestination } from './event-destination.ts';
import { OwnFunction } from './own-function.ts';
import { refreshEnvironment } from './refresh-environment.ts';
import { allow, allowKeysOf, allowKeyThrough, CREDENTIALS_ACTIONS } from './statements.ts';

export interface FleetRefreshFunctionProps {
  readonly settings: FleetSettings;
  readonly queue: IQueue;
  readonly eventDestination: EventDestination;
}

/** The function that refreshes a secret a message. Its role reaches every secret with the tag, and none without. */
export class FleetRefreshFunction extends OwnFunction {
  readonly messages: EventSourceMapping;

  constructor(scope: Construct, id: string, { settings, queue, eventDestination }: FleetRefreshFunctionProps) {
    const { encryptionKey, timeout, maximumConcurrency } = settings;
    const secrets = Stack.of(scope).formatArn({
      service: 'secretsmanager',
      resource: 'secret',
      resourceName: '*',
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    const receive = ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'];
    super(scope, id, {
      settings,
      description: 'Keeps the Retently bearer tokens of a fleet fresh, a secret a message',
      handler: 'refresh-message',
      timeout,
      environment: refreshEnvironment(settings, eventDestination),
      roleDescription: 'Refreshes the Retently bearer tokens in the secrets of a fleet',
      statements: [
        allow('KeepCredentials', CREDENTIALS_ACTIONS, [secrets], hasTag(settings)),
        ...eventDestination.statements,
        allow('TakeMessages', receive, [queue.queueArn]),
        // Each secret may have a key of its own. Secrets Manager asks for the tag before it asks KMS.
        allowKeysOf(scope, 'UseKeysOfSecrets', ['kms:Decrypt', 'kms:GenerateDataKey'], [secrets]),
        ...allowKeyThrough(scope, 'DecryptMessages', 'sqs', encryptionKey),
      ],
      // For who invokes it by hand without waiting: what fails is told, and the next sweep asks anew.
      running: { retryAttempts: 0 },
    });
    acknowledgeWildcard(this.role, 'secretsmanager', 'secret:*', 'Bound by the condition to the secrets with the tag.');
    acknowledgeWildcard(
      this.role,
      'kms',
      'key/*',
      'Through Secrets Manager alone, for a secret, and so for one with the tag; as far as the policy of the key allows.',
    );
    this.messages = new EventSourceMapping(this, 'Messages', {
      target: this.lambdaFunction,
      eventSourceArn: queue.queueArn,
      // One at a time: a slow server takes the time of its own secret, and of no other.
      batchSize: 1,
      reportBatchItemFailures: true,
      maxConcurrency: maximumConcurrency,
    });
    // Lambda looks whether the role may receive when the mapping is made.
    this.messages.node.addDependency(this.role);
  }
}

function hasTag({ tagKey, tagValue }: FleetSettings): Readonly<Record<string, Record<string, string>>> {
  const tag = `aws:ResourceTag/${tagKey}`;
  return tagValue === undefined ? { Null: { [tag]: 'false' } } : { StringEquals: { [tag]: tagValue } };
}
