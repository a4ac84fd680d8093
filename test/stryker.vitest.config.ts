import { mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** Mutants are judged by the unit tests alone: the others run the bundle, which no mutant gets into. */
const config = mergeConfig(base, {});
config.test = { ...config.test, include: ['test/unit/**/*.test.ts'] };

export default config;
