import { Fault } from '../../lambda/core/fault.ts';
import type { Sweep } from '../../lambda/fleet/sweep-secrets.ts';
import { waitMs } from '../../lambda/fleet/wait-ms.ts';
import { DAY_MS } from '../infra/deployed-days.ts';
import { Choices } from '../support/choices.ts';
import { HOUR_MS, MINUTE_MS, NOW_MS } from '../support/secret-documents.ts';
import { DEPLOYED } from './deployed-fleet.ts';
import { type FleetAccount, type TroubleShare, toAccount } from './fleet-account.ts';
import { FleetCalendar, type Outage } from './fleet-calendar.ts';
import { FleetEnvironment } from './fleet-environment.ts';
import { FleetFigures } from './fleet-figures.ts';
import { FleetQueue, type Message } from './fleet-queue.ts';
import { CRASHED } from './fleet-run.ts';
import { sweepFleet } from './fleet-sweep.ts';
import { Timeline } from './timeline.ts';
import { WriteQuota } from './write-quota.ts';

export interface FleetOptions {
  readonly secrets: number;
  readonly days: number;
  readonly seed: number;
  /** MaximumConcurrency of the two event source mappings. */
  readonly concurrency: number;
  readonly retryConcurrency: number;
  readonly tickMinutes: number;
  readonly outage: 'none' | Outage['of'];
  readonly outageFromDay: number;
  readonly outageHours: number;
  /** A share of the accounts that fails from hour 4 on, in place of the mix. */
  readonly trouble?: Pick<TroubleShare, 'failure' | 'percent'> | undefined;
  readonly troubleHours: number;
  /** Life of every token, in place of the mix. */
  readonly hours?: number | undefined;
  /** Called after each sweep, with the secrets that it read. */
  readonly onSweep?: ((sweep: Sweep, nowMs: number) => void) | undefined;
  /** Called every minute, with the age of the oldest message that is ready for delivery. */
  readonly onMinute?: ((ageMs: number, nowMs: number) => void) | undefined;
}

/** EventBridge Scheduler is precise to a minute. */
const WINDOW_MS = (DEPLOYED.windowMinutes + 1) * MINUTE_MS;
/** Echoes of the first burst meet the troubles. */
const TROUBLE_FROM_MS = 4 * HOUR_MS;
/** Runs that an account has left if other functions use up its concurrency. */
const STARVED_RUNS = 2;

/** An event source mapping: a queue, and the execution environments that take its messages. */
interface Lane {
  readonly queue: FleetQueue<FleetAccount>;
  readonly idle: FleetEnvironment[];
}

