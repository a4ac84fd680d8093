import type { Memory } from '../core/context.ts';

/** An answer that Secrets Manager refuses is tried again so often: a try may take seconds of other secrets' time. */
const RETRY_AFTER_MS = 60_000;

interface Remembered {
  readonly memory: Memory;
  usedAtMs: number;
}

/** What this execution environment keeps between runs: of most secrets nothing, of some an answer that is not stored yet. */
export class PendingAnswers {
  readonly #remembered = new Map<string, Remembered>();

  /** For a run of this secret. */
  open(secretId: string, nowMs: number): Memory {
    const memory = this.#remembered.get(secretId)?.memory ?? {};
    this.#remembered.set(secretId, { memory, usedAtMs: nowMs });
    return memory;
  }

  /** After the run: forgets what holds nothing, so that thousands of secrets take no memory. */
  close(secretId: string): void {
    if (this.#remembered.get(secretId)?.memory.pendingAnswer === undefined) this.#remembered.delete(secretId);
  }

  /** The secret whose unstored answer has waited longest, if one has waited long enough to be tried again. */
  next(nowMs: number): string | undefined {
    const [first] = [...this.#remembered].sort(([, one], [, other]) => one.usedAtMs - other.usedAtMs);
    return first !== undefined && nowMs - first[1].usedAtMs >= RETRY_AFTER_MS ? first[0] : undefined;
  }
}
