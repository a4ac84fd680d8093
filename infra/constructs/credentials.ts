import type { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { TokenRefreshSettings } from '../options/schema.ts';
import { acknowledge } from './acknowledge.ts';
import { createEmptySecret } from './empty-secret.ts';
import { namesOfCreated, namesOfExisting, type SecretNames } from './secret-names.ts';

/** The secret that holds `RetentlyCredentials`: a new, empty one, or one that exists already. */
export class Credentials extends Construct {
  readonly names: SecretNames;

  constructor(scope: Construct, id: string, settings: TokenRefreshSettings) {
    super(scope, id);
    const { existingSecret } = settings;
    this.names =
      existingSecret === undefined
        ? namesOfCreated(this.createSecret(settings))
        : namesOfExisting(this, existingSecret);
  }

  private createSecret(settings: TokenRefreshSettings): CfnSecret {
    const description =
      'RetentlyCredentials: client_id, client_secret and refresh_token, and the bearer token they trade for';
    const secret = createEmptySecret(this, description, settings);
    acknowledge(
      secret,
      'AwsSolutions-SMG4',
      'The function of this stack rotates the tokens itself. RotateSecret runs every four hours at most, and a token of six hours is due after three; its one AWSPENDING is no lock for a token that may be spent once. The client secret can only be changed by a person, at Retently.',
    );
    return secret;
  }
}
