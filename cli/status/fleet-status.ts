import type { Fleet } from '../aws/deployment.ts';
import { connectFunction } from '../aws/invoke-function.ts';
import { readWatch, type Watch } from '../aws/watch.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import type { CommonOptions } from '../options.ts';
import { terminal } from '../terminal.ts';
import type { Account } from './account.ts';
import { ask, toSentence } from './look.ts';
import { type JudgedAccount, rank } from './rank.ts';

/** Lambda runs so many more copies of the function meanwhile, of those that the AWS account may run at once. */
const MAX_ASKED_AT_ONCE = 8;

/** All that a command knows of one fleet. */
export interface FleetStatus {
  readonly fleet: Fleet;
  /** Worst first; a text says why they could not be listed. */
  readonly secrets: readonly JudgedAccount[] | string;
  readonly replicas: number;
  readonly watch: Watch;
  /** Other fleets that keep some of its secrets, or all of them. */
  readonly sharedWith: readonly string[];
  readonly nowMs: number;
}

/** Asks the function for every secret; what could not be seen says why, and stops nothing else. */
export async function lookAtFleet(
  fleet: Fleet,
  sharedWith: readonly string[],
  options: CommonOptions,
): Promise<FleetStatus> {
  // Loaded for a fleet alone: the status of an account reads no secret.
  const { listSecrets } = await import('../aws/fleet-secrets.ts');
  const [listed, watch] = await Promise.all([
    terminal.progress('Listing the secrets', listSecrets(fleet.tag, options)).catch(toSentence),
    readWatch(fleet, options),
  ]);
  if (typeof listed === 'string') {
    return { fleet, secrets: listed, replicas: 0, watch, sharedWith, nowMs: Date.now() };
  }
  const { secrets, replicas } = listed;
  const client = connectFunction(fleet.refreshFunction, options);
  let asked = 0;
  const asking = mapConcurrently(secrets, MAX_ASKED_AT_ONCE, async (secret): Promise<Account> => {
    const invoked = await ask({ deployment: fleet, secret }, options, client);
    asked += 1;
    return { deployment: fleet, secret, invoked, watch: undefined, nowMs: Date.now() };
  });
  const accounts = await terminal.progress(() => `Asking for each secret, ${asked} of ${secrets.length}`, asking);
  return { fleet, secrets: rank(accounts, options), replicas, watch, sharedWith, nowMs: Date.now() };
}
