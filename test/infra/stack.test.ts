import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { parseContext } from '../../infra/options/parse-context.ts';
import { TokenRefreshStack } from '../../infra/stacks.ts';
import { DEFAULTS, METRIC_NAMESPACE, METRICS } from '../../lambda/contract.ts';
import { attributesOf } from './deployed-template.ts';
import { resolveText } from './resolve-intrinsics.ts';
import { EVERY_OPTION, resourceOf, resourcesOf, synthesise, synthesiseAll, WITHOUT_BUNDLING } from './synthesise.ts';

// Part of the contract: under another id CloudFormation makes a new resource and takes the old one away.
const LOGICAL_IDS = [
  'TokenRefreshAlarmTopic87D62E97',
  'TokenRefreshAlarmTopicPolicyFB0204DF',
  'TokenRefreshAlarmsFailedRunsF5C97FF9',
  'TokenRefreshAlarmsFunctionFailingE68595A6',
  'TokenRefreshAlarmsReauthorizationRequired2034499B',
  'TokenRefreshAlarmsTokenExpiringSoonC088732A',
  'TokenRefreshAlarmsTokenNotStored080CB030',
  'TokenRefreshAlarmsTokenSecretBehind32F8E30C',
  'TokenRefreshAlarmsTokenSecretUnreadableB54C798B',
  'TokenRefreshAlarmsUndeliveredTicks11F8C746',
  'TokenRefreshCredentialsPolicyEC4C9145',
  'TokenRefreshCredentialsSecretCBF4F6B8',
  'TokenRefreshDeadLettersFailedRunsC3C69276',
  'TokenRefreshDeadLettersFailedRunsPolicyA72E5F58',
  'TokenRefreshDeadLettersUndeliveredTicksD0CA8994',
  'TokenRefreshDeadLettersUndeliveredTicksPolicy6A31587E',
  'TokenRefreshFunctionDFF3ACD5',
  'TokenRefreshFunctionEventInvokeConfigC38F6904',
  'TokenRefreshFunctionLogGroupD12B8BB4',
  'TokenRefreshFunctionRoleDefaultPolicy22A431CF',
  'TokenRefreshFunctionRoleFA912134',
  'TokenRefreshOverviewDashboard6CCE174A',
  'TokenRefreshSchedule80AAEB22',
  'TokenRefreshScheduleRole6F227E76',
  'TokenRefreshScheduleRoleDefaultPolicyA8D6C2A0',
  'TokenRefreshTokenReadersC1B723FF',
  'TokenRefreshTokenSecret24A371B3',
];
const OPTIONAL_LOGICAL_IDS = [
  'TokenRefreshAlarmTopicUndeliveredEmails4F5AF755',
  'TokenRefreshAlarmTopicUndeliveredEmailsPolicyAED7A3B1',
  'TokenRefreshAlarmTopicnightexamplecom3C14F682',
  'TokenRefreshAlarmTopicopsexamplecom19D8FCE6',
  'TokenRefreshBusEventBus0228B614',
];

const template = synthesise();
const failedRuns = { 'Fn::GetAtt': ['TokenRefreshDeadLettersFailedRunsC3C69276', 'Arn'] };
const undeliveredTicks = { 'Fn::GetAtt': ['TokenRefreshDeadLettersUndeliveredTicksD0CA8994', 'Arn'] };
const functionName = { Ref: 'TokenRefreshFunctionDFF3ACD5' };

