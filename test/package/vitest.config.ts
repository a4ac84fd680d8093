import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  // It builds, packs and installs: too long for `npm test`, and a name that this does not find.
  test: { include: ['test/package/*.check.ts'], testTimeout: 60_000, hookTimeout: 120_000 },
});
