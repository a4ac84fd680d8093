import { fileURLToPath } from 'node:url';
import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

const EVERY_TIME = fileURLToPath(new URL('support/every-time.ts', import.meta.url));

/**
 * Only the unit tests judge mutants: the others run the bundle, which no mutant gets into. Tests of the handlers load all modules
 * again within a test. Code that runs when a module is loaded would count as covered by them, and by no other.
 */
export default mergeConfig(
  base,
  defineConfig({
    // A value that is made once would count as covered only by the first test that needs it.
    resolve: { alias: [{ find: /^\.\/once\.ts$/, replacement: EVERY_TIME }] },
    test: {
      exclude: ['test/!(unit)/**', 'test/unit/handler.test.ts', 'test/unit/fleet/{sweep,refresh-message}.test.ts'],
      // Repeated for each mutant: what a module computes when it is loaded is mutated too.
      isolate: true,
    },
  }),
);
