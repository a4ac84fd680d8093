import { App, CfnParameter, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { SecurityGroup, Subnet, Vpc } from 'aws-cdk-lib/aws-ec2';
import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Alias, type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { TokenRefresh, type TokenRefreshProps } from '../../infra/token-refresh.ts';
import { METRIC_NAMESPACE } from '../../lambda/contract.ts';
import { mistakenOptions, mistakesOf } from './mistaken-options.ts';
import { KEY_ARN, resourceOf, resourcesOf, synthesise, templateOf, WITHOUT_BUNDLING } from './synthesise.ts';

const ENV = { account: '123456789012', region: 'eu-west-1' };
const SECRET_ARN = `arn:aws:secretsmanager:eu-west-1:${ENV.account}:secret:retently-AbC123`;
const BUS_ARN = `arn:aws:events:eu-west-1:${ENV.account}:event-bus/shared`;

const keyPolicySchema = z.object({
  Statement: z.array(z.object({ Principal: z.record(z.string(), z.unknown()), Condition: z.unknown().optional() })),
});

/** Builds a user's stack with the construct in it. */
function build(toProps: (scope: Construct) => TokenRefreshProps = () => ({}), env: object = ENV) {
  const stack = new Stack(new App({ context: WITHOUT_BUNDLING }), 'Theirs', { env });
  return { stack, tokenRefresh: new TokenRefresh(stack, 'TokenRefresh', toProps(stack)) };
}

/** The resources, except the code: it is not bundled here, so its hash depends on its location. */
function resourcesWithoutCode({ Resources }: ReturnType<typeof synthesise>): object {
  return Object.fromEntries(
    Object.entries(Resources).map(
      ([
        id,
        {
          Properties: { Code, ...Properties },
          ...resource
        },
      ]) => [id, { ...resource, Properties }],
    ),
  );
}

// What JavaScript allows a caller to write.
const construct = (props: unknown) => () =>
  Reflect.construct(TokenRefresh, [new Stack(new App(), 'Theirs', { env: ENV }), 'TokenRefresh', props]);
const rejectedProps = (props: unknown) => mistakenOptions(construct(props));

describe("the construct in a user's stack creates the same resources as the app", () => {
  it.each<[string, (scope: Construct) => TokenRefreshProps, object]>([
    ['the defaults', () => ({}), {}],
    [
      'numbers and durations',
      () => ({
        interval: Duration.minutes(15),
        flexibleWindow: Duration.minutes(0),
        tokenLifetime: Duration.hours(8),
        timeout: Duration.seconds(90),
        memorySize: 512,
        logRetention: RetentionDays.ONE_YEAR,
        reservedConcurrentExecutions: 2,
        xray: true,
        fips: true,
        dashboard: false,
        tokenEndpoint: 'https://auth.example.com/token',
        alarmEmails: ['ops@example.com'],
        removalPolicies: { secret: RemovalPolicy.DESTROY, queues: RemovalPolicy.RETAIN, logs: RemovalPolicy.RETAIN },
        publishEvents: false,
      }),
      {
        interval: { minutes: 15 },
        flexibleWindow: { minutes: 0 },
        tokenLifetime: { hours: 8 },
        timeout: { seconds: 90 },
        memorySize: 512,
        logRetention: 365,
        reservedConcurrentExecutions: 2,
        xray: true,
        fips: true,
        dashboard: false,
        tokenEndpoint: 'https://auth.example.com/token',
        alarmEmails: ['ops@example.com'],
        removalPolicies: { secret: 'destroy', queues: 'retain', logs: 'retain' },
        publishEvents: false,
      },
    ],
    [
      'imported things of CDK',
      (scope) => ({
        secret: Secret.fromSecretCompleteArn(scope, 'Secret', SECRET_ARN),
        encryptionKey: Key.fromKeyArn(scope, 'Key', KEY_ARN),
        eventBus: EventBus.fromEventBusArn(scope, 'TheirBus', BUS_ARN),
        vpc: Vpc.fromVpcAttributes(scope, 'Vpc', { vpcId: 'vpc-1', availabilityZones: ['eu-west-1a'] }),
        vpcSubnets: { subnets: [Subnet.fromSubnetId(scope, 'Subnet', 'subnet-0123456789abcdef0')] },
        securityGroups: [SecurityGroup.fromSecurityGroupId(scope, 'Group', 'sg-0123456789abcdef0')],
      }),
      {
        secret: { completeArn: SECRET_ARN },
        encryptionKey: KEY_ARN,
        eventBus: BUS_ARN,
        vpc: { subnetIds: ['subnet-0123456789abcdef0'] },
        securityGroups: ['sg-0123456789abcdef0'],
      },
    ],
    [
      'a secret that is known by its name',
      (scope) => ({ secret: Secret.fromSecretNameV2(scope, 'Secret', 'retently/mine') }),
      { secret: 'retently/mine' },
    ],
  ])('%s', (_, toProps, options) => {
    const ours = synthesise({ env: ENV, ...options });
    expect(resourcesWithoutCode(templateOf(build(toProps).stack))).toEqual(resourcesWithoutCode(ours));
  });
});

describe('CDK objects that the same app creates', () => {
  const { stack, tokenRefresh } = build((scope) => ({
    // The declarations of CDK contradict each other under `exactOptionalPropertyTypes`.
    secret: z.custom<ISecret>().parse(new Secret(scope, 'Secret')),
    encryptionKey: new Key(scope, 'Key'),
    eventBus: z.custom<IEventBus>().parse(new EventBus(scope, 'TheirBus')),
    alarmTopic: new Topic(scope, 'Alarms'),
  }));
  const reader = new Role(stack, 'Reader', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
  tokenRefresh.grantRead(reader, ['AWSCURRENT']);
  const template = templateOf(stack);
  const secret = { Ref: Object.keys(template.Resources).find((id) => /^Secret/.test(id)) };

  it('are used by the function', () => {
    const { Environment } = z
      .object({ Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }) })
      .parse(resourceOf(template, 'AWS::Lambda::Function').Properties);
    const bus = Object.keys(template.Resources).find((id) => /^TheirBus/.test(id));
    expect(Environment.Variables).toMatchObject({
      CREDENTIALS_SECRET_ID: secret,
      EVENT_BUS_NAME: { 'Fn::GetAtt': [bus, 'Arn'] },
    });
  });

  it('are the resources that its role may use', () => {
    const policy = JSON.stringify(resourceOf(template, 'AWS::IAM::Policy', 'FunctionRole').Properties);
    expect(policy).toContain(`"Resource":${JSON.stringify(secret)},"Sid":"KeepCredentials"`);
    expect(policy).toMatch(/"Resource":{"Fn::GetAtt":\["TheirBus\w+","Arn"]},"Sid":"PublishEvents"/);
  });

  it('receive the alarms, without a new topic', () => {
    const [topic, ...others] = Object.entries(template.Resources).filter(([, { Type }]) => Type === 'AWS::SNS::Topic');
    expect(others).toEqual([]);
    for (const { Properties } of resourcesOf(template, 'AWS::CloudWatch::Alarm')) {
      expect(Properties['AlarmActions']).toEqual([{ Ref: topic?.[0] }]);
    }
  });

  it('allow the services that CDK does not add, if they are a key', () => {
    const policy = JSON.stringify(resourceOf(template, 'AWS::KMS::Key').Properties['KeyPolicy']);
    expect(policy).toContain('"Principal":{"Service":"logs.eu-west-1.amazonaws.com"}');
    expect(policy).toContain('"Principal":{"Service":"cloudwatch.amazonaws.com"}');
  });

  it('admit no service for another AWS account', () => {
    const { Statement } = keyPolicySchema.parse(resourceOf(template, 'AWS::KMS::Key').Properties['KeyPolicy']);
    const ofServices = Statement.filter(({ Principal }) => 'Service' in Principal);
    expect(ofServices).toHaveLength(2);
    for (const { Condition } of ofServices) {
      expect(JSON.stringify(Condition)).toContain(`"aws:SourceAccount":"${ENV.account}"`);
    }
    expect(ofServices[0]?.Condition).toMatchObject({
      ArnLike: { 'kms:EncryptionContext:aws:logs:arn': expect.anything() },
    });
  });

  it('are readable for the grantee of grantRead, with the given labels', () => {
    expect(JSON.stringify(resourceOf(template, 'AWS::IAM::Policy', 'Reader').Properties)).toContain(
      '"Condition":{"ForAnyValue:StringEquals":{"secretsmanager:VersionStage":["AWSCURRENT"]}}',
    );
  });
});

