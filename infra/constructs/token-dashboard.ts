import { type Alarm, Dashboard, GraphWidget, type IWidget, MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { METRICS } from '../../lambda/contract.ts';
import type { OperatorCommands } from '../operator-commands.ts';
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

const QUEUES_TITLE = 'Messages in the queues of failed runs and undelivered ticks';

export interface TokenDashboardProps {
  readonly lambdaFunction: IFunction;
  readonly alarms: readonly Alarm[];
  readonly queues: readonly IQueue[];
  readonly commands: OperatorCommands;
  readonly runbookUrl: string | undefined;
}

/** One dashboard: the alarms, what to do, the life of the token, and what the runs did. */
export class TokenDashboard extends Construct {
  readonly dashboardName: string;

  constructor(scope: Construct, id: string, props: TokenDashboardProps) {
    super(scope, id);
    const { lambdaFunction } = props;
    const { StatusCommand, LogsCommand, ScheduleCommand } = props.commands;
    const widgets = [
      [toAlarmsWidget(props.alarms)],
      [toGuide([StatusCommand, LogsCommand, ScheduleCommand], props.runbookUrl)],
      [toLifeWidget(props), toRunsWidget(lambdaFunction)],
      [toFailuresWidget(lambdaFunction), toQueuesWidget(QUEUES_TITLE, props.queues)],
    ];
    this.dashboardName = new Dashboard(this, 'Dashboard', { widgets }).dashboardName;
  }
}

function toLifeWidget({ lambdaFunction }: TokenDashboardProps): IWidget {
  const hours = (id: string, metricName: string, label: string) =>
    new MathExpression({
      expression: `${id} / 3600`,
      usingMetrics: { [id]: functionMetric(lambdaFunction, metricName, Stats.MINIMUM, PERIOD_MINUTES) },
      label,
      period,
    });
  return new GraphWidget({
    title: 'Hours that the bearer token has left, and until it is due',
    width: 12,
    left: [
      hours('left', METRICS.tokenSecondsRemaining, 'left'),
      hours('until', METRICS.tokenSecondsUntilDue, 'until due'),
    ],
    leftYAxis: { min: 0, label: 'hours', showUnits: false },
    leftAnnotations: [{ value: 0, label: 'TokenExpiringSoon fires if "until due" stays here, or ends' }],
  });
}
