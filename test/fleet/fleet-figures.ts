import { dueAfterSeconds } from '../../lambda/contract.ts';
import type { FleetAccount } from './fleet-account.ts';
import { type FleetCalendar, Longest } from './fleet-calendar.ts';

/** Figures of a simulation. */
export class FleetFigures {
  runs = 0;
  /** Runs of healthy accounts, including late messages, and their results. */
  runsOfHealthy = 0;
  refreshesOfHealthy = 0;
  /** Messages that were received too late for their turn. */
  late = 0;
  /** Healthy accounts, and those whose token expired while the provider and the function worked. */
  healthy = 0;
  healthyOfAnHour = 0;
  expired = 0;
  crashes = 0;
  refreshes = 0;
  /** Figures of all execution environments together. */
  busyMs = 0;
  /** Age of messages when they are first received. */
  readonly queueWait: Longest;
  /** Time from the due time of healthy tokens, or the end of the outage, until their refresh. */
  readonly overdue: Longest;
  /** Time during which healthy access tokens were expired, unless they were due in the outage. */
  longestDeadMs = 0;
  /** The same of accounts whose runs are killed, or whose answers are lost and given again. */
  longestDeadOfDisturbedMs = 0;
  /** Time until all healthy tokens, which are due at the start, are refreshed. */
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
    if (failure === undefined) this.refreshesOfHealthy += server.grantedAtMs.length;
    const isHealthy = failure === undefined || failure === 'slow' || failure === 'slow 12 s';
    const longestBeforeMs = this.longestDeadMs;
    this.longestDeadMs = 0;
    if (!isHealthy && failure !== 'crash' && failure !== 'lost answers, grace') return;
    let dueMs = startMs;
    let deadMs = Number.POSITIVE_INFINITY;
    for (const atMs of [...server.grantedAtMs, endMs]) {
      if (isHealthy && dueMs === startMs) this.overdueAtStartMs = Math.max(this.overdueAtStartMs, atMs - dueMs);
      else if (isHealthy && atMs > dueMs) this.overdue.see(dueMs, atMs);
      if (!this.#calendar.touchesOutage(dueMs, atMs)) this.#seeDead(atMs - deadMs, isHealthy);
      dueMs = atMs + 1_000 * dueAfterSeconds(Math.min(server.lifeSeconds, 21_600));
      deadMs = atMs + 1_000 * server.lifeSeconds;
    }
    if (isHealthy) this.healthy++;
    if (isHealthy && server.lifeSeconds === 3_600) this.healthyOfAnHour++;
    if (this.longestDeadMs > 0) this.expired++;
    this.longestDeadMs = Math.max(longestBeforeMs, this.longestDeadMs);
  }

  /** Wait for the next token of accounts that were due at the end of their problems. */
  judgeRecovery({ server, failure }: FleetAccount, troubleEndsMs: number, endMs: number): void {
    if (failure === undefined || failure === 'revoked grant') return;
    const lastMs = server.grantedAtMs.filter((atMs) => atMs < troubleEndsMs).at(-1);
    const dueMs = lastMs === undefined ? 0 : lastMs + 1_000 * dueAfterSeconds(Math.min(server.lifeSeconds, 21_600));
    if (dueMs >= troubleEndsMs) return;
    const freshMs = server.grantedAtMs.find((atMs) => atMs >= troubleEndsMs) ?? endMs;
    this.recoveryMs = Math.max(this.recoveryMs, freshMs - troubleEndsMs);
  }

  #seeDead(deadMs: number, isHealthy: boolean): void {
    if (isHealthy) this.longestDeadMs = Math.max(this.longestDeadMs, deadMs);
    else this.longestDeadOfDisturbedMs = Math.max(this.longestDeadOfDisturbedMs, deadMs);
  }
}
