import { dueAfterSeconds } from '../../lambda/contract.ts';
import type { FleetSimulation } from './simulate-fleet.ts';
import { WRITES_PER_SECOND } from './write-quota.ts';

/** Time that an access token of an hour has left when it is due. */
const SHORTEST_CHANCE_SECONDS = 3_600 - dueAfterSeconds(3_600);
/** Longest time until all tokens are fresh after a burst or an outage: a back-off of 45 minutes, a tick, and some time. */
const CONVERGENCE_SECONDS = 60 * 60;
/** Longest burst after the first sweep, which finds every token due. */
const BURST_SECONDS = 30 * 60;
const SWEEP_SECONDS = 30;
/** While much fails, and after a pause of the queue, many messages come too late for their turn. */
const RUNS_PER_REFRESH = { steady: 1.2, otherwise: Number.POSITIVE_INFINITY } as const;
/** Share of the quota. Each failing account makes two writes per back-off of 45 minutes. */
const AVERAGE_WRITES = { steady: 0.1, otherwise: 0.15 } as const;

interface Figure {
  readonly name: string;
  readonly actual: number;
}

interface FleetPromise extends Figure {
  readonly most: number;
}

export function toCounts(simulation: FleetSimulation): readonly Figure[] {
  const { figures, quota, lanes, calls, lengthMs, deferred } = simulation;
  const { refresh, retry } = lanes;
  return [
    { name: 'healthy accounts', actual: figures.healthy },
    { name: 'healthy accounts with tokens of an hour', actual: figures.healthyOfAnHour },
    { name: 'runs', actual: figures.runs },
    { name: 'runs at a time, on average', actual: figures.busyMs / lengthMs },
    { name: 'calls of Secrets Manager a second, the sweep aside', actual: calls / (lengthMs / 1_000) },
    { name: 'refreshes', actual: figures.refreshes },
    { name: 'writes', actual: quota.writes },
    { name: 'runs that were killed', actual: figures.crashes },
    { name: 'messages too late for their turn', actual: figures.late },
    { name: 'secrets that a sweep left to the next', actual: deferred },
    { name: 'messages that expired', actual: refresh.queue.expired + retry.queue.expired },
    { name: 'dead letters', actual: refresh.queue.deadLetters + retry.queue.deadLetters },
    {
      name: 'longest without a valid token, if runs are killed or answers lost, s',
      actual: figures.longestDeadOfDisturbedMs / 1_000,
    },
  ];
}

export function toPromises(simulation: FleetSimulation): readonly FleetPromise[] {
  const { figures, quota, lanes, averageWrites, longestSweepMs, isSteady } = simulation;
  const { overdue, longestDeadMs, expired, recoveryMs } = figures;
  const state = isSteady ? 'steady' : 'otherwise';
  const deadWithoutRun = lanes.refresh.queue.deadWithoutRun + lanes.retry.queue.deadWithoutRun;
  return [
    { name: 'healthy tokens that expired', actual: expired, most: 0 },
    {
      name: 'runs per refresh, of accounts with nothing wrong',
      actual: figures.runsOfHealthy / figures.refreshesOfHealthy,
      most: RUNS_PER_REFRESH[state],
    },
    { name: 'writes a second on average', actual: averageWrites, most: AVERAGE_WRITES[state] * WRITES_PER_SECOND },
    { name: 'writes in the busiest second', actual: quota.peak, most: 0.8 * WRITES_PER_SECOND },
    { name: 'writes rejected by the quota', actual: quota.throttled, most: 0 },
    { name: 'longest sweep, s', actual: longestSweepMs / 1_000, most: SWEEP_SECONDS },
    { name: 'dead letters without a run', actual: deadWithoutRun, most: 0 },
    { name: 'longest overdue, s', actual: overdue.quietMs / 1_000, most: SHORTEST_CHANCE_SECONDS },
    { name: 'longest overdue, in the first burst, s', actual: figures.overdueAtStartMs / 1_000, most: BURST_SECONDS },
    { name: 'longest overdue, in a burst, s', actual: overdue.burstMs / 1_000, most: CONVERGENCE_SECONDS },
    { name: 'longest until fresh, after troubles, s', actual: recoveryMs / 1_000, most: CONVERGENCE_SECONDS },
    { name: 'longest without a valid token, the outage aside, s', actual: longestDeadMs / 1_000, most: 0 },
  ];
}

export function toBroken(simulation: FleetSimulation): readonly string[] {
  return toPromises(simulation).flatMap(({ name, actual, most }) => (actual <= most ? [] : [name]));
}
