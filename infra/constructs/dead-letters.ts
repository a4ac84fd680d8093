import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { TokenRefreshSettings } from '../options/schema.ts';
import { acknowledge } from './acknowledge.ts';

/** Two queues: for ticks that did not reach the function, and for events on which it failed. */
export class DeadLetters extends Construct {
  /** Ticks that EventBridge Scheduler could not deliver. */
  readonly undeliveredTicks: Queue;
  /** Events on which the function failed, and failed again when Lambda retried. */
  readonly failedRuns: Queue;

  constructor(scope: Construct, id: string, settings: TokenRefreshSettings) {
    super(scope, id);
    this.undeliveredTicks = this.createQueue('UndeliveredTicks', settings);
    this.failedRuns = this.createQueue('FailedRuns', settings);
  }

  private createQueue(id: string, { kmsKeyArn, removalPolicies }: TokenRefreshSettings): Queue {
    const queue = new Queue(this, id, {
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy: removalPolicies.queues === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      ...(kmsKeyArn === undefined
        ? { encryption: QueueEncryption.SQS_MANAGED }
        : { encryptionMasterKey: Key.fromKeyArn(this, `${id}Key`, kmsKeyArn) }),
    });
    acknowledge(
      queue,
      'AwsSolutions-SQS3',
      'It is a queue for dead letters itself: nobody receives from it but a person, and an alarm watches it.',
    );
    return queue;
  }
}
