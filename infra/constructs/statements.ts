import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/** A statement that allows `actions` on `resources`; its `sid` says what it is for. */
export function allow(
  sid: string,
  actions: readonly string[],
  resources: readonly string[],
  conditions: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
): PolicyStatement {
  return new PolicyStatement({ sid, actions: [...actions], resources: [...resources], conditions });
}

/** Allows the KMS key, but only in calls that `service` makes for the role. */
export function allowKeyThrough(scope: Construct, sid: string, service: string, kmsKeyArn: string): PolicyStatement {
  const { region, urlSuffix } = Stack.of(scope);
  return allow(sid, ['kms:Decrypt', 'kms:GenerateDataKey'], [kmsKeyArn], {
    StringEquals: { 'kms:ViaService': `${service}.${region}.${urlSuffix}` },
  });
}
