import { describe, expect, it } from 'vitest';
import { attributesOf, FUNCTION_NAME } from './deployed-template.ts';
import { evaluatePolicy } from './evaluate-policy.ts';
import { permissionsOf } from './role.ts';
import { EVERY_OPTION, KEY_ARN, resourceOf, resourcesOf, synthesise } from './synthesise.ts';

const SECRET_ACTIONS = [
  'secretsmanager:DescribeSecret',
  'secretsmanager:GetSecretValue',
  'secretsmanager:ListSecretVersionIds',
  'secretsmanager:PutSecretValue',
  'secretsmanager:UpdateSecretVersionStage',
];
const secret = { Ref: 'TokenRefreshCredentialsSecretCBF4F6B8' };
const tokenSecret = { Ref: expect.stringContaining('TokenRefreshTokenSecret') };
const TOKEN_SECRET_ACTIONS = SECRET_ACTIONS.filter((action) => !action.endsWith('ListSecretVersionIds'));
const arn = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const inThisAccount = (service: string, rest: string) => ({
  'Fn::Join': [
    '',
    [
      'arn:',
      { Ref: 'AWS::Partition' },
      `:${service}:`,
      { Ref: 'AWS::Region' },
      ':',
      { Ref: 'AWS::AccountId' },
      `:${rest}`,
    ],
  ],
});
const asOurselves = {
  'ForAllValues:StringEquals': { 'events:source': 'retently.token-refresh' },
  Null: { 'events:source': 'false' },
};
const through = (service: string) => ({
  StringEquals: { 'kms:ViaService': { 'Fn::Join': ['', [`${service}.eu-west-1.`, { Ref: 'AWS::URLSuffix' }]] } },
});
const allow = (Sid: string, Action: unknown, Resource: unknown, Condition?: unknown) => ({
  Sid,
  Effect: 'Allow',
  Action,
  Resource,
  ...(Condition === undefined ? {} : { Condition }),
});
const NETWORK_ACTIONS = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
];
const SECRET_ARN = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-AbCdEf';
const KEY_ACTIONS = ['kms:Decrypt', 'kms:GenerateDataKey'];

const statementsOf = (options: unknown, role: string) =>
  resourceOf(synthesise(options), 'AWS::IAM::Policy', role).Properties['PolicyDocument'];
const policy = (...Statement: readonly unknown[]) => ({ Version: '2012-10-17', Statement });

const WRITE_LOGS = allow(
  'WriteLogs',
  ['logs:CreateLogStream', 'logs:PutLogEvents'],
  arn('TokenRefreshFunctionLogGroupD12B8BB4'),
);
const KEEP_FAILED_RUNS = allow('KeepFailedRuns', 'sqs:SendMessage', arn('TokenRefreshDeadLettersFailedRunsC3C69276'));
// What it means is evaluated in least-privilege.test.ts.
const READ_UNDER_OLDER_KEYS = allow('ReadUnderOlderKeys', 'kms:Decrypt', expect.anything(), {
  StringEquals: { 'kms:ViaService': expect.anything() },
  StringLike: { 'kms:EncryptionContext:SecretARN': [secret, tokenSecret] },
});
const INVOKE = allow('InvokeFunction', 'lambda:InvokeFunction', arn('TokenRefreshFunctionDFF3ACD5'));
const KEEP_TICKS = allow(
  'KeepUndeliveredTicks',
  'sqs:SendMessage',
  arn('TokenRefreshDeadLettersUndeliveredTicksD0CA8994'),
);

