import { parseArgs } from 'node:util';
import { Choices } from '../support/choices.ts';
import { reportDeadMinutes } from './dead-minutes.ts';
import { playHistory } from './history.ts';
import { INVARIANTS } from './invariants.ts';
import { SABOTEURS } from './saboteurs.ts';
import { type Found, Search } from './search.ts';

const USAGE = `npm run simulate -- [options]
  --histories N   how many to play (default 20000)
  --seed N        of the first; the next ones follow (default 1)
  --trace         with --seed: print that one history step by step
  --saboteurs     how soon a protocol with a mistake is caught, for each mistake
  --replays       consumers' dead minutes after a lost answer, by server and by when the token is sent again`;

const PROGRESS_EVERY = 10_000;

function parseCount(text: string, name: string): number {
  const isCount = /^\d+$/.test(text) && Number.isSafeInteger(Number(text));
  if (!isCount) throw new Error(`--${name} takes a whole number, not '${text}'`);
  return Number(text);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      histories: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      trace: { type: 'boolean', default: false },
      saboteurs: { type: 'boolean', default: false },
      replays: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  // Errors that are part of the game would spend most of the time on their stacks.
  Error.stackTraceLimit = 0;
  const seed = parseCount(values.seed, 'seed');
  if (values.replays) {
    console.log(await reportDeadMinutes());
    return 0;
  }
  if (values.saboteurs) return await catchSaboteurs(parseCount(values.seed, 'seed'));
  return values.trace ? await traceHistory(seed) : await search(seed, parseCount(values.histories, 'histories'));
}

async function traceHistory(seed: number): Promise<number> {
  let startMs: number | undefined;
  const { violation } = await playHistory(Choices.fromSeed(seed), undefined, (world) => {
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

async function catchSaboteurs(firstSeed: number): Promise<number> {
  let escaped = 0;
  for (const { mistake, from = 1, within, sabotage } of SABOTEURS) {
    const found = await new Search(sabotage).play(firstSeed + from - 1, 10 * within);
    if (found === undefined) escaped++;
    const how = found
      ? `${found.violation.invariant} after ${found.histories} histories, shrunk to ${found.shrunk.length} choices`
      : `not caught in ${10 * within} histories`;
    console.log(`a protocol that ${mistake}: ${how}`);
  }
  console.log(escaped === 0 ? `\nAll ${SABOTEURS.length} are caught.` : `\n${escaped} are not caught.`);
  return escaped === 0 ? 0 : 1;
}

function printViolation({ seed, violation, shrunk }: Found): number {
  console.log(
    `\n${violation.message}\n  seed ${seed}: npm run simulate -- --seed ${seed} --trace\n  the simplest choices that break it: [${shrunk.join(', ')}]`,
  );
  return 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  process.exitCode = 1;
}
