import { type ClaimOutcome, previewClaim } from './claim.ts';
import type { Context, Settings } from './context.ts';
import { decide } from './decide.ts';
import { secondsUntilDue } from './due.ts';
import {
  type FailureCause,
  type FailureCode,
  type FailureEntry,
  failureId,
  type JournalEntry,
  parseEntry,
} from './journal.ts';
import type { Snapshot } from './load.ts';
import { adviceOn, NOT_CONFIGURED, PENDING_ANSWER, ROLLS_FORWARD } from './messages.ts';
import type { LastFailure, Result, StatusDetails, TokenSecretDetails } from './result.ts';
import { parseRfc3339, toRfc3339 } from './rfc3339.ts';
import { RunReport } from './run-report.ts';
import { inspectTokenSecret } from './token-secret.ts';
import { toRecent, VERSION_BUDGET } from './version-budget.ts';

type Foreseen = ClaimOutcome | { readonly kind: 'pending-answer' };

const UNAVAILABLE_ADVICE =
  'Later runs retry after a back-off. If this continues, the last log line of level ERROR says what to check.';

const NOTHING_DONE = 'Nothing was sent or changed.';

/** Returns what a refresh would do now, in this execution environment. Reads only. @throws Fault for a secret that cannot be used */
export async function status(context: Context): Promise<Result> {
  const report = new RunReport(context);
  try {
    const snapshot = await report.load();
    if (snapshot === undefined) return report.toResult('status', NOT_CONFIGURED, { decision: 'not-configured' });
    const foreseen = await lookAhead(context, report, snapshot);
    if (foreseen.kind === 'rejected') report.noteFailure(foreseen.failure);
    const seen = await look(context, snapshot, foreseen);
    const details = toDetails(context, snapshot, foreseen, seen);
    const tokenSecret = details.tokenSecret ?? undefined;
    report.isTokenSecretUnreadable = tokenSecret && tokenSecret.state === 'unusable';
    report.isTokenSecretStale = report.isTokenSecretUnreadable ? undefined : tokenSecret?.isBehind;
    const { decision, message } = inWords(foreseen, context.settings);
    const retryAt = foreseen.kind === 'waiting' ? { retryAt: toRfc3339(foreseen.retryAtMs) } : {};
    const judgment = report.judge({
      lastFailure: seen.failure,
      hasSuccessor: foreseen.kind === 'spent',
      hasPendingAnswer: foreseen.kind === 'pending-answer',
      versionTimes: seen.times,
      tokenSecret: seen.tokenSecret?.state,
    });
    return report.toResult('status', message, { decision, details, ...retryAt }, judgment);
  } finally {
    report.recordStates();
  }
}

async function lookAhead(context: Context, report: RunReport, snapshot: Snapshot): Promise<Foreseen> {
  if (context.memory.pendingAnswer?.parent.tokenHash === snapshot.current.tokenHash) return { kind: 'pending-answer' };
  if (snapshot.successor) return { kind: 'spent', successor: snapshot.successor };
  const situation = report.toSituation(snapshot, false);
  const decided = decide(situation);
  return decided.kind === 'attempt' ? await previewClaim(context, situation, decided) : decided;
}

function inWords(
  foreseen: Foreseen,
  settings: Settings,
): { decision: NonNullable<Result['decision']>; message: string } {
  switch (foreseen.kind) {
    case 'pending-answer':
      return { decision: 'settle', message: PENDING_ANSWER };
    case 'spent':
      return { decision: 'settle', message: ROLLS_FORWARD };
    case 'rejected': {
      const { code, createdAt } = foreseen.failure;
      const message = `A refresh now would be rejected: Retently rejected these credentials on ${toRfc3339(createdAt)} (${code}). ${adviceOn(code, settings)} ${NOTHING_DONE}`;
      return { decision: 'rejected', message };
    }
    default: {
      const decision = foreseen.kind === 'claimed' ? 'attempt' : foreseen.kind;
      return { decision, message: `A refresh now would decide: ${decision}. ${NOTHING_DONE}` };
    }
  }
}

interface Seen {
  readonly times: readonly number[];
  readonly failure: FailureEntry | undefined;
  readonly tokenSecret: TokenSecretDetails | null;
}

async function look(context: Context, snapshot: Snapshot, foreseen: Foreseen): Promise<Seen> {
  const [versions, failure, tokenSecret] = await Promise.all([
    context.store.listVersions(),
    foreseen.kind === 'rejected' ? foreseen.failure : findFailure(context, snapshot),
    inspectTokenSecret(context, snapshot.current),
  ]);
  return { times: versions.map(({ createdAt }) => createdAt), failure, tokenSecret };
}

