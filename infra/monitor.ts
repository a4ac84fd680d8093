import { Annotations, Stack } from 'aws-cdk-lib';
import type { IWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { AlarmKind } from '../lambda/contract.ts';
import { emailCommands, type OperatorCommand } from './account-commands.ts';
import { AlarmTopic, type TopicSettings } from './constructs/alarm-topic.ts';
import { type AlarmRules, Alarms } from './constructs/alarms.ts';
import { warnAboutSecretsKey } from './constructs/alarms-and-logs-key.ts';
import { Overview } from './constructs/overview.ts';
import type { TokenRefreshSettings } from './options/schema.ts';

export interface Monitored {
  readonly rules: AlarmRules;
  /** Commands to show on the dashboard. The first one shows the current state, and every alarm text contains it. */
  readonly guide: readonly [OperatorCommand, ...OperatorCommand[]];
  readonly rows: readonly (readonly IWidget[])[];
  /** @default - each alarm sends its own email when it clears */
  readonly clearTogetherAfter?: AlarmKind;
}

export interface Monitoring {
  readonly alarmTopic: ITopic;
  readonly alarms: Alarms;
  /** `undefined` if the options turn it off. */
  readonly dashboard: Overview | undefined;
  /** Commands for emails that SNS could not deliver. Empty if there is no address. */
  readonly emailCommands: Readonly<Record<string, OperatorCommand>>;
}

type MonitorSettings = Pick<TokenRefreshSettings, 'alarmTopic' | 'runbookUrl' | 'dashboard'> & TopicSettings;

/** Creates the topic, the alarms and the dashboard in `scope`. */
export function monitor(
  scope: Construct,
  settings: MonitorSettings,
  { rules, guide, rows, clearTogetherAfter }: Monitored,
): Monitoring {
  const { runbookUrl } = settings;
  if (runbookUrl === undefined) {
    Annotations.of(scope).addWarningV2(
      'retently-token-refresh:noRunbookUrl',
      'Alarm emails cannot link to the runbook: runbookUrl is not set. Publish docs/runbook.md where your on-call engineers can read it, and set runbookUrl to its https URL.',
    );
  }
  warnAboutSecretsKey(scope, settings);
  const { topic: alarmTopic, undeliveredEmails } = toTopic(scope, settings);
  const [{ command: statusCommand }] = guide;
  const alarms = new Alarms(scope, 'Alarms', {
    rules,
    topic: alarmTopic,
    statusCommand,
    runbookUrl,
    clearTogetherAfter,
  });
  const dashboard = settings.dashboard
    ? new Overview(scope, 'Overview', { alarms: alarms.alarms, guide, runbookUrl, rows })
    : undefined;
  const { region } = Stack.of(scope);
  return {
    alarmTopic,
    alarms,
    dashboard,
    emailCommands: undeliveredEmails === undefined ? {} : emailCommands(region, undeliveredEmails.queueUrl),
  };
}

function toTopic(
  scope: Construct,
  settings: MonitorSettings,
): { readonly topic: ITopic; readonly undeliveredEmails?: IQueue | undefined } {
  const { alarmTopic } = settings;
  if (typeof alarmTopic === 'string') {
    return { topic: Topic.fromTopicArn(scope, 'AlarmTopicReference', alarmTopic) };
  }
  return alarmTopic === undefined ? new AlarmTopic(scope, 'AlarmTopic', settings) : { topic: alarmTopic };
}
