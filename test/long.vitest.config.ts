import { defineConfig } from 'vitest/config';

/** What takes too long for `npm test`: 300 secrets of a fleet on real processes, emulators and linters if they are installed. */
export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['test/{chaos,cli,fleet,infra,integration,interop}/*.check.ts', 'test/integration/fleet.test.ts'],
    env: { FLEET_SECRETS: '300' },
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
