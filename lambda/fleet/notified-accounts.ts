import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import * as z from 'zod/mini';
import { parseJson } from '../contract.ts';
import { NO_ONE_NOTIFIED, type Notified } from './decide-notices.ts';

const CALL_TIMEOUT_MS = 10_000;
/** Age at which the message is written again: SQS deletes a message after 14 days. */
const RENEW_MS = 7 * 86_400_000;

const hashes = z.record(z.string(), z.array(z.string()));
const State = z.object({ atMs: z.number(), notified: hashes, seen: hashes });

/** State that a sweep took out of its queue. */
export interface Taken {
  readonly state: Notified;
  readonly messages: readonly Message[];
  readonly atMs: number;
}

/**
 * Stores which accounts someone was notified of, in the one message of a queue. The message outlives execution environments, and needs
 * no database. A sweep takes the message, so that only one of two concurrent sweeps notifies.
 */
export class NotifiedAccounts {
  readonly #client: SQSClient;
  readonly #queueUrl: string;

  constructor(client: SQSClient, queueUrl: string) {
    this.#client = client;
    this.#queueUrl = queueUrl;
  }

  /** Takes the state for `seconds`. @returns `undefined` if another sweep has it */
  async take(seconds: number): Promise<Taken | undefined> {
    const { Messages: messages = [] } = await this.#client.send(
      // With a wait, SQS queries all of its servers.
      new ReceiveMessageCommand({
        QueueUrl: this.#queueUrl,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: seconds,
        WaitTimeSeconds: 1,
      }),
      this.#options(),
    );
    const states = messages.flatMap(({ Body = '' }) => State.safeParse(parseJson(Body)).data ?? []);
    const [newest] = states.sort((one, other) => other.atMs - one.atMs);
    if (newest) return { state: newest, messages, atMs: newest.atMs };
    // A message that is not a state is replaced.
    if (messages.length > 0) return { state: NO_ONE_NOTIFIED, messages, atMs: 0 };
    return (await this.#isEmpty()) ? { state: NO_ONE_NOTIFIED, messages, atMs: 0 } : undefined;
  }

  /** Puts the state back. The new message is sent first, so that there is always one. */
  async put({ state, messages, atMs }: Taken, next: Notified, nowMs: number): Promise<void> {
    const isSame = JSON.stringify([state.notified, state.seen]) === JSON.stringify([next.notified, next.seen]);
    if (isSame && nowMs - atMs < RENEW_MS) return;
    const MessageBody = JSON.stringify({ atMs: nowMs, ...next });
    await this.#client.send(new SendMessageCommand({ QueueUrl: this.#queueUrl, MessageBody }), this.#options());
    for (const { ReceiptHandle } of messages) {
      const command = new DeleteMessageCommand({ QueueUrl: this.#queueUrl, ReceiptHandle });
      await this.#client.send(command, this.#options());
    }
  }

  /** Returns whether the queue has no message, visible or taken: this is the first sweep of the fleet. */
  async #isEmpty(): Promise<boolean> {
    const { Attributes = {} } = await this.#client.send(
      new GetQueueAttributesCommand({
        QueueUrl: this.#queueUrl,
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
      }),
      this.#options(),
    );
    return Object.values(Attributes).every((count) => Number(count) === 0);
  }

  #options(): { readonly abortSignal: AbortSignal } {
    return { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) };
  }
}
