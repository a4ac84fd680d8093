import { Duration } from 'aws-cdk-lib';
import { type Queue, RedrivePermission } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { MAX_WAIT_SECONDS } from '../../lambda/contract.ts';
import { acknowledge } from './acknowledge.ts';
import { createDeadLetterQueue, createQueue, type QueueSettings } from './dead-letters.ts';

/** Creates the queue whose one message lists the accounts that someone was notified of. Only the sweep receives it. */
export function createNotifiedQueue(scope: Construct, id: string, settings: QueueSettings): Queue {
  const queue = createQueue(scope, id, settings, {
    retentionPeriod: Duration.days(14),
    // The default, written down: Control Tower's CT.SQS.PR.1 requires a dead-letter queue for every other queue.
    redriveAllowPolicy: { redrivePermission: RedrivePermission.ALLOW_ALL },
  });
  acknowledge(queue, 'AwsSolutions-SQS3', 'It holds state and no work: each sweep takes its message and puts it back.');
  return queue;
}

/** Returns the timeout of a function whose runs may last for `run`: a message may first wait for its turn. */
export function fleetTimeout(run: Duration): Duration {
  return Duration.seconds(Math.min(MAX_TIMEOUT_SECONDS, run.toSeconds() + MAX_WAIT_SECONDS));
}

/** Maximum timeout of a Lambda function. */
export const MAX_TIMEOUT_SECONDS = 900;

/** Factor that AWS advises for a queue that Lambda receives from. With less, a message comes again while its run continues. */
const VISIBILITY_OVER_TIMEOUT = 6;
/** Number of receives that AWS advises. */
const MAX_RECEIVE_COUNT = 5;
/** Retention of a message. Every sweep sends what may need a run, so messages must not pile up while no run starts. */
const RETENTION = Duration.hours(1);

/** Queues of secrets that may need a run, one message per secret. */
export class RefreshQueue extends Construct {
  readonly queue: Queue;
  /** Secrets whose last attempt failed: their runs may take long, and must not delay those of healthy secrets. */
  readonly retries: Queue;
  readonly deadLetters: Queue;
  /** Age at which SQS deletes a message. */
  readonly retention: Duration;

  constructor(scope: Construct, id: string, settings: QueueSettings & { readonly timeout: Duration }) {
    super(scope, id);
    this.deadLetters = createDeadLetterQueue(this, 'DeadLetters', settings);
    const functionSeconds = fleetTimeout(settings.timeout).toSeconds();
    const visibilityTimeout = Duration.seconds(functionSeconds * VISIBILITY_OVER_TIMEOUT);
    // Lambda also receives messages while the function is throttled, and each one returns after the visibility timeout. A message
    // expires before it has been received so often that it becomes a dead letter without a run.
    this.retention = Duration.seconds(
      Math.min(RETENTION.toSeconds(), visibilityTimeout.toSeconds() * MAX_RECEIVE_COUNT),
    );
    const properties = {
      visibilityTimeout,
      retentionPeriod: this.retention,
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: MAX_RECEIVE_COUNT },
    };
    this.queue = createQueue(this, 'Queue', settings, properties);
    this.retries = createQueue(this, 'Retries', settings, properties);
  }
}
