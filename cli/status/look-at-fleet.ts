import type { Fleet } from '../aws/deployment.ts';
import { connectInvoker } from '../aws/invoke-function.ts';
import type { AwsSession } from '../aws/session.ts';
import { readWatch, type Watch } from '../aws/watch.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { terminal } from '../terminal/terminal.ts';
import { type Account, ask, toSentence } from './look-at-account.ts';
import { type JudgedAccount, rank } from './rank.ts';

/** Maximum parallel invocations. They count toward the AWS account's concurrency. */
const MAX_ASKED_IN_PARALLEL = 8;
const PLACEHOLDER = '<name>';

export interface FleetStatus {
  readonly fleet: Fleet;
  /** Secrets, worst first; a string explains why they could not be listed. */
  readonly secrets: readonly JudgedAccount[] | string;
  readonly replicas: number;
  readonly watch: Watch | undefined;
  /** Other fleets that refresh some or all of its secrets. */
  readonly sharedWith: readonly string[];
  /** Command that adds a secret to the fleet, by creating or tagging one. */
  readonly addSecret: string;
  readonly nowMs: number;
}

/** Invokes the function for every secret. A part that cannot be read has an explanation, and the rest is still read. */
export async function lookAtFleet(
  session: AwsSession,
  fleet: Fleet,
  sharedWith: readonly string[],
): Promise<FleetStatus> {
  // Loaded only for a fleet: the status of an account reads no secret.
  const { listSecrets } = await import('../aws/fleet-secrets.ts');
  const [listed, watch] = await Promise.all([
    terminal.progress('Listing the secrets', listSecrets(session, fleet.tag)).catch(toSentence),
    fleet.stackName === undefined ? undefined : readWatch(session, fleet),
  ]);
  const { authorize: addSecret } = session.commandsFor({ deployment: fleet, secret: { name: PLACEHOLDER, arn: '' } });
  const seen = { fleet, watch, sharedWith, addSecret };
  if (typeof listed === 'string') return { ...seen, secrets: listed, replicas: 0, nowMs: Date.now() };
  const { secrets, replicas } = listed;
  const invoker = await connectInvoker(session, fleet.refreshFunction);
  let asked = 0;
  const asking = mapConcurrently(secrets, MAX_ASKED_IN_PARALLEL, async (secret): Promise<Account> => {
    const target = { deployment: fleet, secret };
    const invoked = await ask(session, target, invoker);
    asked += 1;
    return { ...target, invoked, watch: undefined, commands: session.commandsFor(target), nowMs: Date.now() };
  });
  const accounts = await terminal.progress(() => `Checking each secret, ${asked} of ${secrets.length}`, asking);
  return { ...seen, secrets: rank(accounts), replicas, nowMs: Date.now() };
}
