import { Stack } from 'aws-cdk-lib';
import type { Alarm, Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { allowAwsServices, warnAboutImportedTopic } from './constructs/allow-aws-services.ts';
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
 * Keeps the access tokens of every secret with a tag fresh: the sweep, the queue, the refresh, and the alarms. It creates no
 * secret. **Whoever may tag a secret can aim the role of the refresh at it.**
 */
export class TokenRefreshFleet extends Construct {
  /** The function that refreshes a secret a message. */
  readonly lambdaFunction: IFunction;
  /** The function that lists the secrets with the tag. */
  readonly sweepFunction: IFunction;
  /** Secrets to refresh, a message each. */
  readonly queue: IQueue;
  /** Messages whose runs died again and again. */
  readonly deadLetters: IQueue;
  /** Sweeps that failed, and failed again when Lambda retried. */
  readonly failedSweeps: IQueue;
  /** Ticks that EventBridge Scheduler could not deliver. */
  readonly undeliveredTicks: IQueue;
  /** Everything that needs a person, and nothing else. */
  readonly alarms: readonly Alarm[];
  /** What the alarms publish to. */
  readonly alarmTopic: ITopic;
  private readonly operatorOutputs: StackOutputs;

  /** @throws Error that names every mistake in `props` */
  constructor(scope: Construct, id: string, props: TokenRefreshFleetProps) {
    super(scope, id);
    const { region } = Stack.of(this);
    const settings = rethrowFrom(new.target, () => parseFleetProps(withSecurityGroup(this, props), region));
    const resources = createFleet(this, settings);
    allowAwsServices(this, props);
    if (props.alarmTopic !== undefined) warnAboutImportedTopic(this, props.alarmTopic);
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

  /** Lets somebody refresh one secret of the fleet now, force that, or ask for its status. */
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

  /** A metric of the refresh, of the namespace `RetentlyTokenRefresh`, over all secrets. @default - the sum over 5 minutes */
  metric(metricName: string, options: MetricOptions = {}): Metric {
    return functionMetric(this.lambdaFunction, metricName, Stats.SUM, METRIC_PERIOD_MINUTES).with(options);
  }

  /** A metric of the sweep. @default - the maximum over 5 minutes */
  metricSweep(metricName: string, options: MetricOptions = {}): Metric {
    return functionMetric(this.sweepFunction, metricName, Stats.MAXIMUM, METRIC_PERIOD_MINUTES).with(options);
  }
}
