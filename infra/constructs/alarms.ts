import { Aws } from 'aws-cdk-lib';
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
  /** By the name of the alarm, which is that of its entry in the runbook. */
  readonly rules: AlarmRules;
  readonly topic: ITopic;
  /** The command that shows how things are. */
  readonly statusCommand: string;
  readonly runbookUrl: string | undefined;
  /** One email when all alarms are over, instead of one when each is: what clears one may have set off another. */
  readonly clearTogether: boolean;
}

export interface AlarmRule extends CreateAlarmOptions {
  readonly metric: IMetric;
  /** What happened, and what it means for those who read the token. */
  readonly says: string;
}

/** Rules by the kind of their alarm, which is also the id of its construct. */
export type AlarmRules = Readonly<Partial<Record<AlarmKind, AlarmRule>>>;

/** It fires for the first period in which there was one. */
export const AT_ONCE = {
  evaluationPeriods: 1,
  threshold: 1,
  comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
};

/** The alarms: everything that needs a person, and nothing else. */
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
      if (!props.clearTogether) alarm.addOkAction(action);
      return alarm;
    });
    if (props.clearTogether) this.createAllClear(`Stack: ${Aws.STACK_NAME}`).addOkAction(action);
  }

  private createAllClear(stack: string): CompositeAlarm {
    return new CompositeAlarm(this, 'AllClear', {
      alarmDescription: `Some alarm of the fleet is on. When this one clears, all of them are over.\n${stack}`,
      alarmRule: CompositeRule.anyOf(...this.alarms.map((alarm) => CompositeRule.fromAlarm(alarm, AlarmState.ALARM))),
    });
  }
}
