import type { RefreshTarget } from '../aws/deployment.ts';
import { type Invoked, type Invoker, invokeFunction } from '../aws/invoke-function.ts';
import type { AdvisedCommands, AwsSession } from '../aws/session.ts';
import { readWatch, type Watch } from '../aws/watch.ts';
import { CommandError } from '../command-error.ts';

/** State of one account or of one secret of a fleet. */
export interface Account extends RefreshTarget {
  /** Result of the function; a string explains why it could not be invoked. */
  readonly invoked: Invoked | string;
  /** `undefined` if the alarms and the schedule were not read. */
  readonly watch: Watch | undefined;
  readonly commands: AdvisedCommands;
  readonly nowMs: number;
}

/** Invokes the function and reads its alarms and schedule, in parallel. A part that cannot be read has an explanation. */
export async function lookAtAccount(session: AwsSession, target: RefreshTarget): Promise<Account> {
  const [invoked, watch] = await Promise.all([ask(session, target), readWatchOf(session, target)]);
  return { ...target, invoked, watch, commands: session.commandsFor(target), nowMs: Date.now() };
}

/** Invokes the function for the state of one secret; a string explains why it could not be invoked. */
export async function ask(session: AwsSession, target: RefreshTarget, invoker?: Invoker): Promise<Invoked | string> {
  return await invokeFunction(session, target, { action: 'status' }, invoker).catch(toSentence);
}

async function readWatchOf(session: AwsSession, { deployment, secret }: RefreshTarget): Promise<Watch | undefined> {
  if (deployment.stackName === undefined) return undefined;
  const watch = await readWatch(session, deployment);
  // An alarm of a fleet can concern any of its secrets.
  return secret === undefined ? watch : { ...watch, alarms: [] };
}

export function toSentence(error: unknown): string {
  if (error instanceof CommandError) return error.message;
  throw error;
}
