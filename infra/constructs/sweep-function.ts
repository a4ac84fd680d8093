import { Duration } from 'aws-cdk-lib';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { ENVIRONMENT, FLEET_ENVIRONMENT } from '../../lambda/contract.ts';
import type { FleetSettings } from '../options/fleet-schema.ts';
import { ATTEMPTS_PER_TICK, longestRunSeconds } from '../options/schedule-limits.ts';
import { acknowledge, acknowledgeWildcard } from './acknowledge.ts';
import { everySecret, ifTagged } from './fleet-refresh-function.ts';
import { OwnFunction } from './own-function.ts';
import { MAX_TIMEOUT_SECONDS } from './refresh-queue.ts';
import { allow, allowKeysOf, allowKeyThrough } from './statements.ts';

export interface SweepFunctionProps {
  readonly settings: FleetSettings;
  readonly queue: IQueue;
  readonly retries: IQueue;
  readonly failedSweeps: IQueue;
  /** Longest time that Lambda keeps an event for a run and its retry. */
  readonly eventAge: Duration;
}

/** Function that lists and reads the secrets of a fleet. Its role can read only secrets with the tag, and write none. */
export class SweepFunction extends OwnFunction {
  readonly timeoutSeconds: number;

  constructor(scope: Construct, id: string, { settings, queue, retries, failedSweeps, eventAge }: SweepFunctionProps) {
    const { encryptionKey, interval, flexibleWindow, tagKey, tagValue, tokenEndpoint, tokenLifetime } = settings;
    const secrets = everySecret(scope);
    // A sweep and its retry end before the next tick.
    const timeoutSeconds = Math.min(MAX_TIMEOUT_SECONDS, longestRunSeconds(interval));
    super(scope, id, {
      settings,
      description: 'Reads the secrets of a fleet of Retently accounts, and queues those that may need a refresh',
      handler: 'sweep',
      timeout: Duration.seconds(timeoutSeconds),
      environment: {
        [FLEET_ENVIRONMENT.tagKey]: tagKey,
        ...(tagValue !== undefined && { [FLEET_ENVIRONMENT.tagValue]: tagValue }),
        [FLEET_ENVIRONMENT.queueUrl]: queue.queueUrl,
        [FLEET_ENVIRONMENT.retryQueueUrl]: retries.queueUrl,
        [FLEET_ENVIRONMENT.sweepSeconds]: String(interval.toSeconds() - flexibleWindow.toSeconds()),
        [ENVIRONMENT.tokenEndpoint]: tokenEndpoint,
        [ENVIRONMENT.defaultTokenLifetimeSeconds]: String(tokenLifetime.toSeconds()),
        [ENVIRONMENT.scheduleSeconds]: String(interval.plus(flexibleWindow).toSeconds()),
      },
      roleDescription: 'Reads the secrets of a fleet, and queues those that may need a refresh',
      statements: [
        allow('ListSecrets', ['secretsmanager:ListSecrets'], ['*']),
        allow('ReadInBatches', ['secretsmanager:BatchGetSecretValue'], ['*']),
        // BatchGetSecretValue answers only with secrets that this statement allows.
        allow('ReadSecrets', ['secretsmanager:GetSecretValue'], [secrets], ifTagged(settings)),
        allowKeysOf(scope, 'DecryptSecrets', ['kms:Decrypt'], [secrets]),
        allow('SendMessages', ['sqs:GetQueueAttributes', 'sqs:SendMessage'], [queue.queueArn, retries.queueArn]),
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
      'AWS accepts ListSecrets, BatchGetSecretValue, and the actions for X-Ray and network interfaces on * only. To read a value, the role also needs GetSecretValue.',
    );
    acknowledgeWildcard(this.role, 'secretsmanager', 'secret:*', 'Bound by the condition to the secrets with the tag.');
    acknowledgeWildcard(
      this.role,
      'kms',
      'key/*',
      'Only through Secrets Manager, and so only for secrets with the tag, as far as the policy of the key allows.',
    );
  }

  /** Lets the sweep notify people of single accounts. The queue keeps which accounts were reported. */
  notify(topic: ITopic, topicKey: FleetSettings['encryptionKey'], notified: IQueue): void {
    this.lambdaFunction.addEnvironment(FLEET_ENVIRONMENT.notifyTopicArn, topic.topicArn);
    this.lambdaFunction.addEnvironment(FLEET_ENVIRONMENT.notifiedQueueUrl, notified.queueUrl);
    const remember = ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage', 'sqs:SendMessage'];
    const statements = [
      allow('NotifyOfAccounts', ['sns:Publish'], [topic.topicArn]),
      allow('RememberAccounts', remember, [notified.queueArn]),
      ...allowKeyThrough(this, 'EncryptNotices', 'sns', topicKey),
    ];
    for (const statement of statements) this.role.addToPolicy(statement);
  }
}
