import { createHash, randomUUID } from 'node:crypto';
import { AwsError } from './aws-error.ts';

const MAX_ENTRIES = 10;
const MAX_BATCH_BYTES = 1024 * 1024;

export interface SqsOptions {
  /** Clock of the service, in ms since 1970. */
  now: () => number;
  /** 0 ≤ x < 1: the order of delivery, and which messages come twice. @default Math.random */
  random?: () => number;
  /** Share of the messages that are delivered twice. @default 0 */
  duplicates?: number;
  /** @default 360000 */
  visibilityMs?: number;
  /** @default 3600000 */
  retentionMs?: number;
  /** A message that was received so often and not deleted is a dead letter. @default 3 */
  maxReceiveCount?: number;
  /** Entries that `SendMessageBatch` does not take, inside an answer of 200. @default none */
  refuses?: (body: string) => boolean;
}

interface Message {
  readonly messageId: string;
  readonly queueArn: string;
  readonly body: string;
  readonly sentAtMs: number;
  visibleAtMs: number;
  receives: number;
}

export interface SendMessageBatchRequest {
  readonly QueueUrl: string;
  readonly Entries: readonly {
    readonly Id: string;
    readonly MessageBody: string;
    readonly DelaySeconds?: number | undefined;
  }[];
}

interface ReceiveMessageRequest {
  readonly QueueUrl: string;
  readonly VisibilityTimeout: number;
}

/** Standard queues of Amazon SQS, for refreshes, for retries and for what sweeps remember, and their dead letters: at least once, in no order. */
export class Sqs {
  readonly queueArn = 'arn:aws:sqs:us-east-1:000000000000:refresh';
  readonly retriesArn = 'arn:aws:sqs:us-east-1:000000000000:retries';
  /** State of the notifications. No function is invoked with it. */
  readonly notifiedArn = 'arn:aws:sqs:us-east-1:000000000000:notified';
  readonly deadLetters: string[] = [];
  readonly #options: Required<SqsOptions>;
  #messages: Message[] = [];

