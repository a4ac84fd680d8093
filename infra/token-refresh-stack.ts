import { Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { consoleHost } from './console-host.ts';
import { createResources, type Resources } from './create-resources.ts';
import type { StackSettings } from './options/parse-context.ts';
import { addOutputs, toStackProps } from './stack-outputs.ts';

/** The stack of one Retently account; its outputs are the commands that an operator needs. */
export class TokenRefreshStack extends Stack {
  constructor(scope: Construct, placed: StackSettings) {
    const description = 'Keeps a Retently OAuth bearer token fresh in AWS Secrets Manager';
    super(scope, placed.stackName, toStackProps(description, placed));
    const resources = createResources(new Construct(this, 'TokenRefresh'), placed.settings);
    addOutputs(this, {
      resources: describe(resources),
      commands: resources.commands,
      dashboardName: resources.dashboard?.dashboardName,
      console: placed.likelyRegion && consoleHost(placed.likelyRegion),
    });
  }
}

function describe({ credentials, tokenSecret, deadLetters, refreshFunction, refreshSchedule }: Resources) {
  return {
    FunctionName: ['The function', refreshFunction.lambdaFunction.functionName],
    SecretArn: ['The secret of the credentials', credentials.secretArn],
    SecretId: ['What commands call the secret of the credentials', credentials.secretId],
    ...(tokenSecret !== undefined && {
      TokenSecretArn: ['The secret that consumers read the bearer token from', tokenSecret.names.secretArn] as const,
    }),
    ScheduleName: ['The schedule of the ticks', refreshSchedule.schedule.scheduleName],
    FailedRunsUrl: ['The queue of failed runs', deadLetters.failedRuns.queueUrl],
    UndeliveredTicksUrl: ['The queue of undelivered ticks', deadLetters.undeliveredTicks.queueUrl],
  } as const;
}
