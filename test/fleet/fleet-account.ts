import { FleetSecret } from './fleet-secret.ts';
import { FAILURES, type Failure, FleetServer } from './fleet-server.ts';
import type { Timeline } from './timeline.ts';
import type { WriteQuota } from './write-quota.ts';

export interface FleetAccount {
  readonly name: string;
  readonly secret: FleetSecret;
  readonly server: FleetServer;
  readonly failure: Failure | undefined;
}

/** Settings that all accounts of a fleet share. */
export interface FleetWorld {
  readonly timeline: Timeline;
  readonly quota: WriteQuota;
  readonly random: (from: number, to: number) => number;
}

/** A share of the accounts fails, from one moment to another. */
export interface TroubleShare {
  readonly failure: Failure;
  readonly percent: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Returns an account of the named mix: of a hundred tokens, 90 live for six hours, eight for a day and two for an hour. One in
 * ten accounts has a failure, each kind in turn.
 *
 * @param hours lifetime of every token, instead of the mix
 * @param share instead of one in ten
 */
export function toAccount(
  world: FleetWorld,
  index: number,
  hours = hoursOf(index),
  share?: TroubleShare,
): FleetAccount {
  const { timeline, quota, random } = world;
  const failure =
    share === undefined ? failureOf(index) : (index * 61) % 100 < share.percent ? share.failure : undefined;
  const failureAt = (nowMs: number) =>
    share === undefined || (nowMs >= share.fromMs && nowMs < share.toMs) ? failure : undefined;
  const secret = new FleetSecret(timeline, quota, random, failureAt);
  const server = new FleetServer(timeline, random, hours * 3_600, failureAt);
  return { name: `account-${index}`, secret, server, failure };
}

function failureOf(index: number): Failure | undefined {
  return index % 10 === 9 ? FAILURES[Math.floor(index / 10) % FAILURES.length] : undefined;
}

/** Without the second term, no failure would meet a life of an hour. */
function hoursOf(index: number): number {
  const percent = (index * 37 + Math.floor(index / 10) * 3) % 100;
  if (percent < 90) return 6;
  return percent < 98 ? 24 : 1;
}
