import { Duration } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption, type QueueProps, RedrivePermission } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { TokenRefreshSettings } from '../options/schema.ts';
import { acknowledge } from './acknowledge.ts';

/** What every queue of ours takes from the options. */
export type QueueSettings = Pick<TokenRefreshSettings, 'encryptionKey'> & {
  readonly removalPolicies: Pick<TokenRefreshSettings['removalPolicies'], 'queues'>;
};

/** Two queues: for ticks that did not reach the function, and for events on which it failed. */
export class DeadLetters extends Construct {
  /** Ticks that EventBridge Scheduler could not deliver. */
  readonly undeliveredTicks: Queue;
  /** Events on which the function failed, and failed again when Lambda retried. */
  readonly failedRuns: Queue;

  constructor(scope: Construct, id: string, settings: QueueSettings) {
    super(scope, id);
    this.undeliveredTicks = createDeadLetterQueue(this, 'UndeliveredTicks', settings);
    this.failedRuns = createDeadLetterQueue(this, 'FailedRuns', settings);
  }
}

/** A queue that nobody receives from but a person. */
export function createDeadLetterQueue(scope: Construct, id: string, settings: QueueSettings): Queue {
  const queue = createQueue(scope, id, settings, {
    retentionPeriod: Duration.days(14),
    // The default, written down: Control Tower's CT.SQS.PR.1 takes a queue for a dead-letter queue only if it has this.
    redriveAllowPolicy: { redrivePermission: RedrivePermission.ALLOW_ALL },
  });
  acknowledge(
    queue,
    'AwsSolutions-SQS3',
    'It is a queue for dead letters itself: nobody receives from it but a person, and an alarm watches it.',
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
