import type { Deployment } from '../aws/find-deployments.ts';
import type { Invoked } from '../aws/invoke-function.ts';
import type { Watch } from '../aws/watch.ts';
import { toCommandLine } from '../environment.ts';
import type { CommonOptions } from '../options.ts';

/** All that a command knows of one account. */
export interface Account {
  readonly deployment: Deployment;
  /** What the function said; a text says why it could not be asked. */
  readonly invoked: Invoked | string;
  /** `undefined` if nobody looked. */
  readonly watch: Watch | undefined;
  readonly nowMs: number;
}

export function nameOf({ stackName, refreshFunction }: Deployment): string {
  return stackName ?? refreshFunction.name;
}

/** The command for this very account, with the options that this one was given. */
export function commandFor(
  command: string,
  { stackName, refreshFunction }: Deployment,
  options: CommonOptions,
): string {
  const where = stackName === undefined ? ['--function-name', refreshFunction.name] : ['--stack', stackName];
  const profile = options.profile === undefined ? [] : ['--profile', options.profile];
  const region = options.region === undefined ? [] : ['--region', options.region];
  return toCommandLine(command, [...where, ...profile, ...region]);
}
