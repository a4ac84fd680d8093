import { JOURNAL_STAGE } from '../../lambda/contract.ts';
import type { Settings } from '../../lambda/core/context.ts';
import type {
  CredentialStore,
  Runtime,
  Telemetry,
  TokenEndpoint,
  TokenSecret,
  TokenStates,
} from '../../lambda/core/ports.ts';
import type { VersionLimits } from '../sandbox/aws/secret.ts';
import { SecretsManager } from '../sandbox/aws/secrets-manager.ts';
import type { Choices } from '../support/choices.ts';
import { SECRET_ID, Violation, Witness } from './invariants.ts';
import { Provider, type ProviderKind } from './provider.ts';
import { TOKEN_SECRET_ID, TokenSecretWitness } from './token-secret-witness.ts';

/** Ports of one run. */
interface Ports {
  readonly store: CredentialStore;
  readonly tokenSecret: TokenSecret | undefined;
  readonly tokenEndpoint: TokenEndpoint;
  readonly runtime: Runtime;
  readonly settings: Settings;
}

/** Changes the answers that a run gets, to compare the protocol with another policy. */
export type Policy = (ports: Ports, world: World) => Ports;

interface WorldOptions {
  readonly limits?: Partial<VersionLimits>;
  readonly policy?: Policy | undefined;
}

/** Maximum time that a label may lag. */
const LABEL_LAG_MS = 1_000;

/** Thrown in a call of a run that has crashed. */
export const NOBODY_GOES_ON = Symbol();

interface Scheduled {
  readonly atMs: number;
  readonly name: string;
  /** May return {@link NOBODY_GOES_ON}. */
  readonly act: () => unknown;
}

/** One secret, one authorization server, one clock, and whatever is about to happen, in order of time. */
export class World {
  nowMs = Date.UTC(2026, 0, 1);
  readonly secretsManager: SecretsManager;
  readonly provider: Provider;
  readonly witness: Witness;
  readonly labels: Labels;
  readonly tokenSecretWitness: TokenSecretWitness;
  /** Those of the token secret. */
  readonly tokenLabels: Labels;
  /** An operator moved the journal's label, which may hide how the last attempt ended until the token is due. */
  isLabelTouched = false;
  /** The walk does without: its states are many enough. */
  hasTokenSecret = false;
  readonly faults: Faults;
  readonly policy: (ports: Ports) => Ports;
  /** Called with everything that happens, for a person who wants to follow a history. */
  trace: ((nowMs: number, what: string) => void) | undefined;
  readonly #scheduled: Scheduled[] = [];
  /** Time that a read by id may lag behind a put. The lease leaves half a minute for it. */
  idLagMs = 0;
  /** Turns of the event loop that a run gets to come to its next call. Half would do; a test sees that more change nothing. */
  microtaskTurns = 16;
  #number = 0;
  #brokenUntilMs = 0;
  #brokenCalls = '';
  #violation: Violation | undefined;

  constructor(choices: Choices, kind: ProviderKind, { limits = {}, policy = (ports) => ports }: WorldOptions = {}) {
    this.secretsManager = new SecretsManager({ now: () => this.nowMs, arnSuffix: () => 'AbCdEf', ...limits });
    this.provider = new Provider(kind);
    this.witness = new Witness(this.secretsManager, this.provider);
    this.labels = new Labels(this, SECRET_ID);
    this.tokenSecretWitness = new TokenSecretWitness(this.secretsManager, this.provider, this.witness);
    this.tokenLabels = new Labels(this, TOKEN_SECRET_ID);
    this.faults = new Faults(choices);
    this.policy = (ports) => policy(ports, this);
  }

  /** Creates the token secret of this deployment, without a value. */
  createTokenSecret(): void {
    this.secretsManager.createSecret({ Name: TOKEN_SECRET_ID });
    this.hasTokenSecret = true;
  }

