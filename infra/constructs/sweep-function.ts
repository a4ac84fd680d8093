import { Duration } from 'aws-cdk-lib';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { FLEET_ENVIRONMENT } from '../../lambda/contract.ts';
import { bundledCode } from '../bundle/bundled-code.ts';
import type { FleetSettings } from '../options/fleet-schema.ts';
import { ATTEMPTS_PER_TICK, longestRunSeconds } from '../options/schedule-limits.ts';
import { acknowledge } from './acknowledge.ts';
import { allowLogs, allowOptions, createFunction, createLogGroup, createRole } from './lambda-function.ts';
import { allow, allowKeyThrough } from './statements.ts';

/** The longest that Lambda lets a function run. */
const MAX_TIMEOUT_SECONDS = 900;

export interface SweepFunctionProps {
  readonly settings: FleetSettings;
  readonly queue: IQueue;
  readonly failedSweeps: IQueue;
  /** How long Lambda keeps an event for a run and its retry. */
  readonly eventAge: Duration;
}

/** The function that lists the secrets of a fleet. It can read no value of any. */
export class SweepFunction extends Construct {
  readonly lambdaFunction: LambdaFunction;
  readonly logGroup: LogGroup;
  readonly role: Role;
  readonly timeoutSeconds: number;

  constructor(scope: Construct, id: string, { settings, queue, failedSweeps, eventAge }: SweepFunctionProps) {
    super(scope, id);
    this.logGroup = createLogGroup(this, settings);
    this.role = createRole(this, 'Puts the secrets of a fleet into the queue');
    this.role.addToPolicy(allow('ListSecrets', ['secretsmanager:ListSecrets'], ['*']));
    acknowledge(
      this.role,
      'AwsSolutions-IAM5[Resource::*]',
      'AWS accepts ListSecrets, and what X-Ray and network interfaces need, on * only. It shows names and tags, and no value.',
    );
    this.role.addToPolicy(allow('SendMessages', ['sqs:SendMessage'], [queue.queueArn]));
    allowLogs(this.role, this.logGroup);
    this.role.addToPolicy(allow('KeepFailedSweeps', ['sqs:SendMessage'], [failedSweeps.queueArn]));
    if (settings.kmsKeyArn !== undefined) {
      this.role.addToPolicy(allowKeyThrough(this, 'EncryptMessages', 'sqs', settings.kmsKeyArn));
    }
    allowOptions(this.role, settings);
    // With its retry it is over before the next tick.
    this.timeoutSeconds = Math.min(MAX_TIMEOUT_SECONDS, longestRunSeconds(settings.schedule));
    const { tagKey, tagValue } = settings.fleet;
    this.lambdaFunction = createFunction(this, settings, {
      description: 'Puts the secrets of a fleet of Retently accounts into the queue of the refresh',
      code: bundledCode('sweep'),
      timeout: Duration.seconds(this.timeoutSeconds),
      environment: {
        [FLEET_ENVIRONMENT.tagKey]: tagKey,
        ...(tagValue === undefined ? {} : { [FLEET_ENVIRONMENT.tagValue]: tagValue }),
        [FLEET_ENVIRONMENT.queueUrl]: queue.queueUrl,
      },
      role: this.role,
      logGroup: this.logGroup,
      running: {
        retryAttempts: ATTEMPTS_PER_TICK - 1,
        maxEventAge: eventAge,
        onFailure: { bind: () => ({ destination: failedSweeps.queueArn }) },
      },
    });
  }
}
