import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { TokenRefreshSettings } from '../options/schema.ts';
import { acknowledge } from './acknowledge.ts';
import { EmptySecret } from './empty-secret.ts';
import { namesOfCreated, namesOfExisting, type SecretNames } from './secret-names.ts';

/** The secret that holds `RetentlyCredentials`: a new, empty one, or one that exists already. */
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
        'RetentlyCredentials: client_id, client_secret and refresh_token, and the bearer token they trade for',
      settings,
      policyId: 'Policy',
    });
    acknowledge(
      secret,
      'AwsSolutions-SMG4',
      'The function of this stack rotates the tokens itself. RotateSecret runs every four hours at most, and a token of six hours is due after three; its one AWSPENDING is no lock for a token that may be spent once. The client secret can only be changed by a person, at Retently.',
    );
    return secret;
  }
}
