import { Option } from 'commander';
import * as z from 'zod';
import { parseScript, script } from '../support/script.ts';
import { PROVIDER_KINDS } from './provider.ts';
import { SCENARIOS, walk } from './walk.ts';

const COMMAND = script(
  'npm run walk --',
  `Walks every interleaving of two runs that may crash anywhere, in each scenario.

Scenarios:
${SCENARIOS.map((scenario) => `  ${scenario}`).join('\n')}`,
)
  .addOption(new Option('--provider <kind>', 'one kind of provider (default: all but newest)').choices(PROVIDER_KINDS))
  .option('--scenario <text>', 'only scenarios with this text in their names', '');
const OPTIONS = z
  .object({ provider: z.string().optional(), scenario: z.string() })
  .refine(
    ({ scenario }) => SCENARIOS.some((each) => each.includes(scenario)),
    'no scenario has this text in its name.',
  );

async function main(): Promise<number> {
  const { provider, scenario: text } = parseScript(COMMAND, OPTIONS);
  const kinds = PROVIDER_KINDS.filter((kind) => (provider === undefined ? kind !== 'newest' : kind === provider));
  const scenarios = SCENARIOS.filter((scenario) => scenario.includes(text));

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

process.exitCode = await main();
