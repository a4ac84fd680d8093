import { Annotations, ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { TokenRefreshSettings } from '../options/schema.ts';

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
    const stack = Stack.of(this);
    // The policy that enforces TLS replaces the default one, which lets the alarms of the AWS account publish.
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AllowAlarms',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: {
          StringEquals: { 'aws:SourceAccount': stack.account },
          ArnLike: {
            'aws:SourceArn': stack.formatArn({
              service: 'cloudwatch',
              resource: 'alarm',
              resourceName: '*',
              arnFormat: ArnFormat.COLON_RESOURCE_NAME,
            }),
          },
        },
      }),
    );
    if (alarmEmails.length === 0) {
      Annotations.of(this).addWarningV2(
        'retently-token-refresh:nobodyHearsOfAlarms',
        'Nobody hears of alarms: alarmEmails is empty. Name somebody, or subscribe to the topic yourself and acknowledge this.',
      );
    }
    for (const email of alarmEmails) this.topic.addSubscription(new EmailSubscription(email));
  }
}
