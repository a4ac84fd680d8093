import { Stack } from 'aws-cdk-lib';
import type { Alarm, Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { allowAwsServices } from './constructs/allow-aws-services.ts';
import { functionMetric } from './constructs/function-metric.ts';
import { withSecurityGroup } from './constructs/security-group.ts';
import { createFleet } from './create-fleet.ts';
import type { TokenRefreshFleetProps } from './fleet-props.ts';
import { parseFleetProps, rethrowFrom } from './options/parse-props.ts';
import type { OutputOptions } from './output-options.ts';
import { addConstructOutputs, type StackOutputs } from './stack-outputs.ts';

export type { TokenRefreshFleetProps } from './fleet-props.ts';

const METRIC_PERIOD_MINUTES = 5;

/**
 * Keeps the access tokens of all secrets with a tag fresh: sweep, queues, refresh function and alarms. It creates no secret.
 * **Anyone who may tag a secret can make the refresh function's role reach it.**
 */
export class TokenRefreshFleet extends Construct {
  /** The function that refreshes one secret per message. */
  readonly lambdaFunction: IFunction;
  /** The function that lists the secrets with the tag. */
  readonly sweepFunction: IFunction;
  /** The queue of secrets to refresh, one message per secret. */
  readonly queue: IQueue;
  /** The queue of messages whose runs ended without a result five times. */
  readonly deadLetters: IQueue;
  /** The queue of sweeps that failed, and failed again when Lambda retried. */
  readonly failedSweeps: IQueue;
  /** The queue of ticks that EventBridge Scheduler could not deliver. */
  readonly undeliveredTicks: IQueue;
  /** The alarms, for everything that needs a person. */
  readonly alarms: readonly Alarm[];
  /** The topic of the alarms. */
  readonly alarmTopic: ITopic;
  private readonly operatorOutputs: StackOutputs;

  /** @throws Error that names every mistake in `props` */
  constructor(scope: Construct, id: string, props: TokenRefreshFleetProps) {
    super(scope, id);
    const { region } = Stack.of(this);
    const settings = rethrowFrom(new.target, () => parseFleetProps(withSecurityGroup(this, props), region));
    const resources = createFleet(this, settings);
    allowAwsServices(this, props);
    this.lambdaFunction = resources.refresh;
    this.sweepFunction = resources.sweep;
    this.queue = resources.queue;
    this.deadLetters = resources.deadLetters;
    this.failedSweeps = resources.failedSweeps;
    this.undeliveredTicks = resources.undeliveredTicks;
    this.alarms = resources.alarms.alarms;
    this.alarmTopic = resources.alarmTopic;
    this.operatorOutputs = resources;
  }

  /** Lets `grantee` refresh one secret of the fleet, force that, or see its status. */
  grantInvoke(grantee: IGrantable): Grant {
    return this.lambdaFunction.grantInvoke(grantee);
  }

  /**
   * Adds outputs to the stack: the names and commands that the runbook uses. Each command works as printed in AWS CloudShell.
   *
   * @throws Error if the stack has outputs with this prefix already
   */
  addOutputs(options: OutputOptions = {}): void {
    addConstructOutputs(this, this.operatorOutputs, options);
  }

  /** Returns a metric of the refresh function, over all secrets, from the namespace `RetentlyTokenRefresh`. @default - the sum over 5 minutes */
  metric(metricName: string, options: MetricOptions = {}): Metric {
    return functionMetric(this.lambdaFunction, metricName, Stats.SUM, METRIC_PERIOD_MINUTES).with(options);
  }

  /** Returns a metric of the sweep function. @default - the maximum over 5 minutes */
  metricSweep(metricName: string, options: MetricOptions = {}): Metric {
    return functionMetric(this.sweepFunction, metricName, Stats.MAXIMUM, METRIC_PERIOD_MINUTES).with(options);
  }
}
