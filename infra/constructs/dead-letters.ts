import { Duration } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption, type QueueProps, RedrivePermission } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { TokenRefreshSettings } from '../options/schema.ts';
import { acknowledge } from './acknowledge.ts';

/** Options that concern every queue. */
export type QueueSettings = Pick<TokenRefreshSettings, 'encryptionKey'> & {
  readonly removalPolicies: Pick<TokenRefreshSettings['removalPolicies'], 'queues'>;
};

/** Two queues: one for ticks that did not reach the function, one for events on which the function failed. */
export class DeadLetters extends Construct {
  /** Ticks that EventBridge Scheduler could not deliver. */
  readonly undeliveredTicks: Queue;
  /** Events on which the function failed, and failed again on Lambda's retry. */
  readonly failedRuns: Queue;

  constructor(scope: Construct, id: string, settings: QueueSettings) {
    super(scope, id);
    this.undeliveredTicks = createDeadLetterQueue(this, 'UndeliveredTicks', settings);
    this.failedRuns = createDeadLetterQueue(this, 'FailedRuns', settings);
  }
}

/** Creates a queue whose messages only operators receive. */
export function createDeadLetterQueue(scope: Construct, id: string, settings: QueueSettings): Queue {
  const queue = createQueue(scope, id, settings, {
    retentionPeriod: Duration.days(14),
    // The default, set explicitly: Control Tower's CT.SQS.PR.1 recognizes a dead-letter queue only by this setting.
    redriveAllowPolicy: { redrivePermission: RedrivePermission.ALLOW_ALL },
  });
  acknowledge(
    queue,
    'AwsSolutions-SQS3',
    'This is a dead-letter queue: only operators receive its messages, and an alarm monitors it.',
  );
  return queue;
}

export function createQueue(
  scope: Construct,
  id: string,
  { encryptionKey, removalPolicies }: QueueSettings,
  props: QueueProps,
): Queue {
  return new Queue(scope, id, {
    ...props,
    enforceSSL: true,
    removalPolicy: removalPolicies.queues,
    ...(encryptionKey === undefined
      ? { encryption: QueueEncryption.SQS_MANAGED }
      : { encryptionMasterKey: Key.fromKeyArn(scope, `${id}Key`, encryptionKey.keyArn) }),
  });
}
