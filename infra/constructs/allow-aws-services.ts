import { Annotations, Aspects, CfnResource, Stack, Token } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type ITopic, TopicPolicy } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

type Place = Pick<Stack, 'partition' | 'region' | 'account'>;

interface Used {
  readonly encryptionKey?: IKey;
  readonly alarmsAndLogsKey?: IKey | false;
  readonly alarmTopic?: ITopic;
}

/**
 * Allows CloudWatch to publish to the app's own topic. It may also use every key that encrypts the topic or the logs, or did so
 * before the option for that key was set.
 */
export function allowAwsServices(scope: Construct, { encryptionKey, alarmsAndLogsKey, alarmTopic }: Used): void {
  const ofLogsAndAlarms = new Set([encryptionKey, alarmsAndLogsKey || undefined].filter((key) => key !== undefined));
  for (const key of ofLogsAndAlarms) allowUse(scope, key, (place) => [logsMayUse(place), alarmsMayUse(place)]);
  if (alarmTopic === undefined) return;
  const { masterKey } = alarmTopic;
  if (masterKey !== undefined && !ofLogsAndAlarms.has(masterKey))
    allowUse(scope, masterKey, (place) => [alarmsMayUse(place)]);
  if (CfnResource.isCfnResource(alarmTopic.node.defaultChild ?? {})) allowAlarms(scope, alarmTopic);
  else warnAboutImportedTopic(scope, alarmTopic);
}

/** Allows alarms in the topic's policy. Without a policy of its own, a topic has a default policy, which allows them already. */
function allowAlarms(scope: Construct, topic: ITopic): void {
  const statement = alarmsMayPublish(topic.topicArn, Stack.of(scope));
  // Two constructs may use one topic, and no two statements of a policy may have the same sid.
  statement.sid = undefined;
  // An app may give the topic its policy at any time before synthesis, for example with `enforceSSL`.
  Aspects.of(topic).add({
    visit: (node) => {
      if (node instanceof TopicPolicy) node.document.addStatements(statement);
    },
  });
}

/**
 * Adds the statements to a key's policy that CDK does not add. CDK cannot edit the policy of an imported key; in that case, a
 * warning lists the statements.
 */
function allowUse(scope: Construct, key: IKey, toStatements: (place: Place) => readonly PolicyStatement[]): void {
  const results = toStatements(Stack.of(scope)).map((statement) => key.addToResourcePolicy(statement));
  if (results.every(({ statementAdded }) => statementAdded)) return;
  Annotations.of(scope).addWarningV2(
    'retently-token-refresh:importedKey',
    `Cannot edit the policy of an imported key. Without these statements, CloudWatch can neither write logs nor send alarms. Make sure that the key's policy has them, and acknowledge this warning: ${toJson(scope, toStatements(placeOf(scope)))}`,
  );
}

/** Warns about an imported topic, whose policy must let alarms publish. */
function warnAboutImportedTopic(scope: Construct, topic: ITopic): void {
  const [topicArn = '<topic>'] = readable([topic.topicArn]);
  Annotations.of(scope).addWarningV2(
    'retently-token-refresh:importedTopic',
    `Cannot edit the policy of an imported topic. Without this statement, alarms notify no one. Make sure that the topic's policy has it, and acknowledge this warning: ${toJson(scope, [alarmsMayPublish(topicArn, placeOf(scope))])}`,
  );
}

/** Returns a statement that allows the alarms of one AWS account and region to publish to a topic. */
export function alarmsMayPublish(topicArn: string, { partition, region, account }: Place): PolicyStatement {
  return new PolicyStatement({
    sid: 'AllowAlarms',
    principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
    actions: ['sns:Publish'],
    resources: [topicArn],
    conditions: {
      StringEquals: { 'aws:SourceAccount': account },
      ArnLike: { 'aws:SourceArn': `arn:${partition}:cloudwatch:${region}:${account}:alarm:*` },
    },
  });
}

/** Returns a statement that allows CloudWatch Logs to use a key for one AWS account's log groups. */
function logsMayUse({ partition, region, account }: Place): PolicyStatement {
  return new PolicyStatement({
    sid: 'AllowLogs',
    principals: [new ServicePrincipal(`logs.${region}.amazonaws.com`)],
    actions: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
    resources: ['*'],
    conditions: {
      // AWS documents this condition key for log groups. It does not document `aws:SourceAccount` in these calls.
      ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:log-group:*` },
      StringEqualsIfExists: { 'aws:SourceAccount': account },
    },
  });
}

/** Returns a statement without which CloudWatch cannot publish to an encrypted topic, and reports that to no one. */
function alarmsMayUse({ account }: Place): PolicyStatement {
  return new PolicyStatement({
    sid: 'AllowAlarms',
    principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
    actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
    resources: ['*'],
    conditions: { StringEquals: { 'aws:SourceAccount': account } },
  });
}

/** Returns the partition, region and account of a construct, with readable placeholders for unknown ones. */
function placeOf(scope: Construct): Place {
  const { partition, region, account } = Stack.of(scope);
  const [knownPartition = 'aws', knownRegion = '<region>', knownAccount = '<account>'] = readable([
    partition,
    region,
    account,
  ]);
  return { partition: knownPartition, region: knownRegion, account: knownAccount };
}

function readable(values: readonly string[]): readonly (string | undefined)[] {
  return values.map((value) => (Token.isUnresolved(value) ? undefined : value));
}

function toJson(scope: Construct, statements: readonly PolicyStatement[]): string {
  const stack = Stack.of(scope);
  return statements.map((statement) => JSON.stringify(stack.resolve(statement.toStatementJson()))).join(', ');
}
