import { Duration } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { parseContext } from '../../infra/options/parse-context.ts';
import { mistakenOptions, mistakesOf } from './mistaken-options.ts';

const KEY_ARN = 'arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555';
const SECRET_ARN = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:retently-AbC123';

const parse = (context: unknown, cliRegion?: string) => () => parseContext(context, { cliRegion });
const optionsOf = (context: unknown, cliRegion?: string) => mistakenOptions(parse(context, cliRegion));
const SHARED = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:shared-AbC1eF';

describe('rejects', () => {
  it.each<[string, unknown, string]>([
    ['a timeout without a unit', { timeout: 60 }, 'tokenRefresh.timeout'],
    ['a timeout that is too short', { timeout: { seconds: 30 } }, 'tokenRefresh.timeout'],
    ['a timeout that outlasts the tick', { timeout: { minutes: 5 } }, 'tokenRefresh.timeout'],
    ['half a megabyte', { memorySize: 256.5 }, 'tokenRefresh.memorySize'],
    ['a null', { memorySize: null }, 'tokenRefresh.memorySize'],
    [
      'a concurrency of 0, which would stop the function',
      { reservedConcurrentExecutions: 0 },
      'tokenRefresh.reservedConcurrentExecutions',
    ],
    ['a retention that CloudWatch does not have', { logRetention: 42 }, 'tokenRefresh.logRetention'],
    [
      'an endpoint over http',
      { tokenEndpoint: 'http://app.retently.com/api/oauth/token' },
      'tokenRefresh.tokenEndpoint',
    ],
    [
      'an endpoint with a password',
      { tokenEndpoint: 'https://me:secret@example.com/token' },
      'tokenRefresh.tokenEndpoint',
    ],
    ['a secret instead of its name', { secret: '{"client_secret":"P1ANTED"}' }, 'tokenRefresh.secret'],
    ['a secret as an object instead of its name', { secret: { client_secret: 'P1ANTED' } }, 'tokenRefresh.secret'],
    ['a secret in the shape of a CDK secret', { secret: { secretArn: SECRET_ARN } }, 'tokenRefresh.secret'],
    ['a token secret in that shape', { tokenSecret: { secretArn: SECRET_ARN } }, 'tokenRefresh.tokenSecret'],
    ['a key in the shape of a CDK key', { encryptionKey: { keyArn: null } }, 'tokenRefresh.encryptionKey'],
    ['another key in that shape', { alarmsAndLogsKey: { keyArn: KEY_ARN } }, 'tokenRefresh.alarmsAndLogsKey'],
    ['a duration in the shape of a CDK duration', { interval: { toSeconds: 5 } }, 'tokenRefresh.interval'],
    ['an event bus in the shape of a CDK event bus', { eventBus: { eventBusArn: 5 } }, 'tokenRefresh.eventBus'],
    ['a topic in the shape of a CDK topic', { alarmTopic: { topicArn: 5 } }, 'tokenRefresh.alarmTopic'],
    [
      'a VPC in the shape of a CDK VPC',
      { vpc: { vpcId: 'vpc-0123456789abcdef0' }, securityGroups: ['sg-12345678'] },
      'tokenRefresh.vpc',
    ],
    [
      'a security group in the shape of a CDK security group',
      { vpc: { subnetIds: ['subnet-12345678'] }, securityGroups: [{ securityGroupId: 5 }] },
      'tokenRefresh.securityGroups[0]',
    ],
    [
      'a runbook URL with a fragment, where the entry goes',
      { runbookUrl: 'https://wiki.example.com/runbook#top' },
      'tokenRefresh.runbookUrl',
    ],
    [
      'a runbook URL that leaves no room for the alarm',
      { runbookUrl: `https://wiki.example.com/${'a'.repeat(240)}` },
      'tokenRefresh.runbookUrl',
    ],
    ['a string that is not a URL', { tokenEndpoint: 'token' }, 'tokenRefresh.tokenEndpoint'],
    ['a lifetime below an hour', { tokenLifetime: { seconds: 3_599 } }, 'tokenRefresh.tokenLifetime'],
    [
      'an email address without @',
      { alarmEmails: ['ops@example.com', 'ops.example.com'] },
      'tokenRefresh.alarmEmails[1]',
    ],
    ['an email address instead of a list', { alarmEmails: 'ops@example.com' }, 'tokenRefresh.alarmEmails'],
    ['an email address twice', { alarmEmails: ['ops@example.com', 'OPS@example.com'] }, 'tokenRefresh.alarmEmails'],
    ['a flag that is a string', { xray: 'yes' }, 'tokenRefresh.xray'],
    ['an alias instead of a key', { encryptionKey: 'alias/mine' }, 'tokenRefresh.encryptionKey'],
    [
      'a secret by a partial ARN',
      { secret: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine' },
      'tokenRefresh.secret',
    ],
    [
      'a secret by an ARN that may be partial',
      { secret: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:retently-secret' },
      'tokenRefresh.secret',
    ],
    [
      'a partial ARN as a complete one',
      { secret: { completeArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine' } },
      'tokenRefresh.secret.completeArn',
    ],
    ['a boundary by name', { permissionsBoundaryArn: 'boundary' }, 'tokenRefresh.permissionsBoundaryArn'],
    ['an event bus whose name has a space', { eventBus: 'our bus' }, 'tokenRefresh.eventBus'],
    ['an event bus with a reserved name', { eventBus: { create: 'aws.mine' } }, 'tokenRefresh.eventBus.create'],
    [
      'an event bus that is both new and existing',
      { eventBus: { create: 'mine', name: 'mine' } },
      'tokenRefresh.eventBus.name',
    ],
    [
      'a VPC without subnets',
      { vpc: { subnetIds: [] }, securityGroups: ['sg-12345678'] },
      'tokenRefresh.vpc.subnetIds',
    ],
    [
      'a VPC by its id',
      { vpc: { subnetIds: ['vpc-12345678'] }, securityGroups: ['sg-12345678'] },
      'tokenRefresh.vpc.subnetIds[0]',
    ],
    [
      'a removal policy that only CDK has',
      { removalPolicies: { secret: 'snapshot' } },
      'tokenRefresh.removalPolicies.secret',
    ],
    ['an event bus whose name is a path', { eventBus: { create: 'mine/bus' } }, 'tokenRefresh.eventBus.create'],
    ['a URL with a line break', { runbookUrl: 'https://wiki.example.com/run\nbook' }, 'tokenRefresh.runbookUrl'],
    ['tags that differ only in case', { tags: { Team: 'x', team: 'x' } }, 'tokenRefresh.tags'],
    [
      'more tags than AWS accepts',
      { tags: Object.fromEntries(Array.from({ length: 51 }, (_each, index) => [`tag-${index}`, 'x'])) },
      'tokenRefresh.tags',
    ],
    ['reserved tags', { tags: { 'aws:team': 'x' } }, 'tokenRefresh.tags.aws:team'],
    ['an unknown option', { memory: 60 }, 'tokenRefresh.memory'],
    ['an unknown nested option', { removalPolicies: { topics: 'retain' } }, 'tokenRefresh.removalPolicies.topics'],
    ['an account as a number', { env: { account: 123456789012 } }, 'tokenRefresh.env.account'],
    ['an availability zone as region', { env: { region: 'eu-west-1a' } }, 'tokenRefresh.env.region'],
    ['a stack name with a space', { stackName: 'My stack' }, 'tokenRefresh.stackName'],
    ['JSON whose quotes PowerShell removed', '{alarmEmails:[ops@example.com]}', 'tokenRefresh'],
    ['a context that is not an object', [1], 'tokenRefresh'],
    ['a context that is not JSON', '{memorySize:512}', 'tokenRefresh'],
  ])('%s', (_, context, option) => {
    expect(optionsOf(context)).toEqual([option]);
  });

  it.each([
    [{ alarmEmail: [] }, 'alarmEmail', 'alarmEmails'],
    [{ 'encryption-key': KEY_ARN }, 'encryption-key', 'encryptionKey'],
    [{ removalPolicies: { queue: 'retain' } }, 'removalPolicies.queue', 'queues'],
  ])('%j is rejected, and the message suggests the right name', (context, option, name) => {
    expect(optionsOf(context)).toEqual([`tokenRefresh.${option}`]);
    expect(mistakesOf(parse(context)).join()).toMatch(new RegExp(` ${name}\\W*$`));
  });

  it.each<[string, object, string]>([
    ['an interval of four minutes', { interval: { minutes: 4 } }, 'interval'],
    ['an interval of a day', { interval: { days: 1 } }, 'interval'],
    ['an interval with a fraction of a minute', { interval: { minutes: 5.5 } }, 'interval'],
    ['an interval with two units', { interval: { hours: 1, minutes: 30 } }, 'interval'],
    ['an interval with a unit that CDK does not have', { interval: { weeks: 1 } }, 'interval'],
    ['an interval that leaves only one chance', { interval: { minutes: 90 } }, 'interval'],
    [
      'the default interval, which is too long for the token',
      { flexibleWindow: { minutes: 9 }, tokenLifetime: { hours: 1 } },
      'interval',
    ],
    [
      'a flexible window as long as the interval',
      { interval: { minutes: 30 }, flexibleWindow: { minutes: 30 } },
      'flexibleWindow',
    ],
    ['an event bus without events', { eventBus: 'mine', publishEvents: false }, 'publishEvents'],
    [
      'addresses for an existing topic',
      { alarmTopic: 'arn:aws:sns:eu-west-1:123456789012:alarms', alarmEmails: ['a@example.com'] },
      'alarmEmails',
    ],
    ['a topic by its name', { alarmTopic: 'alarms' }, 'alarmTopic'],
    ['a VPC without a security group', { vpc: { subnetIds: ['subnet-12345678'] } }, 'securityGroups'],
    ['a security group without a VPC', { securityGroups: ['sg-12345678'] }, 'vpc'],
  ])('%s', (_, options, option) => {
    expect(optionsOf(options)).toEqual([`tokenRefresh.${option}`]);
  });

  it('reports every mistake together', () => {
    expect(
      optionsOf({
        memory: 1,
        xray: 1,
        alarmEmails: ['a'],
        timeoutSeconds: 90,
        interval: { minutes: 90 },
        flexibleWindow: { minutes: 90 },
      }),
    ).toEqual([
      'tokenRefresh.timeoutSeconds',
      'tokenRefresh.alarmEmails[0]',
      'tokenRefresh.xray',
      'tokenRefresh.memory',
      'tokenRefresh.flexibleWindow',
      'tokenRefresh.interval',
    ]);
  });

  it('does not show the value of an unknown option, which may be a misplaced credential', () => {
    expect(mistakesOf(parse({ client_secret: 'hunter2' })).join()).not.toContain('hunter2');
    expect(mistakesOf(parse('{"client_secret":"hunter2"')).join()).not.toContain('hunter2');
  });
});

describe('rejects a name of version 0.2.0 and shows its new name and value:', () => {
  it.each<[object, readonly (readonly [string, string])[]]>([
    [{ existingSecret: 'retently/mine' }, [['existingSecret', 'secret: "retently/mine"']]],
    [{ tokenSecret: { existing: 'token' } }, [['tokenSecret.existing', 'tokenSecret: "token"']]],
    [{ kmsKeyArn: KEY_ARN }, [['kmsKeyArn', `encryptionKey: "${KEY_ARN}"`]]],
    [
      { schedule: { everyMinutes: 15, flexibleWindowMinutes: 0 } },
      [
        ['schedule.everyMinutes', 'interval: { "minutes": 15 }'],
        ['schedule.flexibleWindowMinutes', 'flexibleWindow: { "minutes": 0 }'],
      ],
    ],
    [{ schedule: { expression: 'rate(30 minutes)' } }, [['schedule.expression', 'interval: { "minutes": 30 }']]],
    [{ tokenLifetimeSeconds: 3_600 }, [['tokenLifetimeSeconds', 'tokenLifetime: { "seconds": 3600 }']]],
    [{ eventBus: { existing: 'mine' } }, [['eventBus.existing', 'eventBus: "mine"']]],
    [{ eventBus: 'none' }, [['eventBus', 'publishEvents: false']]],
    [{ memoryMegabytes: 256 }, [['memoryMegabytes', 'memorySize: 256']]],
    [{ timeoutSeconds: 60 }, [['timeoutSeconds', 'timeout: { "seconds": 60 }']]],
    [{ logRetentionDays: 30 }, [['logRetentionDays', 'logRetention: 30']]],
    [{ reservedConcurrency: 2 }, [['reservedConcurrency', 'reservedConcurrentExecutions: 2']]],
    [
      { vpc: { subnetIds: ['subnet-12345678'], securityGroupIds: ['sg-12345678'] } },
      [['vpc.securityGroupIds', 'securityGroups: ["sg-12345678"]']],
    ],
  ])('%j', (options, renames) => {
    for (const [path, context] of [
      ['tokenRefresh', options],
      ['tokenRefresh.accounts[0]', { accounts: [{ name: 'eu', ...options }] }],
    ] as const) {
      expect(optionsOf(context)).toEqual(renames.map(([old]) => `${path}.${old}`));
      const mistakes = mistakesOf(parse(context));
      for (const [index, [, current]] of renames.entries()) expect(mistakes[index]).toContain(` ${current}`);
    }
  });

  it('reports a mistake in a common option only once', () => {
    expect(optionsOf({ timeoutSeconds: 60, accounts: [{ name: 'eu' }, { name: 'us' }] })).toEqual([
      'tokenRefresh.timeoutSeconds',
    ]);
  });

  it('does not show a value that may be a credential', () => {
    expect(mistakesOf(parse({ existingSecret: '{"client_secret":"P1ANTED"}' })).join()).not.toContain('P1ANTED');
  });
});

describe('ARNs of another region', () => {
  const elsewhere = {
    encryptionKey: KEY_ARN,
    secret: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-AbCdEf',
    eventBus: 'arn:aws:events:eu-west-1:123456789012:event-bus/mine',
    alarmTopic: 'arn:aws:sns:eu-west-1:123456789012:alarms',
  };

  it('are rejected if the options set the region', () => {
    expect(optionsOf({ ...elsewhere, env: { region: 'us-east-1' } })).toEqual([
      'tokenRefresh.secret',
      'tokenRefresh.encryptionKey',
      'tokenRefresh.eventBus',
      'tokenRefresh.alarmTopic',
    ]);
  });

  it('are rejected if the CLI sets the region, unless the options set another', () => {
    expect(optionsOf(elsewhere, 'us-east-1')).toHaveLength(4);
    expect(optionsOf({ ...elsewhere, env: { region: 'eu-west-1' } }, 'us-east-1')).toEqual([]);
    expect(optionsOf(elsewhere)).toEqual([]);
  });
});

describe('several accounts', () => {
  const stackNamesOf = (context: unknown) => parseContext(context).map(({ stackName }) => stackName);

  it('get one stack each', () => {
    expect(stackNamesOf(undefined)).toEqual(['RetentlyTokenRefresh']);
    expect(stackNamesOf({ accounts: [{ name: 'eu' }, { name: 'us' }] })).toEqual([
      'RetentlyTokenRefresh-eu',
      'RetentlyTokenRefresh-us',
    ]);
  });

  it('can keep the stack and the secret of a former single account', () => {
    expect(stackNamesOf({ accounts: [{ name: 'eu', stackName: 'RetentlyTokenRefresh' }, { name: 'us' }] })).toEqual([
      'RetentlyTokenRefresh',
      'RetentlyTokenRefresh-us',
    ]);
  });

  it('can be JSON from the command line', () => {
    expect(stackNamesOf('{"accounts":[{"name":"eu"}]}')).toEqual(['RetentlyTokenRefresh-eu']);
  });

  it('share the common options, and an option of an account replaces the whole common one', () => {
    const [one, other] = parseContext({
      timeout: { seconds: 45 },
      removalPolicies: { logs: 'retain' },
      accounts: [{ name: 'eu' }, { name: 'us', timeout: { seconds: 90 }, removalPolicies: { queues: 'retain' } }],
    });
    expect(one?.settings).toMatchObject({
      timeout: Duration.seconds(45),
      removalPolicies: { logs: 'retain', queues: 'destroy' },
    });
    expect(other?.settings).toMatchObject({
      timeout: Duration.seconds(90),
      removalPolicies: { logs: 'destroy', queues: 'retain' },
    });
  });

  it('get no dashboards by default if there are more than AWS offers for free', () => {
    const dashboardsOf = (names: readonly string[], common = {}) =>
      parseContext({ ...common, accounts: names.map((name) => ({ name })) }).map(({ settings }) => settings.dashboard);
    expect(dashboardsOf(['a', 'b', 'c'])).toEqual([true, true, true]);
    expect(dashboardsOf(['a', 'b', 'c', 'd'])).toEqual([false, false, false, false]);
    expect(dashboardsOf(['a', 'b', 'c', 'd'], { dashboard: true })).toEqual([true, true, true, true]);
  });

  it.each<[string, unknown, readonly string[]]>([
    ['accounts that are not a list', { accounts: 'eu' }, ['tokenRefresh.accounts']],
    ['an empty list', { accounts: [] }, ['tokenRefresh.accounts']],
    ['an account without a name', { accounts: [{}] }, ['tokenRefresh.accounts[0].name']],
    [
      'two accounts with one name',
      { accounts: [{ name: 'eu' }, { name: 'us' }, { name: 'EU' }] },
      ['tokenRefresh.accounts[2].name'],
    ],
    [
      'two accounts with one stack',
      { accounts: [{ name: 'eu' }, { name: 'us', stackName: 'RetentlyTokenRefresh-eu' }] },
      ['tokenRefresh.accounts[1].stackName'],
    ],
    [
      'two accounts that create one event bus',
      { eventBus: { create: 'retently' }, accounts: [{ name: 'eu' }, { name: 'us' }] },
      ['tokenRefresh.accounts[1].eventBus'],
    ],
    [
      'a mistake in an account, and one in the common options, reported once',
      { xray: 1, accounts: [{ name: 'eu', timeout: { seconds: 1 } }, { name: 'us' }] },
      ['tokenRefresh.accounts[0].timeout', 'tokenRefresh.xray'],
    ],
    [
      'two accounts that share one secret',
      { secret: 'retently', accounts: [{ name: 'eu' }, { name: 'us' }] },
      ['tokenRefresh.accounts[1].secret'],
    ],
    [
      'two accounts that share one secret, by name and by ARN',
      {
        accounts: [
          { name: 'eu', secret: SHARED },
          { name: 'us', secret: 'shared' },
        ],
      },
      ['tokenRefresh.accounts[1].secret'],
    ],
    [
      'a token secret that holds the credentials of another account',
      {
        accounts: [
          { name: 'eu', secret: 'shared' },
          { name: 'us', tokenSecret: 'shared' },
        ],
      },
      ['tokenRefresh.accounts[1].tokenSecret'],
    ],
    [
      'credentials in the token secret of another account, by ARN and by name',
      {
        accounts: [
          { name: 'eu', tokenSecret: SHARED },
          { name: 'us', secret: 'shared' },
        ],
      },
      ['tokenRefresh.accounts[1].secret'],
    ],
    [
      'one secret in a stack of the region of the CLI and in one that names this region',
      { secret: 'shared', accounts: [{ name: 'eu', env: { region: 'eu-west-1' } }, { name: 'us' }] },
      ['tokenRefresh.accounts[1].secret'],
    ],
  ])('reject %s', (_, context, options) => {
    expect(optionsOf(context, 'eu-west-1')).toEqual(options);
  });
});

it.each([
  ['eu-west-1', 'mx-central-1', 'ap-southeast-7'],
  ['cn-north-1', 'cn-northwest-1'],
  ['us-gov-east-1', 'us-gov-west-1'],
  ['us-iso-east-1', 'us-isob-east-1', 'us-isof-south-1', 'eu-isoe-west-1'],
  ['eusc-de-east-1'],
])('accepts the regions of every partition: %s', (...regions) => {
  for (const region of regions) expect(optionsOf({ env: { region } })).toEqual([]);
});

it.each([
  'retently/secret',
  'my-secret',
  'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-AbC1eF',
  'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-a1b2c3',
  { completeArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-secret' },
])('accepts an unambiguous secret: %j', (secret) => {
  expect(optionsOf({ secret })).toEqual([]);
});

it.each([
  [{ logRetention: 9_999 }],
  [{ timeout: { minutes: 1.5 }, tokenLifetime: { days: 1 }, interval: { hours: 1 }, flexibleWindow: { seconds: 60 } }],
  [{ eventBus: 'default' }],
  [{ eventBus: 'retently' }],
  [{ publishEvents: false }],
  [{ eventBus: 'mine', accounts: [{ name: 'eu' }, { name: 'us', publishEvents: false }] }],
  [{ alarmTopic: 'arn:aws:sns:eu-west-1:123456789012:alarms' }],
  [
    {
      secret: 'retently',
      accounts: ['eu-west-1', 'us-east-1'].map((region) => ({ name: region, env: { region } })),
    },
  ],
])('accepts the options %j', (options) => {
  expect(optionsOf(options)).toEqual([]);
});
