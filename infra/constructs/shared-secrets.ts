import { Annotations } from 'aws-cdk-lib';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';

/** Construct with its two secrets. */
export interface SecretPair extends Construct {
  readonly secret: ISecret;
  readonly tokenSecret: ISecret | undefined;
}

/**
 * Warns if another construct of the app uses one of these secrets. Two functions with one grant would use each other's refresh
 * token. Two functions with one token secret would overwrite each other's access token.
 */
export function warnAboutSharedSecrets(construct: SecretPair, others: readonly SecretPair[]): void {
  const theirs = new Map(others.flatMap((other) => identitiesOf(other).map((identity) => [identity, other.node.path])));
  for (const identity of new Set(identitiesOf(construct))) {
    const path = theirs.get(identity);
    if (path === undefined) continue;
    Annotations.of(construct).addWarningV2(
      'retently-token-refresh:sharedSecret',
      `${path} uses the same secret. In one AWS account and region, the two would use each other's refresh token, or overwrite each other's access token. Give each construct its own secret and token secret.`,
    );
  }
}

/** Returns the secrets by name, because the ARN is not always known. */
function identitiesOf({ secret, tokenSecret }: SecretPair): readonly string[] {
  return [secret, ...(tokenSecret === undefined ? [] : [tokenSecret])].map(
    ({ secretName, env: { account, region } }) => `${account} ${region} ${secretName}`,
  );
}
