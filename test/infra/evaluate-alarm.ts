import * as z from 'zod';
import type { Datapoint } from './embedded-metrics.ts';
import { type Attributes, resolveText } from './resolve-intrinsics.ts';

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

const MINUTE_MS = 60_000;
// CloudWatch asks for more periods than it evaluates, and takes a datapoint from there before it counts one as missing.
// How many more is its own affair; its documentation shows two.
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

/** The properties of `AWS::CloudWatch::Alarm` that decide its state. Others are refused, so that none is overlooked. */
const alarmSchema = z
  .strictObject({
    Namespace: z.string(),
    MetricName: z.string(),
    Dimensions: z.array(z.strictObject({ Name: z.string(), Value: z.unknown() })),
    Statistic: z.enum(['Minimum', 'Maximum', 'Sum']),
    Period: z.int().multipleOf(60),
    EvaluationPeriods: z.int().min(1),
    ComparisonOperator: z.enum(['LessThanThreshold', 'GreaterThanOrEqualToThreshold']),
    Threshold: z.number(),
    TreatMissingData: z.enum(['breaching', 'notBreaching', 'ignore']),
    AlarmActions: z.array(z.unknown()).min(1),
    OKActions: z.array(z.unknown()).min(1),
    AlarmDescription: z.unknown(),
  })
  .refine(({ TreatMissingData, EvaluationPeriods }) => TreatMissingData !== 'ignore' || EvaluationPeriods === 1, {
    error: 'ignore is evaluated here for one period alone',
  });

type AlarmProperties = z.output<typeof alarmSchema>;
export interface Alarm extends Omit<AlarmProperties, 'Dimensions' | 'AlarmDescription'> {
  /** What its mail says. */
  readonly text: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** @throws Error for a property, a statistic or a comparison that `evaluateAlarm` does not know */
export function parseAlarm(properties: unknown, attributes: Attributes): Alarm {
  const { Dimensions, AlarmDescription, ...alarm } = alarmSchema.parse(properties);
  const dimensions = Dimensions.map(({ Name, Value }) => [Name, resolveText(Value, attributes)]);
  const text = resolveText(AlarmDescription, attributes);
  return { ...alarm, text, dimensions: Object.fromEntries(dimensions) };
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
  const { EvaluationPeriods, TreatMissingData } = alarm;
  const found = toPeriods(alarm, datapoints, atMs);
  const missing = Math.max(0, EvaluationPeriods - found.length);
  if (TreatMissingData === 'ignore' && missing > 0) return before;
  // All of the periods must breach; what is not found breaches or does not, as the alarm has it.
  const isMissingBreaching = missing === 0 || TreatMissingData === 'breaching';
  return isMissingBreaching && found.every((isBreaching) => isBreaching) ? 'ALARM' : 'OK';
}

/** Whether each period with data breaches, the youngest first, and no more of them than the alarm evaluates. */
function toPeriods(alarm: Alarm, datapoints: readonly Datapoint[], atMs: number): readonly boolean[] {
  const { EvaluationPeriods, Period, Statistic, ComparisonOperator, Threshold } = alarm;
  const own = datapoints.filter((datapoint) => isOf(alarm, datapoint));
  const breaching: boolean[] = [];
  for (let period = 0; period < EvaluationPeriods + EXTRA_PERIODS; period++) {
    const endMs = atMs - period * Period * 1000;
    const values = own.filter((each) => each.atMs <= endMs && each.atMs > endMs - Period * 1000);
    if (values.length === 0) continue;
    const value = STATISTICS[Statistic]?.(values.map((each) => each.value));
    breaching.push(value !== undefined && COMPARISONS[ComparisonOperator]?.(value, Threshold) === true);
  }
  return breaching.slice(0, EvaluationPeriods);
}

function isOf({ Namespace, MetricName, dimensions }: Alarm, datapoint: Datapoint): boolean {
  const entries = Object.entries(datapoint.dimensions);
  return (
    datapoint.namespace === Namespace &&
    datapoint.metricName === MetricName &&
    entries.length === Object.keys(dimensions).length &&
    entries.every(([name, value]) => dimensions[name] === value)
  );
}

/** How the state of an alarm went, minute after minute, from `fromMinute` to `toMinute`. */
export function watchAlarm(
  alarm: Alarm,
  datapoints: readonly Datapoint[],
  fromMinute: number,
  toMinute: number,
): readonly AlarmState[] {
  const states: AlarmState[] = [];
  for (let minute = fromMinute; minute <= toMinute; minute++) {
    states.push(evaluateAlarm(alarm, datapoints, minute * MINUTE_MS, states.at(-1)));
  }
  return states;
}
