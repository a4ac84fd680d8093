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

/** Caching libraries ask `DescribeSecret` first, and read by version id. */
const READ_ACTIONS = ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'];

/** The secret that holds the bearer token alone, for consumers: a new, empty one, or one that exists already. */
export class TokenSecret extends Construct {
  readonly names: SecretNames;
  readonly env: { readonly account: string; readonly region: string };
  /** `undefined` if the token secret exists already. */
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
        // In a resource policy, this secret alone.
        resources: ['*'],
      }),
    );
  }

  /**
   * Lets `grantee` read the token secret. CDK's own `grantRead` refuses every principal whose account it does not know, such as an
   * ARN of this account, unless there is a key.
   *
   * @throws Error if a principal of another account would need a resource policy on a secret that exists already
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
        'The token secret exists already, and a resource policy would replace the one that it may have: add the reader to that one.',
      );
    }
    return this.created.addToResourcePolicy(statement);
  }
}

function createSecret(scope: Construct, settings: TokenRefreshSettings): EmptySecret {
  const secret = new EmptySecret(scope, {
    description: 'The Retently bearer token alone: access_token, token_type and expires_at. Consumers read it here',
    settings,
    policyId: 'Readers',
  });
  acknowledge(
    secret,
    'AwsSolutions-SMG4',
    'The function of this stack writes each new bearer token here. There is nothing to rotate.',
  );
  return secret;
}