function toDetails(
  { runtime, settings }: Context,
  snapshot: Snapshot,
  foreseen: Foreseen,
  { times, failure, tokenSecret }: Seen,
): StatusDetails {
  const { document } = snapshot.current;
  const nowMs = runtime.now();
  const refreshTokenExpiresAt = toInstant(parseRfc3339(document.members.refresh_token_expires_at));
  const untilDueSeconds = secondsUntilDue(document, nowMs, settings.defaultTokenLifetimeSeconds);
  return {
    refreshedAt: toInstant(parseRfc3339(document.members.refreshed_at)),
    dueAt: toInstant(nowMs + untilDueSeconds * 1000),
    ...(refreshTokenExpiresAt !== null && { refreshTokenExpiresAt }),
    journal: describeJournal(snapshot, foreseen, failure),
    isAnswerUnsaved: foreseen.kind === 'pending-answer',
    lastFailure: failure ? toLastFailure(failure, foreseen, settings) : null,
    tokenSecret,
    versionsUsed: toRecent(times, nowMs).length,
    versionsBudget: VERSION_BUDGET,
  };
}

/** Returns the last failure of the current refresh token: the latest entry, or the one before a claim. */
async function findFailure({ store }: Context, { current, latestEntry }: Snapshot): Promise<FailureEntry | undefined> {
  if (latestEntry?.tokenHash !== current.tokenHash) return undefined;
  if (latestEntry.kind === 'failure') return latestEntry;
  if (latestEntry.kind === 'document' || latestEntry.attempt === 0) return undefined;
  const version = await store.readVersion(failureId(current.tokenHash, latestEntry.attempt - 1));
  const entry = version && parseEntry(version);
  return entry?.kind === 'failure' ? entry : undefined;
}

function toLastFailure(
  { code, cause, createdAt, attempt }: FailureEntry,
  foreseen: Foreseen,
  settings: Settings,
): LastFailure {
  const isBackOff = foreseen.kind === 'waiting' && foreseen.why === 'back-off';
  const retryAt = isBackOff ? { retryAt: toRfc3339(foreseen.retryAtMs) } : {};
  return {
    code,
    ...(cause !== undefined && { cause }),
    at: toRfc3339(createdAt),
    attempts: attempt + 1,
    ...retryAt,
    advice: adviceOnFailure(code, cause, settings),
  };
}

function adviceOnFailure(code: FailureCode, cause: FailureCause | undefined, settings: Settings): string {
  if (code === 'REAUTHORIZATION_PROBABLE') return adviceOn(code, settings);
  if (cause !== undefined) return adviceOn(cause, settings);
  // An earlier version recorded the code only.
  if (code === 'PROVIDER_UNAVAILABLE') return UNAVAILABLE_ADVICE;
  return adviceOn(code === 'PROVIDER_AMBIGUOUS' ? 'ambiguous' : code, settings);
}

function describeJournal(
  { current, latestEntry }: Snapshot,
  foreseen: Foreseen,
  failure: FailureEntry | undefined,
): string {
  switch (foreseen.kind) {
    case 'pending-answer':
      return 'An answer of the token endpoint is only in memory and waits to be recorded.';
    case 'spent':
      return 'The answer to the current refresh token is recorded and waits for its promotion.';
    case 'busy':
      return 'A run has claimed the current refresh token and asks for a new one.';
    default:
      return describeLatestEntry(latestEntry?.tokenHash === current.tokenHash ? latestEntry : undefined, failure);
  }
}

function describeLatestEntry(latestEntry: JournalEntry | undefined, failure: FailureEntry | undefined): string {
  if (failure && (latestEntry === undefined || latestEntry.kind === 'failure')) {
    return `Attempt ${failure.attempt + 1} at the current refresh token ended in ${failure.code} on ${toRfc3339(failure.createdAt)}.`;
  }
  if (latestEntry?.kind === 'claim') {
    return `The run that claimed the current refresh token on ${toRfc3339(latestEntry.createdAt)} left no answer; the next one takes over.`;
  }
  return latestEntry === undefined
    ? 'No attempt at the current refresh token is recorded.'
    : 'At rest: the last answer is recorded and promoted.';
}

/** Returns an instant as text; `null` if it is none, or none that a `Date` can hold: someone may have written it. */
function toInstant(ms: number): string | null {
  return Number.isNaN(new Date(ms).getTime()) ? null : toRfc3339(ms);
}
