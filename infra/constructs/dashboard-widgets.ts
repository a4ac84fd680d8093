import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  GraphWidget,
  type IWidget,
  MathExpression,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { METRIC_CODE_DIMENSION, METRIC_DIMENSION, METRIC_NAMESPACE, METRICS } from '../../lambda/contract.ts';
import type { OperatorCommand } from '../operator-commands.ts';
import { functionMetric } from './function-metric.ts';

export const PERIOD_MINUTES = 30;
export const period = Duration.minutes(PERIOD_MINUTES);

export function toAlarmsWidget(alarms: readonly Alarm[]): IWidget {
  return new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: 24, height: 3 });
}

/** What to do, in Markdown. */
export function toGuide(commands: readonly OperatorCommand[], runbookUrl: string | undefined): IWidget {
  const runbook = runbookUrl === undefined ? '`docs/runbook.md`' : `[the runbook](${runbookUrl})`;
  const lines = commands.flatMap(({ description, command }) => [`# ${description}`, command]);
  const markdown = [
    `**What to do:** ${runbook} has an entry for each alarm and each error code. In AWS CloudShell:`,
    '```',
    ...lines,
    '```',
  ].join('\n');
  return new TextWidget({ markdown, width: 24, height: 6 });
}

export function toRunsWidget(lambdaFunction: IFunction): IWidget {
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

export function toFailuresWidget({ functionName }: IFunction): IWidget {
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

export function toQueuesWidget(title: string, queues: readonly IQueue[]): IWidget {
  return new GraphWidget({
    title,
    width: 12,
    left: queues.map((queue) => queue.metricApproximateNumberOfMessagesVisible({ period, statistic: Stats.MAXIMUM })),
    leftYAxis: { min: 0 },
  });
}
