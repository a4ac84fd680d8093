import { dueAfterSeconds } from '../../lambda/contract.ts';
import type { FleetAccount } from './fleet-account.ts';
import { type FleetCalendar, Longest } from './fleet-calendar.ts';

/** What a simulation counts and measures. */
export class FleetFigures {
  runs = 0;
  /** Of accounts with nothing wrong: runs, late messages included, and what came of them. */
  runsOfSound = 0;
  refreshesOfSound = 0;
  /** Messages that were received too late for their turn. */
  late = 0;
  /** Sound accounts, and those whose token expired while the provider and the function worked. */
  sound = 0;
  soundOfAnHour = 0;
  expired = 0;
  crashes = 0;
  refreshes = 0;
  /** Of all execution environments together. */
  busyMs = 0;
  /** Of the messages, each the first time it is received. */
  readonly queueWait: Longest;
  /** Of sound tokens: from when one was due, or the outage ended, until it was refreshed. */
  readonly overdue: Longest;
  /** Of the same: how long a bearer token was dead, unless it was due in the outage. */
  longestDeadMs = 0;
  /** The same of accounts whose runs are killed, or whose answers are lost and given again. */
  longestDeadOfDisturbedMs = 0;
  /** Of sound tokens, all of which are due at the start. */
  overdueAtStartMs = 0;
  /** From the end of the troubles of a share until the last of its accounts is fresh. */
  recoveryMs = 0;
  readonly #calendar: FleetCalendar;

  constructor(calendar: FleetCalendar) {
    this.#calendar = calendar;
    this.queueWait = new Longest(calendar);
    this.overdue = new Longest(calendar);
  }

  /** Counts what the server gave, and judges it if the server always answers in the end. */
  judge({ server, failure }: FleetAccount, startMs: number, endMs: number): void {
    this.refreshes += server.grantedAtMs.length;
    if (failure === undefined) this.refreshesOfSound += server.grantedAtMs.length;
    const isSound = failure === undefined || failure === 'slow' || failure === 'slow 12 s';
    const longestBeforeMs = this.longestDeadMs;
    this.longestDeadMs = 0;
    if (!isSound && failure !== 'crash' && failure !== 'lost answers, grace') return;
    let dueMs = startMs;
    let deadMs = Number.POSITIVE_INFINITY;
    for (const atMs of [...server.grantedAtMs, endMs]) {
      if (isSound && dueMs === startMs) this.overdueAtStartMs = Math.max(this.overdueAtStartMs, atMs - dueMs);
      else if (isSound && atMs > dueMs) this.overdue.see(dueMs, atMs);
      if (!this.#calendar.touchesOutage(dueMs, atMs)) this.#seeDead(atMs - deadMs, isSound);
      dueMs = atMs + 1_000 * dueAfterSeconds(Math.min(server.lifeSeconds, 21_600));
      deadMs = atMs + 1_000 * server.lifeSeconds;
    }
    if (isSound) this.sound++;
    if (isSound && server.lifeSeconds === 3_600) this.soundOfAnHour++;
    if (this.longestDeadMs > 0) this.expired++;
    this.longestDeadMs = Math.max(longestBeforeMs, this.longestDeadMs);
  }

  /** How long an account that was due at the end of its troubles waited for its next token. */
  judgeRecovery({ server, failure }: FleetAccount, troubleEndsMs: number, endMs: number): void {
    if (failure === undefined || failure === 'revoked grant') return;
    const lastMs = server.grantedAtMs.filter((atMs) => atMs < troubleEndsMs).at(-1);
    const dueMs = lastMs === undefined ? 0 : lastMs + 1_000 * dueAfterSeconds(Math.min(server.lifeSeconds, 21_600));
    if (dueMs >= troubleEndsMs) return;
    const freshMs = server.grantedAtMs.find((atMs) => atMs >= troubleEndsMs) ?? endMs;
    this.recoveryMs = Math.max(this.recoveryMs, freshMs - troubleEndsMs);
  }

  #seeDead(deadMs: number, isSound: boolean): void {
    if (isSound) this.longestDeadMs = Math.max(this.longestDeadMs, deadMs);
    else this.longestDeadOfDisturbedMs = Math.max(this.longestDeadOfDisturbedMs, deadMs);
  }
}
