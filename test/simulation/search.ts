import { Choices, shrink } from '../support/choices.ts';
import { playHistory } from './history.ts';
import type { Violation } from './invariants.ts';

export interface Found {
  readonly seed: number;
  /** Number of histories that were played, this one included. */
  readonly histories: number;
  readonly violation: Violation;
  /** The simplest choices that still break the same invariant. */
  readonly shrunk: readonly number[];
}

/** Plays histories one after the other, and counts how often each event occurred. */
export class Search {
  readonly counts = new Map<string, number>();
  histories = 0;
  /** @returns the first violation, shrunk; `undefined` where there is none */
  async play(firstSeed: number, histories: number): Promise<Found | undefined> {
    for (let seed = firstSeed; seed < firstSeed + histories; seed++) {
      const { counts, violation, taken } = await playHistory(Choices.fromSeed(seed));
      this.histories++;
      for (const [what, count] of counts) this.counts.set(what, (this.counts.get(what) ?? 0) + count);
      if (violation)
        return { seed, histories: this.histories, violation, shrunk: await this.#shrink(taken, violation) };
    }
    return undefined;
  }

  #shrink(taken: readonly number[], { invariant }: Violation): Promise<readonly number[]> {
    return shrink(taken, async (recorded) => {
      const { violation } = await playHistory(Choices.replay(recorded));
      return violation?.invariant === invariant;
    });
  }
}