  constructor(options: SqsOptions) {
    this.#options = {
      random: Math.random,
      duplicates: 0,
      visibilityMs: 360_000,
      retentionMs: 3_600_000,
      maxReceiveCount: 3,
      refuses: () => false,
      ...options,
    };
  }

  /** Messages that are not deleted, those in flight too. */
  get size(): number {
    return this.#kept().filter(({ queueArn }) => queueArn !== this.notifiedArn).length;
  }

  arnOf(queueUrl: string): string {
    const name = new URL(queueUrl).pathname.split('/').at(-1);
    return [this.queueArn, this.retriesArn, this.notifiedArn].find((arn) => arn.endsWith(`:${name}`)) ?? queueUrl;
  }

  /** Sends a message by hand, or by a redrive. */
  send(body: string, { queueArn = this.queueArn, delaySeconds = 0 } = {}): void {
    const nowMs = this.#options.now();
    const isTwice = this.#options.random() < this.#options.duplicates;
    for (let copies = isTwice ? 2 : 1; copies > 0; copies--) {
      const visibleAtMs = nowMs + 1_000 * delaySeconds;
      this.#messages.push({ messageId: randomUUID(), queueArn, body, sentAtMs: nowMs, visibleAtMs, receives: 0 });
    }
  }

  sendMessageBatch({ QueueUrl, Entries }: SendMessageBatchRequest): object {
    const queueArn = this.#require(QueueUrl);
    if (Entries.length === 0 || Entries.length > MAX_ENTRIES) {
      throw new AwsError('TooManyEntriesInBatchRequest', `A batch has 1 to ${MAX_ENTRIES} entries.`);
    }
    if (new Set(Entries.map(({ Id }) => Id)).size < Entries.length) {
      throw new AwsError('BatchEntryIdsNotDistinct', 'Two entries have one Id.');
    }
    if (Entries.reduce((bytes, { MessageBody }) => bytes + Buffer.byteLength(MessageBody), 0) > MAX_BATCH_BYTES) {
      throw new AwsError('BatchRequestTooLong', 'The batch is too long.');
    }
    const isRefused = ({ MessageBody }: { readonly MessageBody: string }) => this.#options.refuses(MessageBody);
    const taken = Entries.filter((entry) => !isRefused(entry));
    for (const { MessageBody, DelaySeconds = 0 } of taken)
      this.send(MessageBody, { queueArn, delaySeconds: DelaySeconds });
    const toMd5 = (text: string) => createHash('md5').update(text).digest('hex');
    return {
      Successful: taken.map(({ Id, MessageBody }) => ({
        Id,
        MessageId: randomUUID(),
        MD5OfMessageBody: toMd5(MessageBody),
      })),
      Failed: Entries.filter(isRefused).map(({ Id }) => ({ Id, Code: 'InternalError', SenderFault: false })),
    };
  }

  /** Attributes as strings, as in SQS. */
  getQueueAttributes({ QueueUrl }: { readonly QueueUrl: string }): object {
    const queueArn = this.#require(QueueUrl);
    const nowMs = this.#options.now();
    const waiting = this.#kept().filter((each) => each.queueArn === queueArn && each.visibleAtMs <= nowMs);
    const taken = this.#kept().filter(
      (each) => each.queueArn === queueArn && each.receives > 0 && each.visibleAtMs > nowMs,
    );
    return {
      Attributes: {
        ApproximateNumberOfMessages: String(waiting.length),
        ApproximateNumberOfMessagesNotVisible: String(taken.length),
      },
    };
  }

  sendMessage({ QueueUrl, MessageBody }: { readonly QueueUrl: string; readonly MessageBody: string }): object {
    this.send(MessageBody, { queueArn: this.#require(QueueUrl) });
    return { MessageId: randomUUID(), MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex') };
  }

  /** Receives messages like a program, not like Lambda. */
  receiveMessage({ QueueUrl, VisibilityTimeout }: ReceiveMessageRequest): object {
    const queueArn = this.#require(QueueUrl);
    const nowMs = this.#options.now();
    const visible = this.#kept().filter((each) => each.queueArn === queueArn && each.visibleAtMs <= nowMs);
    for (const message of visible) {
      message.receives += 1;
      message.visibleAtMs = nowMs + VisibilityTimeout * 1_000;
    }
    // AWS has no empty list.
    if (visible.length === 0) return {};
    return {
      Messages: visible.map(({ messageId, body }) => ({
        MessageId: messageId,
        ReceiptHandle: messageId,
        Body: body,
        MD5OfBody: createHash('md5').update(body).digest('hex'),
      })),
    };
  }

  deleteMessage({ ReceiptHandle }: { readonly ReceiptHandle: string }): object {
    this.delete(ReceiptHandle);
    return {};
  }

  /** Milliseconds until a message can be received that cannot be yet; `undefined` if none is delayed. */
  get delayMs(): number | undefined {
    const nowMs = this.#options.now();
    const delays = this.#kept().flatMap(({ visibleAtMs, receives }) =>
      receives === 0 && visibleAtMs > nowMs ? [visibleAtMs - nowMs] : [],
    );
    return delays.length === 0 ? undefined : Math.min(...delays);
  }

  /** Returns a message that no consumer has received; `undefined` if there is none. */
  receive(): { readonly messageId: string; readonly body: string } | undefined {
    const nowMs = this.#options.now();
    this.#messages = this.#kept();
    const visible = this.#messages.filter(
      ({ visibleAtMs, queueArn }) => visibleAtMs <= nowMs && queueArn !== this.notifiedArn,
    );
    const message = visible[Math.floor(this.#options.random() * visible.length)];
    if (message === undefined) return undefined;
    if (message.receives >= this.#options.maxReceiveCount) {
      this.delete(message.messageId);
      this.deadLetters.push(message.body);
      return this.receive();
    }
    message.receives += 1;
    message.visibleAtMs = nowMs + this.#options.visibilityMs;
    return message;
  }

  /** Ends every visibility timeout: time has passed. */
  release(): void {
    for (const message of this.#messages) message.visibleAtMs = Math.min(message.visibleAtMs, this.#options.now());
  }

  delete(messageId: string): void {
    this.#messages = this.#messages.filter((message) => message.messageId !== messageId);
  }

  #require(queueUrl: string): string {
    const arn = this.arnOf(queueUrl);
    if ([this.queueArn, this.retriesArn, this.notifiedArn].includes(arn)) return arn;
    throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
  }

  #kept(): Message[] {
    const nowMs = this.#options.now();
    return this.#messages.filter(({ sentAtMs }) => nowMs - sentAtMs < this.#options.retentionMs);
  }
}
