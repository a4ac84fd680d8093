import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { type IVpc, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { TokenRefresh, type TokenRefreshProps } from '../../infra/token-refresh.ts';
import { TokenRefreshFleet } from '../../infra/token-refresh-fleet.ts';
import {
  KEY_ARN,
  OTHER_KEY_ARN,
  resourceOf,
  resourcesOf,
  synthesise,
  synthesiseFleet,
  templateOf,
  WITHOUT_BUNDLING,
} from './synthesise.ts';

const ACCOUNT = '123456789012';
const ENV = { account: ACCOUNT, region: 'eu-west-1' };
const SECRET_ARN = `arn:aws:secretsmanager:eu-west-1:${ACCOUNT}:secret:retently-AbC123`;
const TOPIC_ARN = `arn:aws:sns:eu-west-1:${ACCOUNT}:theirs`;
const OURS = 'retently-token-refresh:';
/** Those that context-keys.test.ts is about. */
const OTHERS = ['noAlarmRecipients', 'noRunbookUrl', 'alarmsNeedSecretsKey'];

function theirStack(env: object = ENV): Stack {
  return new Stack(new App({ context: WITHOUT_BUNDLING }), 'Theirs', { env });
}

/** The warnings of an app, without those about alarms and their key, by the construct that has them. */
function warningsOf(stack: Stack): readonly (readonly [string, string])[] {
  return Annotations.fromStack(stack)
    .findWarning('*', Match.anyValue())
    .map(({ id, entry }) => [id, z.string().parse(entry.data)] as const)
    .filter(([, text]) => text.includes(`[ack: ${OURS}`) && !OTHERS.some((id) => text.includes(`[ack: ${OURS}${id}]`)));
}

const KINDS = [
  [
    'an account',
    (stack: Stack, props: TokenRefreshProps) =>
      new TokenRefresh(stack, 'Ours', { alarmTopic: topicOf(stack), ...props }),
  ],
  [
    'a fleet',
    (
      stack: Stack,
      props: Pick<TokenRefreshProps, 'encryptionKey' | 'alarmsAndLogsKey' | 'alarmTopic' | 'vpc' | 'vpcSubnets'>,
    ) => new TokenRefreshFleet(stack, 'Ours', { tagKey: 'retently', alarmTopic: topicOf(stack), ...props }),
  ],
] as const;

function topicOf(stack: Stack): Topic {
  return new Topic(stack, 'Topic');
}

describe.each(KINDS)('%s with other resources of the app', (_, build) => {
  it('warns of an imported key, with the statements that its policy needs', () => {
    const stack = theirStack();
    build(stack, { encryptionKey: Key.fromKeyArn(stack, 'Key', KEY_ARN) });
    const [[id, text] = ['', ''], ...others] = warningsOf(stack);
    expect([id, others]).toEqual(['/Theirs/Ours', []]);
    expect(text).toContain('"Service":"logs.eu-west-1.amazonaws.com"');
    expect(text).toContain('"Service":"cloudwatch.amazonaws.com"');
    expect(text).toContain(`{"aws:SourceAccount":"${ACCOUNT}"}`);
  });

  it('warns of an imported topic, with the statement that its policy needs', () => {
    const stack = theirStack();
    build(stack, { alarmTopic: Topic.fromTopicArn(stack, 'Imported', TOPIC_ARN) });
    const [[id, text] = ['', ''], ...others] = warningsOf(stack);
    expect([id, others]).toEqual(['/Theirs/Ours', []]);
    expect(text).toContain(`"Action":"sns:Publish"`);
    expect(text).toContain(`"Resource":"${TOPIC_ARN}"`);
  });

  it('names a region and an account that are known only at deployment', () => {
    const stack = theirStack({});
    build(stack, { encryptionKey: Key.fromKeyArn(stack, 'Key', KEY_ARN) });
    expect(warningsOf(stack).join()).toContain('"Service":"logs.<region>.amazonaws.com"');
    expect(warningsOf(stack).join()).not.toContain('${Token');
  });

  it('does not warn of keys and a topic of the app, and lets CloudWatch use both keys', () => {
    const stack = theirStack();
    build(stack, { encryptionKey: new Key(stack, 'Key'), alarmsAndLogsKey: new Key(stack, 'LogsKey') });
    expect(warningsOf(stack)).toEqual([]);
    const policies = resourcesOf(templateOf(stack), 'AWS::KMS::Key').map((each) => JSON.stringify(each.Properties));
    expect(policies).toHaveLength(2);
    for (const policy of policies) expect(policy).toContain('"Service":"cloudwatch.amazonaws.com"');
  });

  it.each([
    ['without a policy', {}, 0],
    ['whose own policy replaces the default policy', { enforceSSL: true }, 1],
  ])('lets alarms publish to a topic of the app %s', (_topic, props, policies) => {
    const stack = theirStack();
    const alarmTopic = new Topic(stack, 'Alarms', props);
    build(stack, { alarmTopic });
    new TokenRefresh(stack, 'Other', { alarmTopic });
    const found = resourcesOf(templateOf(stack), 'AWS::SNS::TopicPolicy').map(({ Properties }) =>
      JSON.stringify(Properties),
    );
    expect(found).toHaveLength(policies);
    for (const policy of found) {
      expect(policy).toContain('"Service":"cloudwatch.amazonaws.com"');
      expect(policy).not.toContain('"Sid":"AllowAlarms"');
    }
  });

  it("lets alarms use the key of the app's topic", () => {
    const stack = theirStack();
    build(stack, { alarmTopic: new Topic(stack, 'Alarms', { masterKey: new Key(stack, 'Key') }) });
    expect(warningsOf(stack)).toEqual([]);
    const [policy] = resourcesOf(templateOf(stack), 'AWS::KMS::Key').map((each) => JSON.stringify(each.Properties));
    expect(policy).toContain('"Service":"cloudwatch.amazonaws.com"');
    expect(policy).not.toContain('logs.eu-west-1');
  });

  it('warns of a public subnet, which has no way to the internet for a function', () => {
    const stack = theirStack();
    const vpc = z.custom<IVpc>().parse(new Vpc(stack, 'Vpc'));
    build(stack, { vpc, vpcSubnets: { subnetType: SubnetType.PUBLIC } });
    const ids = warningsOf(stack).map(([, text]) => /\[ack: ([\w:-]+)\]/.exec(text)?.[1]);
    expect([...new Set(ids)]).toEqual(['retently-token-refresh:publicSubnet']);
  });

  it('gives its functions a security group if there is a VPC without one', () => {
    const stack = theirStack();
    // The declarations of CDK contradict each other under `exactOptionalPropertyTypes`.
    build(stack, { vpc: z.custom<IVpc>().parse(new Vpc(stack, 'Vpc')) });
    const template = templateOf(stack);
    const group = resourceOf(template, 'AWS::EC2::SecurityGroup', 'Ours').Properties;
    expect(group['SecurityGroupIngress']).toBeUndefined();
    for (const { Properties } of resourcesOf(template, 'AWS::Lambda::Function')) {
      if (!JSON.stringify(Properties['Description']).includes('Retently')) continue;
      expect(JSON.stringify(Properties['VpcConfig'])).toMatch(
        /"SecurityGroupIds":\[\{"Fn::GetAtt":\["OursSecurityGroup/,
      );
    }
  });
});

it('lets the function use the keys of existing secrets through Secrets Manager, and each key only once', () => {
  const stack = theirStack();
  const [own, other] = [new Key(stack, 'Own'), new Key(stack, 'OfToken')];
  const [secret, tokenSecret] = [
    new Secret(stack, 'Secret', { encryptionKey: own }),
    new Secret(stack, 'Token', { encryptionKey: other }),
  ];
  new TokenRefresh(stack, 'Ours', {
    secret: z.custom<ISecret>().parse(secret),
    tokenSecret: z.custom<ISecret>().parse(tokenSecret),
    encryptionKey: own,
    alarmsAndLogsKey: false,
  });
  const policies = resourcesOf(templateOf(stack), 'AWS::IAM::Policy').map((each) => JSON.stringify(each.Properties));
  const found = policies.join().match(/"Sid":"Encrypt\w*(Credentials|Secret)"/g);
  expect(found).toEqual(['"Sid":"EncryptCredentials"', '"Sid":"EncryptExistingTokenSecret"']);
});

it("lets the sweep use the key of the app's topic", () => {
  const stack = theirStack();
  const masterKey = new Key(stack, 'Key');
  new TokenRefreshFleet(stack, 'Ours', { tagKey: 'retently', alarmTopic: new Topic(stack, 'Alarms', { masterKey }) });
  const policies = resourcesOf(templateOf(stack), 'AWS::IAM::Policy').map((each) => JSON.stringify(each.Properties));
  expect(policies.filter((policy) => policy.includes('"Sid":"EncryptNotices"'))).toHaveLength(1);
});

describe.each([
  ['an account', synthesise],
  ['a fleet', synthesiseFleet],
] as const)('topic and logs of %s', (_, synthesiseOne) => {
  it.each([
    [undefined, KEY_ARN],
    [OTHER_KEY_ARN, OTHER_KEY_ARN],
    [false, undefined],
  ])('with alarmsAndLogsKey %s have the key %s', (alarmsAndLogsKey, expected) => {
    const template = synthesiseOne({
      encryptionKey: KEY_ARN,
      ...(alarmsAndLogsKey !== undefined && { alarmsAndLogsKey }),
    });
    const keys = [
      ...resourcesOf(template, 'AWS::SNS::Topic').map(({ Properties }) => Properties['KmsMasterKeyId']),
      ...resourcesOf(template, 'AWS::Logs::LogGroup').map(({ Properties }) => Properties['KmsKeyId']),
    ];
    expect([...new Set(keys)]).toEqual([expected]);
  });
});

describe('two constructs', () => {
  it.each([
    ['secret', { alarmEmails: ['ops@example.com'] }],
    ['tokenSecret', { alarmEmails: ['ops@example.com'] }],
  ] as const)('on one %s are warned of it', (prop, props) => {
    const stack = theirStack();
    const shared = Secret.fromSecretCompleteArn(stack, 'Shared', SECRET_ARN);
    const again = Secret.fromSecretNameV2(stack, 'Again', 'retently');
    new TokenRefresh(stack, 'One', { ...props, [prop]: shared });
    new TokenRefresh(stack, 'Other', { ...props, [prop]: again });
    const [[id, text] = ['', ''], ...others] = warningsOf(stack);
    expect([id, others]).toEqual(['/Theirs/Other', []]);
    expect(text).toContain('Theirs/One');
  });

  it('are warned if the secret of one is the token secret of the other, and was created by it', () => {
    const stack = theirStack();
    const { secret } = new TokenRefresh(stack, 'One');
    new TokenRefresh(stack, 'Other', { tokenSecret: secret });
    expect(warningsOf(stack).map(([id]) => id)).toEqual(['/Theirs/Other']);
  });

  it('with secrets of their own, or in two regions, are not', () => {
    const app = new App({ context: WITHOUT_BUNDLING });
    for (const region of ['eu-west-1', 'us-east-1']) {
      const stack = new Stack(app, region, { env: { account: ACCOUNT, region } });
      new TokenRefresh(stack, 'One', { secret: Secret.fromSecretNameV2(stack, 'Secret', 'retently') });
      new TokenRefresh(stack, 'Other');
      expect(warningsOf(stack)).toEqual([]);
    }
  });
});
