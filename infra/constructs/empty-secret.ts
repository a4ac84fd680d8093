import { CfnDeletionPolicy, CfnResource, Stack } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { CfnResourcePolicy, CfnSecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { TokenRefreshSettings } from '../options/schema.ts';

export interface EmptySecretProps {
  readonly description: string;
  readonly settings: Pick<TokenRefreshSettings, 'encryptionKey' | 'removalPolicies'>;
  /** Id beside the secret from which the logical id of its resource policy follows. */
  readonly policyId: string;
}

/**
 * A secret of CDK, without a value and without a name, under the id `Secret`. A name that depends on an option would replace the
 * secret when the option changes.
 *
 * Its one resource policy is always in the template and shares its removal policy. So `cdk destroy` leaves the readers of a
 * retained secret their rights. A policy that existed only while it had readers would also leave the last reader its rights,
 * because CloudFormation retains a policy that an update removes.
 */
export class EmptySecret extends Secret {
  constructor(scope: Construct, { description, settings, policyId }: EmptySecretProps) {
    const secretLogicalId = logicalIdAt(scope, 'Secret');
    const policyLogicalId = logicalIdAt(scope, policyId);
    const removalPolicy = settings.removalPolicies.secret;
    const key = settings.encryptionKey && toKey(scope, settings.encryptionKey);
    super(scope, 'Secret', { description, removalPolicy, ...(key && { encryptionKey: key }) });

    const secret = this.node.defaultChild;
    if (!(secret instanceof CfnSecret)) throw new Error('A secret of CDK has no resource.');
    secret.overrideLogicalId(secretLogicalId);
    secret.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
    // CDK generates a value for a secret that is given none.
    secret.generateSecretString = undefined;

    this.addToResourcePolicy(denyWithoutTls());
    const policy = this.node.findChild('Policy').node.defaultChild;
    if (!(policy instanceof CfnResourcePolicy)) throw new Error('A secret of CDK has no resource policy.');
    policy.overrideLogicalId(policyLogicalId);
    policy.applyRemovalPolicy(removalPolicy);
    policy.blockPublicPolicy = true;
  }

  // CDK types it as possibly undefined, which its own ISecret rules out under `exactOptionalPropertyTypes`.
  override get secretFullArn(): string {
    return this.secretArn;
  }
}

/**
 * Returns the logical id of a resource that stands directly at `id`. Deployed secrets and policies have such ids. CDK's own
 * constructs put their resource one level below, under other logical ids, and CloudFormation would replace the secrets.
 */
function logicalIdAt(scope: Construct, id: string): string {
  const placeholder = new CfnResource(scope, id, { type: 'AWS::CloudFormation::WaitConditionHandle' });
  const logicalId = Stack.of(scope).getLogicalId(placeholder);
  scope.node.tryRemoveChild(id);
  return logicalId;
}

/** Returns the app's own key as it is, so that grants reach its policy. */
function toKey(scope: Construct, key: NonNullable<TokenRefreshSettings['encryptionKey']>): IKey {
  return 'node' in key ? key : Key.fromKeyArn(scope, 'SecretKey', key.keyArn);
}

function denyWithoutTls(): PolicyStatement {
  return new PolicyStatement({
    sid: 'DenyWithoutTls',
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions: ['secretsmanager:*'],
    resources: ['*'],
    conditions: { Bool: { 'aws:SecureTransport': 'false' } },
  });
}
