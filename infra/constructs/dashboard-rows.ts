import { Duration } from 'aws-cdk-lib';
import { GraphWidget, type IWidget, LogQueryWidget, MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import {
  FLEET_METRICS,
  METRIC_CODE_DIMENSION,
  METRIC_DIMENSION,
  METRIC_NAMESPACE,
  METRICS,
} from '../../lambda/contract.ts';
import { functionMetric } from './function-metric.ts';

const PERIOD_MINUTES = 30;
const period = Duration.minutes(PERIOD_MINUTES);

/** Returns the rows for one account: the lifetime of its token, and the results of its runs. */
export function accountRows(
  lambdaFunction: IFunction,
  logGroup: ILogGroup,
  queues: readonly IQueue[],
): readonly (readonly IWidget[])[] {
  return [
    [toHealthWidget(logGroup)],
    [toLifeWidget(lambdaFunction), toRunsWidget(lambdaFunction)],
    [
      toFailuresWidget(lambdaFunction),
      toQueuesWidget('Messages in the queues of failed runs and undelivered ticks', queues),
    ],
  ];
}

export interface FleetParts {
  readonly sweep: IFunction;
  readonly refresh: IFunction;
  readonly queue: IQueue;
  readonly deadLetters: readonly IQueue[];
  readonly sweepLogs: ILogGroup;
}

/** Returns the rows for a fleet: its worst token, the sweeps, and the results of the runs. */
export function fleetRows({
  sweep,
  refresh,
  queue,
  deadLetters,
  sweepLogs,
}: FleetParts): readonly (readonly IWidget[])[] {
  return [
    [toTroublesWidget(sweepLogs)],
    [toWorstWidget(sweep), toSweepsWidget(sweep, queue)],
    [toRunsWidget(refresh), toFailuresWidget(refresh)],
    [toQueuesWidget('Messages in the refresh queue, and dead letters', [queue, ...deadLetters])],
  ];
}

/** Shows the judgment of the last sweeps, in the words of `status`: one line per reason. */
function toTroublesWidget(logGroup: ILogGroup): IWidget {
  return new LogQueryWidget({
    title: 'Secrets that need attention, and what to do',
    width: 24,
    height: 5,
    logGroupNames: [logGroup.logGroupName],
    queryLines: [
      'fields @timestamp, health, action, code, listed, secretIds.0, runbook',
      'filter ispresent(health)',
      'sort @timestamp desc',
      'limit 10',
    ],
  });
}

/** Returns a widget with the health that the last runs reported, in the same terms as `status`. */
function toHealthWidget(logGroup: ILogGroup): IWidget {
  return new LogQueryWidget({
    title: 'Health of the last runs, and what to do',
    width: 24,
    height: 5,
    logGroupNames: [logGroup.logGroupName],
    queryLines: [
      'fields @timestamp, health, action, outcome, code, message',
      'filter ispresent(health)',
      'sort @timestamp desc',
      'limit 5',
    ],
  });
}

function toLifeWidget(lambdaFunction: IFunction): IWidget {
  const hours = hoursOf(lambdaFunction);
  return new GraphWidget({
    title: 'Hours until the access token expires, and until it is due',
    width: 12,
    left: [
      hours('left', METRICS.tokenSecondsRemaining, Stats.MINIMUM, 'left'),
      hours('until', METRICS.tokenSecondsUntilDue, Stats.MINIMUM, 'until due'),
    ],
    leftYAxis: HOURS_AXIS,
    leftAnnotations: [{ value: 0, label: 'TokenExpiringSoon fires if "until due" stays at 0, or has no data' }],
  });
}

function toWorstWidget(sweep: IFunction): IWidget {
  const hours = hoursOf(sweep);
  return new GraphWidget({
    title: 'Hours until the worst token expires, and until it is due',
    width: 12,
    left: [
      hours('left', METRICS.tokenSecondsRemaining, Stats.MINIMUM, 'left'),
      hours('overdue', FLEET_METRICS.tokenSecondsOverdue, Stats.MAXIMUM, 'overdue'),
    ],
    leftYAxis: HOURS_AXIS,
  });
}

const HOURS_AXIS = { min: 0, label: 'hours', showUnits: false };

function hoursOf(lambdaFunction: IFunction) {
  return (id: string, metricName: string, statistic: string, label: string) =>
    new MathExpression({
      expression: `${id} / 3600`,
      usingMetrics: { [id]: functionMetric(lambdaFunction, metricName, statistic, PERIOD_MINUTES) },
      label,
      period,
    });
}

function toSweepsWidget(sweep: IFunction, queue: IQueue): IWidget {
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

function toRunsWidget(lambdaFunction: IFunction): IWidget {
  const sum = (name: string) => functionMetric(lambdaFunction, name, Stats.SUM, PERIOD_MINUTES);
  return new GraphWidget({
    title: 'Results of runs',
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

function toFailuresWidget({ functionName }: IFunction): IWidget {
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

function toQueuesWidget(title: string, queues: readonly IQueue[]): IWidget {
  return new GraphWidget({
    title,
    width: 12,
    left: queues.map((queue) => queue.metricApproximateNumberOfMessagesVisible({ period, statistic: Stats.MAXIMUM })),
    leftYAxis: { min: 0 },
  });
}
