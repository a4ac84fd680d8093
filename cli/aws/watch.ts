import { GetMetricDataCommand, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import { GetScheduleCommand } from '@aws-sdk/client-scheduler';
import { type AlarmKind, findAlarmKind, METRIC_DIMENSION } from '../../lambda/contract.ts';
import { type Deployment, isFleet, scheduledFunctionOf } from './deployment.ts';
import { listResources } from './find-deployments.ts';
import type { AwsSession } from './session.ts';

/** Time in which to look for the last tick. */
const TICK_WINDOW_MS = 3 * 60 * 60 * 1000;
const MINUTE_SECONDS = 60;
/** CloudWatch's limit for the names in one request. */
const MAX_ALARM_NAMES = 100;

interface AlarmState {
  readonly name: string;
  readonly kind: AlarmKind;
  readonly isOn: boolean;
}

interface ScheduleState {
  readonly name: string;
  readonly isEnabled: boolean;
  /** Three intervals or more have passed without a tick. */
  readonly isSilent: boolean;
  readonly expression: string;
}

interface ReadSchedule extends Omit<ScheduleState, 'isSilent'> {
  readonly windowMs: number;
  readonly changedAtMs: number;
}

/** State of the alarms and of the schedule. `problems` has a sentence for each part that could not be read. */
export interface Watch {
  readonly alarms: readonly AlarmState[] | undefined;
  readonly schedules: readonly ScheduleState[] | undefined;
  /** RFC 3339, to the minute; `undefined` if there was none in the last three hours. */
  readonly lastTickAt: string | undefined;
  readonly problems: readonly string[];
}

/** Reads the stack's alarms and schedule. A part that cannot be read becomes a problem, and the rest is still read. */
export async function readWatch(session: AwsSession, deployment: Deployment): Promise<Watch> {
  const problems: string[] = [];
  const tried = async <T>(doing: string, work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work;
    } catch (error) {
      problems.push(session.failure(error, doing).message);
      return undefined;
    }
  };
  const resources = listResources(session, deployment.stackName ?? '');
  const [alarms, schedules, ticks] = await Promise.all([
    tried(
      'read the alarms',
      resources.then((all) => readAlarms(session, deployment, all)),
    ),
    tried(
      'read the schedule',
      resources.then((all) => readSchedules(session, deployment, all)),
    ),
    tried('read the metrics', readTicks(session, scheduledFunctionOf(deployment))),
  ]);
  // Without metrics, nothing is known about ticks.
  const judged = schedules?.map((each) => ({
    name: each.name,
    isEnabled: each.isEnabled,
    expression: each.expression,
    isSilent: ticks !== undefined && isSilent(each, ticks),
  }));
  return { alarms, schedules: judged, lastTickAt: ticks?.lastTickAt, problems: [...new Set(problems)] };
}

type Resources = Awaited<ReturnType<typeof listResources>>;

/** Returns the alarms of a known kind. An alarm on another deployment's function is not one of this deployment. */
async function readAlarms(
  session: AwsSession,
  deployment: Deployment,
  resources: Resources,
): Promise<readonly AlarmState[]> {
  const kinds = new Map<string, AlarmKind>();
  for (const { type, logicalId, physicalId } of resources) {
    const kind = type === 'AWS::CloudWatch::Alarm' ? findAlarmKind(logicalId) : undefined;
    if (kind !== undefined) kinds.set(physicalId, kind);
  }
  const own = new Set([deployment.refreshFunction.name, ...(isFleet(deployment) ? [deployment.sweepName] : [])]);
  const client = await session.cloudWatch();
  const names = [...kinds.keys()];
  const states: AlarmState[] = [];
  for (let start = 0; start < names.length; start += MAX_ALARM_NAMES) {
    const AlarmNames = names.slice(start, start + MAX_ALARM_NAMES);
    for await (const { MetricAlarms = [] } of paginateDescribeAlarms({ client }, { AlarmNames })) {
      for (const { AlarmName: name = '', StateValue, Dimensions = [] } of MetricAlarms) {
        const watched = Dimensions.find(({ Name }) => Name === METRIC_DIMENSION)?.Value;
        const kind = kinds.get(name);
        if (kind === undefined || (watched !== undefined && !own.has(watched))) continue;
        states.push({ name, kind, isOn: StateValue === 'ALARM' });
      }
    }
  }
  return states;
}

/** Returns the schedules that invoke this deployment's function. */
async function readSchedules(
  session: AwsSession,
  deployment: Deployment,
  resources: Resources,
): Promise<readonly ReadSchedule[]> {
  const client = await session.scheduler();
  const names = resources.flatMap(({ type, physicalId }) => (type === 'AWS::Scheduler::Schedule' ? [physicalId] : []));
  const schedules = await Promise.all(
    names.map(async (name) => ({ name, ...(await client.send(new GetScheduleCommand({ Name: name }))) })),
  );
  return schedules
    .filter(({ Target }) => Target?.Arn?.endsWith(`:function:${scheduledFunctionOf(deployment)}`))
    .map(({ name, State, ScheduleExpression = '', FlexibleTimeWindow, LastModificationDate }) => ({
      name,
      isEnabled: State === 'ENABLED',
      expression: ScheduleExpression,
      windowMs: (FlexibleTimeWindow?.MaximumWindowInMinutes ?? 0) * 60_000,
      changedAtMs: LastModificationDate?.getTime() ?? 0,
    }));
}

interface Ticks {
  readonly lastTickAt: string | undefined;
  readonly nowMs: number;
}

const UNIT_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const MISSED_TICKS = 3;

/** Returns whether a schedule has missed three ticks. One that was changed a moment ago has not had the time. */
function isSilent({ expression, windowMs, changedAtMs }: ReadSchedule, { lastTickAt, nowMs }: Ticks): boolean {
  const [, count = '', unit = ''] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  const silenceMs = MISSED_TICKS * Number(count) * (UNIT_MS[unit] ?? Number.NaN) + windowMs;
  // No metric is read from before the window: a slower schedule cannot be judged by it.
  if (!(silenceMs <= TICK_WINDOW_MS)) return false;
  return nowMs - Math.max(Date.parse(lastTickAt ?? '') || 0, changedAtMs) > silenceMs;
}

/** `AsyncEventsReceived` counts only ticks: Scheduler invokes asynchronously, and people do not. */
async function readTicks(session: AwsSession, functionName: string): Promise<Ticks> {
  const client = await session.cloudWatch();
  const Metric = {
    Namespace: 'AWS/Lambda',
    MetricName: 'AsyncEventsReceived',
    Dimensions: [{ Name: METRIC_DIMENSION, Value: functionName }],
  };
  const nowMs = Date.now();
  const request = new GetMetricDataCommand({
    StartTime: new Date(nowMs - TICK_WINDOW_MS),
    EndTime: new Date(nowMs),
    ScanBy: 'TimestampDescending',
    MetricDataQueries: [{ Id: 'ticks', MetricStat: { Metric, Period: MINUTE_SECONDS, Stat: 'Sum' } }],
  });
  const { MetricDataResults = [] } = await client.send(request);
  const { Timestamps = [], Values = [] } = MetricDataResults[0] ?? {};
  return { lastTickAt: Timestamps.find((_at, index) => (Values[index] ?? 0) > 0)?.toISOString(), nowMs };
}
