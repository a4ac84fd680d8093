import { DEPLOYED } from './deployed-fleet.ts';
import { type FleetOptions, FleetSimulation } from './simulate-fleet.ts';

/** Options of a fleet that is small enough for a test of a few seconds. With this seed, some runs are killed. */
export const SMALL: FleetOptions = {
  secrets: 150,
  days: 0.6,
  seed: 1,
  concurrency: DEPLOYED.maximumConcurrency,
  tickMinutes: DEPLOYED.tickMinutes,
  outage: 'none',
  outageFromDay: 0.05,
  outageHours: 24,
  troubleHours: 24,
  retryConcurrency: DEPLOYED.retryConcurrency,
};

export async function simulate(options: Partial<FleetOptions> = {}): Promise<FleetSimulation> {
  return await new FleetSimulation({ ...SMALL, ...options }).run();
}
