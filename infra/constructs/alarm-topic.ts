import { Annotations, Stack } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { TokenRefreshSettings } from '../options/schema.ts';
import { type KeySettings, toAlarmsAndLogsKey } from './alarms-and-logs-key.ts';
import { alarmsMayPublish } from './allow-aws-services.ts';
import { createDeadLetterQueue, type QueueSettings } from './dead-letters.ts';

export type TopicSettings = Pick<TokenRefreshSettings, 'alarmEmails'> &
  KeySettings &
  Pick<QueueSettings, 'removalPolicies'>;

export class AlarmTopic extends Construct {
  readonly topic: Topic;

  /** Emails that SNS could not deliver; `undefined` if there is no address. */
  readonly undeliveredEmails: Queue | undefined;

  constructor(scope: Construct, id: string, settings: TopicSettings) {
    super(scope, id);
    const { alarmEmails, removalPolicies } = settings;
    const key = toAlarmsAndLogsKey(settings);
    this.topic = new Topic(this, 'Topic', {
      displayName: 'Retently token refresh',
      enforceSSL: true,
      ...(key && { masterKey: Key.fromKeyArn(this, 'Key', key.keyArn) }),
    });
    // The policy that enforces TLS replaces the default policy, which allows the AWS account's alarms to publish.
    this.topic.addToResourcePolicy(alarmsMayPublish(this.topic.topicArn, Stack.of(this)));
    if (alarmEmails.length === 0) {
      Annotations.of(this).addWarningV2(
        'retently-token-refresh:noAlarmRecipients',
        'No one is notified of alarms: alarmEmails is empty. Add an address, or subscribe to the topic yourself and acknowledge this warning.',
      );
    }
    if (alarmEmails.length === 0) return;
    // Alarms contain no secrets. Without a customer managed key, no disabled key can block them.
    const queue = createDeadLetterQueue(this, 'UndeliveredEmails', { encryptionKey: undefined, removalPolicies });
    this.undeliveredEmails = queue;
    for (const email of alarmEmails)
      this.topic.addSubscription(new EmailSubscription(email, { deadLetterQueue: queue }));
  }
}
