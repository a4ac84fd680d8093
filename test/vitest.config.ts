import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['test/**/*.test.ts'],
    // One process for many files: to load the AWS SDK and CDK anew for each costs more than all the tests.
    isolate: false,
    // Much of the time is spent waiting for real processes.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: { provider: 'v8', include: ['lambda/**'], thresholds: { 100: true } },
  },
});
