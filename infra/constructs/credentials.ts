import { ArnFormat, CfnDeletionPolicy, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { secretIdOf } from '../options/existing-secret.ts';
import type { TokenRefreshSettings } from '../options/schema.ts';
import { acknowledge } from './acknowledge.ts';

/** The secret that holds `RetentlyCredentials`: a new, empty one, or one that exists already. */
export class Credentials extends Construct {
  /** The `SecretId` of every call: the ARN of the secret, or its name if the options name it so. */
  readonly secretId: string;
  readonly secretArn: string;
  /** The resource of the secret in a policy. */
  readonly policyArn: string;

  constructor(scope: Construct, id: string, settings: TokenRefreshSettings) {
    super(scope, id);
    const existingSecret = settings.existingSecret && secretIdOf(settings.existingSecret);
    if (existingSecret === undefined) {
      this.secretId = this.createSecret(settings).ref;
      this.secretArn = this.secretId;
      this.policyArn = this.secretId;
    } else if (typeof settings.existingSecret === 'object' || existingSecret.startsWith('arn:')) {
      this.secretId = existingSecret;
      this.secretArn = existingSecret;
      this.policyArn = existingSecret;
    } else {
      // Not the partial ARN: if the name ends like a complete one, Secrets Manager takes it for that.
      this.secretId = existingSecret;
      this.secretArn = Stack.of(this).formatArn({
        service: 'secretsmanager',
        resource: 'secret',
        resourceName: existingSecret,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      });
      // AWS puts a hyphen and six random characters after the name.
      this.policyArn = `${this.secretArn}-??????`;
    }
  }

  private createSecret({ kmsKeyArn, removalPolicies }: TokenRefreshSettings): CfnSecret {
    // `new Secret()` would generate a value. No name: a name that depends on an option would replace the secret.
    const secret = new CfnSecret(this, 'Secret', {
      description:
        'RetentlyCredentials: client_id, client_secret and refresh_token, and the bearer token they trade for',
      ...(kmsKeyArn === undefined ? {} : { kmsKeyId: kmsKeyArn }),
    });
    secret.applyRemovalPolicy(removalPolicies.secret === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY);
    secret.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
    acknowledge(
      secret,
      'AwsSolutions-SMG4',
      'The function of this stack rotates the tokens itself. RotateSecret runs every four hours at most, and a token of six hours is due after three; its one AWSPENDING is no lock for a token that may be spent once. The client secret can only be changed by a person, at Retently.',
    );
    return secret;
  }
}
