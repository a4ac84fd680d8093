import { ATTEMPT_MIN_SECONDS } from '../contract.ts';
import { announceFailed, announceRefreshed, lineage } from './announce.ts';
import { claim } from './claim.ts';
import type { Context } from './context.ts';
import { decide } from './decide.ts';
import { exchange } from './exchange.ts';
import { announceFailure, recordFailure } from './failed-attempt.ts';
import { Fault } from './fault.ts';
import type { DocumentEntry, FailureEntry } from './journal.ts';
import { grantOf, type Snapshot } from './load.ts';
import { ADOPTED, ADVICE, BUSY, FRESH, NO_TIME, NOT_CONFIGURED, REFRESHED, WAITING } from './messages.ts';
import { record, recordUnsaved } from './record.ts';
import type { Result } from './result.ts';
import { toRfc3339 } from './rfc3339.ts';
import { RunReport } from './run-report.ts';
import { settle } from './settle.ts';
import { doubtLifetime, isHalfRefreshed, toTokenMembers } from './token-members.ts';

/** How often a run starts over where others keep moving `AWSCURRENT`, before it leaves the rest to the next run. */
const MAX_STARTS = 10;

/** How long a forced run waits between two looks at another run's claim. */
const CLAIM_POLL_MS = 2_000;

const ATTEMPT_MIN_MS = ATTEMPT_MIN_SECONDS * 1000;

/**
 * One run: load, settle, decide, claim, exchange, record, promote, announce. A run that finds the ground moved under it
 * starts over.
 *
 * @param force refresh although the token is fresh, a back-off runs or the grant was rejected; never past a live claim
 * @throws Fault
 */
export async function refresh(context: Context, { force }: { readonly force: boolean }): Promise<Result> {
  return await new RefreshRun(context, force).run();
}

class RefreshRun {
  readonly #context: Context;
  readonly #report: RunReport;
  #force: boolean;
  /** What this run itself recorded, once it has. */
  #recorded: { readonly attempt: number; readonly isRecovery: boolean } | undefined;
  /** Why an earlier run's answer is still in memory alone. */
  #unsavedFault: unknown;
  /** What this run was refused to promote last. */
  #refused: DocumentEntry | undefined;
  /** Another run's work was finished or waited for. */
  #hasAdopted = false;
  /** The key whose live claim a forced run has waited for. */
  #awaitedKey: string | undefined;

  constructor(context: Context, force: boolean) {
    this.#context = context;
    this.#report = new RunReport(context);
    this.#force = force;
  }

  async run(): Promise<Result> {
    try {
      await this.#recordUnsaved();
      for (let starts = 0; starts < MAX_STARTS; ) {
        const end = await this.#round();
        if (end !== 'start over' && end !== 'waited') return end;
        if (end === 'start over') starts++;
      }
    } finally {
      this.#report.recordStates();
    }
    throw new Fault(
      'STORE_UNAVAILABLE',
      `AWSCURRENT of ${this.#context.settings.secretId} did not come to rest in ${MAX_STARTS} tries: others keep moving it, or it cannot be moved. The next run goes on; nothing is lost.`,
    );
  }

  /** Where it fails, this run may go on with other credentials, never with those that were spent for the answer. */
  async #recordUnsaved(): Promise<void> {
    try {
      await recordUnsaved(this.#context);
    } catch (fault) {
      this.#unsavedFault = fault;
    }
  }

  async #round(): Promise<Result | 'start over' | 'waited'> {
    const snapshot = await this.#report.load();
    if (snapshot === undefined) return this.#report.result('not-configured', NOT_CONFIGURED);
    const isSpentForUnsaved = snapshot.current.key === this.#context.memory.unsaved?.parent.key;
    if (isSpentForUnsaved) throw this.#unsavedFault;
    await this.#confirm(snapshot.current);
    if (snapshot.successor) return await this.#settle(snapshot.current, snapshot.successor);

