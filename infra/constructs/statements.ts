import { Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/** Actions of a run on the secret that holds the credentials. */
export const CREDENTIALS_ACTIONS = [
  'secretsmanager:DescribeSecret',
  'secretsmanager:GetSecretValue',
  'secretsmanager:ListSecretVersionIds',
  'secretsmanager:PutSecretValue',
  'secretsmanager:UpdateSecretVersionStage',
];

/** Returns a statement that allows `actions` on `resources`. Its `sid` names the purpose. */
export function allow(
  sid: string,
  actions: readonly string[],
  resources: readonly string[],
  conditions: Readonly<Record<string, Readonly<Record<string, string | string[]>>>> = {},
): PolicyStatement {
  return new PolicyStatement({ sid, actions: [...actions], resources: [...resources], conditions });
}

/**
 * Returns a statement that denies `actions` to the function's code, but not to Lambda itself. Only calls from inside a function
 * contain `lambda:SourceFunctionArn`.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
 */
export function denyToCode(sid: string, actions: readonly string[]): PolicyStatement {
  const conditions = { Null: { 'lambda:SourceFunctionArn': 'false' } };
  return new PolicyStatement({ sid, effect: Effect.DENY, actions: [...actions], resources: ['*'], conditions });
}

/**
 * Allows the role to decrypt these secrets with any KMS key of this account, if the key's own policy allows it. When a secret's
 * key changes, AWS does not re-encrypt its versions, so the journal of the last day is under the previous key.
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

/** Returns a statement that allows `actions` with this account's KMS keys when Secrets Manager uses them for these secrets. */
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

/** Returns a statement that allows the KMS key, if there is one, only in calls that `service` makes for the role. */
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
