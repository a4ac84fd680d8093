import { parseArgs } from 'node:util';
import { PROVIDER_KINDS } from './provider.ts';
import { SCENARIOS, walk } from './walk.ts';

const USAGE = `npm run walk -- [options]
  --provider strict|grace|newest|no-rotation   one kind (default: strict, grace and no-rotation)
  --scenario TEXT   those with this in their names (default: all of them):
    ${SCENARIOS.join('\n    ')}`;

/** Walks every interleaving of two runs in every scenario, and counts what it saw. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { provider: { type: 'string' }, scenario: { type: 'string', default: '' } },
  });
  const kinds = PROVIDER_KINDS.filter((kind) =>
    values.provider === undefined ? kind !== 'newest' : kind === values.provider,
  );
  const scenarios = SCENARIOS.filter((scenario) => scenario.includes(values.scenario));
  if (kinds.length === 0 || scenarios.length === 0) throw new Error('No such provider or scenario.');

  Error.stackTraceLimit = 0;
  let total = 0;
  for (const kind of kinds) {
    for (const scenario of scenarios) {
      const startMs = performance.now();
      const { states, steps, ends, violation } = await walk(kind, scenario);
      const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
      console.log(`${kind}, ${scenario}: ${states} states, ${steps} steps, ${ends} ends, ${seconds} s`);
      if (violation) {
        console.log(`${violation.error.message}\n  ${violation.path.join('\n  ')}`);
        return 1;
      }
      total += states;
    }
  }
  console.log(`No invariant is broken in any of ${total} states.`);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  process.exitCode = 1;
}
