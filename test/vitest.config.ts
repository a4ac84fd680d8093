import { defineConfig, mergeConfig } from 'vitest/config';
import { configOf, SUITES } from './suites.ts';

export default mergeConfig(
  configOf(SUITES.fast),
  defineConfig({
    test: { coverage: { provider: 'v8', include: ['lambda/**'], thresholds: { 100: true } } },
  }),
);
