import { parseArgs } from 'node:util';
import { PROVIDER_KINDS } from './provider.ts';
import { EDITS, walk } from './walk.ts';

const USAGE = `npm run walk -- [options]
  --provider strict|grace|newest|no-rotation   one kind (default: strict, grace and no-rotation)
  --edit "${EDITS.join('"|"')}"   one edit (default: each of them)`;

/** Walks every interleaving of two runs with every edit, and counts what it saw. */
async function main(): Promise<number> {
  const { values } = parseArgs({ options: { provider: { type: 'string' }, edit: { type: 'string' } } });
  const kinds = PROVIDER_KINDS.filter((kind) =>
    values.provider === undefined ? kind !== 'newest' : kind === values.provider,
  );
  const edits = EDITS.filter((edit) => values.edit === undefined || edit === values.edit);
  if (kinds.length === 0 || edits.length === 0) throw new Error('No such provider or edit.');

  Error.stackTraceLimit = 0;
  let total = 0;
  for (const kind of kinds) {
    for (const edit of edits) {
      const startMs = performance.now();
      const { states, steps, ends, violation } = await walk(kind, edit);
      const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
      console.log(`${kind}, an operator ${edit}: ${states} states, ${steps} steps, ${ends} ends, ${seconds} s`);
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
