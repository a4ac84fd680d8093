import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Choices, shrink } from '../support/choices.ts';
import { countDeadMinutes, type ReplayPolicy } from './dead-minutes.ts';
import { playHistory } from './history.ts';
import { PROVIDER_KINDS } from './provider.ts';
import { loadSabotaged } from './sabotage.ts';
import { SABOTEURS } from './saboteurs.ts';
import { Search } from './search.ts';

const { stackTraceLimit } = Error;
beforeAll(() => {
  // Errors that are part of the game would spend most of the time on their stacks.
  Error.stackTraceLimit = 0;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

describe('the refresh journal', () => {
  test('keeps every invariant in 300 random histories', async () => {
    const found = await new Search().play(1, 300);
    expect(found && `seed ${found.seed}: ${found.violation.message}, [${found.shrunk}]`).toBeUndefined();
  });
});

describe('the simulation can fail', () => {
  // `npm run simulate -- --saboteurs` tries all of them.
  test.each(SABOTEURS.slice(0, 2))('it catches a protocol that $mistake', async (saboteur) => {
    const { Search: Sabotaged } = await loadSabotaged(saboteur);
    const found = await new Sabotaged().play(1, 100);
    expect(saboteur.caughtBy).toMatchObject({ breaks: expect.arrayContaining([found?.violation.invariant]) });
  });
});

describe("consumers' minutes without a token after a request or an answer is lost at half of a token's lifetime", () => {
  const total = async (policy: ReplayPolicy) => {
    let deadMinutes = 0;
    for (const kind of PROVIDER_KINDS) {
      for (const loss of ['the request', 'the answer'] as const) {
        deadMinutes += (await countDeadMinutes(kind, loss, policy)).deadMinutes;
      }
    }
    return deadMinutes;
  };

  test('occur only with a strict server: an hour until someone has authorized, and a tick', async () => {
    expect(await countDeadMinutes('strict', 'the answer', 'immediately')).toEqual({
      deadMinutes: 70,
      authorizations: 1,
    });
    expect(await total('immediately')).toBe(70);
  });

  test('are more with every replay that comes later', async () => {
    expect(await total('in the last hour')).toBeGreaterThan(70);
    expect(await total('after it has expired')).toBeGreaterThan(2 * 70);
  });

  test('are none if a person is notified of each, who then authorizes for every request that was lost', async () => {
    expect(await total('a human instead')).toBe(0);
    const lost = await countDeadMinutes('grace', 'the request', 'a human instead');
    expect(lost).toEqual({ deadMinutes: 0, authorizations: 1 });
  });
});

describe('a history', () => {
  test('is the same again from its seed, and from its recorded choices', async () => {
    const first = await playHistory(Choices.fromSeed(77));
    const second = await playHistory(Choices.fromSeed(77));
    const third = await playHistory(Choices.replay(first.taken));
    expect(second).toEqual(first);
    expect(third).toEqual(first);
  });

  test('is the same if runs get more turns to come to their next call', async () => {
    for (let seed = 1; seed <= 50; seed++) {
      const played = await playHistory(Choices.fromSeed(seed));
      const patient = await playHistory(Choices.fromSeed(seed), (world) => {
        world.microtaskTurns = 100;
      });
      expect(patient).toEqual(played);
    }
  });

  test('is shrunk to choices that still break the same invariant', async () => {
    const isLong = async (recorded: readonly number[]) => recorded.includes(7) && recorded.length >= 3;
    expect(await shrink([1, 2, 3, 7, 9, 11, 4], isLong)).toHaveLength(3);
  });
});
