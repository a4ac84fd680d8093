import type { Memory, PendingAnswer } from '../core/context.ts';

/** Shortest time between two tries to store an answer, because each try takes seconds of other secrets' time. */
const RETRY_AFTER_MS = 60_000;

interface Remembered {
  readonly memory: Memory;
  usedAtMs: number;
}

/** Memory of this execution environment between runs: the answers that are not stored yet. */
export class PendingAnswers {
  readonly #remembered = new Map<string, Remembered>();

  /** Returns the memory for a run of this secret. */
  open(secretId: string, nowMs: number): Memory {
    const memory = this.#remembered.get(secretId)?.memory ?? {};
    this.#remembered.set(secretId, { memory, usedAtMs: nowMs });
    return memory;
  }

  /** Ends a run. A memory that holds no answer is deleted, so that thousands of secrets take no memory. */
  close(secretId: string): void {
    if (this.find(secretId) === undefined) this.#remembered.delete(secretId);
  }

  /** Returns the answer of this secret that is not stored yet. */
  find(secretId: string): PendingAnswer | undefined {
    return this.#remembered.get(secretId)?.memory.pendingAnswer;
  }

  /** Gives up the answer of this secret. */
  forget(secretId: string): void {
    this.#remembered.delete(secretId);
  }

  /** Returns the secret whose answer has waited longest, if that is long enough for another try. */
  next(nowMs: number): string | undefined {
    const [first] = [...this.#remembered].sort(([, one], [, other]) => one.usedAtMs - other.usedAtMs);
    return first !== undefined && nowMs - first[1].usedAtMs >= RETRY_AFTER_MS ? first[0] : undefined;
  }
}
