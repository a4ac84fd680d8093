import type { LambdaContext } from '../runtime/lambda-context.ts';

/** What a function of a fleet uses of Lambda's context. */
export interface FleetLambdaContext extends LambdaContext {
  /** Says the region and the AWS account. */
  readonly invokedFunctionArn: string;
}
