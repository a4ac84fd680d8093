import { Fault } from '../../lambda/core/fault.ts';
import { PendingAnswers } from '../../lambda/fleet/pending-answers.ts';
import { DEPLOYED } from './deployed-fleet.ts';
import type { FleetAccount, FleetWorld } from './fleet-account.ts';
import type { FleetCalendar } from './fleet-calendar.ts';
import { runFleetAccount } from './fleet-run.ts';

const TIMEOUT_MS = 1_000 * DEPLOYED.timeoutSeconds;
/** Pending answers of other secrets. */
const REMEMBERED_MS = 10_000;

/** An execution environment of Lambda, with the deployed memory of answers that are not stored yet. */
export class FleetEnvironment {
  readonly #world: FleetWorld;
  readonly #calendar: FleetCalendar;
  readonly #pendingAnswers = new PendingAnswers();
  readonly #seen = new Map<string, FleetAccount>();

  constructor(world: FleetWorld, calendar: FleetCalendar) {
    this.#world = world;
    this.#calendar = calendar;
  }

  /** @throws `CRASHED`, or the fault of this account */
  async invoke(account: FleetAccount): Promise<void> {
    const { timeline } = this.#world;
    const endsAtMs = timeline.nowMs + TIMEOUT_MS;
    const remembered = this.#seen.get(this.#pendingAnswers.next(timeline.nowMs) ?? '');
    if (remembered) {
      await this.#run(remembered, timeline.nowMs + REMEMBERED_MS).catch((error: unknown) => {
        if (!(error instanceof Fault)) throw error;
      });
    }
    await this.#run(account, endsAtMs);
  }

  async #run(account: FleetAccount, endsAtMs: number): Promise<void> {
    const { name } = account;
    this.#seen.set(name, account);
    const memory = this.#pendingAnswers.open(name, this.#world.timeline.nowMs);
    try {
      await runFleetAccount(this.#world, account, memory, this.#calendar, endsAtMs);
    } finally {
      this.#pendingAnswers.close(name);
    }
  }
}
