import { DEPLOYED } from './deployed-fleet.ts';
import { FleetSimulation } from './simulate-fleet.ts';

/** So many that their runs wait for their turns, as they do in a large fleet. All of them are healthy. */
const SECRETS = 60;
const DAYS = 4;
const DAYS_A_MONTH = 365.25 / 12;

/** Calls of one healthy Retently account of a fleet in a month. */
export interface AccountMonth {
  readonly runs: number;
  /** Calls to Secrets Manager. */
  readonly calls: number;
  readonly refreshes: number;
  /** A run waits for calls and for the token endpoint. Its computing time is added. */
  readonly waitedSeconds: number;
}

/** From the simulation, with tokens of six hours. */
export async function measureAccountMonth(tickMinutes: number): Promise<AccountMonth> {
  const simulation = await new FleetSimulation({
    secrets: SECRETS,
    days: DAYS,
    seed: 1,
    concurrency: DEPLOYED.maximumConcurrency,
    tickMinutes,
    outage: 'none',
    outageFromDay: 0,
    outageHours: 0,
    trouble: { failure: 'hangs', percent: 0 },
    troubleHours: 0,
    retryConcurrency: DEPLOYED.retryConcurrency,
    hours: 6,
  }).run();
  const { figures, calls } = simulation;
  const aMonth = (total: number) => (total / SECRETS / DAYS) * DAYS_A_MONTH;
  return {
    runs: aMonth(figures.runs),
    calls: aMonth(calls),
    refreshes: aMonth(figures.refreshes),
    waitedSeconds: aMonth(figures.busyMs / 1_000),
  };
}
