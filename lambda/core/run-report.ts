import { toRunbookEntry } from '../contract.ts';
import type { Context } from './context.ts';
import { expiresAt, secondsRemaining } from './credentials.ts';
import type { Situation } from './decide.ts';
import { reportedSecondsUntilDue } from './due.ts';
import { EMPTY, type Evidence, type Judgment, judge } from './health.ts';
import { type DocumentEntry, digestGrant, type FailureEntry } from './journal.ts';
import { grantOf, load, requireComplete, type Snapshot } from './load.ts';
import { LOG_EVENTS } from './log-events.ts';
import type { Outcome, Result } from './result.ts';
import { ANNOUNCE_MAX_MS } from './time-reserves.ts';
import { syncTokenSecret } from './token-secret.ts';

/** Everything that one run knows about the secret and its grant: the source of its result and its metrics. */
export class RunReport {
  /** The document last seen in, or promoted to, `AWSCURRENT`. */
  current: DocumentEntry | undefined;
  /** `undefined` while nothing is known of the grant. */
  isReauthorizationRequired: boolean | undefined;
  /** `undefined` if there is no token secret, or it was not read. */
  isTokenSecretStale: boolean | undefined;
  /** `undefined` in the same cases as `isTokenSecretStale`. */
  isTokenSecretUnreadable: boolean | undefined;
  #tokenSecret: Evidence['tokenSecret'];
  #situation: Situation | undefined;
  #hasRead = false;
  /** The version that this run has copied to the token secret, or has tried to copy. */
  #syncedVersionId: string | undefined;
  /** The version that this run promoted: until then, the token secret was stale for good reason. */
  #promotedVersionId: string | undefined;
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /** @returns `undefined` if the secret has no value yet. @throws Fault as {@link load} */
  async load(): Promise<Snapshot | undefined> {
    const snapshot = await load(this.#context);
    this.current = snapshot?.current;
    if (!this.#hasRead) this.isReauthorizationRequired = false;
    this.#hasRead = true;
    if (snapshot && !snapshot.successor) await requireComplete(this.#context, snapshot);
    return snapshot;
  }

  /** Returns everything that the next decision depends on. @throws Fault as {@link grantOf} */
  toSituation(snapshot: Snapshot, force: boolean): Situation {
    const { settings, runtime } = this.#context;
    const { current, latestEntry } = snapshot;
    const digest = digestGrant(grantOf(this.#context, snapshot), settings.tokenEndpointUrl);
    const isOfThese = latestEntry?.kind === 'failure' && latestEntry.digest === digest;
    // A claim hides what was known before it, so nothing is reported about that.
    const isClaimed = latestEntry?.kind === 'claim' && latestEntry.tokenHash === current.tokenHash;
    this.isReauthorizationRequired = isClaimed ? undefined : isOfThese && needsReauthorization(latestEntry.code);
    // Another run may have been rejected, and these credentials have not been tried yet: the alarm stays as it is.
    const { may_be_revoked } = current.document.members;
    if (may_be_revoked !== undefined && !isOfThese) {
      this.isReauthorizationRequired = needsReauthorization(may_be_revoked) || undefined;
    }
    const { defaultTokenLifetimeSeconds: longestLifetimeSeconds } = settings;
    this.#situation = { current, latestEntry, digest, nowMs: runtime.now(), longestLifetimeSeconds, force };
    return this.#situation;
  }

  /** Notes the failure that the last attempt with these very credentials ended in. */
  noteFailure({ code }: Pick<FailureEntry, 'code'>): void {
    this.isReauthorizationRequired = needsReauthorization(code);
  }

  /** Judges the account by what this run knows of it, and by `known` beside that. */
  judge(known: Partial<Evidence> = {}): Judgment {
    const { current } = this;
    if (current === undefined) return EMPTY;
    const { settings, runtime } = this.#context;
    const { defaultTokenLifetimeSeconds: longestLifetimeSeconds, scheduleSeconds } = settings;
    const isSeen = this.#situation?.current.versionId === current.versionId;
    // A document that this run promoted is at rest: it is the latest entry itself.
    const { latestEntry, digest } = (isSeen && this.#situation) || { latestEntry: current, digest: '' };
    const situation = { current, latestEntry, digest, nowMs: runtime.now(), longestLifetimeSeconds };
    return judge({ situation, scheduleSeconds, versionTimes: 'unknown', tokenSecret: this.#tokenSecret, ...known });
  }

  toResult(
    outcome: Outcome,
    message: string,
    extra: Pick<Result, 'retryAt' | 'decision' | 'details' | 'code'> = {},
    judgment: Judgment = this.judge(),
  ): Result {
    const { settings, runtime } = this.#context;
    return {
      outcome,
      message,
      secretId: settings.secretId,
      versionId: this.current?.versionId ?? null,
      expiresAt: (this.current && expiresAt(this.current.document)) ?? null,
      secondsRemaining: this.current ? secondsRemaining(this.current.document, runtime.now()) : 0,
      ...judgment,
      ...extra,
    };
  }

  /**
   * Syncs the token secret with `AWSCURRENT`, once for each version that this run finds there. Never throws.
   *
   * @param hasPromoted this run has moved `AWSCURRENT`, so the token secret was stale for good reason
   */
  async syncTokenSecret({ hasPromoted = false }: { readonly hasPromoted?: boolean } = {}): Promise<void> {
    const { current } = this;
    if (current === undefined || current.versionId === this.#syncedVersionId) return;
    if (hasPromoted) this.#promotedVersionId = current.versionId;
    const { telemetry } = this.#context;
    // An earlier sync of this run was about another version.
    this.#tokenSecret = undefined;
    this.isTokenSecretStale = undefined;
    this.isTokenSecretUnreadable = undefined;
    // After a promotion, the announcement comes next.
    const state = await syncTokenSecret(this.#context, current, hasPromoted ? ANNOUNCE_MAX_MS : 0);
    if (state === undefined) return;
    this.#syncedVersionId = current.versionId;
    const isExpected = current.versionId === this.#promotedVersionId;
    this.#tokenSecret = state.kind;
    this.isTokenSecretUnreadable = state.kind === 'unusable';
    // A token secret that cannot be read is not known to be stale.
    const isStale = 'problem' in state || (state.kind === 'repaired' && !isExpected);
    this.isTokenSecretStale = this.isTokenSecretUnreadable ? undefined : isStale;
    if ('problem' in state) {
      const { name: code, message: reason } = state.problem;
      const entry = this.isTokenSecretUnreadable ? 'TokenSecretUnreadable' : 'TokenSecretBehind';
      telemetry.warn(this.isTokenSecretUnreadable ? LOG_EVENTS.tokenSecretUnreadable : LOG_EVENTS.tokenSecretStale, {
        code,
        reason,
        runbook: toRunbookEntry(entry),
      });
    } else if (this.isTokenSecretStale) {
      telemetry.info(LOG_EVENTS.tokenSecretRepaired);
    }
  }

  #secondsUntilDue(nowMs: number): number {
    const { current } = this;
    if (current === undefined) return 0;
    const { defaultTokenLifetimeSeconds, scheduleSeconds } = this.#context.settings;
    return Math.floor(reportedSecondsUntilDue(current, nowMs, defaultTokenLifetimeSeconds, scheduleSeconds));
  }

  /** Records the states, however a run ends. A run that could not read the secret records none: 0 would be wrong for a valid token. */
  recordStates(): void {
    if (!this.#hasRead) return;
    const { isReauthorizationRequired, isTokenSecretStale, isTokenSecretUnreadable } = this;
    const { telemetry, runtime } = this.#context;
    const document = this.current?.document;
    telemetry.note({ versionId: this.current?.versionId, expiresAt: document && expiresAt(document) });
    const nowMs = runtime.now();
    telemetry.recordStates({
      tokenSecondsRemaining: document ? secondsRemaining(document, nowMs) : 0,
      tokenSecondsUntilDue: this.#secondsUntilDue(nowMs),
      isReauthorizationRequired,
      isTokenSecretStale,
      isTokenSecretUnreadable,
    });
  }
}

function needsReauthorization(code: string): boolean {
  return code === 'REAUTHORIZATION_REQUIRED' || code === 'REAUTHORIZATION_PROBABLE';
}
