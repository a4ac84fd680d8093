import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { type ExistingSecret, secretIdOf } from '../options/existing-secret.ts';

export interface SecretNames {
  /** `SecretId` of every call: the secret's ARN, or its name if the options give the name. */
  readonly secretId: string;
  readonly secretArn: string;
  /** Resource of the secret in a policy. */
  readonly policyArn: string;
}

/** Returns the names of an existing secret. */
export function namesOfExisting(scope: Construct, existing: ExistingSecret): SecretNames {
  const secretId = secretIdOf(existing);
  if (typeof existing === 'object' || secretId.startsWith('arn:')) {
    return { secretId, secretArn: secretId, policyArn: secretId };
  }
  // Not the partial ARN: if the name ends like a complete ARN, Secrets Manager mistakes it for one.
  const secretArn = Stack.of(scope).formatArn({
    service: 'secretsmanager',
    resource: 'secret',
    resourceName: secretId,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  // AWS appends a hyphen and six random characters to the name.
  return { secretId, secretArn, policyArn: `${secretArn}-??????` };
}

export function namesOfCreated({ secretArn }: ISecret): SecretNames {
  return { secretId: secretArn, secretArn, policyArn: secretArn };
}
