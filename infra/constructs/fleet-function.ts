import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import type { Role } from 'aws-cdk-lib/aws-iam';
import { EventSourceMapping, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { bundledCode } from '../bundle/bundled-code.ts';
import type { FleetSettings } from '../options/fleet-schema.ts';
import type { EventDestination } from './event-destination.ts';
import {
  acknowledgeWildcard,
  allowEvents,
  allowLogs,
  allowOptions,
  createFunction,
  createLogGroup,
  createRole,
  refreshEnvironment,
} from './lambda-function.ts';
import { allow, allowKeysOf, allowKeyThrough, CREDENTIALS_ACTIONS } from './statements.ts';

export interface FleetFunctionProps {
  readonly settings: FleetSettings;
  readonly queue: IQueue;
  readonly eventDestination: EventDestination;
}

/** The function that refreshes a secret a message. Its role reaches every secret with the tag, and none without. */
export class FleetFunction extends Construct {
  readonly lambdaFunction: LambdaFunction;
  readonly logGroup: LogGroup;
  readonly role: Role;
  readonly messages: EventSourceMapping;

  constructor(scope: Construct, id: string, props: FleetFunctionProps) {
    super(scope, id);
    const { settings, eventDestination, queue } = props;
    this.logGroup = createLogGroup(this, settings);
    this.role = this.createRole(props);
    this.lambdaFunction = createFunction(this, settings, {
      description: 'Keeps the Retently bearer tokens of a fleet fresh, a secret a message',
      code: bundledCode('refresh-batch'),
      timeout: Duration.seconds(settings.timeoutSeconds),
      environment: refreshEnvironment(settings, eventDestination),
      role: this.role,
      logGroup: this.logGroup,
      // For who invokes it by hand without waiting: what fails is told, and the next sweep asks anew.
      running: { retryAttempts: 0 },
    });
    this.messages = new EventSourceMapping(this, 'Messages', {
      target: this.lambdaFunction,
      eventSourceArn: queue.queueArn,
      // One at a time: a slow server takes the time of its own secret, and of no other.
      batchSize: 1,
      reportBatchItemFailures: true,
      maxConcurrency: settings.fleet.maximumConcurrency,
    });
    // Lambda looks whether the role may receive when the mapping is made.
    this.messages.node.addDependency(this.role);
  }

  private createRole({ settings, queue, eventDestination }: FleetFunctionProps): Role {
    const role = createRole(this, 'Refreshes the Retently bearer tokens in the secrets of a fleet');
    const secrets = Stack.of(this).formatArn({
      service: 'secretsmanager',
      resource: 'secret',
      resourceName: '*',
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    role.addToPolicy(allow('KeepCredentials', CREDENTIALS_ACTIONS, [secrets], hasTag(settings)));
    acknowledgeWildcard(role, 'secretsmanager', 'secret:*', 'Bound by the condition to the secrets with the tag.');
    allowEvents(role, eventDestination);
    allowLogs(role, this.logGroup);
    const receive = ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'];
    role.addToPolicy(allow('TakeMessages', receive, [queue.queueArn]));
    // Each secret may have a key of its own. Secrets Manager asks for the tag before it asks KMS.
    role.addToPolicy(allowKeysOf(this, 'UseKeysOfSecrets', ['kms:Decrypt', 'kms:GenerateDataKey'], [secrets]));
    acknowledgeWildcard(
      role,
      'kms',
      'key/*',
      'Through Secrets Manager alone, for a secret, and so for one with the tag; as far as the policy of the key allows.',
    );
    if (settings.kmsKeyArn !== undefined) {
      role.addToPolicy(allowKeyThrough(this, 'DecryptMessages', 'sqs', settings.kmsKeyArn));
    }
    allowOptions(role, settings);
    return role;
  }
}

function hasTag({ fleet: { tagKey, tagValue } }: FleetSettings): Readonly<Record<string, Record<string, string>>> {
  const tag = `aws:ResourceTag/${tagKey}`;
  return tagValue === undefined ? { Null: { [tag]: 'false' } } : { StringEquals: { [tag]: tagValue } };
}