describe('the members of the construct', () => {
  const { stack, tokenRefresh } = build((scope) => ({ encryptionKey: Key.fromKeyArn(scope, 'Key', KEY_ARN) }));

  it('lets a consumer read the secret, and use its key for that', () => {
    const reader = new Role(stack, 'Reader', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
    tokenRefresh.grantRead(reader);
    tokenRefresh.grantInvoke(reader);
    const policy = JSON.stringify(resourceOf(templateOf(stack), 'AWS::IAM::Policy', 'Reader').Properties);
    for (const action of ['secretsmanager:GetSecretValue', 'kms:Decrypt', 'lambda:InvokeFunction']) {
      expect(policy).toContain(`"${action}"`);
    }
  });

  it('has its alarms, its queues and its topic', () => {
    expect(tokenRefresh.alarms.length).toBeGreaterThanOrEqual(6);
    const { alarmTopic, failedRuns, undeliveredTicks, lambdaFunction, logGroup } = tokenRefresh;
    for (const { node } of [alarmTopic, failedRuns, undeliveredTicks, lambdaFunction, logGroup]) {
      expect(node.path).toMatch(/^Theirs\/TokenRefresh\//);
    }
  });

  it.each([
    ['metricTokenSecondsRemaining', 'TokenSecondsRemaining', 'Minimum'],
    ['metricTokenSecondsUntilDue', 'TokenSecondsUntilDue', 'Minimum'],
    ['metricReauthorizationRequired', 'ReauthorizationRequired', 'Maximum'],
    ['metricTokenSecretBehind', 'TokenSecretBehind', 'Maximum'],
    ['metricRefreshed', 'Refreshed', 'Sum'],
    ['metricRefreshFailed', 'RefreshFailed', 'Sum'],
  ] as const)(
    '%s returns a metric of the function, whose options can be overridden',
    (method, metricName, statistic) => {
      const dimensions = { FunctionName: tokenRefresh.lambdaFunction.functionName };
      expect(tokenRefresh[method]()).toMatchObject({ namespace: METRIC_NAMESPACE, metricName, statistic, dimensions });
      expect(tokenRefresh[method]({ statistic: 'p90', label: 'mine' })).toMatchObject({
        statistic: 'p90',
        label: 'mine',
      });
    },
  );
});

describe('rejects', () => {
  it.each<[string, unknown, string]>([
    ['a number instead of a duration', { timeout: 60 }, 'timeout'],
    ['a duration that is too short', { timeout: Duration.seconds(5) }, 'timeout'],
    ['a fraction of a minute', { interval: Duration.seconds(330) }, 'interval'],
    ['an interval that leaves a token only one chance', { interval: Duration.hours(3) }, 'interval'],
    ['an ARN instead of a secret', { secret: SECRET_ARN }, 'secret'],
    ['an ARN instead of a key', { encryptionKey: KEY_ARN }, 'encryptionKey'],
    ['half a megabyte', { memorySize: 256.5 }, 'memorySize'],
    ['a snapshot', { removalPolicies: { secret: RemovalPolicy.SNAPSHOT } }, 'removalPolicies.secret'],
    ["addresses for the app's own topic", { alarmTopic: { topicArn: 'x' }, alarmEmails: [] }, 'alarmEmails'],
    ['an event bus without events', { eventBus: { eventBusArn: BUS_ARN }, publishEvents: false }, 'publishEvents'],
    ['security groups without a VPC', { securityGroups: [] }, 'vpc'],
  ])('%s', (_, props, prop) => {
    expect(rejectedProps(props)).toContain(prop);
  });

  it('an unknown prop, and does not show its value, which may be a credential', () => {
    const [mistake, ...others] = mistakesOf(construct({ clientSecret: 'hunter2' }));
    expect(others).toEqual([]);
    expect(mistake).toMatch(/^clientSecret .*: alarmEmails, /);
    expect(mistake).not.toContain('hunter2');
  });

  it.each<[string, unknown, string]>([
    ['a queue instead of a secret', new Queue(new Stack(), 'Queue'), 'an object'],
    ['a function', () => 60, 'a function'],
    ['a big integer', 60n, 'a bigint'],
  ])('%s, which is not JSON', (_, secret, shown) => {
    expect(rejectedProps({ secret })).toEqual(['secret']);
    expect(mistakesOf(construct({ secret })).join()).toContain(` ${shown},`);
  });

  it('a list that contains a CDK object', () => {
    const alarmEmails = [new Queue(new Stack(), 'Queue')];
    expect(rejectedProps({ alarmTopic: { topicArn: 'x' }, alarmEmails })).toContain('alarmEmails[0]');
  });

  it('a key of another region', () => {
    expect(() =>
      build((scope) => ({ encryptionKey: Key.fromKeyArn(scope, 'Key', KEY_ARN) }), { region: 'us-east-1' }),
    ).toThrow('encryptionKey');
  });

  it.each<[string, (scope: Construct) => IKey]>([
    ['an imported one', (scope) => Alias.fromAliasName(scope, 'Alias', 'alias/mine')],
    [
      'one of this app',
      (scope) => new Alias(scope, 'Alias', { aliasName: 'alias/mine', targetKey: new Key(scope, 'Key') }),
    ],
  ])('an alias instead of a key: %s', (_, toKey) => {
    expect(() => build((scope) => ({ encryptionKey: toKey(scope) }))).toThrow(/encryptionKey .*(alias\/mine|an alias)/);
  });

  it('an alias whose name is known only at deployment, without the text that stands for it', () => {
    const stack = new Stack(new App(), 'Theirs', { env: ENV });
    const resourceName = new CfnParameter(stack, 'Name').valueAsString;
    const arn = stack.formatArn({ service: 'kms', resource: 'alias', resourceName });
    const mistakes = mistakesOf(construct({ encryptionKey: Key.fromKeyArn(stack, 'Key', arn) })).join();
    expect(mistakes).toMatch(/^encryptionKey .*an alias/);
    expect(mistakes).not.toContain('Token');
  });

  it('one secret for credentials and consumers, whose ARN is known only at deployment', () => {
    const secret = new Secret(new Stack(new App(), 'Theirs', { env: ENV }), 'Secret');
    const [mistake] = mistakesOf(construct({ secret, tokenSecret: secret }));
    expect(mistake).toMatch(/^tokenSecret /);
    expect(mistake).not.toContain('at deployment');
  });

  it('all of them together', () => {
    expect(rejectedProps({ timeout: Duration.seconds(5), memorySize: 1, tokenEndpoint: 'x' })).toHaveLength(3);
  });

  it('null', () => {
    expect(rejectedProps({ timeout: null })).toEqual(['timeout']);
    expect(rejectedProps(null)).toEqual(['props']);
  });
});

describe('a prop whose value is known only at deployment', () => {
  const parameter = (scope: Construct, type: string) => new CfnParameter(scope, type, { type });
  const text = (scope: Construct) => parameter(scope, 'String').valueAsString;
  const number = (scope: Construct) => parameter(scope, 'Number').valueAsNumber;

  it.each<[string, (scope: Construct) => TokenRefreshProps]>([
    ['tokenEndpoint', (scope) => ({ tokenEndpoint: text(scope) })],
    ['tokenEndpoint with a host', (scope) => ({ tokenEndpoint: `https://${text(scope)}/token` })],
    ['tokenEndpoint with a port', (scope) => ({ tokenEndpoint: `https://auth.example.com:${text(scope)}/token` })],
    ['tokenEndpoint with a scheme', (scope) => ({ tokenEndpoint: `http${text(scope)}` })],
    ['runbookUrl', (scope) => ({ runbookUrl: text(scope) })],
    ['alarmEmails', (scope) => ({ alarmEmails: [text(scope)] })],
    ['memorySize', (scope) => ({ memorySize: number(scope) })],
    ['reservedConcurrentExecutions', (scope) => ({ reservedConcurrentExecutions: number(scope) })],
    ['logRetention', (scope) => ({ logRetention: number(scope) })],
    ['encryptionKey', (scope) => ({ encryptionKey: Key.fromKeyArn(scope, 'Imported', text(scope)) })],
    [
      'encryptionKey of this stack',
      (scope) => ({
        encryptionKey: Key.fromKeyArn(
          scope,
          'Imported',
          Stack.of(scope).formatArn({ service: 'kms', resource: 'key', resourceName: 'x' }),
        ),
      }),
    ],
    ['secret', (scope) => ({ secret: Secret.fromSecretCompleteArn(scope, 'Imported', text(scope)) })],
    ['eventBus', (scope) => ({ eventBus: EventBus.fromEventBusArn(scope, 'Imported', text(scope)) })],
  ])('passes if no rule can check it: %s', (_, toProps) => {
    expect(JSON.stringify(templateOf(build(toProps, {}).stack))).toContain('"Ref":');
    expect(() => templateOf(build(toProps).stack)).not.toThrow();
  });

  it.each<[string, (scope: Construct) => object]>([
    ['interval', (scope) => ({ interval: Duration.minutes(number(scope)) })],
    ['flexibleWindow', (scope) => ({ flexibleWindow: Duration.minutes(number(scope)) })],
    ['tokenLifetime', (scope) => ({ tokenLifetime: Duration.hours(number(scope)) })],
    ['timeout', (scope) => ({ timeout: Duration.seconds(number(scope)) })],
    ['alarmEmails[0]', (scope) => ({ alarmEmails: parameter(scope, 'CommaDelimitedList').valueAsList })],
    ['xray', (scope) => ({ xray: text(scope) })],
    ['dashboard', (scope) => ({ dashboard: text(scope) })],
    ['publishEvents', (scope) => ({ publishEvents: text(scope) })],
    ['removalPolicies.logs', (scope) => ({ removalPolicies: { logs: text(scope) } })],
    ['tokenEndpoint', (scope) => ({ tokenEndpoint: `http://${text(scope)}/token` })],
    ['runbookUrl', (scope) => ({ runbookUrl: `ftp://${text(scope)}` })],
  ])('is rejected otherwise: %s', (prop, toProps) => {
    const stack = new Stack(new App(), 'Theirs', { env: ENV });
    expect(rejectedProps(toProps(stack))).toEqual([prop]);
  });
});

it('can keep logs forever', () => {
  const { stack } = build(() => ({ logRetention: RetentionDays.INFINITE }));
  expect(resourceOf(templateOf(stack), 'AWS::Logs::LogGroup').Properties).not.toHaveProperty('RetentionInDays');
});
