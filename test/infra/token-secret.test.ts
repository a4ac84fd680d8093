import { App, Stack } from 'aws-cdk-lib';
import { AccountPrincipal, ArnPrincipal, type IGrantable, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { describe, expect, it } from 'vitest';
import type { TokenRefreshProps } from '../../infra/account-props.ts';
import { parseContext } from '../../infra/options/parse-context.ts';
import { TokenRefresh } from '../../infra/token-refresh.ts';
import { evaluatePolicy, parsePolicy } from './evaluate-policy.ts';
import { mistakenOptions } from './mistaken-options.ts';
import {
  KEY_ARN,
  resourceOf,
  resourcesOf,
  type SynthesisedTemplate,
  synthesise,
  templateOf,
  WITHOUT_BUNDLING,
} from './synthesise.ts';

const OWN = '123456789012';
const reader = (account: string) => `arn:aws:iam::${account}:role/reader`;
const READ = ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'];
const EXISTING = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:token-AbC1eF';
const env = { account: OWN, region: 'us-east-1' };
const READERS = 'TokenRefreshTokenReadersC1B723FF';
const CREDENTIALS_POLICY = 'TokenRefreshCredentialsPolicyEC4C9145';
const DENY_WITHOUT_TLS = {
  Sid: 'DenyWithoutTls',
  Effect: 'Deny',
  Principal: { AWS: '*' },
  Action: 'secretsmanager:*',
  Resource: '*',
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
};

const optionsOf = (options: unknown, cliAccount?: string) =>
  mistakenOptions(() => parseContext(options, { cliAccount }));

describe('tokenReaders', () => {
  it('may read only the token secret, by a policy that can never be public', () => {
    const template = synthesise({ tokenReaders: [reader(OWN), `arn:aws:iam::${OWN}:root`] });
    expect(template.Resources[READERS]?.Properties).toEqual({
      BlockPublicPolicy: true,
      SecretId: { Ref: 'TokenRefreshTokenSecret24A371B3' },
      ResourcePolicy: {
        Version: '2012-10-17',
        Statement: [
          DENY_WITHOUT_TLS,
          {
            Sid: 'ReadToken',
            Effect: 'Allow',
            Principal: { AWS: [reader(OWN), `arn:aws:iam::${OWN}:root`] },
            Action: READ,
            Resource: '*',
          },
        ],
      },
    });
    expect(template.Resources[CREDENTIALS_POLICY]?.Properties['ResourcePolicy']).toEqual({
      Version: '2012-10-17',
      Statement: [DENY_WITHOUT_TLS],
    });
  });

  it.each(['GetSecretValue', 'DescribeSecret'])('can call %s over TLS, and only while they are listed', (name) => {
    const mayRead = (template: SynthesisedTemplate, secureTransport: 'true' | 'false') =>
      evaluatePolicy(parsePolicy(template.Resources[READERS]?.Properties['ResourcePolicy'], {}), {
        action: `secretsmanager:${name}`,
        resource: EXISTING,
        principal: reader(OWN),
        keys: { 'aws:securetransport': secureTransport },
      }) !== undefined;

    const [listed, removed] = [synthesise({ tokenReaders: [reader(OWN)] }), synthesise()];
    expect(mayRead(listed, 'true')).toBe(true);
    expect(mayRead(listed, 'false')).toBe(false);
    expect(mayRead(removed, 'true')).toBe(false);
  });

  it('keep read access to a retained secret after the stack is destroyed', () => {
    const { Resources } = synthesise({ tokenReaders: [reader(OWN)] });
    expect(Resources[READERS]).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    const destroyed = synthesise({ tokenReaders: [reader(OWN)], removalPolicies: { secret: 'destroy' } });
    expect(destroyed.Resources[READERS]?.DeletionPolicy).toBe('Delete');
  });

  it('of other accounts are allowed if there is a customer managed key', () => {
    expect(
      optionsOf({ env: { account: OWN }, encryptionKey: KEY_ARN, tokenReaders: [reader('210987654321')] }),
    ).toEqual([]);
  });
});

describe('rejects', () => {
  it.each<[string, object, string | undefined, string]>([
    [
      'a reader in an AWS account that differs from env.account',
      { env: { account: OWN }, tokenReaders: [reader('210987654321')] },
      undefined,
      'tokenReaders',
    ],
    [
      "a reader in an AWS account that differs from the CLI's",
      { tokenReaders: [reader('210987654321')] },
      OWN,
      'tokenReaders',
    ],
    [
      "readers in two AWS accounts, one of which is not the stack's",
      { tokenReaders: [reader(OWN), reader('210987654321')] },
      undefined,
      'tokenReaders',
    ],
    ['readers without a token secret', { tokenSecret: false, tokenReaders: [reader(OWN)] }, undefined, 'tokenReaders'],
    [
      'readers of an existing token secret',
      { tokenSecret: 'theirs', tokenReaders: [reader(OWN)] },
      undefined,
      'tokenReaders',
    ],
    ['the same secret twice', { secret: 'mine', tokenSecret: 'mine' }, undefined, 'tokenSecret'],
    ['the same secret twice, by name and by ARN', { secret: 'token', tokenSecret: EXISTING }, undefined, 'tokenSecret'],
    ['a number instead of a token secret', { tokenSecret: 5 }, undefined, 'tokenSecret'],
    ['a reader that means everyone', { tokenReaders: ['*'] }, undefined, 'tokenReaders[0]'],
    ['an assumed role', { tokenReaders: ['arn:aws:sts::123456789012:assumed-role/r/s'] }, undefined, 'tokenReaders[0]'],
    ['a reader twice', { tokenReaders: [reader(OWN), reader(OWN)] }, undefined, 'tokenReaders'],
    [
      'one token secret for two Retently accounts',
      { accounts: [{ name: 'a' }, { name: 'b' }], tokenSecret: 'mine' },
      undefined,
      'accounts[1].tokenSecret',
    ],
    [
      'a token secret in another region',
      { env: { region: 'eu-west-1' }, tokenSecret: EXISTING },
      undefined,
      'tokenSecret',
    ],
  ])('%s', (_, options, cliAccount, option) => {
    expect(optionsOf(options, cliAccount)).toEqual([`tokenRefresh.${option}`]);
  });

  it("accepts a reader in an AWS account that may be the stack's", () => {
    expect(optionsOf({ tokenReaders: [reader('210987654321')] })).toEqual([]);
  });
});

describe('without a token secret', () => {
  const template = synthesise({ tokenSecret: false });

  it('there is one secret, no alarm for the other, no command and no variable', () => {
    expect(resourcesOf(template, 'AWS::SecretsManager::Secret')).toHaveLength(1);
    expect(JSON.stringify(template)).not.toMatch(/TokenSecret|TOKEN_SECRET_ID/);
  });
});

describe('an existing token secret', () => {
  const template = synthesise({ env, tokenSecret: EXISTING });

  it('is named to the function and to consumers, and none is created', () => {
    expect(resourcesOf(template, 'AWS::SecretsManager::Secret')).toHaveLength(1);
    expect(template.Outputs['TokenSecretArn']?.Value).toBe(EXISTING);
    expect(resourceOf(template, 'AWS::Lambda::Function').Properties).toMatchObject({
      Environment: { Variables: { TOKEN_SECRET_ID: EXISTING } },
    });
  });
});

describe('grantReadToken of the construct', () => {
  function build(props: (stack: Stack) => TokenRefreshProps = () => ({})) {
    const stack = new Stack(new App({ context: WITHOUT_BUNDLING }), 'Theirs', { env });
    return { stack, tokenRefresh: new TokenRefresh(stack, 'TokenRefresh', props(stack)) };
  }

  it('lets a role of this account read the token secret, and nothing else', () => {
    const { stack, tokenRefresh } = build();
    const role = new Role(stack, 'Reader', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
    tokenRefresh.grantReadToken(role);
    const template = templateOf(stack);
    expect(resourceOf(template, 'AWS::IAM::Policy', 'Reader').Properties['PolicyDocument']).toMatchObject({
      Statement: [{ Effect: 'Allow', Action: READ, Resource: { Ref: 'TokenRefreshTokenSecret24A371B3' } }],
    });
    expect(JSON.stringify(template.Resources[READERS])).not.toContain('"Allow"');
  });

  it('admits a role of another account by the policy of the secret', () => {
    const { stack, tokenRefresh } = build((scope) => ({
      encryptionKey: Key.fromKeyArn(scope, 'Key', KEY_ARN.replace('eu-west-1', 'us-east-1')),
    }));
    tokenRefresh.grantReadToken(Role.fromRoleArn(stack, 'Elsewhere', reader('210987654321')));
    expect(templateOf(stack).Resources[READERS]?.Properties).toMatchObject({
      BlockPublicPolicy: true,
      ResourcePolicy: {
        Statement: [
          DENY_WITHOUT_TLS,
          { Effect: 'Allow', Action: READ, Principal: { AWS: reader('210987654321') }, Resource: '*' },
        ],
      },
    });
  });

  it.each<[string, (stack: Stack) => IGrantable]>([
    ['a role', (stack) => Role.fromRoleArn(stack, 'Elsewhere', reader('210987654321'))],
    ['an ARN', () => new ArnPrincipal(reader('210987654321'))],
    ['an account', () => new AccountPrincipal('210987654321')],
  ])('throws for %s in another account without a key', (_, toReader) => {
    const { stack, tokenRefresh } = build();
    expect(() => tokenRefresh.grantReadToken(toReader(stack))).toThrow(/210987654321.*encryptionKey/);
  });

  it('admits an ARN of this account without a key', () => {
    const { stack, tokenRefresh } = build();
    tokenRefresh.grantReadToken(new ArnPrincipal(reader(OWN)));
    expect(JSON.stringify(templateOf(stack).Resources[READERS])).toContain(reader(OWN));
  });

  it('throws if there is no token secret', () => {
    const { tokenRefresh } = build(() => ({ tokenSecret: false }));
    expect(tokenRefresh.tokenSecret).toBeUndefined();
    expect(() => tokenRefresh.grantReadToken(new ArnPrincipal(reader(OWN)))).toThrow('tokenSecret');
  });

  it('throws instead of replacing the policy of an existing secret', () => {
    const { tokenRefresh } = build((scope) => ({ tokenSecret: Secret.fromSecretCompleteArn(scope, 'Mine', EXISTING) }));
    expect(() => tokenRefresh.grantReadToken(new ArnPrincipal(reader(OWN)))).toThrow('policy');
  });

  it('allows the role to read an existing secret by an identity policy', () => {
    const { stack, tokenRefresh } = build((scope) => ({
      tokenSecret: Secret.fromSecretCompleteArn(scope, 'Mine', EXISTING),
    }));
    const role = new Role(stack, 'Reader', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
    tokenRefresh.grantReadToken(role);
    expect(JSON.stringify(resourceOf(templateOf(stack), 'AWS::IAM::Policy', 'Reader').Properties)).toContain(EXISTING);
    expect(tokenRefresh.tokenSecret?.secretArn).toBe(EXISTING);
  });

  it.each([
    ['a string', 'mine'],
    ['a number', 5],
  ])('rejects %s instead of a token secret', (_, tokenSecret) => {
    const props = JSON.parse(JSON.stringify({ tokenSecret }));
    expect(() => build(() => props)).toThrow('tokenSecret');
  });
});
