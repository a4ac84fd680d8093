import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { type ExistingSecret, secretIdOf } from '../options/existing-secret.ts';

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

export function namesOfCreated({ secretArn }: ISecret): SecretNames {
  return { secretId: secretArn, secretArn, policyArn: secretArn };
}
