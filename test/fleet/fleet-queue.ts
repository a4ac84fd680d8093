import type { Turn } from '../../lambda/fleet/plan-messages.ts';
import { MINUTE_MS } from '../support/secret-documents.ts';
import { DEPLOYED } from './deployed-fleet.ts';
import type { FleetWorld } from './fleet-account.ts';
import type { FleetCalendar } from './fleet-calendar.ts';
import type { Timeline } from './timeline.ts';

const RETENTION_MS = 1_000 * DEPLOYED.retentionSeconds;
const VISIBILITY_MS = 1_000 * DEPLOYED.visibilitySeconds;

export interface Message<Body> {
  readonly body: Body;
  readonly sentAtMs: number;
  /** Milliseconds since the epoch; `undefined`: immediately. */
  readonly turn: Turn;
  receives: number;
  hasRun?: boolean;
}

/**
 * A standard queue of SQS. Its ordering is best effort, and AWS names no bound for it. Here, each message has
 * its own delay: up to two seconds, half a minute for one in ten, and five minutes for one in a hundred. Then it waits in the
 * order in which messages came. One in a hundred comes twice.
 */
export class FleetQueue<Body> {
  /** Messages that were too old when their turn came. Messages delayed by an outage are counted separately. */
  expired = 0;
  expiredInOutage = 0;
  deadLetters = 0;
  /** Those of them that no run has seen. */
  deadWithoutRun = 0;
  readonly #timeline: Timeline;
  readonly #random: (from: number, to: number) => number;
  readonly #calendar: FleetCalendar;
  readonly #onArrival: () => void;
  #waiting: Message<Body>[] = [];
  #first = 0;
  #depths: readonly number[] = [];

  constructor({ timeline, random }: FleetWorld, calendar: FleetCalendar, onArrival: () => void) {
    this.#timeline = timeline;
    this.#random = random;
    this.#calendar = calendar;
    this.#onArrival = onArrival;
  }

  send(body: Body, turn: Turn, delayMs: number): void {
    const message = { body, turn, sentAtMs: this.#timeline.nowMs, receives: 0 };
    this.#deliver(message, delayMs + this.#delayMs());
    if (this.#random(0, 100) < 1) this.#deliver({ ...message }, delayMs + this.#random(0, MINUTE_MS));
  }

  /** Number of visible messages one or two minutes ago, because SQS reports late. */
  get waitingBefore(): number {
    return this.#depths[0] ?? 0;
  }

  get oldestAgeMs(): number {
    const sentAtMs = this.#waiting.slice(this.#first).reduce((least, each) => Math.min(least, each.sentAtMs), Infinity);
    const ageMs = this.#timeline.nowMs - sentAtMs;
    return ageMs > 0 && ageMs < RETENTION_MS ? ageMs : 0;
  }

  /** Every minute. */
  sample(): void {
    this.#depths = [...this.#depths, this.#waiting.length - this.#first].slice(-2);
  }

  /** The next message. Those that are too old, or that came too often, are dropped on the way. */
  receive(): Message<Body> | undefined {
    for (let message = this.#take(); message !== undefined; message = this.#take()) {
      if (message.sentAtMs < this.#timeline.nowMs - RETENTION_MS) this.#countExpired(message);
      else if (message.receives === DEPLOYED.maxReceives) {
        this.deadLetters++;
        if (!message.hasRun) this.deadWithoutRun++;
      } else {
        message.receives++;
        return message;
      }
    }
    return undefined;
  }

  /** Makes a message visible again after the visibility timeout, if it was not deleted. */
  comeBack(message: Message<Body>, receivedAtMs: number): void {
    this.#deliver(message, receivedAtMs + VISIBILITY_MS - this.#timeline.nowMs);
  }

  #deliver(message: Message<Body>, delayMs: number): void {
    this.#timeline.after(delayMs, () => {
      this.#waiting.push(message);
      this.#onArrival();
    });
  }

  #countExpired({ sentAtMs }: Message<Body>): void {
    if (this.#calendar.touchesOutage(sentAtMs, this.#timeline.nowMs)) this.expiredInOutage++;
    else this.expired++;
  }

  #take(): Message<Body> | undefined {
    const message = this.#waiting[this.#first];
    if (message === undefined) return undefined;
    // `shift` would move all the others each time.
    if (++this.#first === 1_000) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
    return message;
  }

  #delayMs(): number {
    const percent = this.#random(0, 100);
    if (percent < 1) return this.#random(0, 5 * MINUTE_MS);
    return this.#random(0, percent < 11 ? 30_000 : 2_000);
  }
}
