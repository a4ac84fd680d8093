import { parseArgs } from 'node:util';
import { runChaos } from './chaos.ts';

const USAGE = `npm run chaos -- [options]
  --ticks N      how many runs to start (default 2000)
  --processes N  how many may run at once (default 4)
  --seed N       of the choices; the moments of the kills are real, so no two times are the same (default 1)`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      ticks: { type: 'string', default: '2000' },
      processes: { type: 'string', default: '4' },
      seed: { type: 'string', default: '1' },
    },
  });
  const [ticks, processes, seed] = [Number(values.ticks), Number(values.processes), Number(values.seed)];
  if (![ticks, processes, seed].every(Number.isSafeInteger) || processes < 1)
    throw new Error('--ticks, --processes and --seed take whole numbers');

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

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  process.exitCode = 1;
}
