import { HOUR_MS } from '../support/secret-documents.ts';

/** Outage of a service between two times. */
export interface Outage {
  /**
   * - `provider`: the provider cannot be reached;
   * - `answers`: the provider takes requests and never answers them;
   * - `mapping`: the event source mappings are disabled;
   * - `throttled`: Lambda receives messages and starts no run;
   * - `concurrency`: other functions of the account leave two runs at a time;
   * - `emptied`: another consumer takes the messages of both queues;
   * - `sweeps`: no sweep runs.
   */
  readonly of: 'provider' | 'answers' | 'mapping' | 'throttled' | 'concurrency' | 'emptied' | 'sweeps';
  readonly fromMs: number;
  readonly toMs: number;
}

/** Time after the start and after an outage in which refreshes are late because all tokens are due together. */
const BURST_MS = HOUR_MS;

/** Distinguishes quiet times from bursts. */
export class FleetCalendar {
  readonly #burstsFromMs: readonly number[];
  readonly #outage: Outage | undefined;

  constructor(startMs: number, outage: Outage | undefined) {
    this.#outage = outage;
    this.#burstsFromMs = outage === undefined ? [startMs] : [startMs, outage.toMs];
  }

  isOut(what: Outage['of'], atMs: number): boolean {
    return this.#outage?.of === what && atMs >= this.#outage.fromMs && atMs < this.#outage.toMs;
  }

  touchesOutage(fromMs: number, toMs: number): boolean {
    return this.#outage !== undefined && fromMs < this.#outage.toMs && toMs > this.#outage.fromMs;
  }

  /** Returns the time from which a refresh is late. During an outage, this is its end. */
  lateFromMs(fromMs: number, toMs: number): number {
    return this.#outage !== undefined && this.touchesOutage(fromMs, toMs) ? this.#outage.toMs : fromMs;
  }

  isBurst(atMs: number): boolean {
    return this.#burstsFromMs.some((fromMs) => atMs >= fromMs && atMs < fromMs + BURST_MS);
  }
}

/** The longest of many waits. Waits that begin in a burst are counted separately. */
export class Longest {
  quietMs = 0;
  burstMs = 0;
  readonly #calendar: FleetCalendar;

  constructor(calendar: FleetCalendar) {
    this.#calendar = calendar;
  }

  see(fromMs: number, toMs: number): void {
    const lateFromMs = this.#calendar.lateFromMs(fromMs, toMs);
    const waitMs = toMs - lateFromMs;
    if (this.#calendar.isBurst(lateFromMs)) this.burstMs = Math.max(this.burstMs, waitMs);
    else this.quietMs = Math.max(this.quietMs, waitMs);
  }
}