    // The refresh that was asked for is the one that was waited for, once that has ended.
    if (this.#hasAwaitedEnded(snapshot)) this.#force = false;
    const situation = this.#report.situation(snapshot, this.#force);
    const decided = decide(situation);
    const decision =
      decided.kind === 'attempt' && this.#hasTimeForAttempt()
        ? await claim(this.#context, situation, decided)
        : decided;
    switch (decision.kind) {
      case 'fresh':
        return this.#fresh();
      case 'busy':
        return await this.#busy(snapshot.current.key);
      case 'waiting':
        return this.#report.result('waiting', WAITING[decision.why], { retryAt: toRfc3339(decision.retryAtMs) });
      case 'rejected':
        this.#report.noteFailure(decision.failure);
        throw this.#rejected(decision.failure);
      case 'spent':
        return await this.#settle(snapshot.current, decision.successor);
      case 'claimed':
        return await this.#spend(snapshot, situation.digest, decision.attempt);
      case 'attempt':
        throw new Fault('STORE_UNAVAILABLE', NO_TIME);
    }
  }

  #hasAwaitedEnded({ current, head }: Snapshot): boolean {
    if (this.#awaitedKey === undefined) return false;
    return current.key !== this.#awaitedKey || (head?.kind === 'failure' && head.key === this.#awaitedKey);
  }

  async #settle(current: DocumentEntry, successor: DocumentEntry): Promise<'start over'> {
    const { merged, promotion } = await settle(this.#context, current, successor);
    this.#hasAdopted = true;
    await this.#promoted(merged, promotion);
    return 'start over';
  }

  /** Whoever moved `AWSCURRENT` announces. A refusal may only be the second of two tries, whose first lost its answer. */
  async #promoted(entry: DocumentEntry, promotion: 'promoted' | 'refused'): Promise<void> {
    if (promotion === 'refused') {
      this.#refused = entry;
      return;
    }
    this.#report.current = entry;
    await announceRefreshed(this.#context, entry, this.#recorded);
  }

  /** What was refused is current all the same: announced rather twice than never. */
  async #confirm(current: DocumentEntry): Promise<void> {
    if (this.#refused?.versionId !== current.versionId) return;
    this.#refused = undefined;
    await announceRefreshed(this.#context, current, this.#recorded);
  }

  /** Exchange, record, promote, announce: the token of `current` is this run's to spend. */
  async #spend({ current, head }: Snapshot, digest: string, attempt: number): Promise<Result | 'start over'> {
    const { settings, store, tokenEndpoint, runtime, telemetry } = this.#context;
    const grant = grantOf(this.#context, current);
    const answer = await exchange(tokenEndpoint, grant, runtime, telemetry);
    if (answer.kind === 'failed') {
      // Recorded whatever else is true: of these credentials it is.
      await recordFailure(this.#context, current, attempt, digest, answer);
      const isDead = answer.code === 'REAUTHORIZATION_REQUIRED';
      if (isDead && (await this.#hasMoved(current))) return 'start over';
      this.#report.noteFailure(answer);
      throw await announceFailure(this.#context, current, attempt, answer);
    }

    const tokens = toTokenMembers(answer, current.document, grant.refreshToken, settings.defaultTokenLifetimeSeconds);
    const entry = await record(this.#context, current, tokens);
    const isRecovery = attempt > 0 || head?.kind === 'failure' || isHalfRefreshed(current.document);
    this.#recorded = { attempt, isRecovery };
    this.#force = false;
    this.#report.isReauthorizationRequired = false;
    telemetry.info('Recorded the answer', { versionId: entry.versionId, attempt, ...lineage(entry.document) });
    const doubt = doubtLifetime(answer, settings.defaultTokenLifetimeSeconds);
    if (doubt !== undefined) telemetry.warn(doubt, { versionId: entry.versionId });
    if (answer.kind === 'token' && tokens.access_token === current.document.members.access_token) {
      telemetry.warn('No progress: Retently answered with the bearer token that was there already', {
        versionId: entry.versionId,
      });
    }
    const promotion = await store.promote(entry.versionId, current.versionId);
    if (answer.kind === 'refresh-token-only') throw await this.#incomplete(entry, attempt, answer.reason);
    await this.#promoted(entry, promotion);
    return promotion === 'promoted' ? this.#report.result('refreshed', REFRESHED) : 'start over';
  }

  /** `invalid_grant` may only mean that another run, or an operator, was first. */
  async #hasMoved({ key }: DocumentEntry): Promise<boolean> {
    try {
      const snapshot = await this.#report.load();
      return snapshot === undefined || snapshot.current.key !== key || snapshot.successor !== undefined;
    } catch {
      // The refusal is report, and is recorded; what cannot be read now is settled by the next run.
      return false;
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
    if (this.#recorded) return this.#report.result('refreshed', REFRESHED);
    return this.#hasAdopted || this.#awaitedKey !== undefined
      ? this.#report.result('adopted', ADOPTED)
      : this.#report.result('fresh', FRESH);
  }

  /** A forced run waits for the claim's end while time allows. */
  async #busy(key: string): Promise<Result | 'waited'> {
    const { runtime } = this.#context;
    if (!this.#force || runtime.remainingMs() < ATTEMPT_MIN_MS + CLAIM_POLL_MS) {
      return this.#report.result('busy', BUSY);
    }
    this.#awaitedKey = key;
    await runtime.sleep(CLAIM_POLL_MS);
    return 'waited';
  }

  #rejected(failure: FailureEntry): Fault {
    const { code, createdAt } = failure;
    return new Fault(
      code,
      `Retently refused these very credentials on ${toRfc3339(createdAt)}, and they were not sent again. ${ADVICE[code]}`,
    );
  }

  #hasTimeForAttempt(): boolean {
    return this.#context.runtime.remainingMs() >= ATTEMPT_MIN_MS;
  }
}
