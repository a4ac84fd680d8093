import { METRIC_NAMESPACE, METRICS } from '../../lambda/contract.ts';
import type { TokenStates } from '../../lambda/core/ports.ts';
import { MINUTE_MS } from '../support/secret-documents.ts';
import type { DeployedDays } from './deployed-days.ts';
import { attributesOf, FUNCTION_NAME } from './deployed-template.ts';
import type { Datapoint } from './embedded-metrics.ts';
import { watchAlarm } from './evaluate-alarm.ts';
import { alarmsOf } from './monitored-function.ts';
import type { SynthesisedTemplate } from './synthesise.ts';

const OWN = { FunctionName: FUNCTION_NAME };

/** One email of an alarm. */
export interface Email {
  readonly alarm: string;
  readonly state: 'ALARM' | 'OK';
  readonly minute: number;
}

/** When a message reached one of the queues, in milliseconds since the start. */
export type Messages = Readonly<Record<'FailedRuns' | 'UndeliveredTicks', readonly number[]>>;

/** Returns the emails that the alarms of a template send during these days. */
export function emailsOf(
  template: SynthesisedTemplate,
  days: DeployedDays,
  untilMinute: number,
  messages: Partial<Messages> = {},
  toSeen: (datapoint: Datapoint) => Datapoint | undefined = (datapoint) => datapoint,
): readonly Email[] {
  const attributes = attributesOf(template, 'arn');
  const queues = { FailedRuns: failedTicks(days), UndeliveredTicks: [], ...messages };
  const datapoints = [
    ...days.states.flatMap(({ atMs, states }) =>
      toDatapoints(states, atMs - days.startMs).flatMap((datapoint) => toSeen(datapoint) ?? []),
    ),
    ...days.runs.map(({ atMs, isError }) => toDatapoint('AWS/Lambda', 'Errors', atMs - days.startMs, isError ? 1 : 0)),
    ...Object.entries(queues).flatMap(([part, times]) => times.map((atMs) => toMessage(template, part, atMs))),
  ];
  const emails = [...alarmsOf(template, attributes)].flatMap(([alarm, rule]) => {
    const states = watchAlarm(rule, datapoints, 0, untilMinute);
    return states.flatMap((state, minute): Email[] => {
      const isChange = minute > 0 && state !== states[minute - 1];
      return isChange && state !== 'INSUFFICIENT_DATA' ? [{ alarm, state, minute }] : [];
    });
  });
  // The alarm for a due token is on until the first run.
  return emails.filter(({ minute }) => minute > 15).sort((a, b) => a.minute - b.minute);
}

function failedTicks({ failedTicksMs, startMs }: DeployedDays): readonly number[] {
  return failedTicksMs.map((atMs) => atMs - startMs);
}

function toDatapoints(states: TokenStates, atMs: number): readonly Datapoint[] {
  const toNumber = (state: boolean | undefined) => (state === undefined ? undefined : Number(state));
  const values = {
    [METRICS.tokenSecondsUntilDue]: Math.max(0, states.tokenSecondsUntilDue),
    [METRICS.reauthorizationRequired]: toNumber(states.isReauthorizationRequired),
    [METRICS.tokenSecretBehind]: toNumber(states.isTokenSecretStale),
    [METRICS.tokenSecretUnreadable]: toNumber(states.isTokenSecretUnreadable),
  };
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [toDatapoint(METRIC_NAMESPACE, name, atMs, value)],
  );
}

function toDatapoint(namespace: string, metricName: string, atMs: number, value: number): Datapoint {
  // A metric has the time of its minute.
  return { namespace, metricName, dimensions: OWN, atMs: Math.floor(atMs / MINUTE_MS) * MINUTE_MS, value };
}

function toMessage({ Resources }: SynthesisedTemplate, part: string, atMs: number): Datapoint {
  const [QueueName = ''] = Object.entries(Resources).flatMap(([id, { Type }]) =>
    Type === 'AWS::SQS::Queue' && id.includes(part) ? [id] : [],
  );
  return { ...toDatapoint('AWS/SQS', 'NumberOfMessagesSent', atMs, 1), dimensions: { QueueName } };
}
