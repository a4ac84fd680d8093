import { CloudWatchClient, DescribeAlarmsCommand, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { GetScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { toAwsFailure } from './aws-failure.ts';
import { type AwsSettings, clientOptions } from './aws-settings.ts';
import { type Deployment, isFleet } from './deployment.ts';

/** How far back the last tick is looked for. */
const TICK_WINDOW_MS = 3 * 60 * 60 * 1000;
const MINUTE_SECONDS = 60;

interface AlarmState {
  readonly name: string;
  readonly isOn: boolean;
}

interface ScheduleState {
  readonly name: string;
  readonly isEnabled: boolean;
  readonly expression: string;
}

/** What watches the function: its alarms and its schedule. A part that could not be read says why. */
export interface Watch {
  readonly alarms: readonly AlarmState[] | undefined;
  readonly schedules: readonly ScheduleState[] | undefined;
  /** RFC 3339, to the minute; `undefined` if there was none in the last three hours. */
  readonly lastTickAt: string | undefined;
  readonly problems: readonly string[];
}

export async function readWatch(deployment: Deployment, settings: AwsSettings): Promise<Watch> {
  const problems: string[] = [];
  const tried = async <T>(doing: string, work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work;
    } catch (error) {
      problems.push(toAwsFailure(error, doing, settings).message);
      return undefined;
    }
  };
  const [alarms, schedules, lastTickAt] = await Promise.all([
    tried('To read the alarms', readAlarms(deployment.alarmNames, settings)),
    tried('To read the schedule', Promise.all(deployment.scheduleNames.map((name) => readSchedule(name, settings)))),
    tried('To read the metrics', readLastTick(tickedFunctionOf(deployment), settings)),
  ]);
  return { alarms, schedules, lastTickAt, problems };
}

function tickedFunctionOf(deployment: Deployment): string {
  return isFleet(deployment) ? deployment.sweepName : deployment.refreshFunction.name;
}

async function readAlarms(names: readonly string[], settings: AwsSettings): Promise<readonly AlarmState[]> {
  if (names.length === 0) return [];
  const client = new CloudWatchClient(clientOptions(settings));
  const { MetricAlarms = [] } = await client.send(new DescribeAlarmsCommand({ AlarmNames: [...names] }));
  return MetricAlarms.map(({ AlarmName = '', StateValue }) => ({ name: AlarmName, isOn: StateValue === 'ALARM' }));
}

async function readSchedule(name: string, settings: AwsSettings): Promise<ScheduleState> {
  const client = new SchedulerClient(clientOptions(settings));
  const { State, ScheduleExpression = '' } = await client.send(new GetScheduleCommand({ Name: name }));
  return { name, isEnabled: State === 'ENABLED', expression: ScheduleExpression };
}

/** Scheduler invokes asynchronously and people do not: `AsyncEventsReceived` counts the ticks alone. */
async function readLastTick(functionName: string, settings: AwsSettings): Promise<string | undefined> {
  const client = new CloudWatchClient(clientOptions(settings));
  const Metric = {
    Namespace: 'AWS/Lambda',
    MetricName: 'AsyncEventsReceived',
    Dimensions: [{ Name: 'FunctionName', Value: functionName }],
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
  return Timestamps.find((_at, index) => (Values[index] ?? 0) > 0)?.toISOString();
}
