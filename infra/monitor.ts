import type { IWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
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
  settings: Pick<TokenRefreshSettings, 'alarmTopic' | 'alarmEmails' | 'encryptionKey' | 'runbookUrl' | 'dashboard'>,
  { rules, guide, rows }: Monitored,
): Monitoring {
  const { runbookUrl } = settings;
  const alarmTopic = toTopic(scope, settings);
  const [{ command: statusCommand }] = guide;
  const alarms = new Alarms(scope, 'Alarms', { rules, topic: alarmTopic, statusCommand, runbookUrl });
  const dashboard = settings.dashboard
    ? new Overview(scope, 'Overview', { alarms: alarms.alarms, guide, runbookUrl, rows })
    : undefined;
  return { alarmTopic, alarms, dashboard };
}

function toTopic(
  scope: Construct,
  settings: Pick<TokenRefreshSettings, 'alarmTopic' | 'alarmEmails' | 'encryptionKey'>,
): ITopic {
  const { alarmTopic } = settings;
  if (typeof alarmTopic === 'string') return Topic.fromTopicArn(scope, 'AlarmTopicReference', alarmTopic);
  return alarmTopic ?? new AlarmTopic(scope, 'AlarmTopic', settings).topic;
}
