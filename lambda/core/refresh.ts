import { ATTEMPT_MIN_SECONDS } from '../contract.ts';
import { type Attempted, announceFailed, announceRefreshed, lineage } from './announce.ts';
import { claim } from './claim.ts';
import type { Context } from './context.ts';
import { type Decision, decide } from './decide.ts';
import { isHalfRefreshed } from './due.ts';
import { type Exchanged, exchange, type NotExchanged } from './exchange.ts';
import { announceFailure, recordFailure } from './failed-attempt.ts';
import { Fault, RecordedFailure } from './fault.ts';
import { judgeFault } from './health.ts';
import type { DocumentEntry, RefusalEntry } from './journal.ts';
import { grantOf, type Snapshot } from './load.ts';
import { LOG_EVENTS } from './log-events.ts';
import {
  ADOPTED,
  adviceOn,
  BUSY,
  FRESH,
  NO_TIME,
  NOT_CONFIGURED,
  REFRESHED,
  STORED_LATE,
  TRUNCATED,
  WAITING,
} from './messages.ts';
import { record, recordPendingAnswer } from './record.ts';
import type { Result } from './result.ts';
import { toRfc3339 } from './rfc3339.ts';
import { hasAllOf, rollForward } from './roll-forward.ts';
import { RunReport } from './run-report.ts';
import { LOOK_RESERVE_MS } from './time-reserves.ts';
import { fitIntoSecret, toTokenMembers, warnAboutExpiry, warnAboutLifetime } from './token-members.ts';

/** Most times that a run starts over because `AWSCURRENT` keeps moving. The next run continues from there. */
const MAX_STARTS = 10;

/** Pause of a forced run between two looks at another run's claim. */
const CLAIM_POLL_MS = 2_000;

const ATTEMPT_MIN_MS = ATTEMPT_MIN_SECONDS * 1000;

/** Progress of a run. It decides the result for a fresh token. */
type Progress =
  | { readonly kind: 'begun' }
  /** A forced run waits for the end of another run's claim on this refresh token. */
  | { readonly kind: 'waited'; readonly tokenHash: string }
  /** The run completed another run's work. */
  | { readonly kind: 'adopted' }
  | { readonly kind: 'recorded' };

/**
 * Performs one run: load, roll forward, decide, claim, exchange, record, promote, announce. Every run ends by syncing the
 * token secret. If `AWSCURRENT` moves during a run, the run starts over.
 *
 * @throws Fault
 */
export async function refresh(context: Context, { force, isScheduled = false }: RefreshRequest): Promise<Result> {
  const run = new RefreshRun(context, force);
  try {
    return await run.run();
  } catch (error) {
    if (isScheduled && error instanceof RecordedFailure) return run.toFailed(error);
    throw error;
  }
}

export interface RefreshRequest {
  /** Refresh although the token is fresh, a back-off runs or the grant was rejected; never past a live claim. */
  readonly force: boolean;
  /** The schedule invoked this run: a failure that the journal holds is a result, and is not thrown. */
  readonly isScheduled?: boolean;
}

class RefreshRun {
  readonly #context: Context;
  readonly #report: RunReport;
  #force: boolean;
  /** An answer that was stored late may be revoked: the first token is refreshed although it looks fresh. */
  #mayBeRevoked: boolean | undefined;
  #progress: Progress = { kind: 'begun' };
  /** The attempt whose answer this run recorded, for the announcement. */
  #attempted: Attempted | undefined;
  /** Message of a run that only completed another run's work. */
  #adoptedMessage: string = ADOPTED;

  constructor(context: Context, force: boolean) {
    this.#context = context;
    this.#report = new RunReport(context);
    this.#force = force;
  }

