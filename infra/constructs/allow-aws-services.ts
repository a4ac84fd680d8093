import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';

/** Adds to a key's policy what CDK does not add by itself. CDK cannot edit the policy of an imported key. */
export function allowAwsServices(scope: Construct, key: IKey): void {
  for (const statement of serviceStatements(scope)) key.addToResourcePolicy(statement);
}

/** The statements that let CloudWatch use a key for the log groups and alarms of this AWS account. */
export function serviceStatements(scope: Construct): readonly PolicyStatement[] {
  const stack = Stack.of(scope);
  const logGroups = stack.formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: '*',
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  return [
    new PolicyStatement({
      sid: 'AllowLogs',
      principals: [new ServicePrincipal(`logs.${stack.region}.amazonaws.com`)],
      actions: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
      resources: ['*'],
      conditions: {
        // The key that AWS documents for log groups. It is not documented that these calls have `aws:SourceAccount`.
        ArnLike: { 'kms:EncryptionContext:aws:logs:arn': logGroups },
        StringEqualsIfExists: { 'aws:SourceAccount': stack.account },
      },
    }),
    // Without this statement, CloudWatch cannot publish to an encrypted topic, and reports that to no one.
    new PolicyStatement({
      sid: 'AllowAlarms',
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
      resources: ['*'],
      conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
    }),
  ];
}
