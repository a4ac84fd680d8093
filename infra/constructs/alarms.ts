import { Aws, Duration } from 'aws-cdk-lib';
import {
  Alarm,
  AlarmState,
  ComparisonOperator,
  CompositeAlarm,
  AlarmRule as CompositeRule,
  type CreateAlarmOptions,
  type IMetric,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { type AlarmKind, toRunbookEntry } from '../../lambda/contract.ts';

export interface AlarmsProps {
  /** Rules by the name of the alarm, which is also the name of its runbook entry. */
  readonly rules: AlarmRules;
  readonly topic: ITopic;
  /** Command that shows the current state. */
  readonly statusCommand: string;
  readonly runbookUrl: string | undefined;
  /**
   * Alarm without which no other alarm is certain. If set, one email is sent when all alarms have cleared, instead of one per alarm:
   * the cause that clears one may fire another.
   */
  readonly clearTogetherAfter: AlarmKind | undefined;
}

export interface AlarmRule extends CreateAlarmOptions {
  readonly metric: IMetric;
  /** Text of the alarm: what happened, and what it means for consumers. */
  readonly says: string;
}

/** Rules by the kind of their alarm, which is also the id of its construct. */
export type AlarmRules = Readonly<Partial<Record<AlarmKind, AlarmRule>>>;

/** Fires in the first period that has a value of 1 or more. */
export const AT_ONCE = {
  evaluationPeriods: 1,
  threshold: 1,
  comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
};

/** Time that all alarms must be clear before the email: CloudWatch evaluates each alarm once a minute, and not all in the same second. */
const SETTLED = Duration.minutes(2);

/** One alarm for each situation in which someone has to act. */
export class Alarms extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const action = new SnsAction(props.topic);
    const { rules, statusCommand, runbookUrl } = props;
    const place = `Stack ${Aws.STACK_NAME}, AWS account ${Aws.ACCOUNT_ID}, region ${Aws.REGION}.`;
    this.alarms = Object.entries(rules).map(([name, { says, ...rule }]) => {
      const alarmDescription = `${says}\n${place}\nFix: ${toRunbookEntry(name, runbookUrl)}\nStatus, in AWS CloudShell: ${statusCommand}`;
      const alarm = new Alarm(this, name, { ...rule, alarmDescription });
      alarm.addAlarmAction(action);
      // The same people are notified when the alarm clears.
      if (props.clearTogetherAfter === undefined) alarm.addOkAction(action);
      return alarm;
    });
    const last = this.alarms.find(({ node }) => node.id === props.clearTogetherAfter);
    if (last !== undefined) this.createAllClear(last).addOkAction(action);
  }

  private createAllClear(actionsSuppressor: Alarm): CompositeAlarm {
    return new CompositeAlarm(this, 'AllClear', {
      alarmDescription: `At least one alarm of the fleet is active. This alarm clears when all of them have cleared.\nStack: ${Aws.STACK_NAME}`,
      alarmRule: CompositeRule.anyOf(...this.alarms.map((alarm) => CompositeRule.fromAlarm(alarm, AlarmState.ALARM))),
      actionsSuppressor,
      // Each change of the state starts this wait again, whatever the state of the suppressor.
      actionsSuppressorWaitPeriod: SETTLED,
      actionsSuppressorExtensionPeriod: SETTLED,
    });
  }
}
