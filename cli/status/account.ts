import type { Keeper } from '../aws/deployment.ts';
import type { Invoked } from '../aws/invoke-function.ts';
import type { Watch } from '../aws/watch.ts';
import { toCommandLine } from '../environment.ts';
import type { CommonOptions } from '../options.ts';

/** All that a command knows of one account. */
export interface Account extends Keeper {
  /** What the function said; a text says why it could not be asked. */
  readonly invoked: Invoked | string;
  /** `undefined` if nobody looked. */
  readonly watch: Watch | undefined;
  readonly nowMs: number;
}

/** The command for this very account, with the options that this one was given. */
export function commandFor(command: string, { deployment, secret }: Keeper, options: CommonOptions): string {
  const { stackName, refreshFunction } = deployment;
  const where = stackName === undefined ? ['--function-name', refreshFunction.name] : ['--stack', stackName];
  const which = secret === undefined ? [] : ['--secret-id', secret.name];
  const profile = options.profile === undefined ? [] : ['--profile', options.profile];
  const region = options.region === undefined ? [] : ['--region', options.region];
  return toCommandLine(command, [...where, ...which, ...profile, ...region]);
}
