import { fileURLToPath } from 'node:url';
import { createVitest, type TestProject } from 'vitest/node';
import { configOf, SUITES } from '../suites.ts';
import { applyPatches, type InTest, isInSimulation, type Saboteur } from './sabotage.ts';

export interface Tried {
  readonly saboteur: Saboteur;
  /** The named test exists, and fails. */
  readonly isCaught: boolean;
}

/** Runs, on a patched copy of the source, the test that must catch each saboteur. Saboteurs of the simulation are left out. */
export async function runSabotagedTests(saboteurs: readonly Saboteur[]): Promise<readonly Tried[]> {
  const tried = saboteurs.flatMap((saboteur) =>
    isInSimulation(saboteur.caughtBy) ? [] : [{ saboteur, caughtBy: saboteur.caughtBy }],
  );
  if (tried.length === 0) return [];
  const vitest = await createVitest('test', {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    config: false,
    watch: false,
    reporters: [{}],
    projects: tried.map(({ saboteur, caughtBy }, index) => ({
      plugins: [
        {
          name: 'sabotage',
          enforce: 'pre' as const,
          transform: (code: string, id: string) => applyPatches(id, code, saboteur.patches),
        },
      ],
      test: {
        ...configOf(SUITES.fast).test,
        globalSetup: [],
        name: `${index}`,
        include: [`test/unit/${caughtBy.file}`],
      },
    })),
  });
  try {
    await vitest.start();
    return tried.map(({ saboteur, caughtBy }, index) => ({
      saboteur,
      isCaught: hasFailed(
        vitest,
        vitest.projects.find(({ name }) => name === `${index}`),
        caughtBy,
      ),
    }));
  } finally {
    await vitest.close();
  }
}

function hasFailed(
  vitest: Awaited<ReturnType<typeof createVitest>>,
  project: TestProject | undefined,
  { test }: InTest,
) {
  return vitest.state
    .getTestModules()
    .filter((module) => module.project === project)
    .some((module) => [...module.children.allTests('failed')].some(({ name }) => name === test));
}
