import { describe, expect, it } from 'vitest';
import { MAX_ATTEMPTS_PER_DAY } from '../../lambda/contract.ts';
import type { TokenAnswer } from '../../lambda/core/ports.ts';
import { Choices } from '../support/choices.ts';
import { AMBIGUOUS, NOT_SENT, UNRECOGNIZED } from '../support/fake-token-endpoint.ts';
import { HOUR_MS, MINUTE_MS } from '../support/secret-documents.ts';
import { DAY_MS, DeployedDays } from './deployed-days.ts';
import { synthesise } from './synthesise.ts';

const HOUR = 3_600;
const SEEDS = [1, 2, 3, 4, 5];
/** Template with default options. */
const DEFAULT = synthesise();

/** One attempt in so many fails. */
function oneIn(count: number, seed: number, answer: TokenAnswer): () => TokenAnswer | undefined {
  const choices = Choices.fromSeed(seed);
  return () => (choices.happens(count) ? answer : undefined);
}

describe('with one attempt in ten failing', () => {
  it.each([
    [1, HOUR, 5, UNRECOGNIZED],
    [1, HOUR, 5, AMBIGUOUS],
    [6, 6 * HOUR, 0, UNRECOGNIZED],
    [6, 6 * HOUR, 0, AMBIGUOUS],
  ])(
    'tokens of %i h stay within the version budget, and are expired for a few minutes a day or less',
    async (_, life, minutes, answer) => {
      for (const seed of SEEDS) {
        const days = await new DeployedDays(DEFAULT, life, { seed, refusal: oneIn(10, seed, answer) }).run(10);
        expect(days.deadMs / 10).toBeLessThanOrEqual(minutes * MINUTE_MS);
        expect(days.mostVersions).toBeLessThanOrEqual(2 * MAX_ATTEMPTS_PER_DAY);
      }
    },
  );
});

describe('an outage of two hours', () => {
  // Longer than the time from one refresh to the next.
  const MINUTES = Array.from({ length: 20 }, (_, index) => index * 10);

  it.each([
    ['without an answer to any POST', NOT_SENT],
    ['with answers that leave everything in doubt', AMBIGUOUS],
    ['with answers that say nothing', UNRECOGNIZED],
  ])('that begins at any moment, %s, leaves a six-hour token valid', async (_, answer) => {
    for (const minute of MINUTES) {
      const days: DeployedDays = new DeployedDays(DEFAULT, 6 * HOUR, {
        seed: minute,
        refusal: (atMs) => {
          const sinceMs = atMs - days.startMs - DAY_MS - minute * MINUTE_MS;
          return sinceMs >= 0 && sinceMs < 2 * HOUR_MS ? answer : undefined;
        },
      });
      await days.run(1.5);
      expect(days.deadMs).toBe(0);
      expect(days.isLive).toBe(true);
    }
  });
});
