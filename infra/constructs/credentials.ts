import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { TokenRefreshSettings } from '../options/schema.ts';
import { acknowledge } from './acknowledge.ts';
import { EmptySecret } from './empty-secret.ts';
import { namesOfCreated, namesOfExisting, type SecretNames } from './secret-names.ts';

/** Secret that holds `RetentlyCredentials`: a new, empty secret, or an existing one. */
export class Credentials extends Construct {
  readonly names: SecretNames;
  readonly secret: ISecret;

  constructor(scope: Construct, id: string, settings: TokenRefreshSettings) {
    super(scope, id);
    const { secret } = settings;
    if (secret !== undefined) {
      this.names = namesOfExisting(this, secret);
      this.secret = Secret.fromSecretAttributes(this, 'Existing', { secretPartialArn: this.names.secretArn });
      return;
    }
    this.secret = this.createSecret(settings);
    this.names = namesOfCreated(this.secret);
  }

  private createSecret(settings: TokenRefreshSettings): EmptySecret {
    const secret = new EmptySecret(this, {
      description:
        'RetentlyCredentials: client_id, client_secret, refresh_token, and the access token obtained with them',
      settings,
      policyId: 'Policy',
    });
    acknowledge(
      secret,
      'AwsSolutions-SMG4',
      'The function of this stack rotates the tokens itself. RotateSecret runs at most every four hours, but a six-hour token is due after three. AWSPENDING is no lock for a refresh token that may work only once. Only a person can change the client secret, at Retently.',
    );
    return secret;
  }
}