describe('the stack, with every default', () => {
  it('keeps the logical ids by which CloudFormation knows its resources', () => {
    expect(Object.keys(template.Resources).sort()).toEqual(LOGICAL_IDS);
    expect(Object.keys(synthesise({ ...EVERY_OPTION, dashboard: true }).Resources).sort()).toEqual(
      [...LOGICAL_IDS, ...OPTIONAL_LOGICAL_IDS].sort(),
    );
  });

  it('stays far below 60 resources', () => {
    expect(Object.keys(template.Resources).length).toBeLessThan(60);
  });

  it('creates the same template for every account, except for its name', () => {
    const [one, other] = synthesiseAll({ accounts: [{ name: 'eu' }, { name: 'us' }] });
    expect(one).toEqual(other);
  });

  it('creates two empty secrets that outlive the stack', () => {
    const descriptions = { Credentials: 'client_id', Token: 'access_token' };
    for (const [part, description] of Object.entries(descriptions)) {
      expect(resourceOf(template, 'AWS::SecretsManager::Secret', `TokenRefresh${part}`)).toEqual({
        Type: 'AWS::SecretsManager::Secret',
        Properties: { Description: expect.stringContaining(description) },
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain',
      });
    }
  });

  it.each([['defaults', undefined] as const, ['every option', EVERY_OPTION] as const])(
    'has no value of a secret in its template (%s)',
    (_, options) => {
      // The outputs name a member of the CLI's answer; nothing there is deployed.
      expect(JSON.stringify({ ...synthesise(options), Outputs: {} })).not.toMatch(
        /SecretString|GenerateSecretString|resolve:secretsmanager/,
      );
    },
  );

  it('ticks every ten minutes, within two, and keeps a tick no longer than half of that', () => {
    expect(resourceOf(template, 'AWS::Scheduler::Schedule').Properties).toEqual({
      Description: expect.any(String),
      ScheduleExpression: 'rate(10 minutes)',
      ScheduleExpressionTimezone: 'Etc/UTC',
      FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 2 },
      State: 'ENABLED',
      Target: {
        Arn: { 'Fn::GetAtt': ['TokenRefreshFunctionDFF3ACD5', 'Arn'] },
        RoleArn: { 'Fn::GetAtt': ['TokenRefreshScheduleRole6F227E76', 'Arn'] },
        Input: '{"action":"refresh","trigger":"schedule"}',
        RetryPolicy: { MaximumEventAgeInSeconds: 300, MaximumRetryAttempts: 5 },
        DeadLetterConfig: { Arn: undeliveredTicks },
      },
    });
  });

  it('runs the function on Node.js 24 and arm64, with its own role, log group and environment', () => {
    expect(resourceOf(template, 'AWS::Lambda::Function').Properties).toEqual({
      Description: expect.any(String),
      Code: expect.any(Object),
      Handler: 'index.handler',
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      MemorySize: 512,
      Timeout: 60,
      Role: { 'Fn::GetAtt': ['TokenRefreshFunctionRoleFA912134', 'Arn'] },
      LoggingConfig: {
        LogFormat: 'JSON',
        SystemLogLevel: 'WARN',
        LogGroup: { Ref: 'TokenRefreshFunctionLogGroupD12B8BB4' },
      },
      Environment: {
        Variables: {
          CREDENTIALS_SECRET_ID: { Ref: 'TokenRefreshCredentialsSecretCBF4F6B8' },
          TOKEN_ENDPOINT: DEFAULTS.tokenEndpoint,
          EVENT_BUS_NAME: DEFAULTS.eventBusName,
          DEFAULT_TOKEN_LIFETIME_SECONDS: String(DEFAULTS.defaultTokenLifetimeSeconds),
          LEASE_SECONDS: String(DEFAULTS.leaseSeconds),
          SCHEDULE_SECONDS: '720',
          TOKEN_SECRET_ID: { Ref: expect.stringContaining('TokenRefreshTokenSecret') },
        },
      },
    });
    expect(resourceOf(template, 'AWS::Logs::LogGroup')).toMatchObject({
      Properties: { RetentionInDays: 90 },
      DeletionPolicy: 'Delete',
    });
  });

  it('has the function retried once within the other half of the interval, and then keeps the event', () => {
    expect(resourceOf(template, 'AWS::Lambda::EventInvokeConfig').Properties).toEqual({
      FunctionName: functionName,
      Qualifier: '$LATEST',
      MaximumRetryAttempts: 1,
      MaximumEventAgeInSeconds: 300,
      DestinationConfig: { OnFailure: { Destination: failedRuns } },
    });
  });

  it('encrypts both queues, retains their messages for 14 days, and accepts only TLS', () => {
    const queues = resourcesOf(template, 'AWS::SQS::Queue');
    expect(queues).toHaveLength(2);
    for (const { Properties } of queues) {
      expect(Properties).toEqual({
        MessageRetentionPeriod: 1_209_600,
        RedriveAllowPolicy: { redrivePermission: 'allowAll' },
        SqsManagedSseEnabled: true,
      });
    }
    const policies = [...resourcesOf(template, 'AWS::SQS::QueuePolicy'), resourceOf(template, 'AWS::SNS::TopicPolicy')];
    for (const { Properties } of policies) {
      expect(Properties['PolicyDocument']).toMatchObject({
        Statement: expect.arrayContaining([
          expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      });
    }
  });

  it('allows the alarms of this AWS account to publish, which a policy that only enforces TLS would deny', () => {
    expect(resourceOf(template, 'AWS::SNS::TopicPolicy').Properties['PolicyDocument']).toMatchObject({
      Statement: expect.arrayContaining([
        expect.objectContaining({
          Sid: 'AllowAlarms',
          Effect: 'Allow',
          Action: 'sns:Publish',
          Principal: { Service: 'cloudwatch.amazonaws.com' },
          Condition: expect.objectContaining({ StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } }),
        }),
      ]),
    });
  });

  it('has the outputs that an operator needs', () => {
    const { Outputs } = template;
    expect(Outputs).toMatchObject({
      FunctionName: { Value: functionName },
      SecretArn: { Value: { Ref: 'TokenRefreshCredentialsSecretCBF4F6B8' } },
      SecretId: { Value: { Ref: 'TokenRefreshCredentialsSecretCBF4F6B8' } },
      TokenSecretArn: { Value: { Ref: expect.stringContaining('TokenRefreshTokenSecret') } },
      ScheduleName: { Value: { Ref: 'TokenRefreshSchedule80AAEB22' } },
      FailedRunsUrl: { Value: { Ref: 'TokenRefreshDeadLettersFailedRunsC3C69276' } },
      UndeliveredTicksUrl: { Value: { Ref: 'TokenRefreshDeadLettersUndeliveredTicksD0CA8994' } },
    });
    expect(Outputs).toHaveProperty('DashboardName');
    expect(Object.keys(Outputs).filter((id) => id.endsWith('Command'))).toHaveLength(23);
    expect(Object.keys(Outputs)).toHaveLength(31);
  });
});

