import { describe, expect, test } from 'vitest';
import { isInSimulation, loadSabotaged } from './sabotage.ts';
import { SABOTEURS } from './saboteurs.ts';
import { Search } from './search.ts';
import { walk } from './walk.ts';

// Errors that are part of the game would spend most of the time on their stacks.
Error.stackTraceLimit = 0;

describe('the refresh journal', () => {
  test('keeps every invariant in 4,000 random histories, and everything that can happen happens in them', async () => {
    const search = new Search();
    const found = await search.play(1, 4_000);
    expect(found && `seed ${found.seed}: ${found.violation.message}, [${found.shrunk}]`).toBeUndefined();
    expect(WHAT_HAPPENS.filter((what) => !search.counts.has(what))).toEqual([]);
  });

  test('keeps every invariant in every interleaving of two runs that may crash anywhere', async () => {
    const { states, ends, violation } = await walk('strict', 'nothing else');
    expect(violation && `${violation.error.message}: ${violation.path.join(', ')}`).toBeUndefined();
    expect(states).toBeGreaterThan(1_500);
    expect(ends).toBeGreaterThan(1);
  });
});

describe('the walk can fail: it', () => {
  const seen = SABOTEURS.flatMap((saboteur) => {
    const { scenario } = isInSimulation(saboteur.caughtBy) ? saboteur.caughtBy : {};
    return scenario === undefined ? [] : [{ ...saboteur, scenario }];
  });

  test('meets four mistakes, in three scenarios', () => {
    expect(seen).toHaveLength(4);
    expect(new Set(seen.map(({ scenario }) => scenario)).size).toBe(3);
  });

  test.each(seen)('catches a protocol that $mistake', async ({ scenario, ...saboteur }) => {
    const { walk: sabotagedWalk } = await loadSabotaged(saboteur);
    const { violation } = await sabotagedWalk('strict', scenario);
    expect(saboteur.caughtBy).toMatchObject({ breaks: expect.arrayContaining([violation?.error.invariant]) });
  });
});

/** A search that found nothing because nothing happened in it proves nothing. */
const WHAT_HAPPENS = [
  'operator: edits the token secret',
  'operator: moves the label of the token secret back',
  'operator: empties the token secret',
  'operator: stores another thing in the token secret',
  'operator: stores a token with other members in the token secret',
  'operator: edits the expiry in the token secret',
  'tokens of an hour',
  'short lifetime',
  'repeated tokens',
  'server: unrecognized for long',
  'server: throttled for long',
  'server: hangs-before for long',
  'hangs-before',
  'hangs-after',
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
