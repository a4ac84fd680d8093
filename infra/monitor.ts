import type { IWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { OperatorCommand } from './account-commands.ts';
import { AlarmTopic } from './constructs/alarm-topic.ts';
import { type AlarmRule, Alarms } from './constructs/alarms.ts';
import { Overview } from './constructs/overview.ts';
import type { TokenRefreshSettings } from './options/schema.ts';

export interface Monitored {
  readonly rules: Readonly<Record<string, AlarmRule>>;
  /** The first of them shows how things are: each alarm names it. */
  readonly guide: readonly [OperatorCommand, ...OperatorCommand[]];
  readonly rows: readonly (readonly IWidget[])[];
  /** What the alarms publish to. Without it, a topic is created. */
  readonly topic: ITopic | undefined;
}

export interface Monitoring {
  readonly alarmTopic: ITopic;
  readonly alarms: Alarms;
  /** `undefined` if the options want none. */
  readonly dashboard: Overview | undefined;
}

/** Creates in `scope` what tells people: a topic, the alarms, and a dashboard. */
export function monitor(
  scope: Construct,
  settings: Pick<TokenRefreshSettings, 'alarmEmails' | 'kmsKeyArn' | 'runbookUrl' | 'dashboard'>,
  { rules, guide, rows, topic }: Monitored,
): Monitoring {
  const { runbookUrl } = settings;
  const alarmTopic = topic ?? new AlarmTopic(scope, 'AlarmTopic', settings).topic;
  const [{ command: statusCommand }] = guide;
  const alarms = new Alarms(scope, 'Alarms', { rules, topic: alarmTopic, statusCommand, runbookUrl });
  const dashboard = settings.dashboard
    ? new Overview(scope, 'Overview', { alarms: alarms.alarms, guide, runbookUrl, rows })
    : undefined;
  return { alarmTopic, alarms, dashboard };
}
