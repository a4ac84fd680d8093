/**
 * Every decision that a history makes, in order. The same seed, or the same recorded list, makes the same history; and
 * 0 is always the harmless choice, so that zeroing a list makes its history simpler.
 */
export class Choices {
  readonly taken: number[] = [];
  readonly #recorded: readonly number[] | undefined;
  #state: number;

  private constructor(state: number, recorded: readonly number[] | undefined) {
    this.#state = state;
    this.#recorded = recorded;
  }

  static fromSeed(seed: number): Choices {
    return new Choices(seed >>> 0, undefined);
  }

  static replay(recorded: readonly number[]): Choices {
    return new Choices(0, recorded);
  }

  /** A whole number from 0 to `count` - 1. */
  next(count: number): number {
    const choice =
      this.#recorded === undefined ? this.#random() % count : (this.#recorded[this.taken.length] ?? 0) % count;
    this.taken.push(choice);
    return choice;
  }

  pick<T>(values: readonly [T, ...T[]]): T {
    return values[this.next(values.length)] ?? values[0];
  }

  /** True once in `oneIn` times; never where that is 0. */
  happens(oneIn: number): boolean {
    return oneIn > 0 && this.next(oneIn) === oneIn - 1;
  }

  /** Mulberry32: 32 bits of state are plenty for one history, and its seed is one number to pass on. */
  #random(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }
}

/**
 * The simplest list of choices that `fails` still holds for: shorter, then with more zeroes, then with smaller numbers.
 * Bounded by `maxTries` replays.
 */
export async function shrink(
  taken: readonly number[],
  fails: (recorded: readonly number[]) => Promise<boolean>,
  maxTries = 2_000,
): Promise<readonly number[]> {
  let best = taken;
  let tries = 0;
  const attempt = async (candidate: readonly number[]): Promise<boolean> => {
    if (tries++ >= maxTries || !(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let size = best.length; size >= 1; size = Math.floor(size / 2)) {
    for (let start = 0; start < best.length; start += size) {
      const isCut = await attempt([...best.slice(0, start), ...best.slice(start + size)]);
      if (isCut) start -= size;
      else if (best.slice(start, start + size).some((choice) => choice !== 0)) {
        await attempt(best.map((choice, index) => (index >= start && index < start + size ? 0 : choice)));
      }
    }
  }
  return best;
}
