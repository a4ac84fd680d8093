import type { Context } from './context.ts';
import { type Decision, expiresAt, secondsRemaining } from './decide.ts';
import type { DocumentEntry } from './journal.ts';

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

/** @param current `undefined` where the secret has no value yet */
export function toResult(
  { settings, runtime }: Context,
  outcome: Outcome,
  message: string,
  current: DocumentEntry | undefined,
  extra: Pick<Result, 'retryAt' | 'decision'> = {},
): Result {
  return {
    outcome,
    message,
    secretId: settings.secretId,
    versionId: current?.versionId ?? null,
    expiresAt: (current && expiresAt(current.document)) ?? null,
    secondsRemaining: current ? secondsRemaining(current.document, runtime.now()) : 0,
    ...extra,
  };
}
