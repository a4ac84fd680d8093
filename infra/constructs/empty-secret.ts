import { CfnDeletionPolicy, CfnResource, Stack } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { CfnResourcePolicy, CfnSecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { TokenRefreshSettings } from '../options/schema.ts';

export interface EmptySecretProps {
  readonly description: string;
  readonly settings: Pick<TokenRefreshSettings, 'encryptionKey' | 'removalPolicies'>;
  /** Construct id, next to the secret, that determines the logical id of its resource policy. */
  readonly policyId: string;
}

/**
 * CDK secret without a value and without a name, under the id `Secret`. A name that depends on an option would replace the
 * secret when the option changes.
 *
 * The resource policy is always in the template and shares the secret's removal policy. So `cdk destroy` leaves the readers of a
 * retained secret their access. A policy that existed only while it had readers would also leave the last reader its access,
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
    if (!(secret instanceof CfnSecret)) throw new Error('Cannot create the secret: the CDK secret has no resource.');
    secret.overrideLogicalId(secretLogicalId);
    secret.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
    // Otherwise, CDK generates a value.
    secret.generateSecretString = undefined;

    this.addToResourcePolicy(denyWithoutTls());
    const policy = this.node.findChild('Policy').node.defaultChild;
    if (!(policy instanceof CfnResourcePolicy))
      throw new Error('Cannot create the secret: the CDK secret has no resource policy.');
    policy.overrideLogicalId(policyLogicalId);
    policy.applyRemovalPolicy(removalPolicy);
    policy.blockPublicPolicy = true;
  }

  // CDK declares this as possibly undefined, which contradicts its own ISecret under `exactOptionalPropertyTypes`.
  override get secretFullArn(): string {
    return this.secretArn;
  }
}

/**
 * Returns the logical id of a resource directly under `id`. Deployed secrets and policies have such ids. CDK's own
 * constructs put their resource one level below, under other logical ids, and CloudFormation would replace the secrets.
 */
function logicalIdAt(scope: Construct, id: string): string {
  const placeholder = new CfnResource(scope, id, { type: 'AWS::CloudFormation::WaitConditionHandle' });
  const logicalId = Stack.of(scope).getLogicalId(placeholder);
  scope.node.tryRemoveChild(id);
  return logicalId;
}

/** Returns the app's own key unchanged, so that grants also edit its policy. */
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
