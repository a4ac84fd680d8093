import { dueAfterSeconds, MAX_ATTEMPTS_PER_DAY, VERSION_RETENTION_SECONDS } from '../contract.ts';
import type { Context } from './context.ts';
import { type Decision, decide, type Situation } from './decide.ts';
import { lifetimeOf } from './due.ts';
import { type ClaimEntry, claimId, type DocumentEntry, failureId, parseEntry, renderClaim } from './journal.ts';
import { readSuccessor } from './load.ts';
import { LOG_EVENTS } from './log-events.ts';
import type { ListedVersion } from './ports.ts';
import { parseRfc3339 } from './rfc3339.ts';
import { findRoomAtMs, findRoomForForcedAtMs } from './version-budget.ts';

const RETENTION_MS = VERSION_RETENTION_SECONDS * 1000;

/** Attempts that are looked for whatever the age of the token, because an edit may hide its age. */
const MIN_ATTEMPTS_SOUGHT = 64;
/** Most attempts that are looked for beyond those, by the age of the token. */
const MAX_ATTEMPTS_SOUGHT = 2_000;

/** Result of claiming an attempt, or the reason why none is made. */
export type ClaimOutcome =
  /** This run, and no other within the lease, may send the token. */
  | { readonly kind: 'claimed'; readonly attempt: number; readonly takesOverClaim: boolean }
  /** The token was already exchanged. */
  | { readonly kind: 'spent'; readonly successor: DocumentEntry }
  | Exclude<Decision, Attempt>;

type Attempt = Extract<Decision, { kind: 'attempt' }>;
type Waiting = Extract<Decision, { kind: 'waiting' }>;

/**
 * Puts the claim, which also proves, before the token is sent, that this role may write this secret under its KMS key.
 * If the id is taken, the entry that has it decides: the label is a hint, the ids are not.
 */
export async function claim(context: Context, situation: Situation, first: Attempt): Promise<ClaimOutcome> {
  const { store, runtime, settings } = context;
  const { tokenHash } = situation.current;
  const found = await findAttempt(context, situation, first, async (attempt) => {
    const text = renderClaim({ tokenHash, attempt, nonce: runtime.nonce(), leaseSeconds: settings.leaseSeconds });
    const put = await store.putVersion(claimId(tokenHash, attempt), text);
    return put === 'created';
  });
  if (found.kind === 'claimed' && found.takesOverClaim) reportTakeover(context, found.attempt);
  return found;
}

/** Returns what {@link claim} would find now. Reads only. */
export async function previewClaim(context: Context, situation: Situation, first: Attempt): Promise<ClaimOutcome> {
  const { tokenHash } = situation.current;
  return await findAttempt(context, situation, first, async (attempt) => {
    const claimed = await context.store.readVersion(claimId(tokenHash, attempt));
    return claimed === undefined;
  });
}

/** @param isFree returns whether the attempt of this number was free; for `claim`, asking also takes the attempt */
async function findAttempt(
  context: Context,
  situation: Situation,
  first: Attempt,
  isFree: (attempt: number) => Promise<boolean>,
): Promise<ClaimOutcome> {
  const listed = await context.store.listVersions();
  // A label that lags or was moved may show a claim whose end is recorded, or no claim although there are some.
  const found = findLastAttempt(listed, situation);
  const isDoubtful = first.takesOverClaim || found >= first.attempt;
  const last = Math.max(found, first.attempt - 1);
  let decision: Decision =
    waitForRoom(context, situation, listed) ?? (isDoubtful ? await decideAnew(context, situation, last) : first);
  while (decision.kind === 'attempt') {
    const { attempt } = decision;
    const [wasFree, successor] = await Promise.all([
      isFree(attempt),
      readSuccessor(context, situation.current.tokenHash),
    ]);
    if (successor) return { kind: 'spent', successor };
    if (wasFree) return { ...decision, kind: 'claimed' };
    decision = await decideAnew(context, situation, attempt);
  }
  // Another run is sending the token, and records the answer.
  if (decision.kind === 'busy') return decision;
  // A merge may have taken the label from the answer, and a recorded rejection of a used token says nothing.
  const successor = await readSuccessor(context, situation.current.tokenHash);
  return successor ? { kind: 'spent', successor } : decision;
}

