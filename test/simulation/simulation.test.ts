import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Choices, shrink } from '../support/choices.ts';
import { countDeadMinutes, type ReplayPolicy } from './dead-minutes.ts';
import { playHistory } from './history.ts';
import { PROVIDER_KINDS } from './provider.ts';
import { SABOTEURS } from './saboteurs.ts';
import { Search } from './search.ts';
import { type Scenario, walk } from './walk.ts';

const { stackTraceLimit } = Error;
beforeAll(() => {
  // Errors that are part of the game would spend most of the time on their stacks.
  Error.stackTraceLimit = 0;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

describe('the refresh journal', () => {
  test('keeps every invariant in 4,000 random histories, and all that can happen happens in them', async () => {
    const search = new Search();
    const found = await search.play(1, 4_000);
    expect(found && `seed ${found.seed}: ${found.violation.message}, [${found.shrunk}]`).toBeUndefined();
    expect(WHAT_HAPPENS.filter((what) => !search.counts.has(what))).toEqual([]);
  });

  test('keeps every invariant in every interleaving of two runs that may die anywhere', async () => {
    const { states, ends, violation } = await walk('strict', 'nothing else');
    expect(violation && `${violation.error.message}: ${violation.path.join(', ')}`).toBeUndefined();
    expect(states).toBeGreaterThan(1_500);
    expect(ends).toBeGreaterThan(1);
  });
});

describe('the simulation can fail', () => {
  // Those that show in one history of thousands take long: `npm run simulate -- --saboteurs` has all of them, and CI runs it.
  test.each(SABOTEURS.filter(({ within }) => within <= 2_000))(
    'it catches a protocol that $mistake, within $within histories',
    async (saboteur) => {
      const found = await new Search(saboteur.sabotage).play(saboteur.from ?? 1, saboteur.within);
      expect(saboteur.breaks).toContain(found?.violation.invariant);
    },
  );

  test.each<[mistake: string, Scenario]>([
    ['claims without a nonce, so that two runs both own the claim', 'nothing else'],
    ['never looks for what became of a spent token', 'nothing else'],
    ['forgets that it was refused', 'after a run that died with its answer'],
    ['moves AWSCURRENT without comparing', 'an operator adds a member'],
  ])('the walk catches a protocol that %s', async (mistake, scenario) => {
    const saboteur = SABOTEURS.find((each) => each.mistake === mistake);
    const { violation } = await walk('strict', scenario, saboteur?.sabotage);
    expect(saboteur?.breaks).toContain(violation?.error.invariant);
  });
});

describe("consumers' dead minutes after a request or an answer that is lost at half of a token's life", () => {
  const total = async (policy: ReplayPolicy) => {
    let deadMinutes = 0;
    for (const kind of PROVIDER_KINDS) {
      for (const loss of ['the request', 'the answer'] as const) {
        deadMinutes += (await countDeadMinutes(kind, loss, policy)).deadMinutes;
      }
    }
    return deadMinutes;
  };

  test('are those of a strict server alone: an hour until somebody has authorized, and a tick', async () => {
    expect(await countDeadMinutes('strict', 'the answer', 'at once')).toEqual({ deadMinutes: 70, authorizations: 1 });
    expect(await total('at once')).toBe(70);
  });

  test('are more with every replay that comes later', async () => {
    expect(await total('in the last hour')).toBeGreaterThan(70);
    expect(await total('when it is dead')).toBeGreaterThan(2 * 70);
  });

  test('are none if a human is told of each, who then authorizes for every request that was lost', async () => {
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
    for (let seed = 1; seed <= 300; seed++) {
      const played = await playHistory(Choices.fromSeed(seed));
      const patient = await playHistory(Choices.fromSeed(seed), undefined, (world) => {
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

/** A search that found nothing because nothing happened in it proves nothing. */
const WHAT_HAPPENS = [
  'operator: edits the token secret',
  'operator: moves the label of the token secret back',
  'operator: empties the token secret',
  'operator: stores another thing in the token secret',
  'another thing in the token secret at the end',
  'provider: strict',
  'provider: grace',
  'provider: newest',
  'provider: no-rotation',
  'outcome: refreshed',
  'outcome: fresh',
  'outcome: adopted',
  'outcome: busy',
  'outcome: waiting',
  'outcome: REAUTHORIZATION_REQUIRED',
  'outcome: PROVIDER_UNAVAILABLE',
  'outcome: PROVIDER_AMBIGUOUS',
  'outcome: STORE_UNAVAILABLE',
  'status: fresh',
  'status: attempt',
  'status: settle',
  'status: rejected',
  'claim taken over',
  'stale read',
  'store outage',
  'token not stored',
  'pending answer stored',
  'crash-before',
  'crash-after',
  'refused',
  'answer-lost',
  'not-sent',
  'throttled',
  'unrecognized',
  'misdirected',
  'ambiguous-before',
  'ambiguous-after',
  'refresh-token-only',
  'operator: adds a member',
  'operator: adds a member to what was read a while ago',
  'operator: puts new credentials',
  'operator: pastes an old document back',
  'operator: moves AWSCURRENT back',
  'operator: removes the journal label',
  'operator: moves the journal label',
  'operator: scribbles in the journal',
];
