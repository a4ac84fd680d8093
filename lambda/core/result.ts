import type { Decision } from './decide.ts';

export type Outcome = 'refreshed' | 'fresh' | 'adopted' | 'busy' | 'waiting' | 'not-configured' | 'status';

/** What an invocation answers. Never a token. */
export interface Result {
  readonly outcome: Outcome;
  readonly message: string;
  readonly secretId: string;
  /** The version that holds `AWSCURRENT`; `null` where there is none. */
  readonly versionId: string | null;
  /** RFC 3339, UTC; `null` where it is not known. */
  readonly expiresAt: string | null;
  readonly secondsRemaining: number;
  /** RFC 3339, UTC: when the next attempt may be made. */
  readonly retryAt?: string;
  /** For `status`: what `refresh` would do. */
  readonly decision?: Decision['kind'] | 'settle' | 'not-configured';
}
