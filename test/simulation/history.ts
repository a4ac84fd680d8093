import { parseDocument, secondsRemaining } from '../../lambda/core/credentials.ts';
import type { TokenStates } from '../../lambda/core/ports.ts';
import type { Choices } from '../support/choices.ts';
import { readVersion, SECRET_ID, Violation } from './invariants.ts';
import { emptyTokenSecret, fix, operate, removeLabel } from './operator.ts';
import { CLIENT_SECRET, PROVIDER_KINDS } from './provider.ts';
import { type Environment, SimulatedRun } from './simulated-run.ts';
import { forecast, holdsTrue } from './status-forecast.ts';
import { type Faults, Silence, World } from './world.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Outcomes after which the next tick would only find the token fresh. */
const SETTLED = new Set(['refreshed', 'fresh', 'adopted']);

/** So few versions, kept so shortly, that old ones are purged while a history lasts. */
const PURGING = { maxVersions: 8, retentionMs: 5 * MINUTE_MS };

export interface Played {
  /** Number of times that each outcome, fault and accident was seen. */
  readonly counts: ReadonlyMap<string, number>;
  readonly violation: Violation | undefined;
  /** Hands {@link Choices.replay} the very same history. */
  readonly taken: readonly number[];
}

/** Plays one history, start to end: a chain, a storm, silence, two ticks, and the questions. */
export async function playHistory(choices: Choices, prepare?: (world: World) => void): Promise<Played> {
  const kind = choices.pick(PROVIDER_KINDS);
  const limits = choices.pick([{}, {}, {}, PURGING]);
  const world = new World(choices, kind, { limits });
  const { provider, faults } = world;
  provider.graceMs = choices.pick([MINUTE_MS, HOUR_MS]);
  provider.lifeMs = choices.pick([6 * HOUR_MS, 6 * HOUR_MS, 6 * HOUR_MS, HOUR_MS, HOUR_MS, 20 * MINUTE_MS]);
  if (provider.lifeMs === HOUR_MS) faults.count('tokens of an hour');
  if (provider.lifeMs < HOUR_MS) faults.count('short lifetime');
  provider.repeatsBearer = choices.happens(6);
  if (provider.repeatsBearer) faults.count('repeated tokens');
  provider.retryAfterSeconds = choices.pick([undefined, 30, 7_200, 400 * 86_400]);
  prepare?.(world);
  const history = new History(world, choices, limits === PURGING);
  world.faults.count(`provider: ${kind}`);
  try {
    await history.play();
    return { counts: world.faults.counts, violation: undefined, taken: choices.taken };
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return { counts: world.faults.counts, violation: error, taken: choices.taken };
  }
}

class History {
  readonly #world: World;
  readonly #choices: Choices;
  readonly #environments: readonly Environment[];
  readonly #isPurging: boolean;
  #runs = 0;
  /** Ending of the last run. */
  #last:
    | { readonly outcome: string; readonly hasStoredPendingAnswer: boolean; readonly retryAtMs: number | undefined }
    | undefined;