/** The real sweep, and the real core for each message, between queues that repeat and reorder and a store with a quota. */
export class FleetSimulation {
  readonly figures: FleetFigures;
  readonly quota = new WriteQuota();
  readonly lanes: { readonly refresh: Lane; readonly retry: Lane };
  readonly lengthMs: number;
  longestSweepMs = 0;
  deferred = 0;
  readonly #options: FleetOptions;
  readonly #startMs = NOW_MS;
  readonly #timeline = new Timeline(NOW_MS);
  readonly #choices: Choices;
  readonly #random = (from: number, to: number): number => from + (this.#choices.next(100_000) / 100_000) * (to - from);
  readonly #world = { timeline: this.#timeline, quota: this.quota, random: this.#random };
  readonly #calendar: FleetCalendar;
  readonly #accounts: readonly FleetAccount[];
  #running = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#choices = Choices.fromSeed(options.seed);
    this.lengthMs = options.days * DAY_MS;
    this.#calendar = new FleetCalendar(this.#startMs, this.#toOutage());
    this.figures = new FleetFigures(this.#calendar);
    this.lanes = { refresh: this.#toLane(options.concurrency), retry: this.#toLane(options.retryConcurrency) };
    const fromMs = this.#startMs + TROUBLE_FROM_MS;
    const share = options.trouble && { ...options.trouble, fromMs, toMs: fromMs + options.troubleHours * HOUR_MS };
    this.#accounts = Array.from({ length: options.secrets }, (_, index) =>
      toAccount(this.#world, index, options.hours, share),
    );
  }

  async run(): Promise<this> {
    const endMs = this.#startMs + this.lengthMs;
    const outage = this.#toOutage();
    if (outage) this.#timeline.after(outage.toMs - this.#startMs, () => this.#poll());
    for (let atMs = 0; atMs < this.lengthMs; atMs += this.#options.tickMinutes * MINUTE_MS) {
      this.#timeline.after(atMs + this.#random(0, WINDOW_MS), () => void this.#sweep());
    }
    this.#sample();
    await this.#timeline.runUntil(endMs);
    const troubleEndsMs = this.#startMs + TROUBLE_FROM_MS + this.#options.troubleHours * HOUR_MS;
    for (const account of this.#accounts) {
      this.figures.judge(account, this.#startMs, endMs);
      if (this.#options.trouble && troubleEndsMs < endMs) this.figures.judgeRecovery(account, troubleEndsMs, endMs);
    }
    return this;
  }

  /** Calls to Secrets Manager for all secrets. */
  get calls(): number {
    return this.#accounts.reduce((sum, { secret }) => sum + secret.calls, 0);
  }

  /** Neither the provider nor the function fails, and no share of the accounts. */
  get isSteady(): boolean {
    return this.#options.outage === 'none' && this.#options.trouble === undefined;
  }

  get averageWrites(): number {
    return this.quota.writes / (this.lengthMs / 1_000);
  }

  #toOutage(): Outage | undefined {
    const { outage: of, outageFromDay, outageHours } = this.#options;
    if (of === 'none') return undefined;
    const fromMs = this.#startMs + outageFromDay * DAY_MS;
    return { of, fromMs, toMs: fromMs + outageHours * HOUR_MS };
  }

  #toLane(concurrency: number): Lane {
    return {
      queue: new FleetQueue(this.#world, this.#calendar, () => this.#poll()),
      idle: Array.from({ length: concurrency }, () => this.#start()),
    };
  }

  async #sweep(): Promise<void> {
    // Millions of choices, and no one replays them.
    this.#choices.taken.length = 0;
    const startedAtMs = this.#timeline.nowMs;
    if (this.#calendar.isOut('sweeps', startedAtMs)) return;
    const sweep = await sweepFleet(this.#world, {
      accounts: this.#accounts,
      tickMinutes: this.#options.tickMinutes,
      countWaiting: (lane) => this.lanes[lane].queue.waitingBefore,
      send: (lane, account, turn, delayMs) => this.lanes[lane].queue.send(account, turn, delayMs),
    });
    if (sweep.problem) throw sweep.problem;
    this.#options.onSweep?.(sweep, this.#timeline.nowMs);
    this.deferred += sweep.deferred;
    this.longestSweepMs = Math.max(this.longestSweepMs, this.#timeline.nowMs - startedAtMs);
  }

  #sample(): void {
    for (const { queue } of [this.lanes.refresh, this.lanes.retry]) queue.sample();
    this.#options.onMinute?.(this.lanes.refresh.queue.oldestAgeMs, this.#timeline.nowMs);
    this.#timeline.after(MINUTE_MS, () => this.#sample());
  }

  #start(): FleetEnvironment {
    return new FleetEnvironment(this.#world, this.#calendar);
  }

  #poll(): void {
    const { nowMs } = this.#timeline;
    if (this.#calendar.isOut('mapping', nowMs)) return;
    for (const lane of [this.lanes.refresh, this.lanes.retry]) {
      while (lane.idle.length > 0) {
        const message = lane.queue.receive();
        if (message === undefined) break;
        if (this.#calendar.isOut('emptied', nowMs)) continue;
        const isStarved = this.#calendar.isOut('concurrency', nowMs) && this.#running >= STARVED_RUNS;
        // Lambda keeps a message that it cannot start a run for until the visibility timeout is over.
        if (isStarved || this.#calendar.isOut('throttled', nowMs)) lane.queue.comeBack(message, nowMs);
        else void this.#invoke(message, lane, lane.idle.pop() ?? this.#start());
      }
    }
  }

  async #invoke(message: Message<FleetAccount>, lane: Lane, environment: FleetEnvironment): Promise<void> {
    const { figures } = this;
    const { body: account, turn, sentAtMs, receives } = message;
    const { nowMs } = this.#timeline;
    this.#running++;
    if (account.failure === undefined) figures.runsOfHealthy++;
    message.hasRun = true;
    if (receives === 1) figures.queueWait.see(Math.max(sentAtMs, turn.startAtMs ?? 0), nowMs);
    try {
      // From the queue to the function, and back.
      await this.#timeline.wait(this.#random(5, 25));
      const delayMs = waitMs(turn, this.#timeline.nowMs, this.#random(0, 1));
      if (delayMs === undefined) figures.late++;
      else {
        await this.#timeline.wait(delayMs);
        figures.runs++;
        await environment.invoke(account);
      }
      lane.idle.push(environment);
    } catch (error) {
      if (error === CRASHED) {
        figures.crashes++;
        lane.idle.push(this.#start());
        lane.queue.comeBack(message, nowMs);
      } else if (error instanceof Fault) lane.idle.push(environment);
      else throw error;
    }
    this.#running--;
    figures.busyMs += this.#timeline.nowMs - nowMs;
    this.#poll();
  }
}