describe('the role of the function', () => {
  it('allows exactly the calls of the function', () => {
    expect(statementsOf(undefined, 'FunctionRole')).toEqual(
      policy(
        allow('KeepCredentials', SECRET_ACTIONS, secret),
        allow('KeepTokenSecret', TOKEN_SECRET_ACTIONS, tokenSecret),
        allow('PublishEvents', 'events:PutEvents', inThisAccount('events', 'event-bus/default'), asOurselves),
        KEEP_FAILED_RUNS,
        READ_UNDER_OLDER_KEYS,
        WRITE_LOGS,
      ),
    );
  });

  it("allows more if an option needs it, and then only through that option's service", () => {
    expect(statementsOf(EVERY_OPTION, 'FunctionRole')).toEqual(
      policy(
        allow('KeepCredentials', SECRET_ACTIONS, secret),
        allow('KeepTokenSecret', TOKEN_SECRET_ACTIONS, tokenSecret),
        allow('PublishEvents', 'events:PutEvents', arn('TokenRefreshBusEventBus0228B614'), asOurselves),
        KEEP_FAILED_RUNS,
        READ_UNDER_OLDER_KEYS,
        allow('EncryptCredentials', KEY_ACTIONS, KEY_ARN, through('secretsmanager')),
        allow('EncryptFailedRuns', KEY_ACTIONS, KEY_ARN, through('sqs')),
        WRITE_LOGS,
        allow('Trace', ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'], '*'),
        allow('AttachToVpc', NETWORK_ACTIONS, '*'),
        {
          Sid: 'DenyNetworkToCode',
          Effect: 'Deny',
          Action: NETWORK_ACTIONS,
          Resource: '*',
          Condition: { Null: { 'lambda:SourceFunctionArn': 'false' } },
        },
      ),
    );
  });

  it('lets Lambda attach the function to a VPC, and never its code', () => {
    const template = synthesise(EVERY_OPTION);
    const permissions = permissionsOf(template, attributesOf(template, SECRET_ARN));
    for (const action of NETWORK_ACTIONS) {
      const request = { action, resource: '*' };
      expect(evaluatePolicy(permissions, request)).toMatchObject({ sid: 'AttachToVpc' });
      const functionArn = `arn:aws:lambda:eu-west-1:123456789012:function:${FUNCTION_NAME}`;
      const keys = { 'lambda:sourcefunctionarn': functionArn };
      expect(evaluatePolicy(permissions, { ...request, keys })).toBeUndefined();
    }
  });

  it.each([
    [
      'by ARN',
      'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-AbCdEf',
      'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-AbCdEf',
    ],
    ['by name', 'retently/mine', inThisAccount('secretsmanager', 'secret:retently/mine-??????')],
  ])('reaches an existing secret %s, and no other', (_, secret, resource) => {
    expect(statementsOf({ secret }, 'FunctionRole')).toMatchObject({
      Statement: expect.arrayContaining([allow('KeepCredentials', SECRET_ACTIONS, resource)]),
    });
  });

  it.each([
    [{ publishEvents: false }, undefined],
    [{ eventBus: 'mine' }, inThisAccount('events', 'event-bus/mine')],
    [
      { eventBus: 'arn:aws:events:eu-west-1:210987654321:event-bus/theirs' },
      'arn:aws:events:eu-west-1:210987654321:event-bus/theirs',
    ],
  ])('publishes as %j says', (options, resource) => {
    const publish = allow('PublishEvents', 'events:PutEvents', resource, asOurselves);
    expect(statementsOf(options, 'FunctionRole')).toEqual(
      policy(
        allow('KeepCredentials', SECRET_ACTIONS, secret),
        allow('KeepTokenSecret', TOKEN_SECRET_ACTIONS, tokenSecret),
        ...(resource === undefined ? [] : [publish]),
        KEEP_FAILED_RUNS,
        READ_UNDER_OLDER_KEYS,
        WRITE_LOGS,
      ),
    );
  });
});

describe('the role of the schedule', () => {
  it('invokes only the function, and stores the ticks that it could not deliver', () => {
    expect(statementsOf(undefined, 'ScheduleRole')).toEqual(policy(INVOKE, KEEP_TICKS));
  });

  it('may use the key of an encrypted queue, which CDK does not grant', () => {
    expect(statementsOf(EVERY_OPTION, 'ScheduleRole')).toEqual(
      policy(INVOKE, KEEP_TICKS, allow('EncryptUndeliveredTicks', KEY_ACTIONS, KEY_ARN, through('sqs'))),
    );
  });

  it('can be assumed only by the schedules of this AWS account', () => {
    expect(resourceOf(synthesise(), 'AWS::IAM::Role', 'ScheduleRole').Properties['AssumeRolePolicyDocument']).toEqual(
      policy({
        Effect: 'Allow',
        Action: 'sts:AssumeRole',
        Principal: { Service: 'scheduler.amazonaws.com' },
        Condition: {
          StringEquals: {
            'aws:SourceAccount': { Ref: 'AWS::AccountId' },
            'aws:SourceArn': inThisAccount('scheduler', 'schedule-group/default'),
          },
        },
      }),
    );
  });
});

it('there are no other roles and policies, and no managed ones', () => {
  for (const options of [undefined, EVERY_OPTION]) {
    const template = synthesise(options);
    expect(resourcesOf(template, 'AWS::IAM::Role')).toHaveLength(2);
    expect(resourcesOf(template, 'AWS::IAM::Policy')).toHaveLength(2);
    for (const { Properties } of resourcesOf(template, 'AWS::IAM::Role')) {
      expect(Properties).not.toHaveProperty('ManagedPolicyArns');
      expect(Properties).not.toHaveProperty('Policies');
    }
  }
});
