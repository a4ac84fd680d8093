import { Duration } from 'aws-cdk-lib';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { FLEET_ENVIRONMENT } from '../../lambda/contract.ts';
import type { FleetSettings } from '../options/fleet-schema.ts';
import { ATTEMPTS_PER_TICK, longestRunSeconds } from '../options/schedule-limits.ts';
import { acknowledge } from './acknowledge.ts';
import { OwnFunction } from './own-function.ts';
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
export class SweepFunction extends OwnFunction {
  readonly timeoutSeconds: number;

  constructor(scope: Construct, id: string, { settings, queue, failedSweeps, eventAge }: SweepFunctionProps) {
    const { encryptionKey, interval, tagKey, tagValue } = settings;
    // With its retry it is over before the next tick.
    const timeoutSeconds = Math.min(MAX_TIMEOUT_SECONDS, longestRunSeconds(interval));
    super(scope, id, {
      settings,
      description: 'Puts the secrets of a fleet of Retently accounts into the queue of the refresh',
      handler: 'sweep',
      timeout: Duration.seconds(timeoutSeconds),
      environment: {
        [FLEET_ENVIRONMENT.tagKey]: tagKey,
        ...(tagValue !== undefined && { [FLEET_ENVIRONMENT.tagValue]: tagValue }),
        [FLEET_ENVIRONMENT.queueUrl]: queue.queueUrl,
      },
      roleDescription: 'Puts the secrets of a fleet into the queue',
      statements: [
        allow('ListSecrets', ['secretsmanager:ListSecrets'], ['*']),
        allow('SendMessages', ['sqs:SendMessage'], [queue.queueArn]),
        allow('KeepFailedSweeps', ['sqs:SendMessage'], [failedSweeps.queueArn]),
        ...allowKeyThrough(scope, 'EncryptMessages', 'sqs', encryptionKey),
      ],
      running: {
        retryAttempts: ATTEMPTS_PER_TICK - 1,
        maxEventAge: eventAge,
        onFailure: { bind: () => ({ destination: failedSweeps.queueArn }) },
      },
    });
    this.timeoutSeconds = timeoutSeconds;
    acknowledge(
      this.role,
      'AwsSolutions-IAM5[Resource::*]',
      'AWS accepts ListSecrets, and what X-Ray and network interfaces need, on * only. It shows names and tags, and no value.',
    );
  }
}
