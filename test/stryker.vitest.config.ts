import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** Mutants are judged by the unit tests alone: the others run the bundle, which no mutant gets into. */
export default mergeConfig(
  base,
  defineConfig({
    test: {
      exclude: ['test/!(unit)/**'],
      // Anew for each mutant: what a module computes when it is loaded is mutated too.
      isolate: true,
    },
  }),
);
