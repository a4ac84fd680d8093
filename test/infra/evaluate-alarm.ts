import * as z from 'zod';
import type { Datapoint } from './embedded-metrics.ts';
import { type Attributes, resolveText } from './resolve-intrinsics.ts';

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

const MINUTE_MS = 60_000;
// CloudWatch asks for more periods than it evaluates, and takes a datapoint from there before it counts one as missing.
// The number is not specified; an example in its documentation shows two.
const EXTRA_PERIODS = 2;

const COMPARISONS: Readonly<Record<string, (value: number, threshold: number) => boolean>> = {
  LessThanThreshold: (value, threshold) => value < threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
};
const STATISTICS: Readonly<Record<string, (values: readonly number[]) => number>> = {
  Minimum: (values) => Math.min(...values),
  Maximum: (values) => Math.max(...values),
  Sum: (values) => values.reduce((sum, value) => sum + value, 0),
};

const metricShape = {
  Namespace: z.string(),
  MetricName: z.string(),
  Dimensions: z.array(z.strictObject({ Name: z.string(), Value: z.unknown() })),
};
const statistic = z.enum(['Minimum', 'Maximum', 'Sum']);
const period = z.int().multipleOf(60);

/** The one expression that is evaluated here: a sum in which a metric without data counts as 0. */
const SUM_OF_FILLED = /^FILL\((\w+), 0\)( \+ FILL\(\w+, 0\))*$/;
const sumSchema = z
  .tuple([
    z.strictObject({
      Id: z.string(),
      Expression: z.string().regex(SUM_OF_FILLED),
      Label: z.string().optional(),
      ReturnData: z.literal(true),
    }),
  ])
  .rest(
    z.strictObject({
      Id: z.string(),
      MetricStat: z.strictObject({ Metric: z.strictObject(metricShape), Period: period, Stat: statistic }),
      ReturnData: z.literal(false),
    }),
  );

/** Properties of `AWS::CloudWatch::Alarm` that determine its state. Others are rejected, so that none is overlooked. */
const alarmSchema = z.strictObject({
  ...z.object({ ...metricShape, Statistic: statistic, Period: period }).partial().shape,
  Metrics: sumSchema.optional(),
  EvaluationPeriods: z.int().min(1),
  DatapointsToAlarm: z.int().min(1).optional(),
  ComparisonOperator: z.enum(['LessThanThreshold', 'GreaterThanOrEqualToThreshold']),
  Threshold: z.number(),
  TreatMissingData: z.enum(['breaching', 'notBreaching', 'ignore']),
  AlarmActions: z.array(z.unknown()).min(1),
  OKActions: z.array(z.unknown()).min(1).optional(),
  AlarmDescription: z.unknown(),
});

type AlarmProperties = z.output<typeof alarmSchema>;

interface Metric {
  readonly namespace: string;
  readonly metricName: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

export interface Alarm
  extends Pick<
    AlarmProperties,
    'EvaluationPeriods' | 'DatapointsToAlarm' | 'ComparisonOperator' | 'Threshold' | 'TreatMissingData'
  > {
  /** Text of its email. */
  readonly text: string;
  /** One; or those of a sum, in which no data counts as 0. */
  readonly metrics: readonly Metric[];
  readonly isSum: boolean;
  readonly statistic: z.output<typeof statistic>;
  readonly periodSeconds: number;
}

/** @throws Error for a property, a statistic or a comparison that `evaluateAlarm` does not know */
export function parseAlarm(properties: unknown, attributes: Attributes): Alarm {
  const alarm = alarmSchema.parse(properties);
  const [, ...terms] = alarm.Metrics ?? [];
  const [{ MetricStat } = {}] = terms;
  const toMetric = ({ Namespace, MetricName, Dimensions }: z.output<z.ZodObject<typeof metricShape>>) => ({
    namespace: Namespace,
    metricName: MetricName,
    dimensions: Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, resolveText(Value, attributes)])),
  });
  return {
    ...alarm,
    text: resolveText(alarm.AlarmDescription, attributes),
    metrics: MetricStat
      ? terms.map((term) => toMetric(term.MetricStat.Metric))
      : [toMetric(z.object(metricShape).parse(alarm))],
    isSum: MetricStat !== undefined,
    statistic: statistic.parse(MetricStat?.Stat ?? alarm.Statistic),
    periodSeconds: period.parse(MetricStat?.Period ?? alarm.Period),
  };
}

