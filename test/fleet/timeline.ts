interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly act: () => void;
}

/** A virtual clock: events happen in order of time, and simultaneous events in the order in which they were scheduled. */
export class Timeline {
  nowMs: number;
  readonly #heap: Event[] = [];
  #count = 0;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  after(delayMs: number, act: () => void): void {
    this.#push({ atMs: this.nowMs + delayMs, order: this.#count++, act });
  }

  async wait(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => this.after(delayMs, resolve));
  }

  async runUntil(endMs: number): Promise<void> {
    for (let next = this.#pop(); next !== undefined && next.atMs <= endMs; next = this.#pop()) {
      this.nowMs = next.atMs;
      next.act();
      // Code that awaited this event continues to its next wait before the clock moves.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  #push(event: Event): void {
    let index = this.#heap.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = this.#heap[parent];
      if (above === undefined || isBefore(above, event)) break;
      this.#heap[index] = above;
      index = parent;
    }
    this.#heap[index] = event;
  }

  #pop(): Event | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return first;
    let index = 0;
    for (;;) {
      const left = this.#heap[2 * index + 1];
      const right = this.#heap[2 * index + 2];
      if (left === undefined) break;
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (isBefore(last, child)) break;
      this.#heap[index] = child;
      index = 2 * index + (isRight ? 2 : 1);
    }
    this.#heap[index] = last;
    return first;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
