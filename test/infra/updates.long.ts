import { describe, expect, it } from 'vitest';
import { RELEASED_TYPES } from './released-0.2.0.ts';
import {
  EVERY_OPTION,
  KEY_ARN,
  OTHER_KEY_ARN,
  resourceOf,
  resourcesOf,
  type SynthesisedTemplate,
  synthesise,
} from './synthesise.ts';

// "Update requires: Replacement" in the CloudFormation reference, for every type of the stack.
const REPLACING: Readonly<Record<string, readonly string[]>> = {
  'AWS::CloudWatch::Alarm': ['AlarmName'],
  'AWS::CloudWatch::Dashboard': ['DashboardName'],
  'AWS::Events::EventBus': ['Name'],
  'AWS::IAM::Policy': [],
  'AWS::IAM::Role': ['Path', 'RoleName'],
  'AWS::Lambda::EventInvokeConfig': ['FunctionName', 'Qualifier'],
  'AWS::Lambda::Function': ['DurableConfig', 'FunctionName', 'PackageType', 'TenancyConfig'],
  'AWS::Logs::LogGroup': ['LogGroupName'],
  'AWS::SNS::Subscription': ['Endpoint', 'Protocol', 'TopicArn'],
  'AWS::SNS::Topic': ['FifoTopic', 'TopicName'],
  'AWS::SNS::TopicPolicy': ['Id'],
  'AWS::SQS::Queue': ['FifoQueue', 'QueueName'],
  'AWS::SQS::QueuePolicy': [],
  'AWS::Scheduler::Schedule': ['Name'],
  'AWS::SecretsManager::ResourcePolicy': ['SecretId'],
  'AWS::SecretsManager::Secret': ['Name'],
};
const STATEFUL = ['AWS::Logs::LogGroup', 'AWS::SNS::Topic', 'AWS::SQS::Queue', 'AWS::SecretsManager::Secret'];

/** Returns the actions of CloudFormation on the resources of a stack, by logical id. */
function planUpdate(before: SynthesisedTemplate, after: SynthesisedTemplate) {
  const ids = Object.keys(before.Resources);
  return {
    added: Object.keys(after.Resources).filter((id) => !ids.includes(id)),
    removed: ids.filter((id) => after.Resources[id] === undefined),
    replaced: ids.filter((id) => {
      const [old, young] = [before.Resources[id], after.Resources[id]];
      if (old === undefined || young === undefined) return false;
      const replacing = REPLACING[old.Type];
      if (replacing === undefined) throw new Error(`what replaces ${old.Type}?`);
      return (
        old.Type !== young.Type ||
        replacing.some((name) => JSON.stringify(old.Properties[name]) !== JSON.stringify(young.Properties[name]))
      );
    }),
  };
}

// `true` is the default of tokenSecret.
const { stackName, env, tokenSecret, securityGroups, ...options } = EVERY_OPTION;
const READER = 'arn:aws:iam::123456789012:role/reader';
const ADDED: Readonly<Record<string, readonly string[]>> = {
  alarmEmails: [
    'TokenRefreshAlarmTopicUndeliveredEmails4F5AF755',
    'TokenRefreshAlarmTopicUndeliveredEmailsPolicyAED7A3B1',
    'TokenRefreshAlarmTopicnightexamplecom3C14F682',
    'TokenRefreshAlarmTopicopsexamplecom19D8FCE6',
  ],
  eventBus: ['TokenRefreshBusEventBus0228B614'],
};
const REMOVED: Readonly<Record<string, readonly string[]>> = { dashboard: ['TokenRefreshOverviewDashboard6CCE174A'] };

describe('an update from 0.2.0', () => {
  const now = synthesise();

  it('replaces and removes nothing', () => {
    const types = Object.keys(RELEASED_TYPES).map((id) => [id, now.Resources[id]?.Type]);
    expect(Object.fromEntries(types)).toEqual(RELEASED_TYPES);
    // A name that CloudFormation makes up cannot change between two templates that give none.
    const named = Object.entries(now.Resources).filter(
      ([id, { Type, Properties }]) =>
        RELEASED_TYPES[id] !== undefined &&
        Type !== 'AWS::Lambda::EventInvokeConfig' &&
        REPLACING[Type]?.some((name) => Properties[name] !== undefined),
    );
    expect(named).toEqual([]);
  });

  it('adds the token secret, its alarm, and the policies of both secrets', () => {
    const added = Object.keys(now.Resources).filter((id) => RELEASED_TYPES[id] === undefined);
    expect(added.sort()).toEqual([
      'TokenRefreshAlarmsTokenSecretBehind32F8E30C',
      'TokenRefreshAlarmsTokenSecretUnreadableB54C798B',
      'TokenRefreshCredentialsPolicyEC4C9145',
      'TokenRefreshTokenReadersC1B723FF',
      'TokenRefreshTokenSecret24A371B3',
    ]);
  });
});