  async run(): Promise<Result> {
    try {
      const stored = await recordPendingAnswer(this.#context);
      if (stored !== 'none') this.#adoptedMessage = STORED_LATE;
      // If a revoked token were called fresh, consumers could use it for half of its lifetime.
      this.#mayBeRevoked = stored === 'may be revoked';
      for (let starts = 0; starts < MAX_STARTS; ) {
        const end = await this.#round();
        if (end !== 'start over' && end !== 'waited') return end;
        if (end === 'start over') starts++;
      }
    } finally {
      await this.#report.syncTokenSecret();
      this.#report.recordStates();
    }
    throw new Fault(
      'STORE_UNAVAILABLE',
      `AWSCURRENT of ${this.#context.settings.secretId} kept changing (${MAX_STARTS} attempts): something else is moving it, or it cannot be moved. The next run continues; nothing is lost.`,
    );
  }

  toFailed({ name: code, message, failureCause }: RecordedFailure): Result {
    return this.#report.toResult('failed', message, { code }, judgeFault(code, failureCause));
  }

  async #round(): Promise<Result | 'start over' | 'waited'> {
    const snapshot = await this.#report.load();
    if (snapshot === undefined) return this.#report.toResult('not-configured', NOT_CONFIGURED);
    const { current } = snapshot;
    const { pendingAnswer } = this.#context.memory;
    // Other credentials may be used meanwhile; the token whose answer is pending must not be sent again.
    if (pendingAnswer?.parent.tokenHash === current.tokenHash) {
      this.#report.isReauthorizationRequired = undefined;
      throw pendingAnswer.fault;
    }
    if (snapshot.successor) return await this.#rollForward(snapshot, snapshot.successor);

    // A forced run that has waited for another run's refresh does not request a second one.
    if (this.#hasAwaitedEnded(snapshot)) this.#force = false;
    const situation = { ...this.#report.toSituation(snapshot, this.#force), mayBeRevoked: this.#mayBeRevoked };
    const decided = decide(situation);
    const decision =
      decided.kind === 'attempt' && this.#hasTimeForAttempt()
        ? await claim(this.#context, situation, decided)
        : decided;
    switch (decision.kind) {
      case 'fresh':
        return this.#fresh();
      case 'busy':
        return await this.#busy(current.tokenHash);
      case 'waiting':
        return this.#waiting(decision);
      case 'rejected':
        this.#report.noteFailure(decision.failure);
        throw this.#rejected(decision.failure);
      case 'spent':
        return await this.#rollForward(snapshot, decision.successor);
      case 'claimed':
        return await this.#spend(snapshot, situation.digest, decision.attempt);
      case 'attempt':
        // In a fleet, a run for another secret stores a pending answer. The attempt belongs to the secret's own run.
        if (this.#progress.kind === 'adopted' && !this.#force) return this.#fresh();
        throw new Fault('STORE_UNAVAILABLE', NO_TIME);
    }
  }

  #hasAwaitedEnded({ current, latestEntry }: Snapshot): boolean {
    if (this.#progress.kind !== 'waited') return false;
    const { tokenHash } = this.#progress;
    return current.tokenHash !== tokenHash || (latestEntry?.kind === 'failure' && latestEntry.tokenHash === tokenHash);
  }

  async #rollForward(snapshot: Snapshot, successor: DocumentEntry): Promise<'start over'> {
    const { current } = snapshot;
    const { telemetry } = this.#context;
    const rolledForward = await rollForward(this.#context, snapshot, successor);
    // The refresh that a forced run has waited for is done.
    if (this.#progress.kind === 'waited') this.#force = false;
    if (this.#progress.kind !== 'recorded') this.#progress = { kind: 'adopted' };
    if (await this.#promote(rolledForward, current)) {
      telemetry.info(LOG_EVENTS.rolledForward, {
        versionId: rolledForward.versionId,
        previousVersionId: current.versionId,
      });
    }
    return 'start over';
  }

  /**
   * Moves `AWSCURRENT`. The run that moves the label also announces the change.
   *
   * @returns whether the label moved; `false` if something else had moved it meanwhile
   */
  async #promote(entry: DocumentEntry, expected: DocumentEntry): Promise<boolean> {
    const promotion = await this.#context.store.promote(entry.versionId, expected.versionId);
    // The SDK may have retried a call that had moved the label, but whose response was lost.
    if (promotion === 'refused' && !(await this.#isCurrent(entry))) return false;
    this.#report.current = entry;
    await this.#report.syncTokenSecret({ hasPromoted: true });
    await announceRefreshed(this.#context, entry, this.#attempted);
    return true;
  }

  async #isCurrent({ versionId }: DocumentEntry): Promise<boolean> {
    const current = await this.#context.store.readCurrent();
    return current?.versionId === versionId;
  }

  /** Exchanges the token of `current`, which this run has claimed; then records, promotes and announces the answer. */
  async #spend(snapshot: Snapshot, digest: string, attempt: number): Promise<Result | 'start over'> {
    const { settings, store, tokenEndpoint, runtime, telemetry } = this.#context;
    const { current, latestEntry } = snapshot;
    const grant = grantOf(this.#context, snapshot);
    const toTokens = (exchanged: Exchanged) =>
      toTokenMembers(exchanged, current.document, grant.refreshToken, settings.defaultTokenLifetimeSeconds);
    const exchanged = await exchange(tokenEndpoint, grant, runtime, telemetry);
    if (exchanged.kind === 'failed') return await this.#failed(snapshot, digest, attempt, exchanged);
    const answer = fitIntoSecret(exchanged, current.document, toTokens(exchanged));
    if (answer.kind === 'failed') return await this.#failed(snapshot, digest, attempt, answer);

    const tokens = toTokens(answer);
    const entry = await record(this.#context, current, tokens, answer.startedAtMs, attempt);
    const isRecovery = attempt > 0 || latestEntry?.kind === 'failure' || isHalfRefreshed(current.document);
    this.#progress = { kind: 'recorded' };
    this.#attempted = { attempt, isRecovery };
    this.#force = false;
    this.#mayBeRevoked = false;
    this.#report.isReauthorizationRequired = false;
    telemetry.note({ attempt, ...lineage(entry.document) });
    // Another run recorded this answer, without an edit that came since. The next round merges both.
    if (!hasAllOf(current, entry)) return 'start over';
    if (answer.kind === 'refresh-token-only') {
      await store.promote(entry.versionId, current.versionId);
      throw await this.#incomplete(entry, attempt, answer.reason);
    }
    this.#warnAbout(answer, entry.versionId);
    if (tokens.access_token === current.document.members.access_token) {
      telemetry.warn(LOG_EVENTS.noProgress, {
        versionId: entry.versionId,
      });
    }
    return (await this.#promote(entry, current)) ? this.#report.toResult('refreshed', REFRESHED) : 'start over';
  }

  #warnAbout(answer: Exchanged, versionId: string): void {
    const { telemetry, settings } = this.#context;
    const reasons = [warnAboutLifetime(answer, settings.defaultTokenLifetimeSeconds), warnAboutExpiry(answer)];
    for (const reason of reasons) {
      if (reason !== undefined) telemetry.warn(LOG_EVENTS.unusualLifetime, { versionId, reason });
    }
    if (answer.isTruncated) telemetry.warn(LOG_EVENTS.responseTruncated, { versionId, reason: TRUNCATED });
  }

  async #failed(snapshot: Snapshot, digest: string, attempt: number, answer: NotExchanged): Promise<'start over'> {
    this.#context.telemetry.note({ attempt });
    // Record first: it is true of these credentials even if they are no longer current.
    const failure = await recordFailure(this.#context, snapshot, attempt, digest, answer);
    // The attempt that was forced, or owed to an answer that may be revoked, has been made.
    this.#force = false;
    this.#mayBeRevoked = false;
    const mayHaveMoved = failure.code === 'REAUTHORIZATION_REQUIRED';
    if (mayHaveMoved && !(await this.#isUnmoved(snapshot.current))) return 'start over';
    this.#report.noteFailure(failure);
    throw await announceFailure(this.#context, snapshot.current, attempt, failure);
  }

  /** `invalid_grant` may only mean that another run, or an operator, was first. */
  async #isUnmoved({ tokenHash }: DocumentEntry): Promise<boolean> {
    if (this.#context.runtime.remainingMs() < LOOK_RESERVE_MS) return true;
    try {
      const snapshot = await this.#report.load();
      return snapshot?.current.tokenHash === tokenHash && snapshot.successor === undefined;
    } catch {
      // The rejection is known and recorded; the next run handles what cannot be read now.
      return true;
    }
  }

  async #incomplete(entry: DocumentEntry, attempt: number, reason: string): Promise<Fault> {
    const fault = new Fault(
      'PROVIDER_AMBIGUOUS',
      `${reason}. The refresh token in that answer is saved, and the next run uses it.`,
    );
    await announceFailed(this.#context, entry, fault, attempt);
    return fault;
  }

  #fresh(): Result {
    switch (this.#progress.kind) {
      case 'recorded':
        return this.#report.toResult('refreshed', REFRESHED);
      case 'adopted':
        return this.#report.toResult('adopted', this.#adoptedMessage);
      case 'waited':
        return this.#report.toResult('adopted', ADOPTED);
      case 'begun':
        return this.#report.toResult('fresh', FRESH);
    }
  }

  /** A forced run waits for the claim's end while time allows. */
  async #busy(tokenHash: string): Promise<Result | 'waited'> {
    const { runtime } = this.#context;
    if (!this.#force || runtime.remainingMs() < ATTEMPT_MIN_MS + CLAIM_POLL_MS) {
      return this.#report.toResult('busy', BUSY);
    }
    this.#progress = { kind: 'waited', tokenHash };
    await runtime.sleep(CLAIM_POLL_MS);
    return 'waited';
  }

  #rejected({ code, createdAt }: RefusalEntry): Fault {
    return new RecordedFailure(
      code,
      `Retently rejected these credentials on ${toRfc3339(createdAt)}, and they were not sent again. ${adviceOn(code, this.#context.settings)}`,
    );
  }

  #waiting({ why, retryAtMs }: Extract<Decision, { kind: 'waiting' }>): Result {
    const judgment = this.#report.judge(why === 'write budget' ? { roomAtMs: retryAtMs } : {});
    return this.#report.toResult('waiting', WAITING[why], { retryAt: toRfc3339(retryAtMs) }, judgment);
  }

  #hasTimeForAttempt(): boolean {
    return this.#context.runtime.remainingMs() >= ATTEMPT_MIN_MS;
  }
}
