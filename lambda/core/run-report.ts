import type { Context } from './context.ts';
import { expiresAt, secondsRemaining } from './credentials.ts';
import type { Situation } from './decide.ts';
import { secondsUntilDue } from './due.ts';
import { type DocumentEntry, digestGrant, type FailureCode, type FailureEntry } from './journal.ts';
import { grantOf, load, requireComplete, type Snapshot } from './load.ts';
import type { Outcome, Result } from './result.ts';

/** What one run knows of the secret and of its grant: its answer and its metrics come from here. */
export class RunReport {
  /** The document last seen in, or promoted to, `AWSCURRENT`. */
  current: DocumentEntry | undefined;
  /** `undefined` while nothing is known of the grant. */
  isReauthorizationRequired: boolean | undefined;
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /** @returns `undefined` if the secret has no value yet. @throws Fault as {@link load} */
  async load(): Promise<Snapshot | undefined> {
    const snapshot = await load(this.#context);
    this.current = snapshot?.current;
    this.isReauthorizationRequired ??= false;
    if (snapshot && !snapshot.successor) await requireComplete(this.#context, snapshot);
    return snapshot;
  }

  /** What the next decision depends on. @throws Fault as {@link grantOf} */
  toSituation(snapshot: Snapshot, force: boolean): Situation {
    const { settings, runtime } = this.#context;
    const { current, head } = snapshot;
    const digest = digestGrant(grantOf(this.#context, snapshot), settings.tokenEndpointUrl);
    const isOfThese = head?.kind === 'failure' && head.digest === digest;
    this.isReauthorizationRequired = isOfThese && needsReauthorization(head.code);
    const { defaultTokenLifetimeSeconds: longestLifetimeSeconds } = settings;
    return { current, head, digest, nowMs: runtime.now(), longestLifetimeSeconds, force };
  }

  /** These very credentials ended in this failure. */
  noteFailure({ code }: Pick<FailureEntry, 'code'>): void {
    this.isReauthorizationRequired = needsReauthorization(code);
  }

  toResult(outcome: Outcome, message: string, extra: Pick<Result, 'retryAt' | 'decision' | 'details'> = {}): Result {
    const { settings, runtime } = this.#context;
    return {
      outcome,
      message,
      secretId: settings.secretId,
      versionId: this.current?.versionId ?? null,
      expiresAt: (this.current && expiresAt(this.current.document)) ?? null,
      secondsRemaining: this.current ? secondsRemaining(this.current.document, runtime.now()) : 0,
      ...extra,
    };
  }

  /** However a run ends. One that could not read the secret says nothing: a 0 would be false of a token that lives. */
  recordStates(): void {
    const { isReauthorizationRequired } = this;
    if (isReauthorizationRequired === undefined) return;
    const { telemetry, runtime, settings } = this.#context;
    const document = this.current?.document;
    const expires = document && expiresAt(document);
    telemetry.note({
      ...(this.current && { versionId: this.current.versionId }),
      ...(expires !== undefined && { expiresAt: expires }),
    });
    const nowMs = runtime.now();
    const untilDue = document && Math.floor(secondsUntilDue(document, nowMs, settings.defaultTokenLifetimeSeconds));
    telemetry.recordStates({
      tokenSecondsRemaining: document ? secondsRemaining(document, nowMs) : 0,
      tokenSecondsUntilDue: untilDue !== undefined && untilDue > 0 ? untilDue : 0,
      isReauthorizationRequired,
    });
  }
}

function needsReauthorization(code: FailureCode): boolean {
  return code === 'REAUTHORIZATION_REQUIRED' || code === 'REAUTHORIZATION_PROBABLE';
}
