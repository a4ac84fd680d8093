import type { Saboteur } from '../sabotage.ts';

/** Mistakes about time and cost: back-off, pauses, and the version budget. */
export const PACE_SABOTEURS: readonly Saboteur[] = [
  {
    mistake: 'never counts versions',
    patches: [
      {
        file: 'core/claim.ts',
        find: 'waitForRoom(context, situation, listed) ??',
        replace: 'waitForRoom(context, situation, []) ??',
      },
    ],
    caughtBy: { breaks: ['I8'], within: 2_000 },
  },
  {
    mistake: 'lets a claim take the last version',
    patches: [
      {
        file: 'core/version-budget.ts',
        find: 'export const VERSION_BUDGET = MAX_RECENT_VERSIONS - RESERVED_VERSIONS;',
        replace: 'export const VERSION_BUDGET = MAX_RECENT_VERSIONS + VERSIONS_PER_ATTEMPT - 1;',
      },
    ],
    caughtBy: { breaks: ['I8'], within: 2_000 },
  },
  {
    mistake: 'treats a rejection as final even after the client secret has changed',
    patches: [
      {
        file: 'core/decide.ts',
        find: 'if (force || latestEntry.digest !== digest)',
        replace: `if (force || digest === '')`,
      },
    ],
    caughtBy: { breaks: ['I7'], within: 2_000 },
  },
  {
    mistake: 'never backs off',
    patches: [{ file: 'core/decide.ts', find: 'return nowMs < dueAtMs ? {', replace: 'return nowMs < 0 ? {' }],
    caughtBy: { breaks: ['I8'], within: 2_000 },
  },
  {
    mistake: 'backs off without a limit',
    patches: [
      {
        file: 'core/decide.ts',
        find: 'Math.min(MAX_BACK_OFF_SECONDS, FIRST_BACK_OFF_SECONDS * 2 ** attempt);',
        replace: 'FIRST_BACK_OFF_SECONDS * 2 ** attempt;',
      },
    ],
    caughtBy: { breaks: ['I7'], within: 2_000 },
  },
  {
    mistake: 'respects Retry-After without a limit',
    patches: [
      {
        file: 'core/decide.ts',
        find: 'Math.min(createdAt + retryAfterSeconds * 1000, latestMs)',
        replace: 'createdAt + retryAfterSeconds * 1000',
      },
    ],
    caughtBy: { breaks: ['I7'], within: 2_000 },
  },
  {
    mistake: 'respects Retry-After beyond the longest accepted lifetime',
    patches: [
      {
        file: 'core/decide.ts',
        find: 'Math.min(parseRfc3339(expires_at), believedMs)',
        replace: '(parseRfc3339(expires_at) || believedMs)',
      },
    ],
    caughtBy: {
      file: 'core/decide.test.ts',
      test: 'Retry-After of two days, for a token whose stated lifetime is not believed',
    },
  },
  {
    mistake: 'ignores Retry-After',
    patches: [
      {
        file: 'core/decide.ts',
        find: 'Math.min(createdAt + retryAfterSeconds * 1000, latestMs)',
        replace: 'backOffMs',
      },
    ],
    caughtBy: { breaks: ['I8'], within: 2_000 },
  },
  {
    mistake: "waits for another run's claim without pausing",
    patches: [{ file: 'core/refresh.ts', find: 'await runtime.sleep(CLAIM_POLL_MS);', replace: '' }],
    caughtBy: { breaks: ['I8'], within: 2_000 },
  },
  {
    mistake: 'lets a POST use the time reserved for saving its answer',
    patches: [
      {
        file: 'core/exchange.ts',
        find: 'runtime.remainingMs() - SAVE_RESERVE_MS;',
        replace: 'runtime.remainingMs();',
      },
    ],
    caughtBy: { breaks: ['I1'], within: 100 },
  },
  {
    mistake: 'refreshes a token only after it has expired',
    patches: [
      {
        file: 'core/due.ts',
        find: 'dueAfterSeconds(Math.min(lifetimeSeconds, longestLifetimeSeconds));',
        replace: 'Math.min(lifetimeSeconds, longestLifetimeSeconds);',
      },
    ],
    caughtBy: { breaks: ['I7'], within: 5_000 },
  },
];
