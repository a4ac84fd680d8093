import { FIRST_BACK_OFF_SECONDS, MAX_BACK_OFF_SECONDS } from '../contract.ts';
import { secondsUntilDue } from './due.ts';
import {
  type DocumentEntry,
  type FailureEntry,
  isRefusalCode,
  type JournalEntry,
  leaseEndMs,
  mayHaveRevoked,
  type RefusalEntry,
  successorId,
} from './journal.ts';
import { parseRfc3339 } from './rfc3339.ts';

/** The next step, and the reason for it. */
export type Decision =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'busy' }
  | {
      readonly kind: 'waiting';
      readonly retryAtMs: number;
      readonly why: 'back-off' | 'write budget' | 'forced budget';
    }
  | { readonly kind: 'rejected'; readonly failure: RefusalEntry }
  | { readonly kind: 'attempt'; readonly attempt: number; readonly takesOverClaim: boolean };

export interface Situation {
  readonly current: DocumentEntry;
  /** The newest entry of the journal; `undefined` if there is none, or none that this function wrote. */
  readonly latestEntry: JournalEntry | undefined;
  /** Digest of the credentials that an attempt would use now. */
  readonly digest: string;
  readonly nowMs: number;
  /** Longest accepted lifetime of an access token. */
  readonly longestLifetimeSeconds: number;
  readonly force: boolean;
  /** The access token may be revoked although it looks fresh. */
  readonly mayBeRevoked?: boolean | undefined;
}

/** Last part of an access token's lifetime, in which attempts are made however long the server asks them to wait. */
const LAST_CHANCES_SECONDS = 60 * 60;

/**
 * Decides the next step: a pure function of the current document, the latest journal entry, the time and `force`. The current
 * document is known to have no successor, because rolling forward comes first.
 */
export function decide(situation: Situation): Decision {
  const { current, latestEntry, digest, nowMs, force, mayBeRevoked = false } = situation;
  if (!force && !mayBeRevoked && isFresh(situation) && isNothingOwed(current, latestEntry)) return { kind: 'fresh' };
  if (latestEntry === undefined || latestEntry.kind === 'document' || latestEntry.tokenHash !== current.tokenHash)
    return attempt(0);

  if (latestEntry.kind === 'claim') {
    return nowMs < leaseEndMs(latestEntry) ? { kind: 'busy' } : attempt(latestEntry.attempt + 1, true);
  }
  // A failure with other credentials says nothing about these.
  if (force || latestEntry.digest !== digest) return attempt(latestEntry.attempt + 1);
  if (isPermanent(latestEntry)) return { kind: 'rejected', failure: latestEntry };
  const dueAtMs = retryAtMs(latestEntry, situation);
  return nowMs < dueAtMs ? { kind: 'waiting', retryAtMs: dueAtMs, why: 'back-off' } : attempt(latestEntry.attempt + 1);
}

function isPermanent(failure: FailureEntry): failure is RefusalEntry {
  return isRefusalCode(failure.code);
}

/** A token without a known lifetime is due: comparisons with NaN are false. */
function isFresh({ current, nowMs, longestLifetimeSeconds }: Situation): boolean {
  return secondsUntilDue(current.document, nowMs, longestLifetimeSeconds) >= 0;
}

/**
 * Returns whether this document needs no attempt until its token is due. That is so if:
 * - there is no journal, and it was never refreshed; or
 * - the journal ends in a document with this refresh token; or
 * - it is an answer as it was recorded (its version id proves it), and no later attempt may have revoked the answer.
 *
 * Otherwise, someone wrote another token, and new credentials are used immediately, or this token still needs an attempt.
 */
function isNothingOwed(
  { tokenHash, versionId, document }: DocumentEntry,
  latestEntry: JournalEntry | undefined,
): boolean {
  const spent = document.members.spent_refresh_token_sha256;
  if (latestEntry === undefined && spent === undefined) return true;
  if (latestEntry?.tokenHash === tokenHash) return latestEntry.kind === 'document';
  // The token that was spent for it is its parent's, unless the server does not rotate.
  const parentTokenHash = [latestEntry?.tokenHash, spent].find(
    (each) => each !== undefined && versionId === successorId(each),
  );
  return parentTokenHash !== undefined && !mayHaveRevoked(latestEntry, parentTokenHash);
}

function attempt(number: number, takesOverClaim = false): Decision {
  return { kind: 'attempt', attempt: number, takesOverClaim };
}

/** Returns when the next attempt may be made after a failure that is not permanent. */
function retryAtMs(
  { attempt, createdAt, retryAfterSeconds = 0 }: FailureEntry,
  { current, longestLifetimeSeconds }: Situation,
): number {
  const backOffSeconds = Math.min(MAX_BACK_OFF_SECONDS, FIRST_BACK_OFF_SECONDS * 2 ** attempt);
  const backOffMs = createdAt + backOffSeconds * 1000;
  // The server's request is respected as far as the access token's lifetime allows, but never less than a back-off.
  const { expires_at, refreshed_at } = current.document.members;
  // An answer without an access token has no refreshed_at, and the old token lives on.
  const believedMs = (parseRfc3339(refreshed_at) || createdAt) + longestLifetimeSeconds * 1000;
  const lastChancesMs = Math.min(parseRfc3339(expires_at), believedMs) - LAST_CHANCES_SECONDS * 1000;
  const longestMs = createdAt + MAX_BACK_OFF_SECONDS * 1000;
  const latestMs = Math.max(longestMs, lastChancesMs || longestMs);
  return Math.max(backOffMs, Math.min(createdAt + retryAfterSeconds * 1000, latestMs));
}
