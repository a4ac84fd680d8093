import { Annotations, Stack } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { TokenRefreshSettings } from '../options/schema.ts';
import { alarmsMayPublish } from './allow-aws-services.ts';

/** The topic that every alarm publishes to. */
export class AlarmTopic extends Construct {
  readonly topic: Topic;

  constructor(
    scope: Construct,
    id: string,
    { alarmEmails, encryptionKey }: Pick<TokenRefreshSettings, 'alarmEmails' | 'encryptionKey'>,
  ) {
    super(scope, id);
    this.topic = new Topic(this, 'Topic', {
      displayName: 'Retently token refresh',
      enforceSSL: true,
      ...(encryptionKey && { masterKey: Key.fromKeyArn(this, 'Key', encryptionKey.keyArn) }),
    });
    // The policy that enforces TLS replaces the default one, which lets the alarms of the AWS account publish.
    this.topic.addToResourcePolicy(alarmsMayPublish(this.topic.topicArn, Stack.of(this)));
    if (alarmEmails.length === 0) {
      Annotations.of(this).addWarningV2(
        'retently-token-refresh:nobodyHearsOfAlarms',
        'Nobody hears of alarms: alarmEmails is empty. Name somebody, or subscribe to the topic yourself and acknowledge this.',
      );
    }
    for (const email of alarmEmails) this.topic.addSubscription(new EmailSubscription(email));
  }
}
