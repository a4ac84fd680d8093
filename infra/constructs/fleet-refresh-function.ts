import { ArnFormat, Stack } from 'aws-cdk-lib';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { FleetSettings } from '../options/fleet-schema.ts';
import { acknowledgeWildcard } from './acknowledge.ts';
import type { EventDestination } from './event-destination.ts';
import { OwnFunction } from './own-function.ts';
import { refreshEnvironment } from './refresh-environment.ts';
import { fleetTimeout } from './refresh-queue.ts';
import { allow, allowKeysOf, allowKeyThrough, CREDENTIALS_ACTIONS } from './statements.ts';

export interface FleetRefreshFunctionProps {
  readonly settings: FleetSettings;
  readonly queue: IQueue;
  readonly retries: IQueue;
  readonly eventDestination: EventDestination;
}

/** Runs of healthy secrets per run of a secret whose last attempt failed. */
const RUNS_PER_RETRY = 4;

/** Returns the ARN of every secret of the account and region. */
export function everySecret(scope: Construct): string {
  const arnFormat = ArnFormat.COLON_RESOURCE_NAME;
  return Stack.of(scope).formatArn({ service: 'secretsmanager', resource: 'secret', resourceName: '*', arnFormat });
}

/** Function that refreshes one secret per message. Its role can reach every secret with the tag, and no other. */
export class FleetRefreshFunction extends OwnFunction {
  /** Event source mappings of the queue of healthy secrets and of the queue of retries. */
  readonly mappings: readonly EventSourceMapping[];

  constructor(scope: Construct, id: string, { settings, queue, retries, eventDestination }: FleetRefreshFunctionProps) {
    const { encryptionKey, timeout, maximumConcurrency } = settings;
    const secrets = everySecret(scope);
    const receive = ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'];
    super(scope, id, {
      settings,
      description: 'Keeps the Retently access tokens of a fleet fresh, one secret per message',
      handler: 'refresh-message',
      timeout: fleetTimeout(timeout),
      environment: refreshEnvironment(settings, eventDestination),
      roleDescription: 'Refreshes the Retently access tokens in the secrets of a fleet',
      statements: [
        allow('KeepCredentials', CREDENTIALS_ACTIONS, [secrets], ifTagged(settings)),
        ...eventDestination.statements,
        allow('TakeMessages', receive, [queue.queueArn, retries.queueArn]),
        // Each secret may have its own key. Secrets Manager checks the tag before it calls KMS.
        allowKeysOf(scope, 'UseKeysOfSecrets', ['kms:Decrypt', 'kms:GenerateDataKey'], [secrets]),
        ...allowKeyThrough(scope, 'DecryptMessages', 'sqs', encryptionKey),
      ],
      // Only people invoke the function asynchronously. The run logs a failure, and the next sweep sends the secret again.
      running: { retryAttempts: 0 },
    });
    acknowledgeWildcard(this.role, 'secretsmanager', 'secret:*', 'Bound by the condition to the secrets with the tag.');
    acknowledgeWildcard(
      this.role,
      'kms',
      'key/*',
      'Only through Secrets Manager, and so only for secrets with the tag, as far as the policy of the key allows.',
    );
    this.mappings = [
      this.receive('Messages', queue, maximumConcurrency),
      this.receive('Retries', retries, Math.max(2, Math.ceil(maximumConcurrency / RUNS_PER_RETRY))),
    ];
  }

  private receive(id: string, queue: IQueue, maxConcurrency: number): EventSourceMapping {
    const mapping = new EventSourceMapping(this, id, {
      target: this.lambdaFunction,
      eventSourceArn: queue.queueArn,
      // One message per run: a slow server delays only its own secret.
      batchSize: 1,
      reportBatchItemFailures: true,
      maxConcurrency,
    });
    // Lambda checks whether the role may receive when the mapping is created.
    mapping.node.addDependency(this.role);
    return mapping;
  }
}

/** Returns the condition of a statement that holds for secrets of the fleet only. */
export function ifTagged({ tagKey, tagValue }: FleetSettings): Readonly<Record<string, Record<string, string>>> {
  const tag = `aws:ResourceTag/${tagKey}`;
  return tagValue === undefined ? { Null: { [tag]: 'false' } } : { StringEquals: { [tag]: tagValue } };
}
