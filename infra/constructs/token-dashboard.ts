import { type Alarm, AlarmStatusWidget, Dashboard, GraphWidget, type IWidget, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { METRICS } from '../../lambda/contract.ts';
import { functionMetric } from './function-metric.ts';

const PERIOD_MINUTES = 30;

export interface TokenDashboardProps {
  readonly lambdaFunction: IFunction;
  readonly alarms: readonly Alarm[];
}

/** One dashboard: the alarms, the life of the token, and what the runs did. */
export class TokenDashboard extends Construct {
  readonly dashboardName: string;

  constructor(scope: Construct, id: string, props: TokenDashboardProps) {
    super(scope, id);
    this.dashboardName = new Dashboard(this, 'Dashboard', { widgets: toWidgets(props) }).dashboardName;
  }
}

function toWidgets({ lambdaFunction, alarms }: TokenDashboardProps): IWidget[][] {
  const sum = (name: string) => functionMetric(lambdaFunction, name, Stats.SUM, PERIOD_MINUTES);
  const minimum = (name: string) => functionMetric(lambdaFunction, name, Stats.MINIMUM, PERIOD_MINUTES);
  return [
    [new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: 24, height: 3 })],
    [
      new GraphWidget({
        title: 'Seconds that the bearer token has left, and until it is due',
        width: 12,
        left: [minimum(METRICS.tokenSecondsRemaining), minimum(METRICS.tokenSecondsUntilDue)],
        leftYAxis: { min: 0 },
      }),
      new GraphWidget({
        title: 'What runs did',
        width: 12,
        left: [
          sum(METRICS.refreshed),
          sum(METRICS.refreshFailed),
          sum(METRICS.tokenNotStored),
          sum(METRICS.claimTakenOver),
          lambdaFunction.metricErrors(),
        ],
        right: [functionMetric(lambdaFunction, METRICS.exchangeMilliseconds, Stats.MAXIMUM, PERIOD_MINUTES)],
        leftYAxis: { min: 0 },
      }),
    ],
  ];
}