  /** Whether a read by id may not see yet a version that was put then. */
  lags(createdAtMs: number): boolean {
    return this.nowMs - createdAtMs < this.idLagMs && this.faults.isStaleRead();
  }

  nextNumber(): number {
    return ++this.#number;
  }

  /** Not thrown where it is found: the protocol under test may well catch what a port throws. */
  judge(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.fail(error);
    }
  }

  /** Takes Secrets Manager, or only its puts, out of service for longer than a run lasts. */
  breakStore(durationMs: number, isOfPuts: boolean): void {
    this.faults.count(isOfPuts ? 'outage of puts' : 'store outage');
    this.#brokenUntilMs = this.nowMs + durationMs;
    this.#brokenCalls = isOfPuts ? 'put' : '';
  }

  isBroken(call: string): boolean {
    return this.nowMs < this.#brokenUntilMs && call.startsWith(this.#brokenCalls);
  }

  fail(violation: Violation): void {
    this.#violation ??= violation;
  }

  /**
   * Things of the same moment happen in the order in which they were planned.
   *
   * @param name distinguishes it from everything else that may be pending with it
   */
  at(atMs: number, act: () => unknown, name = ''): void {
    let place = this.#scheduled.length;
    while (place > 0 && (this.#scheduled[place - 1]?.atMs ?? 0) > atMs) place--;
    this.#scheduled.splice(place, 0, { atMs, act, name });
  }

  /** Until nothing is left to happen before `untilMs`. @throws Violation */
  async play(untilMs: number): Promise<void> {
    await this.#letRunsGoOn();
    for (;;) {
      const next = this.#scheduled[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, next.atMs);
      await this.perform(0);
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  /** All pending events. A caller that ignores time can try them in every order. */
  get pending(): readonly { readonly name: string }[] {
    return this.#scheduled;
  }

  /** Makes one pending thing happen. @throws Violation */
  async perform(index: number): Promise<void> {
    const next = this.#scheduled[index];
    this.#scheduled.splice(index, 1);
    if (next?.name) this.trace?.(this.nowMs, next.name);
    if (next?.act() !== NOBODY_GOES_ON) await this.#letRunsGoOn();
  }

  /** Lets everything that was just started come to its first call. */
  async finishPending(): Promise<void> {
    await this.#letRunsGoOn();
    await this.#letRunsGoOn();
  }

  dropPending(): void {
    this.#scheduled.length = 0;
  }

  /** One thing happened to one run: it cannot continue by itself once it has made its next call, or is out of turns. */
  async #letRunsGoOn(): Promise<void> {
    const { length } = this.#scheduled;
    for (let turn = 0; turn < this.microtaskTurns && this.#scheduled.length === length; turn++) await undefined;
    if (this.#violation) throw this.#violation;
  }
}

/** Where the two labels are, and where they were a moment ago. */
class Labels {
  /** Number of moves of a label, by anyone. */
  moves = 0;
  readonly #world: World;
  readonly #secretId: string;
  readonly #holders = new Map<string, { now: string | undefined; before: string | undefined; movedAtMs: number }>();

  constructor(world: World, secretId: string) {
    this.#world = world;
    this.#secretId = secretId;
  }

  /** After each commit. */
  note(): void {
    for (const stage of ['AWSCURRENT', JOURNAL_STAGE]) {
      const now = this.#holder(stage);
      const known = this.#holders.get(stage);
      if (known?.now === now) continue;
      this.#holders.set(stage, { now, before: known?.now, movedAtMs: this.#world.nowMs });
      this.moves++;
    }
  }

  /** The version that held the label until a moment ago. */
  before(stage: string): string | undefined {
    const known = this.#holders.get(stage);
    return known !== undefined && this.#world.nowMs - known.movedAtMs < LABEL_LAG_MS ? known.before : undefined;
  }

  #holder(stage: string): string | undefined {
    return this.#world.secretsManager.peek(this.#secretId, { stage })?.id;
  }
}

export type CallFault = 'crash-before' | 'crash-after' | 'refused' | 'answer-lost';
export type PostFault =
  | 'crash-before'
  | 'crash-after'
  | 'not-sent'
  | 'throttled'
  | 'unrecognized'
  | 'misdirected'
  | 'ambiguous-before'
  | 'ambiguous-after'
  | 'hangs-before'
  | 'hangs-after'
  | 'refresh-token-only';

/** Latencies of a slow history; the last is as long as that call may take. */
const SLOW_MS = [5, 10, 50, 200, 1_000, undefined];
const VERY_SLOW_PARTS = [1, 1, 1 / 2, 1 / 4];

/** Faults, as often as this history has them. Everything is harmless while `oneIn` is 0. */
export class Faults {
  /** One call in so many fails; 0: none. */
  oneIn = 0;
  pace: 'fast' | 'slow' | 'very slow' = 'fast';
  isAnswerUnlucky = false;
  /** The next POST arrives so late. */
  slowPostMs = 0;
  #nextPost: PostFault | undefined;
  readonly counts = new Map<string, number>();
  readonly #choices: Choices;

  constructor(choices: Choices) {
    this.#choices = choices;
  }

  ofCall(): CallFault | undefined {
    return this.#strike(['refused', 'answer-lost', 'crash-before', 'crash-after']);
  }

  /** The next POST is lost, there or on its way back. */
  willLose(loss: 'the request' | 'the answer'): void {
    this.#nextPost = loss === 'the request' ? 'ambiguous-before' : 'ambiguous-after';
  }

  ofPost(): PostFault | 'none' {
    const next = this.#nextPost;
    this.#nextPost = undefined;
    if (next !== undefined) return next;
    const faults = [
      'ambiguous-after',
      'ambiguous-before',
      'crash-before',
      'crash-after',
      'not-sent',
      'throttled',
      'unrecognized',
      'misdirected',
      'refresh-token-only',
      'hangs-before',
      'hangs-after',
    ] as const;
    // There is one POST for each eight calls of the store: it has its own odds.
    return this.#strike(faults, Math.min(this.oneIn, 4)) ?? 'none';
  }

  /** @param maxMs longest duration in this history */
  postLatencyMs(maxMs: number): number {
    const latencyMs = this.slowPostMs || this.latencyMs(maxMs);
    this.slowPostMs = 0;
    return latencyMs;
  }

  isLostOnItsWay(): boolean {
    return this.#choices.happens(2);
  }

  /** Puts fail just as an answer arrives: the environment's memory exists for this case. */
  breaksOnAnswer(): boolean {
    return this.isAnswerUnlucky && this.#choices.happens(2);
  }

  isStaleRead(): boolean {
    const isStale = this.#choices.happens(this.oneIn);
    if (isStale) this.count('stale read');
    return isStale;
  }

  latencyMs(maxMs: number): number {
    if (this.pace === 'fast') return 5 + (this.oneIn > 0 ? this.#choices.next(4) * 5 : 0);
    const choice = this.#choices.next(this.pace === 'slow' ? SLOW_MS.length : VERY_SLOW_PARTS.length);
    return this.pace === 'slow' ? (SLOW_MS[choice] ?? maxMs) : maxMs * (VERY_SLOW_PARTS[choice] ?? 1);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  #strike<Fault extends string>(faults: readonly [Fault, ...Fault[]], oneIn = this.oneIn): Fault | undefined {
    if (!this.#choices.happens(oneIn)) return undefined;
    const fault = this.#choices.pick(faults);
    this.count(fault);
    return fault;
  }
}

/** Telemetry that is not read. */
export class Silence implements Telemetry {
  info(_message: string): void {}
  warn(_message: string): void {}
  error(): void {}
  note(): void {}
  recordStates(_states: TokenStates): void {}
  countRefreshed(): void {}
  countFailed(): void {}
  countTokenNotStored(): void {}
  countClaimTakenOver(): void {}
  recordExchangeMilliseconds(): void {}
}
