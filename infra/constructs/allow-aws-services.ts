import { Annotations, CfnResource, Stack, Token } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

type Place = Pick<Stack, 'partition' | 'region' | 'account'>;

/** Lets CloudWatch use every key that encrypts topic or logs, or did before the option for that key was set. */
export function allowAwsServices(
  scope: Construct,
  { encryptionKey, alarmsAndLogsKey }: { readonly encryptionKey?: IKey; readonly alarmsAndLogsKey?: IKey | false },
): void {
  const keys = [encryptionKey, alarmsAndLogsKey || undefined].filter((key) => key !== undefined);
  for (const key of new Set(keys)) allowKeyOfCloudWatch(scope, key);
}

/**
 * Adds to a key's policy what CDK does not add by itself. CDK cannot edit the policy of an imported key. Then it warns, with the
 * statements to add.
 */
function allowKeyOfCloudWatch(scope: Construct, key: IKey): void {
  const results = keyStatements(Stack.of(scope)).map((statement) => key.addToResourcePolicy(statement));
  if (results.every(({ statementAdded }) => statementAdded)) return;
  Annotations.of(scope).addWarningV2(
    'retently-token-refresh:importedKey',
    `The policy of an imported key cannot be edited here. Without these statements, CloudWatch can neither write logs nor send alarms. Make sure that the key's policy has them, and acknowledge this warning: ${toJson(scope, keyStatements(placeOf(scope)))}`,
  );
}

/** Warns about an imported topic, whose policy must let alarms publish. */
export function warnAboutImportedTopic(scope: Construct, topic: ITopic): void {
  if (CfnResource.isCfnResource(topic.node.defaultChild ?? {})) return;
  const [topicArn = '<topic>'] = readable([topic.topicArn]);
  Annotations.of(scope).addWarningV2(
    'retently-token-refresh:importedTopic',
    `The policy of an imported topic cannot be edited here. Without this statement, alarms notify no one. Make sure that the topic's policy has it, and acknowledge this warning: ${toJson(scope, [alarmsMayPublish(topicArn, placeOf(scope))])}`,
  );
}

/** Lets the alarms of one AWS account and region publish to a topic. */
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

/** Let CloudWatch use a key for the log groups and alarms of one AWS account. */
function keyStatements({ partition, region, account }: Place): readonly PolicyStatement[] {
  return [
    new PolicyStatement({
      sid: 'AllowLogs',
      principals: [new ServicePrincipal(`logs.${region}.amazonaws.com`)],
      actions: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
      resources: ['*'],
      conditions: {
        // The key that AWS documents for log groups. It is not documented that these calls have `aws:SourceAccount`.
        ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:log-group:*` },
        StringEqualsIfExists: { 'aws:SourceAccount': account },
      },
    }),
    // Without this statement, CloudWatch cannot publish to an encrypted topic, and reports that to no one.
    new PolicyStatement({
      sid: 'AllowAlarms',
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
      resources: ['*'],
      conditions: { StringEquals: { 'aws:SourceAccount': account } },
    }),
  ];
}

/** Where a construct goes, in a form that people can read and replace. */
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
