import { type Alarm, Dashboard, GraphWidget, type IWidget, MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { FLEET_METRICS, METRICS } from '../../lambda/contract.ts';
import type { FleetCommands } from '../fleet-commands.ts';
import {
  PERIOD_MINUTES,
  period,
  toAlarmsWidget,
  toFailuresWidget,
  toGuide,
  toQueuesWidget,
  toRunsWidget,
} from './dashboard-widgets.ts';
import { functionMetric } from './function-metric.ts';

export interface FleetDashboardProps {
  readonly sweep: IFunction;
  readonly refresh: IFunction;
  readonly queue: IQueue;
  readonly deadLetters: readonly IQueue[];
  readonly alarms: readonly Alarm[];
  readonly commands: FleetCommands;
  readonly runbookUrl: string | undefined;
}

/** One dashboard: the alarms, what to do, the fleet and its worst token, and what the runs did. */
export class FleetDashboard extends Construct {
  readonly dashboardName: string;

  constructor(scope: Construct, id: string, props: FleetDashboardProps) {
    super(scope, id);
    const { refresh, queue, deadLetters, commands } = props;
    const { AttentionCommand, StatusCommand, SweepLogsCommand } = commands;
    const widgets = [
      [toAlarmsWidget(props.alarms)],
      [toGuide([AttentionCommand, StatusCommand, SweepLogsCommand], props.runbookUrl)],
      [toWorstWidget(refresh), toFleetWidget(props)],
      [toRunsWidget(refresh), toFailuresWidget(refresh)],
      [toQueuesWidget('Messages in the queue of the refresh, and dead letters', [queue, ...deadLetters])],
    ];
    this.dashboardName = new Dashboard(this, 'Dashboard', { widgets }).dashboardName;
  }
}

function toWorstWidget(refresh: IFunction): IWidget {
  const hours = (id: string, metricName: string, statistic: string, label: string) =>
    new MathExpression({
      expression: `${id} / 3600`,
      usingMetrics: { [id]: functionMetric(refresh, metricName, statistic, PERIOD_MINUTES) },
      label,
      period,
    });
  return new GraphWidget({
    title: 'Hours, of the worst token',
    width: 12,
    left: [
      hours('left', METRICS.tokenSecondsRemaining, Stats.MINIMUM, 'left'),
      hours('overdue', FLEET_METRICS.tokenSecondsOverdue, Stats.MAXIMUM, 'overdue'),
    ],
    leftYAxis: { min: 0, label: 'hours', showUnits: false },
  });
}

function toFleetWidget({ sweep, queue }: FleetDashboardProps): IWidget {
  return new GraphWidget({
    title: 'Secrets that a sweep found and queued, and how long the oldest message waits',
    width: 12,
    left: [FLEET_METRICS.secretsListed, FLEET_METRICS.secretsQueued].map((name) =>
      functionMetric(sweep, name, Stats.MAXIMUM, PERIOD_MINUTES),
    ),
    right: [queue.metricApproximateAgeOfOldestMessage({ period, statistic: Stats.MAXIMUM })],
    leftYAxis: { min: 0 },
  });
}