  constructor(world: World, choices: Choices, isPurging: boolean) {
    this.#isPurging = isPurging;
    this.#world = world;
    this.#choices = choices;
    // Two stacks on one secret, or a timeout that was changed: the leases of runs differ.
    const isMixed = choices.happens(4);
    this.#environments = [60_000, 60_000, isMixed ? 120_000 : 60_000].map((timeoutMs) => ({
      memory: {},
      handed: [],
      isBusy: false,
      timeoutMs,
    }));
    world.faults.isAnswerUnlucky = choices.happens(4);
    // The lease of a run leaves half a minute for reads by id that lag.
    world.idLagMs = choices.happens(8) ? 30_000 : 0;
  }

  async play(): Promise<void> {
    const { secretsManager, provider, labels, witness } = this.#world;
    const credentials = { client_id: 'id', client_secret: 'secret', refresh_token: provider.authorize(), note: 0 };
    secretsManager.createSecret({ Name: SECRET_ID, SecretString: JSON.stringify(credentials) });
    labels.note();
    this.#world.createTokenSecret();
    this.#writeALot();
    witness.afterOperator();
    await this.#makeChain();
    await this.#storm();
    await this.#calm();
    await this.#untilRetry();
    if (witness.isSpentInBothLabels() || this.#mayHideRevocation()) await this.#untilDue();
    this.#examine();
    this.#examineEnvironments();
    await this.#examineTokenSecret();
  }

  /** Operators have written so often today that there may be no room for an attempt. */
  #writeALot(): void {
    const { secretsManager, faults, witness } = this.#world;
    let count = this.#choices.happens(24) ? this.#choices.pick([84, 87, 93, 97]) : 0;
    if (this.#isPurging) count = 0;
    if (count > 0) faults.count('many versions');
    for (; count > 0; count--)
      secretsManager.putSecretValue({ SecretId: SECRET_ID, SecretString: this.#currentText() });
    witness.afterOperator();
  }

  #currentText(): string {
    const { secretsManager, witness } = this.#world;
    return readVersion(secretsManager, witness.currentVersionId()) ?? '{}';
  }

  /** No faults yet: zero to two refreshes, so that there are old documents to go back to. */
  async #makeChain(): Promise<void> {
    for (let link = this.#choices.pick([0, 1, 0, 2, 1]); link > 0; link--) {
      this.#start(false, 0);
      await this.#world.play(this.#world.nowMs + 4 * HOUR_MS);
    }
  }

  async #storm(): Promise<void> {
    const { faults } = this.#world;
    faults.oneIn = this.#choices.pick([0, 32, 12, 5]);
    faults.pace = this.#choices.pick(['fast', 'slow', 'very slow']);
    const startMs = this.#world.nowMs;
    if (this.#choices.happens(8))
      this.#world.at(startMs + this.#choices.pick([30, 60, 5 * SECOND_MS]), () =>
        this.#world.breakStore(70 * SECOND_MS, this.#choices.happens(2)),
      );
    if (this.#choices.happens(16)) this.#beInTrouble();
    if (this.#isPurging && this.#choices.happens(8)) this.#loseLabelWhileSending();
    for (let acts = 1 + this.#choices.next(4); acts > 0; acts--) {
      const offsetMs = this.#choices.pick([
        0,
        10,
        25,
        60,
        400,
        5 * SECOND_MS,
        15 * SECOND_MS,
        25 * SECOND_MS,
        35 * SECOND_MS,
        50 * SECOND_MS,
        61 * SECOND_MS,
        95 * SECOND_MS,
        155 * SECOND_MS,
        35 * MINUTE_MS,
      ]);
      const isRun = this.#choices.next(3) < 2;
      const isForced = this.#choices.next(3) === 2;
      const skewMs = this.#choices.pick([0, 29_000, -29_000]);
      this.#world.at(startMs + offsetMs, () =>
        isRun ? this.#start(isForced, skewMs) : operate(this.#world, this.#choices),
      );
    }
    await this.#world.play(startMs + 40 * MINUTE_MS);
    if (this.#environments.some(({ memory }) => memory.pendingAnswer)) await this.#thaw();
    if (!this.#currentText().includes(`"${CLIENT_SECRET}"`)) {
      fix(this.#world);
      this.#world.labels.note();
      this.#world.witness.afterOperator();
    }
  }

  /** An environment that was frozen with an answer in memory serves an invocation again, minutes or hours later. */
  async #thaw(): Promise<void> {
    const { faults } = this.#world;
    faults.count('thaw');
    const untilMs = this.#choices.pick([0, 20 * MINUTE_MS, 3 * HOUR_MS]);
    const frozen = this.#environments.filter(({ memory }) => memory.pendingAnswer);
    const other = this.#environments.find(({ memory, isBusy }) => !memory.pendingAnswer && !isBusy);
    // Another one may have asked again meanwhile, and have been answered: then two answers to one token meet.
    if (other !== undefined && this.#choices.happens(2)) {
      this.#startIn(other, this.#choices.happens(4), 0);
      await this.#world.play(this.#world.nowMs + 3 * MINUTE_MS);
    }
    await this.#world.play(this.#world.nowMs + untilMs);
    for (const environment of frozen) if (!environment.isBusy) this.#startIn(environment, false, 0);
    await this.#world.play(this.#world.nowMs + 5 * MINUTE_MS);
  }

  /** Retently rejects everyone in its own words, asks for pauses, or never answers. Ticks continue. */
  #beInTrouble(): void {
    const { provider, faults, nowMs } = this.#world;
    const kind = this.#choices.pick(['unrecognized', 'throttled', 'hangs-before'] as const);
    faults.count(`server: ${kind} for long`);
    provider.trouble = { kind, untilMs: nowMs + 40 * MINUTE_MS };
    for (let minutes = 5; minutes < 40; minutes += 5) {
      this.#world.at(nowMs + minutes * MINUTE_MS, () => this.#start(false, 0));
    }
  }

  /** So many attempts fail that the first claims are purged; then the journal's label is removed while a run sends the token. */
  #loseLabelWhileSending(): void {
    const { provider, faults, nowMs } = this.#world;
    faults.count('label lost while sending');
    const [untilMs, slowMs] = [nowMs + 30 * MINUTE_MS, 20 * SECOND_MS];
    provider.trouble = { kind: 'unrecognized', untilMs };
    for (let minutes = 0; minutes < 30; minutes += 2) {
      this.#world.at(nowMs + minutes * MINUTE_MS, () => this.#start(true, 0));
    }
    this.#world.at(untilMs, () => {
      faults.slowPostMs = slowMs;
      this.#start(true, 0);
    });
    this.#world.at(untilMs + slowMs / 2, () => removeLabel(this.#world));
    this.#world.at(untilMs + slowMs / 2 + SECOND_MS, () => this.#start(false, 0));
  }

  /** Faults are over: an hour of ticks, which is all that is promised to be needed. */
  async #calm(): Promise<void> {
    const { faults } = this.#world;
    faults.oneIn = 0;
    faults.pace = 'fast';
    faults.isAnswerUnlucky = false;
    await this.#storePending();
    // The longest back-off is over within an hour.
    for (const _tick of [1, 2, 3]) {
      const forecasted = this.#choices.happens(8) ? await forecast(this.#world) : undefined;
      this.#start(false, 0);
      await this.#world.play(this.#world.nowMs + 30 * MINUTE_MS);
      if (forecasted !== undefined) this.#compare(forecasted);
      if (SETTLED.has(this.#last?.outcome ?? '')) break;
    }
    if (this.#world.provider.lifeMs > HOUR_MS || !SETTLED.has(this.#last?.outcome ?? '')) return;
    // A token of an hour may have expired in half an hour: the questions come right after a tick.
    this.#start(false, 0);
    await this.#world.play(this.#world.nowMs + 2 * MINUTE_MS);
  }

  /** Each environment that holds an answer is invoked, now that puts work. */
  async #storePending(): Promise<void> {
    const pending = this.#environments.filter(({ memory, isBusy }) => memory.pendingAnswer && !isBusy);
    for (const environment of pending) this.#startIn(environment, false, 0);
    if (pending.length > 0) await this.#world.play(this.#world.nowMs + 2 * MINUTE_MS);
  }

  /** An attempt without room for its answer waits until versions have aged, and one after a pause that the server asked for. */
  async #untilRetry(): Promise<void> {
    const { outcome, retryAtMs } = this.#last ?? {};
    if (outcome !== 'waiting' || retryAtMs === undefined) return;
    this.#world.faults.count(this.#hasManyVersions() ? 'waited for room' : 'waited for the server');
    await this.#world.play(retryAtMs);
    await this.#calm();
  }

  #hasManyVersions(): boolean {
    return this.#world.faults.counts.has('many versions');
  }

  /** An answer in an environment that never crashed is recorded by now, or another answer to the same token is. */
  #examineEnvironments(): void {
    const { witness } = this.#world;
    for (const { parent, refreshToken } of this.#environments.flatMap(({ handed }) => handed)) {
      if (!witness.isSettled(parent, refreshToken))
        throw new Violation(
          'I1',
          `${refreshToken} was given to an environment that never crashed, and is not recorded`,
        );
    }
  }

  /** Compares the prediction of `status` with the run that followed. A run with an answer in memory stores that answer first. */
  #compare(forecasted: string): void {
    this.#world.faults.count(`status: ${forecasted}`);
    const { outcome, hasStoredPendingAnswer } = this.#last ?? {};
    if (outcome === undefined || hasStoredPendingAnswer || holdsTrue(forecasted, outcome)) return;
    throw new Violation('I7', `status said ${forecasted}, and the run that followed ended with ${outcome}`);
  }

  /** Without the journal's label, a document looks as if nothing were owed, and only the next refresh shows a revoked grant. */
  #mayHideRevocation(): boolean {
    const { witness, provider, isLabelTouched } = this.#world;
    return isLabelTouched && !provider.isLive(witness.currentToken() ?? '') && SETTLED.has(this.#last?.outcome ?? '');
  }

  /** Both labels on a spent document look as if nothing were owed. Only when it is due does its successor come to light. */
  async #untilDue(): Promise<void> {
    await this.#world.play(this.#world.nowMs + 3 * HOUR_MS);
    await this.#calm();
  }

  #start(isForced: boolean, skewMs: number): void {
    const free = this.#environments.filter(({ isBusy }) => !isBusy);
    const environment = free[this.#choices.next(Math.max(1, free.length))];
    if (environment !== undefined) this.#startIn(environment, isForced, skewMs);
  }

  #startIn(environment: Environment, isForced: boolean, skewMs: number): void {
    const run = new SimulatedRun(this.#world, ++this.#runs, environment, isForced, skewMs);
    void run.play(run.context(new CountingTelemetry(this.#world, run))).then((outcome) => {
      if (run.hasStoredPendingAnswer) this.#world.faults.count('pending answer stored');
      else if (outcome === 'fresh' && !isForced && !run.isLate) run.judgeFreshTick();
      const { retryAtMs } = run;
      if (outcome === 'waiting' && retryAtMs !== undefined && !isForced && !this.#hasManyVersions())
        this.#world.judge(() => this.#world.witness.afterWait(retryAtMs));
      this.#world.faults.count(`outcome: ${outcome}`);
      this.#last = { outcome, hasStoredPendingAnswer: run.hasStoredPendingAnswer, retryAtMs: run.retryAtMs };
      this.#world.trace?.(this.#world.nowMs, `${run.id} ends: ${outcome}`);
    });
  }

  /** However the runs ended, the token secret's readers get the token of AWSCURRENT. */
  async #examineTokenSecret(): Promise<void> {
    const { tokenSecretWitness, faults } = this.#world;
    if (tokenSecretWitness.isForeign()) {
      faults.count('another thing in the token secret at the end');
      // Someone has read the alarm.
      emptyTokenSecret(this.#world);
      this.#start(false, 0);
      await this.#world.play(this.#world.nowMs + 30 * MINUTE_MS);
    }
    if (!tokenSecretWitness.isInSync())
      throw new Violation('I9', 'the token secret is stale, and nothing is wrong with it');
  }

  #examine(): void {
    const { witness, provider, secretsManager, nowMs } = this.#world;
    const outcome = this.#last?.outcome ?? 'nothing';
    const secretString = readVersion(secretsManager, witness.currentVersionId());
    const token = witness.currentToken() ?? '';
    if (witness.isPassedOver(token))
      throw new Violation(
        'I1',
        `${token} in AWSCURRENT is revoked while the store keeps a live token of the same grant`,
      );
    const isExcused = witness.isLostWithAnswer(token) || witness.isPurged(token);
    if (outcome === 'REAUTHORIZATION_REQUIRED') {
      if (!isExcused) throw new Violation('I1', 'the grant is revoked although no answer was lost');
      return;
    }
    // A slow edit has brought the mistyped secret back, and the run has reported it.
    if (outcome === 'CLIENT_REJECTED' && !this.#currentText().includes(`"${CLIENT_SECRET}"`)) return;
    if (!SETTLED.has(outcome)) throw new Violation('I7', `an hour after the last fault the outcome is ${outcome}`);
    if (!provider.wasSent(token) && !witness.isAnswer(token) && !witness.isLabelOn(token))
      throw new Violation('I4', `the new credentials ${token} are still not used`);
    if (secretString === undefined || secondsRemaining(parseDocument(secretString, ''), nowMs) === 0)
      throw new Violation('I7', 'the access token has expired');
    if (witness.endOfChain()?.refreshToken !== token)
      throw new Violation('I3', 'AWSCURRENT holds a spent refresh token while the journal holds its answer');
    if (witness.wasDeadWhenRecorded(token))
      throw new Violation('I7', `${token} was revoked when it was recorded, looks fresh, and was never tried`);
    if (provider.isLive(token)) return;
    if (!isExcused)
      throw new Violation('I1', `the refresh token ${token} in AWSCURRENT is revoked although no answer was lost`);
    throw new Violation('I7', `the grant of ${token} is revoked, and the run ends with ${outcome}`);
  }
}

/** Counts notable events, and judges the run's report about the token secret. */
class CountingTelemetry extends Silence {
  readonly #world: World;
  readonly #faults: Faults;
  readonly #run: SimulatedRun;

  constructor(world: World, run: SimulatedRun) {
    super();
    this.#world = world;
    this.#faults = world.faults;
    this.#run = run;
  }

  override recordStates({ isTokenSecretStale }: TokenStates): void {
    if (isTokenSecretStale === false && this.#run.tokenSecret?.isRefused)
      this.#world.fail(new Violation('I9', 'a run reports the token secret in sync, and its move was rejected'));
  }

  override countRefreshed(): void {
    this.#faults.count('refreshed');
  }

  override countTokenNotStored(): void {
    this.#faults.count('token not stored');
  }

  override countClaimTakenOver(): void {
    this.#faults.count('claim taken over');
  }
}
