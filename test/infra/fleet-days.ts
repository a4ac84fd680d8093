import { METRIC_NAMESPACE } from '../../lambda/contract.ts';
import { decideNotices, NO_ONE_NOTIFIED, type Notified, renderNotice } from '../../lambda/fleet/decide-notices.ts';
import type { Sweep } from '../../lambda/fleet/sweep-secrets.ts';
import { SweepTelemetry } from '../../lambda/fleet/sweep-telemetry.ts';
import type { FleetOptions } from '../fleet/simulate-fleet.ts';
import { simulate } from '../fleet/small-fleet.ts';
import { MINUTE_MS, NOW_MS } from '../support/secret-documents.ts';
import { attributesOf, FUNCTION_NAME } from './deployed-template.ts';
import type { Datapoint } from './embedded-metrics.ts';
import { watchAlarm } from './evaluate-alarm.ts';
import { compositeOf, type Evaluated, watchComposite } from './evaluate-composite.ts';
import { alarmsOf } from './monitored-function.ts';
import { synthesiseFleet } from './synthesise.ts';

/** Hours from the start: echoes of the first burst are over by then. */
const FAULT_FROM_HOUR = 4;
const FAULT_UNTIL_HOUR = 28;
const PLAYED_HOURS = 32;
const SECRETS = 20;

const template = synthesiseFleet();
const ATTRIBUTES = attributesOf(template, '');
const ALARMS = alarmsOf(template, ATTRIBUTES);
const COMPOSITE = compositeOf(template, ATTRIBUTES);

function toQueue(id: RegExp, metricName: string) {
  const queues = Object.keys(template.Resources).filter((each) => template.Resources[each]?.Type === 'AWS::SQS::Queue');
  return { namespace: 'AWS/SQS', metricName, dimensions: { QueueName: queues.find((each) => id.test(each)) ?? '' } };
}
const AGE = toQueue(/^FleetQueue.{8}$/, 'ApproximateAgeOfOldestMessage');
const UNDELIVERED = toQueue(/UndeliveredTicks/, 'ApproximateNumberOfMessagesVisible');

/** A fault of a whole day. */
export interface FleetFault {
  readonly outage?: FleetOptions['outage'];
  /** @default - with the trouble */
  readonly outageFromHour?: number;
  readonly trouble?: FleetOptions['trouble'];
  /** CloudWatch gets no metric of the sweep. */
  readonly isUnseen?: boolean;
  /** Ticks come into the queue of undelivered ticks, where they stay. */
  readonly hasDeadLetters?: boolean;
}

/** One email: of an alarm, of *All clear*, or about accounts. */
export interface FleetEmail {
  readonly what: string;
  /** Since the fault began. */
  readonly minute: number;
}

export interface FleetDay {
  readonly emails: readonly FleetEmail[];
  /** Longest time that a token had been due when the first email was sent. */
  readonly overdueMinutes: number;
}

/** Collects what a sweep sends to CloudWatch. */
class CollectedTelemetry extends SweepTelemetry {
  readonly values = new Map<string, number>();

  protected override count(name: string, number = 1): void {
    this.values.set(name, number);
  }

  protected override recordSeconds(name: string, seconds: number): void {
    this.values.set(name, seconds);
  }
}

/** Plays a fleet of 20 accounts through a fault of 24 hours and the hours after it, and collects the emails. */
export async function playFleetDay({
  outage = 'none',
  outageFromHour = FAULT_FROM_HOUR,
  trouble,
  isUnseen,
  hasDeadLetters,
}: FleetFault): Promise<FleetDay> {
  const datapoints: Datapoint[] = [];
  const emails: FleetEmail[] = [];
  const toMinute = (atMs: number) => Math.floor((atMs - NOW_MS) / MINUTE_MS);
  const isFault = (atMs: number) => toMinute(atMs) >= FAULT_FROM_HOUR * 60 && toMinute(atMs) < FAULT_UNTIL_HOUR * 60;
  let state: Notified = NO_ONE_NOTIFIED;
  let overdueMinutes = 0;
  const worstOverdue = new Map<number, number>();
  const send = (what: string, minute: number) => emails.push({ what, minute: minute - FAULT_FROM_HOUR * 60 });
  const onSweep = ({ judgments }: Sweep, nowMs: number) => {
    const telemetry = new CollectedTelemetry();
    telemetry.recordSweep({ listed: judgments.length, queued: 0 }, judgments, nowMs);
    const atMs = toMinute(nowMs) * MINUTE_MS;
    worstOverdue.set(toMinute(nowMs), (telemetry.values.get('TokenSecondsOverdue') ?? 0) / 60);
    if (!(isUnseen && isFault(nowMs))) {
      const dimensions = { FunctionName: FUNCTION_NAME };
      for (const [metricName, value] of telemetry.values)
        datapoints.push({ namespace: METRIC_NAMESPACE, metricName, dimensions, atMs, value });
    }
    const { notices, next } = decideNotices(state, judgments);
    state = next;
    for (const notice of notices) send(renderNotice(notice, judgments.length).subject, toMinute(nowMs));
  };
  const onMinute = (ageMs: number, nowMs: number) => {
    const atMs = toMinute(nowMs) * MINUTE_MS;
    if (ageMs > 10 * MINUTE_MS) datapoints.push({ ...AGE, atMs, value: ageMs / 1_000 });
    // EventBridge Scheduler gives a tick up after half of the interval.
    const isLost = toMinute(nowMs) >= FAULT_FROM_HOUR * 60 + 5;
    if (hasDeadLetters && isLost) datapoints.push({ ...UNDELIVERED, atMs, value: 1 });
  };
  await simulate({
    secrets: SECRETS,
    days: PLAYED_HOURS / 24,
    hours: 6,
    outage,
    outageFromDay: outageFromHour / 24,
    outageHours: FAULT_UNTIL_HOUR - outageFromHour,
    trouble: trouble ?? { failure: 'hangs', percent: 0 },
    troubleHours: FAULT_UNTIL_HOUR - FAULT_FROM_HOUR,
    onSweep,
    onMinute,
  });
  for (const { what, minute } of alarmEmails(datapoints)) send(what, minute);
  emails.sort((one, other) => one.minute - other.minute);
  const [first] = emails;
  for (const [minute, overdue] of worstOverdue)
    if (first && minute <= first.minute + FAULT_FROM_HOUR * 60 && minute >= FAULT_FROM_HOUR * 60)
      overdueMinutes = Math.max(overdueMinutes, overdue);
  return { emails, overdueMinutes };
}

/**
 * Each alarm sends an email when it fires, and *All clear* sends one when all of them are over. *Sweep silent* is evaluated before the
 * others, so it clears before they know of the same sweep.
 */
function alarmEmails(datapoints: readonly Datapoint[]): readonly FleetEmail[] {
  const minutes = PLAYED_HOURS * 60;
  const emails: FleetEmail[] = [];
  const evaluated = new Map<string, Evaluated>();
  for (const [what, alarm] of ALARMS) {
    // All tokens are due at the start.
    const states = watchAlarm(alarm, datapoints, 0, minutes).map((state, minute) => (minute < 60 ? 'OK' : state));
    evaluated.set(what, { states, second: what === 'SweepSilent' ? 0 : 59 });
    for (const [minute, state] of states.entries())
      if (state === 'ALARM' && states[minute - 1] !== 'ALARM') emails.push({ what, minute });
  }
  for (const { state, atSecond } of watchComposite(COMPOSITE, evaluated))
    if (state === 'OK') emails.push({ what: 'All clear', minute: Math.floor(atSecond / 60) });
  return emails;
}
