import { CfnDeletionPolicy, RemovalPolicy } from 'aws-cdk-lib';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { TokenRefreshSettings } from '../options/schema.ts';

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
