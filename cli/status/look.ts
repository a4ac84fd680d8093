import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { Deployment, Keeper } from '../aws/deployment.ts';
import { type Invoked, invokeFunction } from '../aws/invoke-function.ts';
import { readWatch, type Watch } from '../aws/watch.ts';
import { CommandError } from '../command-error.ts';
import type { CommonOptions } from '../options.ts';
import type { Account } from './account.ts';

/** Everything at once; what could not be seen says why. */
export async function look(keeper: Keeper, options: CommonOptions): Promise<Account> {
  const [invoked, watch] = await Promise.all([ask(keeper, options), readWatchOf(keeper, options)]);
  return { ...keeper, invoked, watch, nowMs: Date.now() };
}

/** What the function says of one secret; a text says why it could not be asked. */
export async function ask(keeper: Keeper, options: CommonOptions, client?: LambdaClient): Promise<Invoked | string> {
  return await invokeFunction(keeper, { action: 'status' }, options, client).catch(toSentence);
}

async function readWatchOf({ deployment, secret }: Keeper, options: CommonOptions): Promise<Watch | undefined> {
  if (deployment.stackName === undefined) return undefined;
  // The alarms of a fleet are on for any of its secrets.
  const watched: Deployment = secret === undefined ? deployment : { ...deployment, alarmNames: [] };
  return await readWatch(watched, options);
}

export function toSentence(error: unknown): string {
  if (error instanceof CommandError) return error.message;
  throw error;
}
