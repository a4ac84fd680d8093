import { FIRST_BACK_OFF_SECONDS, MAX_BACK_OFF_SECONDS } from '../contract.ts';
import { secondsUntilDue } from './due.ts';
import { type DocumentEntry, type FailureEntry, type JournalEntry, successorId } from './journal.ts';

/** What to do next, and why; the states are the table in design and README. */
export type Decision =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'waiting'; readonly retryAtMs: number; readonly why: 'back-off' | 'write budget' }
  | { readonly kind: 'rejected'; readonly failure: FailureEntry }
  | { readonly kind: 'attempt'; readonly attempt: number; readonly takesOverClaim: boolean };

export interface Situation {
  readonly current: DocumentEntry;
  /** The newest entry of the journal; `undefined` where there is none, or none that this function wrote. */
  readonly head: JournalEntry | undefined;
  /** Digest of the credentials that an attempt would use now. */
  readonly digest: string;
  readonly nowMs: number;
  /** No longer life of a bearer token is believed. */
  readonly longestLifetimeSeconds: number;
  readonly force: boolean;
}

/**
 * A pure function of the current document, the head of the journal, the time and `force`. Current's successor is known
 * not to exist: that is settled first.
 */
export function decide(situation: Situation): Decision {
  const { current, head, digest, nowMs, force } = situation;
  if (!force && isFresh(situation) && isSettled(current, head)) return { kind: 'fresh' };
  if (head === undefined || head.kind === 'document' || head.key !== current.key) return attempt(0);

  if (head.kind === 'claim') {
    // Lambda has ended the run behind an older claim: its lease is longer than its timeout.
    const isLive = nowMs < head.createdAt + head.leaseSeconds * 1000;
    return isLive ? { kind: 'busy' } : attempt(head.attempt + 1, true);
  }
  // What failed with other credentials says nothing about these.
  if (force || head.digest !== digest) return attempt(head.attempt + 1);
  if (isPermanent(head)) return { kind: 'rejected', failure: head };
  const retryAtMs = head.createdAt + backOffSeconds(head) * 1000;
  return nowMs < retryAtMs ? { kind: 'waiting', retryAtMs, why: 'back-off' } : attempt(head.attempt + 1);
}

/** True for a refusal that asking again cannot change. */
function isPermanent({ code }: Pick<FailureEntry, 'code'>): boolean {
  return code === 'REAUTHORIZATION_REQUIRED' || code === 'CLIENT_REJECTED';
}

/** A token of unknown life is due: comparisons with NaN are false. */
function isFresh({ current, nowMs, longestLifetimeSeconds }: Situation): boolean {
  return secondsUntilDue(current.document, nowMs, longestLifetimeSeconds) >= 0;
}

/**
 * The journal ends in this refresh token, or current is an answer as it was recorded: a version keeps what its id says.
 * Otherwise somebody wrote another token (new credentials are used at once), or an attempt at this one is still owed.
 */
function isSettled({ key, versionId, document }: DocumentEntry, head: JournalEntry | undefined): boolean {
  const spent = document.members.spent_refresh_token_sha256;
  if (head === undefined && spent === undefined) return true;
  if (head?.key === key) return head.kind === 'document';
  // The token that was spent for it is its parent's key, but where the server does not rotate.
  return [head?.key, spent].some((parentKey) => parentKey !== undefined && versionId === successorId(parentKey));
}

function attempt(number: number, takesOverClaim = false): Decision {
  return { kind: 'attempt', attempt: number, takesOverClaim };
}

/** Doubled by each failed attempt; longer if the server asked for it. */
function backOffSeconds({ attempt, retryAfterSeconds }: FailureEntry): number {
  return Math.min(MAX_BACK_OFF_SECONDS, Math.max(FIRST_BACK_OFF_SECONDS * 2 ** attempt, retryAfterSeconds ?? 0));
}
