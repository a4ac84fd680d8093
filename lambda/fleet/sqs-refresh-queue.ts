import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { describeAwsError } from '../adapters/describe-aws-error.ts';
import { Fault } from '../core/fault.ts';
import { renderMessage } from './fleet-event.ts';
import type { RefreshQueue } from './sweep-secrets.ts';

/** All of one call, with the SDK's tries. */
const CALL_TIMEOUT_MS = 10_000;

/** Queue of the secrets that the refresh function handles. */
export class SqsRefreshQueue implements RefreshQueue {
  readonly #client: SQSClient;
  readonly #queueUrl: string;

  constructor(client: SQSClient, queueUrl: string) {
    this.#client = client;
    this.#queueUrl = queueUrl;
  }

  async send(arns: readonly string[]): Promise<number> {
    const Entries = arns.map((arn, index) => ({ Id: String(index), MessageBody: renderMessage(arn) }));
    try {
      const { Failed = [] } = await this.#client.send(
        new SendMessageBatchCommand({ QueueUrl: this.#queueUrl, Entries }),
        { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) },
      );
      return Failed.length;
    } catch (error) {
      const { what, isDenial } = describeAwsError(error, CALL_TIMEOUT_MS / 1000);
      const advice = isDenial ? ' Check the role of the sweep and, for a KMS key of your own, its key policy.' : '';
      throw new Fault('SWEEP_INCOMPLETE', `SendMessageBatch to the queue failed: ${what}.${advice}`);
    }
  }
}
