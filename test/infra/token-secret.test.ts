import { App, Stack } from 'aws-cdk-lib';
import { AccountPrincipal, ArnPrincipal, type IGrantable, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { describe, expect, it } from 'vitest';
import type { TokenRefreshProps } from '../../infra/account-props.ts';
import { OptionsError } from '../../infra/options/mistakes.ts';
import { parseContext } from '../../infra/options/parse-context.ts';
import { TokenRefresh } from '../../infra/token-refresh.ts';
import { evaluatePolicy, parsePolicy } from './evaluate-policy.ts';
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

function mistakesOf(options: unknown, cliAccount?: string): readonly string[] {
  try {
    parseContext(options, { cliAccount });
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    return error.message.split('\n').slice(1);
  }
  return [];
}

describe('tokenReaders', () => {
  it('are admitted to the token secret alone, by a policy that can never be public', () => {
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

  it('keep their right on a retained secret after the stack is destroyed', () => {
    const { Resources } = synthesise({ tokenReaders: [reader(OWN)] });
    expect(Resources[READERS]).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    const destroyed = synthesise({ tokenReaders: [reader(OWN)], removalPolicies: { secret: 'destroy' } });
    expect(destroyed.Resources[READERS]?.DeletionPolicy).toBe('Delete');
  });

  it('of other accounts are admitted if there is a key of one of ours', () => {
    expect(
      mistakesOf({ env: { account: OWN }, encryptionKey: KEY_ARN, tokenReaders: [reader('210987654321')] }),
    ).toEqual([]);
  });
});

describe('token secrets and readers that are refused', () => {
  const OTHER_ACCOUNT =
    'must be of the account of the stack (env.account), or there must be an encryptionKey: no other account can use a key of AWS.';

  it.each<[string, object, string | undefined, string]>([
    [
      'a reader of another account than env.account',
      { env: { account: OWN }, tokenReaders: [reader('210987654321')] },
      undefined,
      OTHER_ACCOUNT,
    ],
    ["a reader of another account than the CLI's", { tokenReaders: [reader('210987654321')] }, OWN, OTHER_ACCOUNT],
    [
      'readers of two accounts, whichever is ours',
      { tokenReaders: [reader(OWN), reader('210987654321')] },
      undefined,
      OTHER_ACCOUNT,
    ],
    [
      'readers without a token secret',
      { tokenSecret: false, tokenReaders: [reader(OWN)] },
      undefined,
      'must be left out, since there is no token secret.',
    ],
    [
      'readers of an existing token secret',
      { tokenSecret: 'theirs', tokenReaders: [reader(OWN)] },
      undefined,
      'must be left out with an existing token secret: a resource policy would replace the one that it may have. Add the readers to that one.',
    ],
    [
      'the same secret twice',
      { secret: 'mine', tokenSecret: 'mine' },
      undefined,
      'tokenRefresh.tokenSecret is "mine", but must be another secret than the secret of the credentials: its readers must not read those.',
    ],
    [
      'the same secret twice, by name and by ARN',
      { secret: 'token', tokenSecret: EXISTING },
      undefined,
      'must be another secret than the secret of the credentials',
    ],
    [
      'a number for a token secret',
      { tokenSecret: 5 },
      undefined,
      'must be true, false, or the name or the complete ARN of an existing token secret.',
    ],
    [
      'a reader that is everybody',
      { tokenReaders: ['*'] },
      undefined,
      'tokenRefresh.tokenReaders[0] is "*", but must be the ARN of an IAM role, of a user, or of the root of an AWS account.',
    ],
    [
      'an assumed role',
      { tokenReaders: ['arn:aws:sts::123456789012:assumed-role/r/s'] },
      undefined,
      'must be the ARN of an IAM role',
    ],
    ['a reader twice', { tokenReaders: [reader(OWN), reader(OWN)] }, undefined, 'must name each principal once.'],
    [
      'one token secret for two Retently accounts',
      { accounts: [{ name: 'a' }, { name: 'b' }], tokenSecret: 'mine' },
      undefined,
      'tokenRefresh.accounts[1].tokenSecret is "mine", but must be the token secret of one Retently account only: two would overwrite each other.',
    ],
    [
      'a token secret of another region',
      { env: { region: 'eu-west-1' }, tokenSecret: EXISTING },
      undefined,
      'tokenRefresh.tokenSecret is "arn:aws:secretsmanager:us-east-1:123456789012:secret:token-AbC1eF", but must be in eu-west-1',
    ],
  ])('%s', (_, options, cliAccount, sentence) => {
    expect(mistakesOf(options, cliAccount)).toEqual([expect.stringContaining(sentence)]);
  });

  it('not a reader of an account that nobody can tell from ours', () => {
    expect(mistakesOf({ tokenReaders: [reader('210987654321')] })).toEqual([]);
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
  ])('refuses %s of another account without a key', (_, toReader) => {
    const { stack, tokenRefresh } = build();
    expect(() => tokenRefresh.grantReadToken(toReader(stack))).toThrow(
      'A reader of account 210987654321 needs an encryptionKey',
    );
  });

  it('admits an ARN of this account without a key', () => {
    const { stack, tokenRefresh } = build();
    tokenRefresh.grantReadToken(new ArnPrincipal(reader(OWN)));
    expect(JSON.stringify(templateOf(stack).Resources[READERS])).toContain(reader(OWN));
  });

  it('refuses if there is no token secret', () => {
    const { tokenRefresh } = build(() => ({ tokenSecret: false }));
    expect(tokenRefresh.tokenSecret).toBeUndefined();
    expect(() => tokenRefresh.grantReadToken(new ArnPrincipal(reader(OWN)))).toThrow(
      'There is no token secret to read',
    );
  });

  it('refuses to replace the policy of a secret that exists already', () => {
    const { tokenRefresh } = build((scope) => ({ tokenSecret: Secret.fromSecretCompleteArn(scope, 'Mine', EXISTING) }));
    expect(() => tokenRefresh.grantReadToken(new ArnPrincipal(reader(OWN)))).toThrow('The token secret exists already');
  });

  it('reads a secret that exists already, by a policy of the role', () => {
    const { stack, tokenRefresh } = build((scope) => ({
      tokenSecret: Secret.fromSecretCompleteArn(scope, 'Mine', EXISTING),
    }));
    const role = new Role(stack, 'Reader', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
    tokenRefresh.grantReadToken(role);
    expect(JSON.stringify(resourceOf(templateOf(stack), 'AWS::IAM::Policy', 'Reader').Properties)).toContain(EXISTING);
    expect(tokenRefresh.tokenSecret?.secretArn).toBe(EXISTING);
  });

  it.each([
    ['a text', 'mine'],
    ['a number', 5],
  ])('refuses %s for a token secret', (_, tokenSecret) => {
    const props = JSON.parse(JSON.stringify({ tokenSecret }));
    expect(() => build(() => props)).toThrow('tokenSecret');
  });
});
