import { FLEET_METRICS, METRICS } from '../../lambda/contract.ts';
import type { AccountMonth } from './account-month.ts';
import type { BilledParts } from './billed-parts.ts';
import { PRICES } from './prices.ts';

/** The average month, leap years included. */
const MINUTES_A_MONTH = (365.25 / 12) * 24 * 60;

/** US dollars per month that docs/costs.md states for one Retently account, its secrets and alarms aside. */
const STACK = { calls: 0.0761, metrics: 1.6896, rest: 0.0216 } as const;

/** Log size of a run with a fresh token, including the 26 bytes that CloudWatch adds to each of two events. */
export const FRESH_LOG_BYTES = 1_100;

/**
 * A warm refresh takes 27 ms of a whole CPU (docs/performance.md, "warm refresh"), and a fresh run is taken for no less. A
 * function with 512 MB has 29 % of one.
 */
const COMPUTED_SECONDS = 0.027 / 0.29;

/** Metrics that the refresh function sends under its own name: a fleet has no token secrets. */
const { tokenSecretBehind: _, tokenSecretUnreadable: __, ...REFRESH_METRICS } = METRICS;
/** Metrics that the sweep function sends under its own name. */
const { tokenSecondsRemaining, tokenSecondsUntilDue, reauthorizationRequired } = METRICS;
const SWEEP_METRICS = { ...FLEET_METRICS, tokenSecondsRemaining, tokenSecondsUntilDue, reauthorizationRequired };
/** Each kind of failure has its own metric once it happens. This counts every kind. */
const FAILURE_METRICS = 12;
/** Custom metrics of a fleet, by the function that sends them. */
export const SENT_METRICS = { refresh: Object.values(REFRESH_METRICS), sweep: Object.values(SWEEP_METRICS) };
const METRICS_BILLED = SENT_METRICS.refresh.length + SENT_METRICS.sweep.length + FAILURE_METRICS;

/** A tenth of a batch that is sent, a receive and a delete. */
const QUEUE_REQUESTS_A_RUN = 2.1;

/**
 * Lambda keeps five pollers if there is a maximum concurrency, and each waits for at most 20 seconds:
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
 */
const IDLE_POLLS_A_MINUTE = 5 * 3;

/** ListSecrets gives so many at a time, in about this time. The secrets of a page are read meanwhile, in batches. */
const PAGE = 100;
const PAGE_SECONDS = 0.1;
const BATCH = 20;

interface BillLine {
  readonly of: string;
  readonly dollars: number;
}

/** US dollars a month of a stack for one account, its secrets included. */
export function stackDollars({ secrets, alarmMetrics }: BilledParts): number {
  const { calls, metrics, rest } = STACK;
  return secrets * PRICES.secret.dollars + alarmMetrics * PRICES.alarmMetric.dollars + calls + metrics + rest;
}

/**
 * Returns the cost of a fleet without its accounts' secrets, in US dollars per month.
 *
 * @param batchedAs calls that AWS bills for a batch of 20 secrets: its documentation does not say whether one or 20
 */
export function fleetLines(
  accounts: number,
  everyMinutes: number,
  { runs, calls, refreshes, waitedSeconds }: AccountMonth,
  { memoryGb, alarmMetrics, compositeAlarms, dashboards, polledQueues }: BilledParts,
  batchedAs: 1 | 20 = 1,
): readonly BillLine[] {
  const ticks = MINUTES_A_MONTH / everyMinutes;
  const pages = ticks * Math.ceil(accounts / PAGE);
  const seconds = accounts * (waitedSeconds + runs * COMPUTED_SECONDS) + pages * PAGE_SECONDS;
  const queueRequests = accounts * runs * QUEUE_REQUESTS_A_RUN + polledQueues * MINUTES_A_MONTH * IDLE_POLLS_A_MINUTE;
  return [
    { of: 'Secrets Manager calls of runs', dollars: accounts * calls * PRICES.call.dollars },
    {
      of: 'Secrets Manager calls of sweeps',
      dollars: (pages + ticks * Math.ceil(accounts / BATCH) * batchedAs) * PRICES.call.dollars,
    },
    {
      of: 'Lambda',
      dollars: (accounts * runs + ticks) * PRICES.invocation.dollars + seconds * memoryGb * PRICES.gbSecond.dollars,
    },
    { of: 'queues', dollars: queueRequests * PRICES.queueRequest.dollars },
    { of: 'logs', dollars: ((accounts * runs * FRESH_LOG_BYTES) / 1e9) * PRICES.logGb.dollars },
    { of: 'events and ticks', dollars: accounts * refreshes * PRICES.event.dollars + ticks * PRICES.tick.dollars },
    {
      of: 'alarms, metrics and dashboards',
      dollars:
        alarmMetrics * PRICES.alarmMetric.dollars +
        compositeAlarms * PRICES.compositeAlarm.dollars +
        METRICS_BILLED * PRICES.metric.dollars +
        dashboards * PRICES.dashboard.dollars,
    },
  ];
}

/** Returns the cost per account of services that record each read, in US dollars per month. They are not part of a fleet. */
export function recordedReads(everyMinutes: number): readonly BillLine[] {
  const reads = MINUTES_A_MONTH / everyMinutes;
  return [
    { of: 'a second CloudTrail trail', dollars: reads * PRICES.trailEvent.dollars },
    { of: 'GuardDuty', dollars: reads * PRICES.guardDutyEvent.dollars },
  ];
}

export function sum(lines: readonly BillLine[]): number {
  return lines.reduce((total, { dollars }) => total + dollars, 0);
}
