import { Annotations } from 'aws-cdk-lib';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';

/** The two secrets of a construct. */
export interface SecretPair extends Construct {
  readonly secret: ISecret;
  readonly tokenSecret: ISecret | undefined;
}

/**
 * Warns if another construct of the app uses one of these secrets. Two functions on one grant would use up each other's refresh
 * token, and two tokens in one token secret would overwrite each other.
 */
export function warnAboutSharedSecrets(construct: SecretPair, others: readonly SecretPair[]): void {
  const theirs = new Map(others.flatMap((other) => identitiesOf(other).map((identity) => [identity, other.node.path])));
  for (const identity of new Set(identitiesOf(construct))) {
    const path = theirs.get(identity);
    if (path === undefined) continue;
    Annotations.of(construct).addWarningV2(
      'retently-token-refresh:sharedSecret',
      `${path} uses the same secret. In one AWS account and region, the two would use up each other's refresh token, or overwrite each other's access token. Give each construct a secret and a token secret of its own.`,
    );
  }
}

/** A secret by its name: its ARN is not always known. */
function identitiesOf({ secret, tokenSecret }: SecretPair): readonly string[] {
  return [secret, ...(tokenSecret === undefined ? [] : [tokenSecret])].map(
    ({ secretName, env: { account, region } }) => `${account} ${region} ${secretName}`,
  );
}
