import type { LambdaContext } from '../runtime/lambda-context.ts';

/** Part of Lambda's context that a function of a fleet uses. */
export interface FleetLambdaContext extends LambdaContext {
  /** Contains the region and the AWS account. */
  readonly invokedFunctionArn: string;
}
