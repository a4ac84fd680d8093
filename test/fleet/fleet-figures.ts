import { dueAfterSeconds } from '../../lambda/contract.ts';
import type { FleetAccount } from './fleet-account.ts';
import { type FleetCalendar, Longest } from './fleet-calendar.ts';

/** What a simulation counts and measures. */
export class FleetFigures {
  runs = 0;
  crashes = 0;
  refreshes = 0;
  /** Of all execution environments together. */
  busyMs = 0;
  /** Of the messages, each the first time it is received. */
  readonly queueWait: Longest;
  readonly betweenRuns: Longest;
  /** Of sound tokens: from when one was due, or the outage ended, until it was refreshed. */
  readonly overdue: Longest;
  /** Of the same: how long a bearer token was dead, unless it was due in the outage. */
  longestDeadMs = 0;
  /** The same of accounts whose runs are killed, or whose answers are lost and given again. */
  longestDeadOfDisturbedMs = 0;
  readonly #calendar: FleetCalendar;

  constructor(calendar: FleetCalendar) {
    this.#calendar = calendar;
    this.queueWait = new Longest(calendar);
    this.betweenRuns = new Longest(calendar);
    this.overdue = new Longest(calendar);
  }

  /** Counts what the server gave, and judges it if the server always answers in the end. */
  judge({ server, failure, lastRunMs }: FleetAccount, startMs: number, endMs: number): void {
    this.refreshes += server.grantedAtMs.length;
    this.betweenRuns.see(lastRunMs, endMs);
    const isSound = failure === undefined || failure === 'slow';
    if (!isSound && failure !== 'crash' && failure !== 'lost answers, grace') return;
    let dueMs = startMs;
    let deadMs = Number.POSITIVE_INFINITY;
    for (const atMs of [...server.grantedAtMs, endMs]) {
      if (isSound && atMs > dueMs) this.overdue.see(dueMs, atMs);
      if (!this.#calendar.touchesOutage(dueMs, atMs)) this.#seeDead(atMs - deadMs, isSound);
      dueMs = atMs + 1_000 * dueAfterSeconds(Math.min(server.lifeSeconds, 21_600));
      deadMs = atMs + 1_000 * server.lifeSeconds;
    }
  }

  #seeDead(deadMs: number, isSound: boolean): void {
    if (isSound) this.longestDeadMs = Math.max(this.longestDeadMs, deadMs);
    else this.longestDeadOfDisturbedMs = Math.max(this.longestDeadOfDisturbedMs, deadMs);
  }
}
