import { Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/** What a run calls on the secret of the credentials. */
export const CREDENTIALS_ACTIONS = [
  'secretsmanager:DescribeSecret',
  'secretsmanager:GetSecretValue',
  'secretsmanager:ListSecretVersionIds',
  'secretsmanager:PutSecretValue',
  'secretsmanager:UpdateSecretVersionStage',
];

/** A statement that allows `actions` on `resources`; its `sid` says what it is for. */
export function allow(
  sid: string,
  actions: readonly string[],
  resources: readonly string[],
  conditions: Readonly<Record<string, Readonly<Record<string, string | string[]>>>> = {},
): PolicyStatement {
  return new PolicyStatement({ sid, actions: [...actions], resources: [...resources], conditions });
}

/**
 * Denies `actions` to the code of the role's function, and leaves them to Lambda itself. Only calls from inside a function carry
 * `lambda:SourceFunctionArn`.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
 */
export function denyToCode(sid: string, actions: readonly string[]): PolicyStatement {
  const conditions = { Null: { 'lambda:SourceFunctionArn': 'false' } };
  return new PolicyStatement({ sid, effect: Effect.DENY, actions: [...actions], resources: ['*'], conditions });
}

/**
 * Allows to decrypt what this account's KMS keys have encrypted for these secrets, as far as the key's own policy allows. AWS
 * encrypts no version anew when the key of a secret changes, so the journal of the last day is under the key before.
 *
 * @param secretArns may have wildcards
 */
export function allowDecryptOf(
  scope: Construct,
  sid: string,
  secretArns: readonly [string, ...string[]],
): PolicyStatement {
  return allowKeysOf(scope, sid, ['kms:Decrypt'], secretArns);
}

/** Allows `actions` with this account's KMS keys in calls that Secrets Manager makes for these secrets. */
export function allowKeysOf(
  scope: Construct,
  sid: string,
  actions: readonly string[],
  secretArns: readonly [string, ...string[]],
): PolicyStatement {
  const stack = Stack.of(scope);
  const [first, ...rest] = secretArns;
  const keys = stack.formatArn({ service: 'kms', resource: 'key', resourceName: '*' });
  return allow(sid, actions, [keys], {
    StringEquals: { 'kms:ViaService': `secretsmanager.${stack.region}.${stack.urlSuffix}` },
    StringLike: { 'kms:EncryptionContext:SecretARN': rest.length === 0 ? first : [...secretArns] },
  });
}

/** Allows the KMS key, if there is one, but only in calls that `service` makes for the role. */
export function allowKeyThrough(
  scope: Construct,
  sid: string,
  service: string,
  key: { readonly keyArn: string } | undefined,
): readonly PolicyStatement[] {
  if (key === undefined) return [];
  const { region, urlSuffix } = Stack.of(scope);
  const through = { StringEquals: { 'kms:ViaService': `${service}.${region}.${urlSuffix}` } };
  return [allow(sid, ['kms:Decrypt', 'kms:GenerateDataKey'], [key.keyArn], through)];
}
