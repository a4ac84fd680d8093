import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IWidget,
  MathExpression,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { METRIC_CODE_DIMENSION, METRIC_DIMENSION, METRIC_NAMESPACE, METRICS } from '../../lambda/contract.ts';
import type { OperatorCommands } from '../operator-commands.ts';
import { functionMetric } from './function-metric.ts';

const PERIOD_MINUTES = 30;
const period = Duration.minutes(PERIOD_MINUTES);

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
    const widgets = [
      [new AlarmStatusWidget({ title: 'Alarms', alarms: [...props.alarms], width: 24, height: 3 })],
      [new TextWidget({ markdown: toGuide(props), width: 24, height: 6 })],
      [toLifeWidget(props), toRunsWidget(props)],
      [toFailuresWidget(props), toQueuesWidget(props)],
    ];
    this.dashboardName = new Dashboard(this, 'Dashboard', { widgets }).dashboardName;
  }
}

/** What to do, in Markdown. */
function toGuide({ commands, runbookUrl }: TokenDashboardProps): string {
  const runbook = runbookUrl === undefined ? '`docs/runbook.md`' : `[the runbook](${runbookUrl})`;
  const { StatusCommand, LogsCommand, ScheduleCommand } = commands;
  const lines = [StatusCommand, LogsCommand, ScheduleCommand].flatMap(({ description, command }) => [
    `# ${description}`,
    command,
  ]);
  return [
    `**What to do:** ${runbook} has an entry for each alarm and each error code. In AWS CloudShell:`,
    '```',
    ...lines,
    '```',
  ].join('\n');
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

function toRunsWidget({ lambdaFunction }: TokenDashboardProps): IWidget {
  const sum = (name: string) => functionMetric(lambdaFunction, name, Stats.SUM, PERIOD_MINUTES);
  return new GraphWidget({
    title: 'What runs did',
    width: 12,
    left: [
      sum(METRICS.refreshed),
      sum(METRICS.refreshFailed),
      sum(METRICS.tokenNotStored),
      sum(METRICS.claimTakenOver),
      lambdaFunction.metricErrors({ period }),
    ],
    right: [functionMetric(lambdaFunction, METRICS.exchangeMilliseconds, Stats.MAXIMUM, PERIOD_MINUTES)],
    leftYAxis: { min: 0 },
  });
}

function toFailuresWidget({ lambdaFunction: { functionName } }: TokenDashboardProps): IWidget {
  const schema = [METRIC_NAMESPACE, METRIC_DIMENSION, METRIC_CODE_DIMENSION].join(',');
  const search = `{${schema}} MetricName="${METRICS.refreshFailed}" ${METRIC_DIMENSION}="${functionName}"`;
  return new GraphWidget({
    title: 'Failures by code',
    width: 12,
    left: [
      new MathExpression({
        expression: `SEARCH('${search}', 'Sum', ${PERIOD_MINUTES * 60})`,
        label: `\${PROP('Dim.${METRIC_CODE_DIMENSION}')}`,
        period,
      }),
    ],
    leftYAxis: { min: 0 },
  });
}

function toQueuesWidget({ queues }: TokenDashboardProps): IWidget {
  return new GraphWidget({
    title: 'Messages in the queues of failed runs and undelivered ticks',
    width: 12,
    left: queues.map((queue) => queue.metricApproximateNumberOfMessagesVisible({ period, statistic: Stats.MAXIMUM })),
    leftYAxis: { min: 0 },
  });
}
