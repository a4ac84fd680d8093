import type { Deployment } from '../aws/find-deployments.ts';
import { invokeFunction } from '../aws/invoke-function.ts';
import { readWatch } from '../aws/watch.ts';
import { CommandError } from '../command-error.ts';
import type { CommonOptions } from '../options.ts';
import type { Account } from './account.ts';

/** Everything at once; what could not be seen says why. */
export async function look(deployment: Deployment, options: CommonOptions): Promise<Account> {
  const [invoked, watch] = await Promise.all([
    invokeFunction(deployment.refreshFunction, { action: 'status' }, options).catch(toSentence),
    deployment.stackName === undefined ? undefined : readWatch(deployment, options),
  ]);
  return { deployment, invoked, watch, nowMs: Date.now() };
}

function toSentence(error: unknown): string {
  if (error instanceof CommandError) return error.message;
  throw error;
}