describe('the link to the dashboard', () => {
  const link = (region: string) => JSON.stringify(synthesise({ env: { region } }).Outputs['DashboardUrl']?.Value);

  it.each([
    ['eu-west-1', 'console.aws.amazon.com'],
    ['us-gov-west-1', 'console.amazonaws-us-gov.com'],
    ['cn-north-1', 'console.amazonaws.cn'],
    ['eusc-de-east-1', 'console.amazonaws-eusc.eu'],
  ])('leads from %s to the console of its partition', (region, host) => {
    const page = `https://${region}.${host}/cloudwatch/home?region=${region}#dashboards/dashboard/`;
    expect(link(region)).toContain(page);
  });

  it.each(['us-iso-east-1', 'us-isob-east-1', 'eu-isoe-west-1', 'us-isof-south-1'])(
    'is only the name in %s, whose console is not documented',
    (region) => {
      const { Outputs } = synthesise({ env: { region } });
      expect(Outputs).toHaveProperty('DashboardName');
      expect(Outputs).not.toHaveProperty('DashboardUrl');
    },
  );

  it('follows the region of the CLI if the options name none', () => {
    const [stack] = parseContext({}, { cliRegion: 'cn-north-1' });
    if (stack === undefined) throw new Error('no stack');
    const app = new App({ context: WITHOUT_BUNDLING });
    const { Outputs } = Template.fromStack(new TokenRefreshStack(app, stack)).toJSON();
    expect(JSON.stringify(Outputs.DashboardUrl)).toContain('.console.amazonaws.cn/');
  });
});

