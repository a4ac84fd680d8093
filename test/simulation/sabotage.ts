import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import type { Invariant } from './invariants.ts';
import type { Scenario } from './walk.ts';

const LAMBDA = new URL('../../lambda/', import.meta.url);

/** One replacement in one source file. */
export interface Patch {
  /** Path below `lambda/`. */
  readonly file: string;
  /** Text that occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

/** A protocol with one mistake. */
export interface Saboteur {
  /** Completes the sentence "a protocol that …". */
  readonly mistake: string;
  readonly patches: readonly Patch[];
  readonly caughtBy: InSimulation | InTest;
}

/** The simulation sees a broken invariant. */
export interface InSimulation {
  /** Invariants of which any may be seen first. */
  readonly breaks: readonly Invariant[];
  /** Number of histories that are enough. */
  readonly within: number;
  /** Seed of the first history: a mistake that shows in one history of thousands begins near one. @default 1 */
  readonly from?: number;
  /** Scenario in which the walk also sees it. */
  readonly scenario?: Scenario;
}

/** A unit test fails. */
export interface InTest {
  /** Path below `test/unit/`. */
  readonly file: string;
  /** Title of the test, without its groups. */
  readonly test: string;
}

export function isInSimulation(caughtBy: Saboteur['caughtBy']): caughtBy is InSimulation {
  return 'breaks' in caughtBy;
}

/** Applies the patches for one file to its source. @throws Error if a text to replace does not occur exactly once */
export function applyPatches(path: string, source: string, patches: readonly Patch[]): string {
  let patched = source;
  for (const { file, find, replace } of patches) {
    if (!path.endsWith(`/lambda/${file}`)) continue;
    const parts = patched.split(find);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${find}`);
    patched = parts.join(replace);
  }
  return patched;
}

/** Checks that the patches of a saboteur fit the source, and that its test exists. @throws Error if not */
export async function checkSaboteur({ patches, caughtBy }: Saboteur): Promise<void> {
  if (!isInSimulation(caughtBy)) {
    const tests = await readFile(new URL(`../unit/${caughtBy.file}`, import.meta.url), 'utf8');
    // The whole title of a test, or of a row.
    if (!["'", '"'].some((quote) => tests.includes(`${quote}${caughtBy.test}${quote}`)))
      throw new Error(`${caughtBy.file} has no test: ${caughtBy.test}`);
  }
  for (const file of new Set(patches.map((patch) => patch.file))) {
    const path = fileURLToPath(new URL(file, LAMBDA));
    applyPatches(path, await readFile(path, 'utf8'), patches);
  }
}

/** Parts of the simulation that run on a patched core. */
export type Sabotaged = Pick<typeof import('./search.ts'), 'Search'> & Pick<typeof import('./walk.ts'), 'walk'>;

/** Bundles the simulation with a patched copy of the core, and loads it. */
export async function loadSabotaged({ patches }: Saboteur): Promise<Sabotaged> {
  const plugin: Plugin = {
    name: 'sabotage',
    setup: ({ onLoad }) => {
      onLoad({ filter: /\/lambda\/.*\.ts$/ }, async ({ path }) => ({
        contents: applyPatches(path, await readFile(path, 'utf8'), patches),
        loader: 'ts',
      }));
    },
  };
  const { outputFiles } = await build({
    stdin: {
      contents: `export { Search } from './search.ts'; export { walk } from './walk.ts';`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
    plugins: [plugin],
  });
  const [bundle] = outputFiles;
  return await import(`data:text/javascript;base64,${Buffer.from(bundle?.contents ?? []).toString('base64')}`);
}
