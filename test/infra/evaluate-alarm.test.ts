import { describe, expect, it } from 'vitest';
import { type Datapoint, parseEmbeddedMetrics } from './embedded-metrics.ts';
import { evaluateAlarm, parseAlarm, watchAlarm } from './evaluate-alarm.ts';

const MINUTE_MS = 60_000;
const PROPERTIES = {
  Namespace: 'Ours',
  MetricName: 'Left',
  Dimensions: [{ Name: 'FunctionName', Value: { Ref: 'Function' } }],
  Statistic: 'Maximum',
  Period: 300,
  EvaluationPeriods: 3,
  ComparisonOperator: 'LessThanThreshold',
  Threshold: 10,
  TreatMissingData: 'breaching',
  AlarmActions: [{ Ref: 'Topic' }],
  OKActions: [{ Ref: 'Topic' }],
  AlarmDescription: 'Little is left.',
};
const toAlarm = (properties: object = {}) => parseAlarm({ ...PROPERTIES, ...properties }, { Function: 'mine' });
const left = (minute: number, value: number, other: Partial<Datapoint> = {}): Datapoint => ({
  namespace: 'Ours',
  metricName: 'Left',
  dimensions: { FunctionName: 'mine' },
  atMs: minute * MINUTE_MS,
  value,
  ...other,
});
const stateAt = (minute: number, properties: object, ...datapoints: readonly Datapoint[]) =>
  evaluateAlarm(toAlarm(properties), datapoints, minute * MINUTE_MS);

describe('an alarm', () => {
  it('fires if every period breaches, and not if one does not', () => {
    expect(stateAt(15, {}, left(2, 9), left(7, 9), left(12, 9))).toBe('ALARM');
    expect(stateAt(15, {}, left(2, 9), left(7, 10), left(12, 9))).toBe('OK');
  });

  it('fires if as many of the periods breach as it needs, even if it ignores that others have no data', () => {
    for (const TreatMissingData of ['ignore', 'notBreaching']) {
      const properties = { TreatMissingData, DatapointsToAlarm: 1 };
      expect(stateAt(15, properties, left(2, 9), left(7, 10), left(12, 10))).toBe('ALARM');
      expect(stateAt(15, properties, left(12, 9))).toBe('ALARM');
      expect(stateAt(15, properties, left(2, 10), left(7, 10), left(12, 10))).toBe('OK');
    }
  });

  it.each([
    ['Maximum', 'OK'],
    ['Sum', 'OK'],
  ])('aggregates a period by %s', (Statistic, state) => {
    expect(stateAt(15, { Statistic, EvaluationPeriods: 1 }, left(11, 4), left(12, 11))).toBe(state);
    expect(stateAt(15, { Statistic, EvaluationPeriods: 1 }, left(12, 4))).toBe('ALARM');
  });

  it('adds up only for Sum', () => {
    const two = [left(11, 5), left(12, 5)];
    expect(stateAt(15, { Statistic: 'Sum', EvaluationPeriods: 1 }, ...two)).toBe('OK');
    expect(stateAt(15, { Statistic: 'Maximum', EvaluationPeriods: 1 }, ...two)).toBe('ALARM');
  });

  it.each([
    ['LessThanThreshold', ['ALARM', 'OK', 'OK']],
    ['GreaterThanOrEqualToThreshold', ['OK', 'ALARM', 'ALARM']],
  ])('compares by %s', (ComparisonOperator, states) => {
    const properties = { ComparisonOperator, EvaluationPeriods: 1 };
    expect([9, 10, 11].map((value) => stateAt(5, properties, left(5, value)))).toEqual(states);
  });

  it.each([
    ['breaching', 'ALARM'],
    ['notBreaching', 'OK'],
  ])('takes missing data as %s', (TreatMissingData, state) => {
    expect(stateAt(60, { TreatMissingData })).toBe(state);
    expect(stateAt(15, { TreatMissingData }, left(12, 9))).toBe(state);
    expect(stateAt(15, { TreatMissingData }, left(12, 10))).toBe('OK');
  });

  it('keeps its state if it ignores missing data', () => {
    const alarm = toAlarm({ TreatMissingData: 'ignore', EvaluationPeriods: 1 });
    const states = watchAlarm(alarm, [left(2, 9), left(30, 10)], 0, 60);
    expect([0, 1, 2, 29, 30, 60].map((minute) => states[minute])).toEqual([
      'INSUFFICIENT_DATA',
      'INSUFFICIENT_DATA',
      'ALARM',
      'ALARM',
      'OK',
      'OK',
    ]);
  });

  it('looks a little further back before it counts a period as missing', () => {
    const states = watchAlarm(toAlarm(), [left(0, 10)], 0, 30);
    expect(states.indexOf('ALARM')).toBe(25);
  });

  it.each([
    ['another name', { metricName: 'Right' }],
    ['another namespace', { namespace: 'Theirs' }],
    ['another value of the dimension', { dimensions: { FunctionName: 'theirs' } }],
    ['one dimension more', { dimensions: { FunctionName: 'mine', Code: 'X' } }],
    ['no dimension', { dimensions: {} }],
  ])('does not see a metric under %s', (_, other) => {
    expect(stateAt(5, { EvaluationPeriods: 1 }, left(5, 10, other))).toBe('ALARM');
    expect(stateAt(5, { EvaluationPeriods: 1 }, left(5, 10))).toBe('OK');
  });

  it.each([
    ['a property', { EvaluateLowSampleCountPercentile: 'ignore' }],
    ['a statistic', { Statistic: 'Average' }],
    ['a comparison', { ComparisonOperator: 'GreaterThanThreshold' }],
    ['a treatment of missing data', { TreatMissingData: 'missing' }],
    ['a dimension', { Dimensions: [{ Name: 'FunctionName', Value: { Ref: 'Other' } }] }],
  ])('is rejected with %s that this evaluation does not support', (_, properties) => {
    expect(() => toAlarm(properties)).toThrow();
  });
});

describe('the Embedded Metric Format', () => {
  const Metrics = [{ Name: 'Left' }, { Name: 'Right' }];
  const line = (members: object, Dimensions: unknown = [['A'], ['A', 'B']]) =>
    JSON.stringify({
      _aws: { Timestamp: 5, CloudWatchMetrics: [{ Namespace: 'Ours', Dimensions, Metrics }] },
      ...members,
    });

  it('gives every value of every metric, once for each set of dimensions', () => {
    const datapoints = parseEmbeddedMetrics(
      `text\n{"level":"INFO"}\n${line({ A: 'a', B: 'b', Left: 1, Right: [2, 3] })}\n`,
    );
    expect(datapoints).toContainEqual({
      namespace: 'Ours',
      metricName: 'Left',
      dimensions: { A: 'a' },
      atMs: 5,
      value: 1,
    });
    expect(datapoints.map(({ dimensions, value }) => `${Object.values(dimensions).join()} ${value}`)).toEqual([
      'a 1',
      'a 2',
      'a 3',
      'a,b 1',
      'a,b 2',
      'a,b 3',
    ]);
  });

  it.each([
    ['a dimension has no value', { A: 'a', Left: 1, Right: 2 }],
    ['a metric has no value', { A: 'a', B: 'b', Left: 1 }],
    ['a value is a text', { A: 'a', B: 'b', Left: 1, Right: '2' }],
  ])('is rejected if %s, which CloudWatch would drop silently', (_, members) => {
    expect(() => parseEmbeddedMetrics(line(members))).toThrow();
  });
});
