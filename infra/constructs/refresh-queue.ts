import { Duration } from 'aws-cdk-lib';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { createDeadLetterQueue, createQueue, type QueueSettings } from './dead-letters.ts';

/** As AWS advises for a queue that Lambda receives from: less, and a message comes again while its run goes on. */
const VISIBILITY_OVER_TIMEOUT = 6;
/** As AWS advises. Only runs that died, and mistakes of ours or of the environment, count. */
const MAX_RECEIVE_COUNT = 5;
/** Every sweep asks for every secret anew: what a refresh that stands still leaves behind must not pile up. */
const RETENTION = Duration.hours(1);

/** The secrets that a sweep has found, a message each, and those whose runs died again and again. */
export class RefreshQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, settings: QueueSettings & { readonly timeout: Duration }) {
    super(scope, id);
    this.deadLetters = createDeadLetterQueue(this, 'DeadLetters', settings);
    const visibilityTimeout = Duration.seconds(settings.timeout.toSeconds() * VISIBILITY_OVER_TIMEOUT);
    const tries = visibilityTimeout.toSeconds() * MAX_RECEIVE_COUNT;
    this.queue = createQueue(this, 'Queue', settings, {
      visibilityTimeout,
      // It has time to become a dead letter.
      retentionPeriod: Duration.seconds(Math.max(RETENTION.toSeconds(), tries + visibilityTimeout.toSeconds())),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: MAX_RECEIVE_COUNT },
    });
  }
}
