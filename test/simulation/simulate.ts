import { Option } from 'commander';
import * as z from 'zod';
import { Choices } from '../support/choices.ts';
import { parseScript, script, wholeNumber } from '../support/script.ts';
import { reportDeadMinutes } from './dead-minutes.ts';
import { playHistory } from './history.ts';
import { INVARIANTS } from './invariants.ts';
import { runSabotagedTests } from './run-sabotaged-tests.ts';
import { isInSimulation, loadSabotaged } from './sabotage.ts';
import { SABOTEURS } from './saboteurs.ts';
import { type Found, Search } from './search.ts';

const COMMAND = script(
  'npm run simulate --',
  'Plays random histories of the protocol, and checks every invariant in each.',
)
  .option('--histories <n>', 'how many to play', wholeNumber(1), 20_000)
  .option('--seed <n>', 'of the first history; the next ones follow', wholeNumber(), 1)
  .addOption(new Option('--trace', 'print the history of --seed step by step').conflicts(['saboteurs', 'replays']))
  .addOption(new Option('--saboteurs', 'show how soon each protocol with a mistake is caught').conflicts('replays'))
  .option('--replays', 'print how long consumers have no token after a lost answer, by server and time of the replay');
const OPTIONS = z.object({
  histories: z.number(),
  seed: z.number(),
  trace: z.boolean().default(false),
  saboteurs: z.boolean().default(false),
  replays: z.boolean().default(false),
});

const PROGRESS_EVERY = 10_000;

async function main(): Promise<number> {
  const { histories, seed, trace, saboteurs, replays } = parseScript(COMMAND, OPTIONS);
  // Errors that are part of the game would spend most of the time on their stacks.
  Error.stackTraceLimit = 0;
  if (replays) {
    console.log(await reportDeadMinutes());
    return 0;
  }
  if (saboteurs) return await catchSaboteurs();
  return trace ? await traceHistory(seed) : await search(seed, histories);
}

async function traceHistory(seed: number): Promise<number> {
  let startMs: number | undefined;
  const { violation } = await playHistory(Choices.fromSeed(seed), (world) => {
    world.trace = (nowMs, what) => {
      startMs ??= nowMs;
      console.log(`${((nowMs - startMs) / 1_000).toFixed(3).padStart(12)} s  ${what.slice(0, 160)}`);
    };
  });
  console.log(violation?.message ?? 'No invariant is broken.');
  return violation ? 1 : 0;
}

async function search(firstSeed: number, histories: number): Promise<number> {
  const search = new Search();
  const startMs = performance.now();
  const perSecond = (): number => Math.round(search.histories / ((performance.now() - startMs) / 1_000));
  let found: Found | undefined;
  for (let played = 0; played < histories && !found; played += PROGRESS_EVERY) {
    found = await search.play(firstSeed + played, Math.min(PROGRESS_EVERY, histories - played));
    console.log(`${search.histories} histories, ${perSecond()} a second`);
  }
  console.log('\nWhat happened in them:');
  for (const [what, count] of [...search.counts].sort(([, a], [, b]) => b - a))
    console.log(`${String(count).padStart(10)}  ${what}`);
  if (found) return printViolation(found);
  console.log(`\nNo invariant is broken (${Object.keys(INVARIANTS).join(', ')}).`);
  return 0;
}

/** Tries every saboteur in the way that must catch it. @returns the exit code */
async function catchSaboteurs(): Promise<number> {
  const uncaught: string[] = [];
  const report = (mistake: string, how: string | undefined) => {
    if (how === undefined) uncaught.push(mistake);
    console.log(`a protocol that ${mistake}: ${how ?? 'NOT CAUGHT'}`);
  };
  for (const saboteur of SABOTEURS) {
    if (!isInSimulation(saboteur.caughtBy)) continue;
    const { breaks, from = 1, within } = saboteur.caughtBy;
    const search = new (await loadSabotaged(saboteur)).Search();
    const found = await search.play(from, within);
    const isCaught = found !== undefined && breaks.includes(found.violation.invariant);
    const how =
      found &&
      `${found.violation.invariant} after ${found.histories} histories, shrunk to ${found.shrunk.length} choices`;
    report(saboteur.mistake, isCaught ? how : undefined);
  }
  for (const { saboteur, isCaught } of await runSabotagedTests(SABOTEURS)) {
    const { mistake, caughtBy } = saboteur;
    report(mistake, isCaught && !isInSimulation(caughtBy) ? `the test "${caughtBy.test}"` : undefined);
  }
  console.log(uncaught.length === 0 ? `\nAll ${SABOTEURS.length} are caught.` : `\n${uncaught.length} are not caught.`);
  return uncaught.length === 0 ? 0 : 1;
}

function printViolation({ seed, violation, shrunk }: Found): number {
  console.log(
    `\n${violation.message}\n  seed ${seed}: npm run simulate -- --seed ${seed} --trace\n  the simplest choices that break it: [${shrunk.join(', ')}]`,
  );
  return 1;
}

process.exitCode = await main();
