import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

/**
 * Mutants are judged by the unit tests alone: the others run the bundle, which no mutant gets into. Those of the handlers load all
 * modules anew within a test. What a module computes when it is loaded would be taken for covered by them, and by no other.
 */
export default mergeConfig(
  base,
  defineConfig({
    test: {
      exclude: ['test/!(unit)/**', 'test/unit/handler.test.ts', 'test/unit/fleet/{sweep,refresh-message}.test.ts'],
      // Anew for each mutant: what a module computes when it is loaded is mutated too.
      isolate: true,
    },
  }),
);
