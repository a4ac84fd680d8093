import { ArnFormat, CfnDeletionPolicy, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { type ExistingSecret, secretIdOf } from '../options/existing-secret.ts';
import type { TokenRefreshSettings } from '../options/schema.ts';

/** What one secret is called. */
export interface SecretNames {
  /** The `SecretId` of every call: the ARN of the secret, or its name if the options name it so. */
  readonly secretId: string;
  readonly secretArn: string;
  /** The resource of the secret in a policy. */
  readonly policyArn: string;
}

/** A secret that exists already. */
export function namesOfExisting(scope: Construct, existing: ExistingSecret): SecretNames {
  const secretId = secretIdOf(existing);
  if (typeof existing === 'object' || secretId.startsWith('arn:')) {
    return { secretId, secretArn: secretId, policyArn: secretId };
  }
  // Not the partial ARN: if the name ends like a complete one, Secrets Manager takes it for that.
  const secretArn = Stack.of(scope).formatArn({
    service: 'secretsmanager',
    resource: 'secret',
    resourceName: secretId,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  // AWS puts a hyphen and six random characters after the name.
  return { secretId, secretArn, policyArn: `${secretArn}-??????` };
}

export function namesOfCreated({ ref }: CfnSecret): SecretNames {
  return { secretId: ref, secretArn: ref, policyArn: ref };
}

/**
 * `new Secret()` would generate a value. It has no name: a name that depends on an option would replace the secret.
 *
 * @param scope gets it under the id `Secret`
 */
export function createEmptySecret(
  scope: Construct,
  description: string,
  { kmsKeyArn, removalPolicies }: TokenRefreshSettings,
): CfnSecret {
  const key = kmsKeyArn === undefined ? {} : { kmsKeyId: kmsKeyArn };
  const secret = new CfnSecret(scope, 'Secret', { description, ...key });
  secret.applyRemovalPolicy(removalPolicies.secret === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY);
  secret.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
  return secret;
}
