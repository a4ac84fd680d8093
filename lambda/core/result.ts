import type { Action, Health } from '../contract.ts';
import type { Decision } from './decide.ts';
import type { FaultCode } from './fault.ts';
import type { TokenSecretHealth } from './health.ts';
import type { FailureCause, FailureCode } from './journal.ts';

export type Outcome = 'refreshed' | 'fresh' | 'adopted' | 'busy' | 'waiting' | 'not-configured' | 'failed' | 'status';

/** Result of an invocation. Never contains a token. Every instant is RFC 3339, UTC. */
export interface Result {
  readonly outcome: Outcome;
  readonly message: string;
  readonly secretId: string;
  /** The version that holds `AWSCURRENT`; `null` if there is none. */
  readonly versionId: string | null;
  /** `null` if it is not known. */
  readonly expiresAt: string | null;
  readonly secondsRemaining: number;
  /** The judgment of health: what a person should do, from a closed list, and why. */
  readonly health: Health;
  readonly action: Action;
  readonly reason: string;
  /** Code of the failure. Only with `failed`, which only the schedule gets: other callers get an error with this name. */
  readonly code?: FaultCode;
  /** When the next attempt may be made. */
  readonly retryAt?: string;
  /** Decision that `refresh` would make. Only in results of `status`. */
  readonly decision?: Decision['kind'] | 'settle' | 'not-configured';
  /** Everything else that a person wants to see at a glance. Only in results of `status`. */
  readonly details?: StatusDetails;
}

export interface StatusDetails {
  /** When the access token in `AWSCURRENT` was obtained; `null` if the secret does not say. */
  readonly refreshedAt: string | null;
  /** When the token is due for a refresh; `null` if the secret does not say, so that the next tick refreshes it. */
  readonly dueAt: string | null;
  /** When the refresh token expires; absent if the server does not state it. */
  readonly refreshTokenExpiresAt?: string;
  /** Where the journal stands, in a sentence. */
  readonly journal: string;
  /** An answer could not be stored yet: it is only in the memory of this execution environment. */
  readonly isAnswerUnsaved: boolean;
  /** Last failed attempt at the current refresh token; `null` if none failed. */
  readonly lastFailure: LastFailure | null;
  /** `null` if there is no token secret. */
  readonly tokenSecret: TokenSecretDetails | null;
  /** Versions of the secret that are younger than 24 hours. */
  readonly versionsUsed: number;
  /** Most versions of the last 24 hours that an attempt may leave behind. */
  readonly versionsBudget: number;
}

export interface TokenSecretDetails {
  readonly secretId: string;
  /** The token secret does not hold the access token of `AWSCURRENT`. */
  readonly isBehind: boolean;
  readonly state: TokenSecretHealth;
  /** Problem and fix, in a sentence; `null` if the token secret is in sync. */
  readonly problem: string | null;
}

export interface LastFailure {
  readonly code: FailureCode;
  /** Why it failed; absent if an earlier version recorded it. */
  readonly cause?: FailureCause;
  readonly at: string;
  /** Number of attempts made with the current refresh token. */
  readonly attempts: number;
  /** When the next attempt may be made; absent if it may be made now, or if no run makes it unless forced. */
  readonly retryAt?: string;
  readonly advice: string;
}
