import type { FleetTag } from '../../lambda/contract.ts';

/** Function that refreshes tokens, with its configuration. */
export interface RefreshFunction {
  readonly name: string;
  /** Complete ARN, which names the account. */
  readonly arn: string;
  readonly timeoutSeconds: number;
  readonly tokenEndpoint: string;
}

interface Deployed {
  /** Absent if the function belongs to no stack, or was named directly. */
  readonly stackName?: string | undefined;
  /** Whether the stack has no second deployment of this project. */
  readonly isAloneInStack: boolean;
  readonly refreshFunction: RefreshFunction;
}

/** Deployment with a function that refreshes one secret. */
export interface AccountDeployment extends Deployed {
  readonly secretId: string;
  /** Absent if the function has no token secret. */
  readonly tokenSecretId?: string | undefined;
}

/** Two functions that refresh every secret with a tag. The refresh function receives the secret's ARN. */
export interface Fleet extends Deployed {
  readonly tag: FleetTag;
  /** Name of the function that the schedule invokes. */
  readonly sweepName: string;
}

export type Deployment = AccountDeployment | Fleet;

export function isFleet(deployment: Deployment): deployment is Fleet {
  return 'tag' in deployment;
}

/** Returns the name of the function that the schedule invokes. */
export function scheduledFunctionOf(deployment: Deployment): string {
  return isFleet(deployment) ? deployment.sweepName : deployment.refreshFunction.name;
}

/** Returns the name of a deployment for messages: its stack, or the function if the stack has several. */
export function nameOf({ stackName, isAloneInStack, refreshFunction }: Deployment): string {
  if (stackName === undefined) return refreshFunction.name;
  return isAloneInStack ? stackName : `${stackName}/${refreshFunction.name}`;
}

export interface FleetSecret {
  readonly name: string;
  /** Complete ARN, which the function requires. */
  readonly arn: string;
}

/** One secret to refresh, and the deployment that refreshes it. */
export interface RefreshTarget {
  readonly deployment: Deployment;
  /** The secret of a fleet; absent if the deployment has only one secret. */
  readonly secret?: FleetSecret | undefined;
}
