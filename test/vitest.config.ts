import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['test/**/*.test.ts'],
    coverage: { provider: 'v8', include: ['lambda/**'], thresholds: { 100: true } },
  },
});
