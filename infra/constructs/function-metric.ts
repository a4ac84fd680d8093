import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { METRIC_DIMENSION, METRIC_NAMESPACE } from '../../lambda/contract.ts';

/** Returns a metric that the function emits. CloudWatch finds it only with exactly these dimensions. */
export function functionMetric(
  lambdaFunction: IFunction,
  metricName: string,
  statistic: string,
  periodMinutes: number,
) {
  return new Metric({
    namespace: METRIC_NAMESPACE,
    metricName,
    dimensionsMap: { [METRIC_DIMENSION]: lambdaFunction.functionName },
    statistic,
    period: Duration.minutes(periodMinutes),
  });
}