describe('the alarms', () => {
  const own = (name: string) => ({
    Namespace: METRIC_NAMESPACE,
    MetricName: name,
    Dimensions: [{ Name: 'FunctionName', Value: functionName }],
  });
  const queue = (id: string) => ({
    Namespace: 'AWS/SQS',
    MetricName: 'NumberOfMessagesSent',
    Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [id, 'QueueName'] } }],
    Statistic: 'Sum',
    Period: 900,
    EvaluationPeriods: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    Threshold: 1,
    TreatMissingData: 'notBreaching',
  });

  it.each([
    [
      'TokenExpiringSoon',
      'token-expiring-soon',
      {
        ...own(METRICS.tokenSecondsUntilDue),
        Statistic: 'Maximum',
        Period: 300,
        EvaluationPeriods: 6,
        ComparisonOperator: 'LessThanThreshold',
        Threshold: 1,
        TreatMissingData: 'breaching',
      },
    ],
    [
      'ReauthorizationRequired',
      'reauthorization-required',
      {
        ...own(METRICS.reauthorizationRequired),
        Statistic: 'Maximum',
        Period: 300,
        EvaluationPeriods: 1,
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
        Threshold: 1,
        TreatMissingData: 'ignore',
      },
    ],
    [
      'TokenSecretBehind',
      'token-secret-behind',
      {
        ...own(METRICS.tokenSecretBehind),
        Statistic: 'Minimum',
        Period: 1_320,
        EvaluationPeriods: 2,
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
        Threshold: 1,
        TreatMissingData: 'notBreaching',
      },
    ],
    [
      'TokenSecretUnreadable',
      'token-secret-unreadable',
      {
        ...own(METRICS.tokenSecretUnreadable),
        Statistic: 'Maximum',
        Period: 300,
        EvaluationPeriods: 1,
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
        Threshold: 1,
        TreatMissingData: 'ignore',
      },
    ],
    [
      'TokenNotStored',
      'token-not-stored',
      {
        ...own(METRICS.tokenNotStored),
        Statistic: 'Sum',
        Period: 300,
        EvaluationPeriods: 1,
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
        Threshold: 1,
        TreatMissingData: 'notBreaching',
      },
    ],
    [
      'FunctionFailing',
      'function-failing',
      {
        ...own('Errors'),
        Namespace: 'AWS/Lambda',
        Statistic: 'Sum',
        Period: 1_320,
        EvaluationPeriods: 1,
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
        Threshold: 3,
        TreatMissingData: 'notBreaching',
      },
    ],
    ['UndeliveredTicks', 'undelivered-ticks', queue('TokenRefreshDeadLettersUndeliveredTicksD0CA8994')],
    ['FailedRuns', 'failed-runs', queue('TokenRefreshDeadLettersFailedRunsC3C69276')],
  ])('%s says what happened, what it means for consumers, and where its runbook is', (id, anchor, properties) => {
    const { AlarmDescription, ...rest } = resourceOf(template, 'AWS::CloudWatch::Alarm', id).Properties;
    const text = resolveText(AlarmDescription, attributesOf(template, 'arn'));
    expect(text).toContain(' Consumers ');
    const [, place = '', link, status] = text.split('\n');
    for (const name of ['RetentlyTokenRefresh', '000000000000', 'us-east-1']) expect(place).toContain(name);
    expect(link).toBe(`Fix: docs/runbook.md#${anchor}`);
    expect(status).toMatch(/: aws lambda invoke /);
    expect(rest).toEqual({
      ...properties,
      AlarmActions: [{ Ref: 'TokenRefreshAlarmTopic87D62E97' }],
      OKActions: [{ Ref: 'TokenRefreshAlarmTopic87D62E97' }],
    });
  });

  it("link to a runbook elsewhere, and stay within CloudWatch's 1,024 characters", () => {
    const runbookUrl = `https://wiki.example.com/${'runbook'.repeat(33)}`;
    const long = synthesise({ runbookUrl });
    const names = { 'AWS::StackName': 'S'.repeat(128), [functionName.Ref]: 'f'.repeat(64) };
    for (const { Properties } of resourcesOf(long, 'AWS::CloudWatch::Alarm')) {
      const text = resolveText(Properties['AlarmDescription'], { ...attributesOf(long, 'arn'), ...names });
      expect(text).toMatch(/\nFix: https:\/\/wiki\.example\.com\/[a-z]+#[a-z-]+\n/);
      expect(text.length).toBeLessThanOrEqual(1_024);
    }
  });

  it.each([
    // minutes between ticks, flexible window: periods of 5 minutes, window for errors
    [30, 0, 13, 3_600],
    [60, 10, 22, 7_800],
    [60, 59, 25, 10_740],
    [360, 0, 82, 43_200],
  ])(
    'watch over two ticks every %i minutes and a window of %i, or over the tick and its hour',
    (every, window, periods, errors) => {
      const slow = synthesise({
        interval: { minutes: every },
        flexibleWindow: { minutes: window },
        tokenLifetime: { days: 7 },
      });
      const expiring = resourceOf(slow, 'AWS::CloudWatch::Alarm', 'TokenExpiringSoon').Properties;
      expect(expiring).toMatchObject({ EvaluationPeriods: periods });
      // CloudWatch takes no more than a day of periods that are shorter than an hour.
      expect(periods * 300).toBeLessThanOrEqual(86_400);
      expect(resourceOf(slow, 'AWS::CloudWatch::Alarm', 'FunctionFailing').Properties['Period']).toBe(errors);
    },
  );

  it('do not depend on the configured lifetime', () => {
    const alarms = (life: number) =>
      resourcesOf(synthesise({ tokenLifetime: { seconds: life } }), 'AWS::CloudWatch::Alarm');
    expect(alarms(604_800)).toEqual(alarms(3_600));
  });
});
