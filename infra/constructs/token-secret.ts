import { Stack } from 'aws-cdk-lib';
import {
  type AddToResourcePolicyResult,
  ArnPrincipal,
  Grant,
  type IGrantable,
  PolicyStatement,
} from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { TokenRefreshSettings } from '../options/schema.ts';
import { acknowledge } from './acknowledge.ts';
import { EmptySecret } from './empty-secret.ts';
import { namesOfCreated, namesOfExisting, type SecretNames } from './secret-names.ts';

/** Actions of a consumer. Caching libraries call `DescribeSecret` first, and then read by version id. */
const READ_ACTIONS = ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'];

/** Secret for consumers that holds only the access token: a new, empty secret, or an existing one. */
export class TokenSecret extends Construct {
  readonly names: SecretNames;
  readonly env: { readonly account: string; readonly region: string };
  /** `undefined` if the options name an existing token secret. */
  readonly created: EmptySecret | undefined;

  constructor(scope: Construct, id: string, settings: TokenRefreshSettings) {
    super(scope, id);
    const { account, region } = Stack.of(this);
    this.env = { account, region };
    const { tokenSecret, tokenReaders } = settings;
    if (typeof tokenSecret !== 'boolean') {
      this.names = namesOfExisting(this, tokenSecret);
    } else {
      this.created = createSecret(this, settings);
      this.names = namesOfCreated(this.created);
    }
    if (tokenReaders.length === 0) return;
    this.addToResourcePolicy(
      new PolicyStatement({
        sid: 'ReadToken',
        principals: tokenReaders.map((arn) => new ArnPrincipal(arn)),
        actions: READ_ACTIONS,
        // In a resource policy, * means only this secret.
        resources: ['*'],
      }),
    );
  }

  /**
   * Allows `grantee` to read the token secret. Without a key, CDK's own `grantRead` rejects every principal whose account it does
   * not know, such as an ARN of this account.
   *
   * @throws Error if a principal in another account needs a resource policy on an existing secret
   */
  grantRead(grantee: IGrantable): Grant {
    return Grant.addToPrincipalOrResource({
      grantee,
      actions: READ_ACTIONS,
      resourceArns: [this.names.policyArn],
      resourceSelfArns: ['*'],
      resource: this,
    });
  }

  addToResourcePolicy(statement: PolicyStatement): AddToResourcePolicyResult {
    if (this.created === undefined) {
      throw new Error(
        "Cannot add a reader to an existing token secret: a new resource policy would replace the secret's current one. Add the reader to that policy.",
      );
    }
    return this.created.addToResourcePolicy(statement);
  }
}

function createSecret(scope: Construct, settings: TokenRefreshSettings): EmptySecret {
  const secret = new EmptySecret(scope, {
    description: 'The Retently access token, for consumers: access_token, token_type and expires_at',
    settings,
    policyId: 'Readers',
  });
  acknowledge(
    secret,
    'AwsSolutions-SMG4',
    'The function of this stack stores each new access token here. There is nothing to rotate.',
  );
  return secret;
}
