import { Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { createAccount } from './create-account.ts';
import { createFleet } from './create-fleet.ts';
import type { FleetStackSettings, StackSettings } from './options/parse-context.ts';
import { addStackOutputs, toStackProps } from './stack-outputs.ts';

/** Stack of one Retently account. Its outputs are the commands that an operator needs. */
export class TokenRefreshStack extends Stack {
  constructor(scope: Construct, placed: StackSettings) {
    super(
      scope,
      placed.stackName,
      toStackProps('Keeps a Retently OAuth access token valid in AWS Secrets Manager', placed),
    );
    addStackOutputs(this, placed, createAccount(new Construct(this, 'TokenRefresh'), placed.settings));
  }
}

export class TokenRefreshFleetStack extends Stack {
  constructor(scope: Construct, placed: FleetStackSettings) {
    const description = 'Keeps the Retently OAuth access tokens of a fleet valid in AWS Secrets Manager';
    super(scope, placed.stackName, toStackProps(description, placed));
    addStackOutputs(this, placed, createFleet(new Construct(this, 'Fleet'), placed.fleet));
  }
}