function reportTakeover({ telemetry }: Context, attempt: number): void {
  telemetry.countClaimTakenOver();
  telemetry.warn(LOG_EVENTS.claimTakenOver, {
    attempt,
  });
}

/** Decides again by the ids of one attempt: by its recorded end or, if there is none, by its claim. */
async function decideAnew(
  { store, runtime, settings }: Context,
  situation: Situation,
  attempt: number,
): Promise<Decision> {
  const { tokenHash } = situation.current;
  const [claimed, failed] = await Promise.all([
    store.readVersion(claimId(tokenHash, attempt)),
    store.readVersion(failureId(tokenHash, attempt)),
  ]);
  const nowMs = runtime.now();
  const failure = failed && parseEntry(failed);
  if (failure?.kind === 'failure') return decide({ ...situation, nowMs, latestEntry: failure });
  const recorded = claimed && parseEntry(claimed);
  if (recorded?.kind === 'claim') return decide({ ...situation, nowMs, latestEntry: recorded });
  const { latestEntry } = situation;
  // The label is on this claim, but no version has its id: a copy, as in a secret restored from a backup.
  if (
    claimed === undefined &&
    latestEntry?.kind === 'claim' &&
    latestEntry.tokenHash === tokenHash &&
    latestEntry.attempt === attempt
  ) {
    return decide({ ...situation, nowMs });
  }
  // The id identifies the claim, whatever its content. A claim that cannot be read yet was put a moment ago.
  const createdAt = claimed?.createdAt ?? nowMs;
  const claim: ClaimEntry = {
    kind: 'claim',
    versionId: claimId(tokenHash, attempt),
    tokenHash,
    attempt,
    createdAt,
    leaseSeconds: settings.leaseSeconds,
  };
  return decide({ ...situation, nowMs, latestEntry: claim });
}

/**
 * Returns the highest attempt at the current refresh token whose claim is listed; -1 if none is. An earlier claim may have been
 * purged, and a run that asks for attempt 0 would then get it while another run is sending the token.
 */
function findLastAttempt(listed: readonly ListedVersion[], { current, latestEntry, nowMs }: Situation): number {
  const { tokenHash, document, createdAt } = current;
  const known = latestEntry?.kind !== 'document' && latestEntry?.tokenHash === tokenHash ? latestEntry.attempt : 0;
  // No more attempts than the write budget allows since the token came.
  const sinceMs = Math.min(createdAt, parseRfc3339(document.members.refreshed_at) || createdAt);
  const days = Math.ceil(Math.max(0, nowMs - sinceMs) / RETENTION_MS);
  const possible = Math.min(MAX_ATTEMPTS_SOUGHT, days * MAX_ATTEMPTS_PER_DAY) + MIN_ATTEMPTS_SOUGHT;
  const ids = new Set(listed.map(({ versionId }) => versionId));
  for (let attempt = known + possible; attempt >= 0; attempt--) {
    if (ids.has(claimId(tokenHash, attempt))) return attempt;
  }
  return -1;
}

/** Returns the wait until the version history has room for this attempt; `undefined` if it has room now. */
function waitForRoom(
  { runtime, telemetry }: Context,
  situation: Situation,
  listed: readonly ListedVersion[],
): Waiting | undefined {
  const nowMs = runtime.now();
  const times = listed.map(({ createdAt }) => createdAt);
  const roomAtMs = findRoomAtMs(times, nowMs);
  if (roomAtMs !== undefined) {
    telemetry.warn(LOG_EVENTS.budgetUsedUp);
    return { kind: 'waiting', retryAtMs: roomAtMs, why: 'write budget' };
  }
  // An attempt that the schedule would make anyway uses the schedule's room.
  if (!situation.force || decide({ ...situation, force: false }).kind === 'attempt') return undefined;
  const forcedAtMs = findRoomForForcedAtMs(times, nowMs, toDueAfterMs(situation));
  return forcedAtMs === undefined ? undefined : { kind: 'waiting', retryAtMs: forcedAtMs, why: 'forced budget' };
}

/** Returns how long after a refresh the next one is due. */
function toDueAfterMs({ current, longestLifetimeSeconds }: Situation): number {
  const lifetimeSeconds = lifetimeOf(current.document);
  return dueAfterSeconds(Math.min(lifetimeSeconds || Infinity, longestLifetimeSeconds)) * 1000;
}