describe('a change of options', () => {
  it.each(Object.entries({ ...options, publishEvents: false, tokenReaders: [READER] }))(
    '%s replaces nothing',
    (name, value) => {
      // A function in a VPC needs a security group.
      const changed = synthesise({ [name]: value, ...(name === 'vpc' && { securityGroups }) });
      const plan = planUpdate(synthesise(), changed);
      expect({ ...plan, added: plan.added.sort() }).toEqual({
        added: ADDED[name] ?? [],
        removed: REMOVED[name] ?? [],
        replaced: [],
      });
      expect(changed).not.toEqual(synthesise());
    },
  );

  it('all together, and back again, changes no state', () => {
    const [defaults, everything] = [synthesise(), synthesise(EVERY_OPTION)];
    for (const plan of [planUpdate(defaults, everything), planUpdate(everything, defaults)]) {
      // The queue of undelivered emails leaves with the addresses.
      const touched = [...plan.removed, ...plan.replaced].filter((id) => !id.includes('UndeliveredEmails'));
      const types = touched.map((id) => (defaults.Resources[id] ?? everything.Resources[id])?.Type);
      expect(types.filter((type) => type !== undefined && STATEFUL.includes(type))).toEqual([]);
      expect(plan.replaced).toEqual([]);
    }
  });

  it('to another name of a created event bus replaces the bus, the one thing with a name of its own', () => {
    const plan = planUpdate(synthesise({ eventBus: { create: 'one' } }), synthesise({ eventBus: { create: 'other' } }));
    expect(plan).toEqual({ added: [], removed: [], replaced: ['TokenRefreshBusEventBus0228B614'] });
  });

  it('to an existing secret leaves the created one behind, unharmed', () => {
    const before = synthesise();
    const plan = planUpdate(before, synthesise({ secret: 'mine' }));
    const removed = ['TokenRefreshCredentialsSecretCBF4F6B8', 'TokenRefreshCredentialsPolicyEC4C9145'];
    expect(plan).toEqual({ added: [], removed, replaced: [] });
    for (const id of removed) expect(before.Resources[id]?.DeletionPolicy).toBe('Retain');
  });

  it('that brings a token secret, as an update of an older stack does, adds it, its policy and its alarm', () => {
    const [without, withOne] = [synthesise({ tokenSecret: false }), synthesise()];
    const added = [
      'TokenRefreshTokenSecret24A371B3',
      'TokenRefreshTokenReadersC1B723FF',
      'TokenRefreshAlarmsTokenSecretBehind32F8E30C',
      'TokenRefreshAlarmsTokenSecretUnreadableB54C798B',
    ];
    expect(planUpdate(without, withOne)).toEqual({ added, removed: [], replaced: [] });
    expect(planUpdate(withOne, without)).toEqual({ added: [], removed: added, replaced: [] });
  });

  it('covers every type of the stack', () => {
    const types = Object.values(synthesise({ ...EVERY_OPTION, dashboard: true }).Resources).map(({ Type }) => Type);
    expect([...new Set(types)].sort()).toEqual(Object.keys(REPLACING).sort());
  });
});

