import * as z from 'zod';
import { resourcesOf, type SynthesisedTemplate } from '../infra/synthesise.ts';

/** Resources of a template that have a monthly price, or that determine the price of a run. */
export interface BilledParts {
  readonly secrets: number;
  /** An alarm costs as much as the metrics that it looks at. */
  readonly alarmMetrics: number;
  readonly compositeAlarms: number;
  readonly dashboards: number;
  readonly queues: number;
  readonly functions: number;
  readonly logGroups: number;
  /** Queues that an event source mapping polls. */
  readonly polledQueues: number;
  /** The most that one of the functions has. */
  readonly memoryGb: number;
}

const alarmSchema = z.object({ Metrics: z.array(z.object({ MetricStat: z.unknown().optional() })).optional() });
const functionSchema = z.object({ MemorySize: z.number() });

export function toBilledParts(template: SynthesisedTemplate): BilledParts {
  const count = (type: string) => resourcesOf(template, type).length;
  const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(({ Properties }) => alarmSchema.parse(Properties));
  const functions = resourcesOf(template, 'AWS::Lambda::Function').map(({ Properties }) =>
    functionSchema.parse(Properties),
  );
  return {
    secrets: count('AWS::SecretsManager::Secret'),
    alarmMetrics: alarms.reduce((sum, { Metrics }) => sum + countMetrics(Metrics), 0),
    compositeAlarms: count('AWS::CloudWatch::CompositeAlarm'),
    dashboards: count('AWS::CloudWatch::Dashboard'),
    queues: count('AWS::SQS::Queue'),
    functions: functions.length,
    logGroups: count('AWS::Logs::LogGroup'),
    polledQueues: count('AWS::Lambda::EventSourceMapping'),
    memoryGb: Math.max(...functions.map(({ MemorySize }) => MemorySize)) / 1_024,
  };
}

/** Without a list, an alarm looks at one metric; in a list, expressions cost nothing of their own. */
function countMetrics(metrics: readonly { readonly MetricStat?: unknown }[] | undefined): number {
  if (metrics === undefined) return 1;
  return metrics.filter(({ MetricStat }) => MetricStat !== undefined).length;
}
