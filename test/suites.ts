import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export interface Suite {
  /** Command that runs the suite. */
  readonly command: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Module that prepares the run. @default - the functions and the command line are bundled */
  readonly globalSetup?: string;
}

/** All test suites. Every test file belongs to exactly one of them, and `.ci/run` runs each. */
export const SUITES = {
  /** Tests for each change: no foreign tools, no waiting for real time-outs. */
  fast: { command: 'npm test', include: ['test/**/*.test.ts'], exclude: [] },
  /** Tests that take long, wait for real time-outs, or need tools that other people wrote. */
  long: { command: 'npm run test:long', include: ['test/**/*.long.ts'], exclude: ['test/package/**'] },
  /** Builds, packs and installs the package. */
  package: {
    command: 'npm run package:check',
    include: ['test/package/*.long.ts'],
    exclude: [],
    globalSetup: 'test/package/pack-once.ts',
  },
} as const satisfies Record<string, Suite>;

/** Ends a test that hangs, and nothing else: no load makes a test take this long. */
const HANG_MS = 600_000;

/** Returns the configuration of Vitest for one suite. */
export function configOf({ include, exclude, globalSetup = 'test/global-setup.ts' }: Suite) {
  return defineConfig({
    root: ROOT,
    test: {
      include: [...include],
      exclude: [...exclude],
      globalSetup: [globalSetup],
      // One process for many files: loading the AWS SDK and CDK again for each file costs more than all the tests.
      isolate: false,
      // The tests spend much of their time waiting for child processes.
      maxWorkers: 4,
      testTimeout: HANG_MS,
      hookTimeout: HANG_MS,
      teardownTimeout: HANG_MS,
    },
  });
}
