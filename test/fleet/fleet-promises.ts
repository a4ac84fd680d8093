import { dueAfterSeconds } from '../../lambda/contract.ts';
import type { FleetSimulation } from './simulate-fleet.ts';
import { WRITES_PER_SECOND } from './write-quota.ts';

/** What a bearer token of an hour has left when it is due: later than that, it would be dead. */
const SHORTEST_CHANCE_SECONDS = 3_600 - dueAfterSeconds(3_600);
/**
 * What fell due between two ticks, 12 minutes apart at most, takes as long to refresh as it took half of its life ago; and
 * fresh, slow and failing secrets take a quarter of that on top.
 */
const DRAIN_SECONDS = 15 * 60;
/** A back-off of 45 minutes, a tick, and some time. */
const CONVERGENCE_SECONDS = 60 * 60;

interface Figure {
  readonly name: string;
  readonly actual: number;
}

interface FleetPromise extends Figure {
  readonly most: number;
}

export function toCounts({ figures, quota, queue, calls, lengthMs }: FleetSimulation): readonly Figure[] {
  return [
    { name: 'runs', actual: figures.runs },
    { name: 'runs at once, on average', actual: figures.busyMs / lengthMs },
    { name: 'calls of Secrets Manager a second', actual: calls / (lengthMs / 1_000) },
    { name: 'refreshes', actual: figures.refreshes },
    { name: 'writes', actual: quota.writes },
    { name: 'runs that were killed', actual: figures.crashes },
    { name: 'messages that expired in the outage', actual: queue.expiredInOutage },
    { name: 'dead letters', actual: queue.deadLetters },
    { name: 'longest dead, if runs are killed or answers lost, s', actual: figures.longestDeadOfDisturbedMs / 1_000 },
    { name: 'longest wait in the queue, in a burst, s', actual: figures.queueWait.burstMs / 1_000 },
  ];
}

export function toPromises({
  figures,
  quota,
  queue,
  averageWrites,
  longestSweepMs,
}: FleetSimulation): readonly FleetPromise[] {
  const { queueWait, betweenRuns, overdue, longestDeadMs } = figures;
  return [
    { name: 'writes a second on average', actual: averageWrites, most: 0.1 * WRITES_PER_SECOND },
    { name: 'writes in the busiest second', actual: quota.peak, most: 0.8 * WRITES_PER_SECOND },
    { name: 'writes refused by the quota', actual: quota.throttled, most: 0 },
    { name: 'longest sweep, s', actual: longestSweepMs / 1_000, most: 60 },
    { name: 'longest wait in the queue, s', actual: queueWait.quietMs / 1_000, most: DRAIN_SECONDS },
    { name: 'messages that expired, the outage aside', actual: queue.expired, most: 0 },
    { name: 'longest between two runs, s', actual: betweenRuns.quietMs / 1_000, most: SHORTEST_CHANCE_SECONDS },
    { name: 'longest between two runs, in a burst, s', actual: betweenRuns.burstMs / 1_000, most: CONVERGENCE_SECONDS },
    { name: 'longest overdue, s', actual: overdue.quietMs / 1_000, most: SHORTEST_CHANCE_SECONDS },
    { name: 'longest overdue, in a burst, s', actual: overdue.burstMs / 1_000, most: CONVERGENCE_SECONDS },
    { name: 'longest dead, the outage aside, s', actual: longestDeadMs / 1_000, most: 0 },
  ];
}

export function toBroken(simulation: FleetSimulation): readonly string[] {
  return toPromises(simulation).flatMap(({ name, actual, most }) => (actual <= most ? [] : [name]));
}
