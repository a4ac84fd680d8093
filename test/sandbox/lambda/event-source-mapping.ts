import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import type { Sqs } from '../aws/sqs.ts';
import type { InvokeOptions, LambdaProcess } from './lambda-process.ts';

const batchResponse = z.strictObject({
  batchItemFailures: z.array(z.strictObject({ itemIdentifier: z.string() })),
});

/** Event source mapping like Lambda's own: one message per invocation, up to the maximum concurrency. */
export class EventSourceMapping {
  readonly #sqs: Sqs;
  readonly #start: () => Promise<LambdaProcess>;
  readonly #environments: (LambdaProcess | undefined)[];
  /** Most invocations that ran at one time. */
  mostAtOnce = 0;
  #running = 0;

  /** @param start an execution environment */
  constructor(sqs: Sqs, maximumConcurrency: number, start: () => Promise<LambdaProcess>) {
    this.#sqs = sqs;
    this.#start = start;
    this.#environments = Array.from({ length: maximumConcurrency }, () => undefined);
  }

  /** Until nothing is to be received, delayed messages included: what failed comes again after its visibility timeout. */
  async drain(options: InvokeOptions = {}): Promise<void> {
    for (let delayMs: number | undefined = 0; delayMs !== undefined; delayMs = this.#sqs.delayMs) {
      if (delayMs > 0) await sleep(delayMs);
      await Promise.all(this.#environments.map((_, index) => this.#work(index, options)));
    }
  }

  async #work(index: number, options: InvokeOptions): Promise<void> {
    for (let message = this.#sqs.receive(); message !== undefined; message = this.#sqs.receive()) {
      const lambda = this.#environments[index] ?? (await this.#start());
      this.#environments[index] = lambda;
      const { messageId, body } = message;
      const Records = [{ messageId, body, eventSource: 'aws:sqs', receiptHandle: messageId }];
      this.#running += 1;
      this.mostAtOnce = Math.max(this.mostAtOnce, this.#running);
      const invocation = await lambda.invoke({ Records }, options);
      this.#running -= 1;
      // Lambda starts another environment after a crash.
      if (invocation.kind === 'ended') this.#environments[index] = undefined;
      if (invocation.kind !== 'result') continue;
      const { batchItemFailures } = batchResponse.parse(invocation.result);
      if (batchItemFailures.length === 0) this.#sqs.delete(messageId);
    }
  }
}
