import { announceFailed } from './announce.ts';
import type { Context } from './context.ts';
import type { NotExchanged } from './exchange.ts';
import { Fault, nameOf, RecordedFailure } from './fault.ts';
import {
  type DocumentEntry,
  type FailureCause,
  type FailureCode,
  type FailureEntry,
  failureId,
  isRefusalCode,
  type JournalEntry,
  parseEntry,
  type Refusals,
  renderFailure,
} from './journal.ts';
import type { Snapshot } from './load.ts';
import { LOG_EVENTS } from './log-events.ts';
import { adviceOn } from './messages.ts';
import type { CredentialStore } from './ports.ts';
import { putUntilDeadline } from './record.ts';
import { ANNOUNCE_MAX_MS } from './time-reserves.ts';

/** Rejections without a known code, and their duration, before a revoked grant is assumed: a temporary 403 is over by then. */
const PROBABLE_AFTER_REFUSALS = 3;
const PROBABLE_AFTER_MS = 60 * 60 * 1000;

/** Maximum number of later runs in a row that left no record, because they crashed or could not store one. */
const MAX_LOST_RECORDS = 3;

export interface FailedAttempt {
  readonly code: FailureCode;
  readonly cause: FailureCause;
  readonly reason: string;
  /** From this attempt on, the grant is assumed to be revoked, although no answer said so. */
  readonly isNewlyProbable: boolean;
  /** The journal holds the failure. */
  readonly isRecorded: boolean;
}

/**
 * Records how an attempt ended, and how often these credentials were rejected without a known code.
 *
 * @param digest of the credentials that the attempt used
 */
export async function recordFailure(
  context: Context,
  { current: { tokenHash }, latestEntry }: Pick<Snapshot, 'current' | 'latestEntry'>,
  attempt: number,
  digest: string,
  { code, cause, reason, retryAfterSeconds }: NotExchanged,
): Promise<FailedAttempt> {
  const last = await findLastFailure(context, tokenHash, latestEntry);
  const earlier = last?.digest === digest ? last : undefined;
  const nowMs = context.runtime.now();
  const counted = cause === 'unrecognized' ? countRefusal(earlier?.refusals, nowMs) : undefined;
  // A failure of another kind neither counts nor restarts the count.
  const refusals = counted ?? earlier?.refusals;
  const wasProbable = earlier?.code === 'REAUTHORIZATION_PROBABLE';
  // Once someone was notified, only a success or a coded rejection changes this: an outage in between does not.
  const isProbable = wasProbable || (counted !== undefined && isRepeated(counted, nowMs));
  const recorded = isProbable && !isRefusalCode(code) ? 'REAUTHORIZATION_PROBABLE' : code;
  const failure = renderFailure({ tokenHash, attempt, code: recorded, digest, cause, retryAfterSeconds, refusals });
  let isRecorded = true;
  try {
    await putUntilDeadline(context, failureId(tokenHash, attempt), failure, ANNOUNCE_MAX_MS);
  } catch (error) {
    // Retently's answer matters more than the failure to record it; the claim expires and is taken over.
    isRecorded = false;
    context.telemetry.warn(LOG_EVENTS.failureNotRecorded, { code: nameOf(error) });
  }
  const isNewlyProbable = recorded === 'REAUTHORIZATION_PROBABLE' && !wasProbable;
  return { code: recorded, cause, reason, isNewlyProbable, isRecorded };
}

/** Returns the last recorded failure of this refresh token, even if later claims have no record of their end. Never throws. */
export async function findLastFailure(
  { store }: { readonly store: Pick<CredentialStore, 'readVersion'> },
  tokenHash: string,
  latestEntry: JournalEntry | undefined,
): Promise<FailureEntry | undefined> {
  if (latestEntry?.kind === 'failure') return latestEntry;
  if (latestEntry?.kind !== 'claim' || latestEntry.tokenHash !== tokenHash) return undefined;
  const lost = Array.from({ length: MAX_LOST_RECORDS + 1 }, (_, index) => latestEntry.attempt - index);
  // All together: a failure has to be recorded and announced in the time that is left.
  const entries = await Promise.all(
    lost
      .filter((attempt) => attempt >= 0)
      .map(async (attempt) => {
        const version = await store.readVersion(failureId(tokenHash, attempt)).catch(() => undefined);
        return version && parseEntry(version);
      }),
  );
  return entries.find((entry) => entry?.kind === 'failure');
}

/** Publishes the failure. @returns the fault that the run ends with */
export async function announceFailure(
  context: Context,
  current: DocumentEntry,
  attempt: number,
  { code, cause, reason, isNewlyProbable, isRecorded }: FailedAttempt,
): Promise<Fault> {
  const what = code === 'REAUTHORIZATION_PROBABLE' ? code : code === 'PROVIDER_AMBIGUOUS' ? 'ambiguous' : cause;
  const Failure = isRecorded ? RecordedFailure : Fault;
  const fault = new Failure(code, `${reason}. ${adviceOn(what, context.settings)}`, cause);
  await announceFailed(context, current, fault, attempt, isNewlyProbable);
  return fault;
}

/** Counts a rejection without a known code. */
function countRefusal(earlier: Refusals | undefined, nowMs: number): Refusals {
  return { count: (earlier?.count ?? 0) + 1, sinceMs: earlier?.sinceMs ?? nowMs };
}

function isRepeated({ count, sinceMs }: Refusals, nowMs: number): boolean {
  return count >= PROBABLE_AFTER_REFUSALS && nowMs - sinceMs >= PROBABLE_AFTER_MS;
}
