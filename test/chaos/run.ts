import * as z from 'zod';
import { parseScript, script, wholeNumber } from '../support/script.ts';
import { runChaos } from './chaos.ts';
import { runFleetChaos } from './fleet-chaos.ts';

const COMMAND = script(
  'npm run chaos --',
  'Kills runs of the deployed bundle at random moments, and checks what is left.',
)
  .option('--ticks <n>', 'how many runs to start', wholeNumber(1), 2_000)
  .option('--processes <n>', 'how many may run at the same time', wholeNumber(1), 4)
  .option('--fleet', 'run a fleet, with a queue that duplicates and delays; --ticks counts its sweeps')
  .option(
    '--seed <n>',
    'of the random choices. Kills happen in real time, so no two runs of a seed are the same',
    wholeNumber(),
    1,
  );
const OPTIONS = z.object({
  ticks: z.number(),
  processes: z.number(),
  seed: z.number(),
  fleet: z.boolean().default(false),
});

async function main(): Promise<number> {
  const { ticks, processes, seed, fleet } = parseScript(COMMAND, OPTIONS);
  if (fleet) return await runFleet(ticks, seed);
  const startMs = performance.now();
  const options = { processes, log: console.log };
  const { kills, posts, recovered, reauthorizations, broken, ...rest } = await runChaos(ticks, seed, options);
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(0);
  console.log(`\n${rest.ticks} ticks in ${seconds} s, ${kills} of them killed by SIGKILL, ${posts} POSTs`);
  console.log(
    `After rounds with kills: ${recovered} recovered by themselves, ${reauthorizations} needed a new authorization`,
  );
  console.log(
    broken.length === 0
      ? 'No token was sent again once it was spent, no recorded token was lost, the token secret followed, nothing ended in silence.'
      : broken.join('\n'),
  );
  return broken.length === 0 ? 0 : 1;
}

async function runFleet(ticks: number, seed: number): Promise<number> {
  const { kills, posts, broken } = await runFleetChaos(ticks, seed);
  console.log(`${ticks} sweeps and their runs, ${kills} processes killed by SIGKILL, ${posts} POSTs`);
  console.log(broken.length === 0 ? 'Every account has a live token.' : broken.join('\n'));
  return broken.length === 0 ? 0 : 1;
}

process.exitCode = await main();
