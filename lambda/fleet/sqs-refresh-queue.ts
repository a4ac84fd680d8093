import { GetQueueAttributesCommand, SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { describeAwsError } from '../adapters/describe-aws-error.ts';
import { Fault } from '../core/fault.ts';
import { renderMessage } from './fleet-event.ts';
import { type Turn, toDelaySeconds } from './plan-messages.ts';
import type { RefreshQueue } from './sweep-secrets.ts';

/** Maximum time of one call, with the SDK's retries. */
const CALL_TIMEOUT_MS = 10_000;

/** Queue of the secrets that the refresh function handles. */
export class SqsRefreshQueue implements RefreshQueue {
  readonly #client: SQSClient;
  readonly #queueUrl: string;

  constructor(client: SQSClient, queueUrl: string) {
    this.#client = client;
    this.#queueUrl = queueUrl;
  }

  async send(turns: readonly Turn[], nowMs: number): Promise<number> {
    const Entries = turns.map(({ arn, startAtMs, endAtMs }, index) => ({
      Id: String(index),
      MessageBody: renderMessage(arn, { startAtMs, endAtMs }),
      DelaySeconds: startAtMs === undefined ? 0 : toDelaySeconds(startAtMs - nowMs),
    }));
    try {
      const { Failed = [] } = await this.#client.send(
        new SendMessageBatchCommand({ QueueUrl: this.#queueUrl, Entries }),
        { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) },
      );
      return Failed.length;
    } catch (error) {
      throw toFault(error, 'SendMessageBatch');
    }
  }

  async countWaiting(): Promise<number> {
    try {
      const { Attributes } = await this.#client.send(
        new GetQueueAttributesCommand({ QueueUrl: this.#queueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
        { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) },
      );
      return Number(Attributes?.['ApproximateNumberOfMessages']) || 0;
    } catch (error) {
      throw toFault(error, 'GetQueueAttributes');
    }
  }
}

function toFault(error: unknown, call: string): Fault {
  const { what, isDenial } = describeAwsError(error, CALL_TIMEOUT_MS / 1000);
  const advice = isDenial
    ? ' Check the role of the sweep and, if the queue has a customer-managed KMS key, its key policy.'
    : '';
  return new Fault('SWEEP_INCOMPLETE', `${call} on the queue failed: ${what}.${advice}`);
}
