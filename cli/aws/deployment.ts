import type { FleetTag } from '../../lambda/contract.ts';

/** The function that refreshes, as far as it says it of itself. */
export interface RefreshFunction {
  readonly name: string;
  readonly timeoutSeconds: number;
  readonly tokenEndpoint: string;
}

interface Deployed {
  /** Absent if the function was named directly. */
  readonly stackName?: string;
  readonly refreshFunction: RefreshFunction;
  readonly alarmNames: readonly string[];
  readonly scheduleNames: readonly string[];
}

/** One account's stack, as far as a command wants to know it. */
export interface AccountDeployment extends Deployed {
  readonly secretId: string;
}

/** A stack that keeps every secret with a tag. Its function is told which one to refresh. */
export interface Fleet extends Deployed {
  readonly tag: FleetTag;
  /** The function that the schedule invokes. */
  readonly sweepName: string;
}

export type Deployment = AccountDeployment | Fleet;

export function isFleet(deployment: Deployment): deployment is Fleet {
  return 'tag' in deployment;
}

export function nameOf({ stackName, refreshFunction }: Deployment): string {
  return stackName ?? refreshFunction.name;
}

/** One secret of a fleet. */
export interface FleetSecret {
  readonly name: string;
  /** Complete, as the function wants it. */
  readonly arn: string;
}

/** What refreshes one secret. */
export interface Keeper {
  readonly deployment: Deployment;
  /** Which of a fleet's; absent of a deployment that has but one. */
  readonly secret?: FleetSecret | undefined;
}