/**
 * The state of an alarm at one moment. Every minute, CloudWatch looks at the periods that end there.
 *
 * @param datapoints of all metrics; only those under exactly the name, namespace and dimensions of the alarm count
 * @param before the state a minute ago, which `ignore` keeps
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 */
export function evaluateAlarm(
  alarm: Alarm,
  datapoints: readonly Datapoint[],
  atMs: number,
  before: AlarmState = 'INSUFFICIENT_DATA',
): AlarmState {
  const { EvaluationPeriods, DatapointsToAlarm = EvaluationPeriods, TreatMissingData } = alarm;
  const found = toPeriods(alarm, datapoints, atMs);
  const missing = Math.max(0, EvaluationPeriods - found.length);
  const breaching = found.filter((isBreaching) => isBreaching).length;
  if (breaching >= DatapointsToAlarm) return 'ALARM';
  if (TreatMissingData === 'ignore' && missing > 0) return before;
  // What is not found breaches or does not, as the alarm has it.
  const all = TreatMissingData === 'breaching' ? breaching + missing : breaching;
  return all >= DatapointsToAlarm ? 'ALARM' : 'OK';
}

/** Whether each period with data breaches, the youngest first, and no more of them than the alarm evaluates. */
function toPeriods(alarm: Alarm, datapoints: readonly Datapoint[], atMs: number): readonly boolean[] {
  const { EvaluationPeriods, periodSeconds, ComparisonOperator, Threshold } = alarm;
  const breaching: boolean[] = [];
  const sinceMs = atMs - (EvaluationPeriods + EXTRA_PERIODS) * periodSeconds * 1000;
  const recent = datapoints.filter((each) => each.atMs > sinceMs && each.atMs <= atMs);
  const own = metricsOf(alarm, recent);
  for (let index = 0; index < EvaluationPeriods + EXTRA_PERIODS; index++) {
    const value = toValue(alarm, own, atMs - index * periodSeconds * 1000);
    if (value !== undefined) breaching.push(COMPARISONS[ComparisonOperator]?.(value, Threshold) === true);
  }
  return breaching.slice(0, EvaluationPeriods);
}

/** Returns the value of the period that ends at this time; `undefined` if it has no data. */
function toValue(
  { isSum, statistic: name, periodSeconds }: Alarm,
  own: readonly (readonly Datapoint[])[],
  endMs: number,
): number | undefined {
  const values = own.map((datapoints) => {
    const found = datapoints.filter((each) => each.atMs <= endMs && each.atMs > endMs - periodSeconds * 1000);
    return found.length === 0 ? undefined : STATISTICS[name]?.(found.map((each) => each.value));
  });
  return isSum ? values.reduce<number>((sum, value = 0) => sum + value, 0) : values[0];
}

/** Returns the datapoints of each metric of the alarm. */
function metricsOf({ metrics }: Alarm, datapoints: readonly Datapoint[]): readonly (readonly Datapoint[])[] {
  return metrics.map((metric) => datapoints.filter((each) => isOf(metric, each)));
}

function isOf({ namespace, metricName, dimensions }: Metric, datapoint: Datapoint): boolean {
  const entries = Object.entries(datapoint.dimensions);
  return (
    datapoint.namespace === namespace &&
    datapoint.metricName === metricName &&
    entries.length === Object.keys(dimensions).length &&
    entries.every(([name, value]) => dimensions[name] === value)
  );
}

/** Returns the state of an alarm for each minute from `fromMinute` to `toMinute`. */
export function watchAlarm(
  alarm: Alarm,
  datapoints: readonly Datapoint[],
  fromMinute: number,
  toMinute: number,
): readonly AlarmState[] {
  const states: AlarmState[] = [];
  // Once, and not in every minute.
  const own = metricsOf(alarm, datapoints).flat();
  for (let minute = fromMinute; minute <= toMinute; minute++) {
    states.push(evaluateAlarm(alarm, own, minute * MINUTE_MS, states.at(-1)));
  }
  return states;
}
