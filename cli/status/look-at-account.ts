import type { RefreshTarget } from '../aws/deployment.ts';
import { type Invoked, type Invoker, invokeFunction } from '../aws/invoke-function.ts';
import type { AdvisedCommands, AwsSession } from '../aws/session.ts';
import { readWatch, type Watch } from '../aws/watch.ts';
import { CommandError } from '../command-error.ts';

/** State of one account or of one secret of a fleet. */
export interface Account extends RefreshTarget {
  /** Answer of the function; a text says why it could not be asked. */
  readonly invoked: Invoked | string;
  /** `undefined` if the alarms and the schedule were not read. */
  readonly watch: Watch | undefined;
  readonly commands: AdvisedCommands;
  readonly nowMs: number;
}

/** Asks the function and reads what watches it, in parallel. A part that cannot be read says why. */
export async function lookAtAccount(session: AwsSession, target: RefreshTarget): Promise<Account> {
  const [invoked, watch] = await Promise.all([ask(session, target), readWatchOf(session, target)]);
  return { ...target, invoked, watch, commands: session.commandsFor(target), nowMs: Date.now() };
}

/** Asks the function for the state of one secret; a text says why it could not be asked. */
export async function ask(session: AwsSession, target: RefreshTarget, invoker?: Invoker): Promise<Invoked | string> {
  return await invokeFunction(session, target, { action: 'status' }, invoker).catch(toSentence);
}

async function readWatchOf(session: AwsSession, { deployment, secret }: RefreshTarget): Promise<Watch | undefined> {
  if (deployment.stackName === undefined) return undefined;
  const watch = await readWatch(session, deployment);
  // An alarm of a fleet is on for any of its secrets.
  return secret === undefined ? watch : { ...watch, alarms: [] };
}

export function toSentence(error: unknown): string {
  if (error instanceof CommandError) return error.message;
  throw error;
}
