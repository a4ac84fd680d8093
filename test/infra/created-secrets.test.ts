import { App, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { describe, expect, it } from 'vitest';
import { TokenRefresh } from '../../infra/token-refresh.ts';
import { resourceOf, resourcesOf, templateOf, WITHOUT_BUNDLING } from './synthesise.ts';

const OWN = '123456789012';
const OTHER = 'arn:aws:iam::210987654321:role/reader';
const SECRET_IDS = {
  secret: 'TokenRefreshCredentialsSecretCBF4F6B8',
  tokenSecret: 'TokenRefreshTokenSecret24A371B3',
};
const POLICY_IDS = { secret: 'TokenRefreshCredentialsPolicyEC4C9145', tokenSecret: 'TokenRefreshTokenReadersC1B723FF' };

/** The template of an app that does something to one secret of the construct. */
function templateWith(name: keyof typeof SECRET_IDS, use: (secret: ISecret, stack: Stack) => void, hasKey = false) {
  const stack = new Stack(new App({ context: WITHOUT_BUNDLING }), 'Theirs', {
    env: { account: OWN, region: 'eu-west-1' },
  });
  const props = hasKey ? { encryptionKey: new Key(stack, 'Key') } : {};
  const secret = new TokenRefresh(stack, 'TokenRefresh', props)[name];
  if (secret === undefined) throw new Error('there is no such secret');
  use(secret, stack);
  return templateOf(stack);
}

describe.each(['secret', 'tokenSecret'] as const)('an app that changes `%s` of the construct', (name) => {
  const [id, policyId] = [SECRET_IDS[name], POLICY_IDS[name]];

  it('leaves it empty, under the logical id that is deployed', () => {
    const { Resources } = templateWith(name, () => undefined);
    expect(Resources[id]?.Type).toBe('AWS::SecretsManager::Secret');
    expect(Object.keys(Resources[id]?.Properties ?? {})).toEqual(['Description']);
  });

  it('tags it', () => {
    const { Resources } = templateWith(name, (secret) => Tags.of(secret).add('team', 'feedback'));
    expect(Resources[id]?.Properties['Tags']).toEqual([{ Key: 'team', Value: 'feedback' }]);
  });

  it('adds statements to its only policy, and keeps the existing ones', () => {
    const deny = new PolicyStatement({
      sid: 'Theirs',
      effect: Effect.DENY,
      principals: [new AnyPrincipal()],
      actions: ['secretsmanager:PutResourcePolicy'],
      resources: ['*'],
    });
    const template = templateWith(name, (secret) => {
      expect(secret.addToResourcePolicy(deny).statementAdded).toBe(true);
      secret.denyAccountRootDelete();
    });
    const policies = resourcesOf(template, 'AWS::SecretsManager::ResourcePolicy').filter(
      ({ Properties }) => JSON.stringify(Properties['SecretId']) === JSON.stringify({ Ref: id }),
    );
    expect(policies).toEqual([template.Resources[policyId]]);
    expect(policies[0]?.Properties).toMatchObject({
      BlockPublicPolicy: true,
      ResourcePolicy: {
        Statement: [{ Sid: 'DenyWithoutTls' }, { Sid: 'Theirs' }, { Action: 'secretsmanager:DeleteSecret' }],
      },
    });
  });

  it('decides whether it is deleted with the stack', () => {
    const { Resources } = templateWith(name, (secret) => secret.applyRemovalPolicy(RemovalPolicy.DESTROY));
    expect(Resources[id]?.DeletionPolicy).toBe('Delete');
  });

  it('lets a role of another account read it, with a key', () => {
    const template = templateWith(
      name,
      (secret, stack) => secret.grantRead(Role.fromRoleArn(stack, 'Reader', OTHER)),
      true,
    );
    expect(JSON.stringify(template.Resources[policyId])).toContain(OTHER);
    expect(JSON.stringify(resourceOf(template, 'AWS::KMS::Key').Properties)).toContain(OTHER);
  });

  it('throws if a role in another account could not decrypt it', () => {
    expect(() =>
      templateWith(name, (secret, stack) => secret.grantRead(Role.fromRoleArn(stack, 'Reader', OTHER))),
    ).toThrow('KMS Key must be provided for cross account access to Secret');
  });

  it('finds its key there, and lets its readers decrypt', () => {
    const template = templateWith(
      name,
      (secret, stack) => {
        expect(secret.encryptionKey?.node.path).toBe('Theirs/Key');
        secret.grantRead(new Role(stack, 'Reader', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') }));
      },
      true,
    );
    const [key] = Object.entries(template.Resources).flatMap(([keyId, { Type }]) =>
      Type === 'AWS::KMS::Key' ? [keyId] : [],
    );
    expect(template.Resources[id]?.Properties['KmsKeyId']).toEqual({ 'Fn::GetAtt': [key, 'Arn'] });
    // CDK lets the principal decrypt by the policy of the key, in calls that Secrets Manager makes.
    expect(JSON.stringify(resourceOf(template, 'AWS::KMS::Key').Properties)).toMatch(/kms:Decrypt.*Reader/);
  });
});

describe('two constructs in one stack', () => {
  it('have secrets of their own', () => {
    const stack = new Stack(new App({ context: WITHOUT_BUNDLING }), 'Theirs');
    for (const id of ['One', 'Two']) new TokenRefresh(stack, id, { alarmEmails: ['ops@example.com'] });
    expect(resourcesOf(templateOf(stack), 'AWS::SecretsManager::Secret')).toHaveLength(4);
  });
});