describe('every option', () => {
  const template = synthesise(EVERY_OPTION);

  it('reaches the function', () => {
    expect(resourceOf(template, 'AWS::Lambda::Function').Properties).toMatchObject({
      MemorySize: 1024,
      Timeout: 90,
      ReservedConcurrentExecutions: 2,
      TracingConfig: { Mode: 'Active' },
      VpcConfig: { SubnetIds: ['subnet-0123456789abcdef0'], SecurityGroupIds: ['sg-0123456789abcdef0'] },
      Environment: {
        Variables: {
          TOKEN_ENDPOINT: 'https://auth.example.com/token',
          EVENT_BUS_NAME: { Ref: 'TokenRefreshBusEventBus0228B614' },
          DEFAULT_TOKEN_LIFETIME_SECONDS: '28800',
          LEASE_SECONDS: '120',
          AWS_USE_FIPS_ENDPOINT: 'true',
        },
      },
    });
    expect(JSON.stringify(template.Outputs['InvokeCommand'])).toContain('--cli-read-timeout 120 ');
  });

  it('reaches the schedule', () => {
    expect(resourceOf(template, 'AWS::Scheduler::Schedule').Properties).toMatchObject({
      ScheduleExpression: 'rate(15 minutes)',
      FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 5 },
    });
    const hourly = synthesise({ interval: { hours: 1 } });
    expect(resourceOf(hourly, 'AWS::Scheduler::Schedule').Properties['ScheduleExpression']).toBe('rate(60 minutes)');
    const punctual = synthesise({ flexibleWindow: { minutes: 0 } });
    expect(resourceOf(punctual, 'AWS::Scheduler::Schedule').Properties['FlexibleTimeWindow']).toEqual({ Mode: 'OFF' });
  });

  it('gives one key to the secrets and the queues, and one to the topic and the logs', () => {
    const keys = [
      ...resourcesOf(template, 'AWS::SecretsManager::Secret').map(({ Properties }) => Properties['KmsKeyId']),
      ...['FailedRuns', 'UndeliveredTicks', 'UndeliveredEmails'].map(
        (id) => resourceOf(template, 'AWS::SQS::Queue', id).Properties['KmsMasterKeyId'],
      ),
      resourceOf(template, 'AWS::Logs::LogGroup').Properties['KmsKeyId'],
      resourceOf(template, 'AWS::SNS::Topic').Properties['KmsMasterKeyId'],
    ];
    expect(keys).toEqual([KEY_ARN, KEY_ARN, KEY_ARN, KEY_ARN, undefined, OTHER_KEY_ARN, OTHER_KEY_ARN]);
  });

  it('creates the email subscriptions and names the bus', () => {
    const subscribers = resourcesOf(template, 'AWS::SNS::Subscription').map(({ Properties }) => Properties);
    expect(subscribers.map(({ Endpoint, Protocol }) => [Protocol, Endpoint])).toEqual([
      ['email', 'ops@example.com'],
      ['email', 'night@example.com'],
    ]);
    expect(resourceOf(template, 'AWS::Events::EventBus').Properties['Name']).toBe('retently');
  });

  it('sets the removal policies', () => {
    for (const secret of resourcesOf(template, 'AWS::SecretsManager::Secret')) {
      expect(secret).toMatchObject({ DeletionPolicy: 'Delete', UpdateReplacePolicy: 'Retain' });
    }
    expect(resourceOf(template, 'AWS::Logs::LogGroup')).toMatchObject({
      Properties: { RetentionInDays: 365 },
      DeletionPolicy: 'Retain',
    });
    for (const queue of resourcesOf(template, 'AWS::SQS::Queue')) expect(queue.DeletionPolicy).toBe('Retain');
  });

  it('tags every taggable resource and bounds both roles', () => {
    const tagged = Object.values(template.Resources).filter(({ Properties }) =>
      JSON.stringify(Properties['Tags'] ?? []).includes('{"Key":"team","Value":"feedback"}'),
    );
    expect([...new Set(tagged.map(({ Type }) => Type))].sort()).toEqual([
      'AWS::CloudWatch::Alarm',
      'AWS::Events::EventBus',
      'AWS::IAM::Role',
      'AWS::Lambda::Function',
      'AWS::Logs::LogGroup',
      'AWS::SNS::Topic',
      'AWS::SQS::Queue',
      'AWS::SecretsManager::Secret',
    ]);
    for (const { Properties } of resourcesOf(template, 'AWS::IAM::Role')) {
      expect(Properties['PermissionsBoundary']).toBe(EVERY_OPTION['permissionsBoundaryArn']);
    }
  });

  it.each([
    ['default', 'default'],
    ['mine', 'mine'],
    ['arn:aws:events:eu-west-1:123456789012:event-bus/mine', 'arn:aws:events:eu-west-1:123456789012:event-bus/mine'],
  ])('names the event bus %j to the function', (eventBus, name) => {
    expect(resourceOf(synthesise({ eventBus }), 'AWS::Lambda::Function').Properties).toMatchObject({
      Environment: { Variables: { EVENT_BUS_NAME: name } },
    });
  });

  const complete = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-secret';

  it.each([
    ['arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-AbC1eF'],
    ['retently/mine'],
    [complete, { completeArn: complete }],
  ])(
    'passes the existing secret %s to the function and the commands, and creates none',
    (secretId, secret: unknown = secretId) => {
      const imported = synthesise({ secret });
      const created = resourcesOf(imported, 'AWS::SecretsManager::Secret');
      expect(created.map(({ Properties }) => Properties['Description'])).toEqual([
        expect.stringContaining('access_token'),
      ]);
      expect(JSON.stringify(imported.Outputs['SecretArn']?.Value)).toContain(secretId);
      expect(JSON.stringify(imported.Outputs['PutSecretCommand']?.Value)).toContain(`--secret-id ${secretId} `);
      expect(resourceOf(imported, 'AWS::Lambda::Function').Properties).toMatchObject({
        Environment: { Variables: { CREDENTIALS_SECRET_ID: secretId } },
      });
    },
  );
});
