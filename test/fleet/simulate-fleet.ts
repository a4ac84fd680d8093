import { Fault } from '../../lambda/core/fault.ts';
import { DAY_MS } from '../infra/deployed-days.ts';
import { Choices } from '../support/choices.ts';
import { MINUTE_MS, NOW_MS } from '../support/secret-documents.ts';
import { DEPLOYED } from './deployed-fleet.ts';
import { type FleetAccount, toAccount } from './fleet-account.ts';
import { FleetCalendar, type Outage } from './fleet-calendar.ts';
import { FleetEnvironment } from './fleet-environment.ts';
import { FleetFigures } from './fleet-figures.ts';
import { FleetQueue, type Message } from './fleet-queue.ts';
import { CRASHED } from './fleet-run.ts';
import { type ListOrder, sweepFleet } from './fleet-sweep.ts';
import { Timeline } from './timeline.ts';
import { WriteQuota } from './write-quota.ts';

export interface FleetOptions {
  readonly secrets: number;
  readonly days: number;
  readonly seed: number;
  /** MaximumConcurrency of the event source mapping. */
  readonly concurrency: number;
  readonly tickMinutes: number;
  /** What is down for a day, and from which day on. */
  readonly outage: 'none' | Outage['of'];
  readonly outageFromDay: number;
  readonly order: ListOrder;
  /** Of every token, instead of the mix. */
  readonly hours?: number | undefined;
}

const WINDOW_MS = DEPLOYED.windowMinutes * MINUTE_MS;

/** The real core for each message, between a queue that repeats and reorders and a store with a quota. */
export class FleetSimulation {
  readonly figures: FleetFigures;
  readonly quota = new WriteQuota();
  readonly queue: FleetQueue<FleetAccount>;
  readonly lengthMs: number;
  longestSweepMs = 0;
  readonly #options: FleetOptions;
  readonly #startMs = NOW_MS;
  readonly #timeline = new Timeline(NOW_MS);
  readonly #choices: Choices;
  readonly #random = (from: number, to: number): number => from + (this.#choices.next(100_000) / 100_000) * (to - from);
  readonly #world = { timeline: this.#timeline, quota: this.quota, random: this.#random };
  readonly #calendar: FleetCalendar;
  readonly #accounts: readonly FleetAccount[];
  readonly #idle: FleetEnvironment[];

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#choices = Choices.fromSeed(options.seed);
    this.lengthMs = options.days * DAY_MS;
    this.#calendar = new FleetCalendar(this.#startMs, this.#toOutage());
    this.figures = new FleetFigures(this.#calendar);
    this.queue = new FleetQueue(this.#world, this.#calendar, () => this.#poll());
    this.#idle = Array.from({ length: options.concurrency }, () => this.#start());
    this.#accounts = Array.from({ length: options.secrets }, (_, index) =>
      toAccount(this.#world, index, options.hours),
    );
  }

  async run(): Promise<this> {
    const endMs = this.#startMs + this.lengthMs;
    const outage = this.#toOutage();
    if (outage) this.#timeline.after(outage.toMs - this.#startMs, () => this.#poll());
    for (let atMs = 0; atMs < this.lengthMs; atMs += this.#options.tickMinutes * MINUTE_MS) {
      this.#timeline.after(atMs + this.#random(0, WINDOW_MS), () => void this.#sweep());
    }
    await this.#timeline.runUntil(endMs);
    for (const account of this.#accounts) this.figures.judge(account, this.#startMs, endMs);
    return this;
  }

  /** Of Secrets Manager, for all secrets. */
  get calls(): number {
    return this.#accounts.reduce((sum, { secret }) => sum + secret.calls, 0);
  }

  get averageWrites(): number {
    return this.quota.writes / (this.lengthMs / 1_000);
  }

  #toOutage(): Outage | undefined {
    const { outage: of, outageFromDay } = this.#options;
    if (of === 'none') return undefined;
    const fromMs = this.#startMs + outageFromDay * DAY_MS;
    return { of, fromMs, toMs: fromMs + DAY_MS };
  }

  async #sweep(): Promise<void> {
    // Millions of choices, and nobody replays them.
    this.#choices.taken.length = 0;
    const { order } = this.#options;
    const send = (account: FleetAccount) => this.queue.send(account);
    const tookMs = await sweepFleet(this.#world, { accounts: this.#accounts, order, send });
    this.longestSweepMs = Math.max(this.longestSweepMs, tookMs);
  }

  #start(): FleetEnvironment {
    return new FleetEnvironment(this.#world, this.#calendar);
  }

  #poll(): void {
    if (this.#calendar.isOut('function', this.#timeline.nowMs)) return;
    while (this.#idle.length > 0) {
      const message = this.queue.receive();
      if (message === undefined) return;
      const environment = this.#idle.pop();
      if (environment) void this.#invoke(message, environment);
    }
  }

  async #invoke(message: Message<FleetAccount>, environment: FleetEnvironment): Promise<void> {
    const { figures } = this;
    const { body: account, sentAtMs, receives } = message;
    const { nowMs } = this.#timeline;
    figures.runs++;
    figures.betweenRuns.see(account.lastRunMs, nowMs);
    account.lastRunMs = nowMs;
    if (receives === 1) figures.queueWait.see(sentAtMs, nowMs);
    try {
      // From the queue to the function, and back.
      await this.#timeline.wait(this.#random(5, 25));
      await environment.invoke(account);
      this.#idle.push(environment);
    } catch (error) {
      if (error === CRASHED) {
        figures.crashes++;
        this.#idle.push(this.#start());
        this.queue.comeBack(message, nowMs);
      } else if (error instanceof Fault) this.#idle.push(environment);
      else throw error;
    }
    figures.busyMs += this.#timeline.nowMs - nowMs;
    this.#poll();
  }
}
