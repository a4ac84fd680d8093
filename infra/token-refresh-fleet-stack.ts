import { Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { consoleHost } from './console-host.ts';
import { createFleet, type FleetResources } from './create-fleet.ts';
import type { FleetStackSettings } from './options/parse-context.ts';
import { addOutputs, toStackProps } from './stack-outputs.ts';

/** The stack of a fleet; its outputs are the commands that an operator needs. */
export class TokenRefreshFleetStack extends Stack {
  constructor(scope: Construct, placed: FleetStackSettings) {
    const description = 'Keeps the Retently OAuth bearer tokens of a fleet fresh in AWS Secrets Manager';
    super(scope, placed.stackName, toStackProps(description, placed));
    const resources = createFleet(new Construct(this, 'Fleet'), placed.fleet);
    addOutputs(this, {
      resources: describe(resources),
      commands: resources.commands,
      dashboardName: resources.dashboard?.dashboardName,
      console: placed.likelyRegion && consoleHost(placed.likelyRegion),
    });
  }
}

function describe({ refresh, sweep, refreshQueue, schedule, deadLetters }: FleetResources) {
  return {
    FunctionName: ['The function that refreshes', refresh.lambdaFunction.functionName],
    SweepName: ['The function that sweeps', sweep.lambdaFunction.functionName],
    QueueUrl: ['The queue of secrets to refresh', refreshQueue.queue.queueUrl],
    DeadLettersUrl: ['The queue of secrets whose runs died again and again', refreshQueue.deadLetters.queueUrl],
    ScheduleName: ['The schedule of the sweeps', schedule.schedule.scheduleName],
    FailedSweepsUrl: ['The queue of failed sweeps', deadLetters.failedRuns.queueUrl],
    UndeliveredTicksUrl: ['The queue of undelivered ticks', deadLetters.undeliveredTicks.queueUrl],
  } as const;
}
