import { Duration } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { OptionsError } from '../../infra/options/mistakes.ts';
import { parseContext } from '../../infra/options/parse-context.ts';

const KEY_ARN = 'arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555';

function mistakesOf(context: unknown, cliRegion?: string): readonly string[] {
  try {
    parseContext(context, { cliRegion });
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    return error.message.split('\n').slice(1);
  }
  return [];
}

const NOT_JSON =
  'tokenRefresh is a text that is not JSON; the shell may have taken its quotes away. Put the object into cdk.json: { "context": { "tokenRefresh": { … } } }.';
const NO_LIST =
  'tokenRefresh.accounts must be a list of Retently accounts, at least one, each an object with a name. (The AWS account is env.account.)';
const EVENT_BUS = 'be the name or the ARN of an event bus, or { "create": "name" } for a new one';

describe('options that are refused, each by a sentence', () => {
  it.each<[string, unknown, string]>([
    [
      'a timeout without a unit',
      { timeout: 60 },
      'tokenRefresh.timeout is 60, but must be a duration, such as { "seconds": 60 } or Duration.seconds(60).',
    ],
    [
      'a timeout that is too short',
      { timeout: { seconds: 30 } },
      'tokenRefresh.timeout is { "seconds": 30 }, but must be a whole number of seconds from 45 to 900.',
    ],
    [
      'a timeout that outlasts the tick',
      { timeout: { minutes: 5 } },
      'tokenRefresh.timeout is { "minutes": 5 }, but must be at most 120 seconds with an interval of 10 minutes: a run and its retry, a minute later, must end within half of that.',
    ],
    [
      'half a megabyte',
      { memorySize: 256.5 },
      'tokenRefresh.memorySize is 256.5, but must be a whole number of megabytes from 128 to 10240.',
    ],
    [
      'a null',
      { memorySize: null },
      'tokenRefresh.memorySize is null, but must be a whole number of megabytes from 128 to 10240.',
    ],
    [
      'no concurrency, which would stop the function',
      { reservedConcurrentExecutions: 0 },
      'tokenRefresh.reservedConcurrentExecutions is 0, but must be a whole number from 1 to 1000.',
    ],
    [
      'an odd retention',
      { logRetention: 42 },
      'tokenRefresh.logRetention is 42, but must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653, 9999.',
    ],
    [
      'an endpoint over http',
      { tokenEndpoint: 'http://app.retently.com/api/oauth/token' },
      'tokenRefresh.tokenEndpoint is "http://app.retently.com/api/oauth/token", but must be an https URL without user name and fragment.',
    ],
    [
      'an endpoint with a password',
      { tokenEndpoint: 'https://me:secret@example.com/token' },
      'tokenRefresh.tokenEndpoint is a value that is not shown, since it may hold a credential, but must be an https URL without user name and fragment.',
    ],
    [
      'a secret in place of its name',
      { secret: '{"client_secret":"P1ANTED"}' },
      'tokenRefresh.secret is a value that is not shown, since it may hold a credential, but must be the name or the complete ARN (with the six characters at its end) of a secret.',
    ],
    [
      'a secret as an object in place of its name',
      { secret: { client_secret: 'P1ANTED' } },
      'tokenRefresh.secret is a value that is not shown, since it may hold a credential, but must be the name or the complete ARN (with the six characters at its end) of a secret.',
    ],
    [
      'a runbook with a fragment, where the entry goes',
      { runbookUrl: 'https://wiki.example.com/runbook#top' },
      'tokenRefresh.runbookUrl is "https://wiki.example.com/runbook#top", but must be an https URL without user name and fragment.',
    ],
    [
      'a runbook whose address leaves no room for the alarm',
      { runbookUrl: `https://wiki.example.com/${'a'.repeat(240)}` },
      `tokenRefresh.runbookUrl is "https://wiki.example.com/${'a'.repeat(174)}…, but must be an https URL without user name and fragment, of at most 256 characters.`,
    ],
    [
      'a text that is no URL',
      { tokenEndpoint: 'token' },
      'tokenRefresh.tokenEndpoint is "token", but must be an https URL without user name and fragment.',
    ],
    [
      'a life below an hour',
      { tokenLifetime: { seconds: 3_599 } },
      'tokenRefresh.tokenLifetime is { "seconds": 3599 }, but must be a whole number of seconds from 3600 to 31536000.',
    ],
    [
      'an e-mail without @',
      { alarmEmails: ['ops@example.com', 'ops.example.com'] },
      'tokenRefresh.alarmEmails[1] is "ops.example.com", but must be an e-mail address.',
    ],
    [
      'an e-mail that is no list',
      { alarmEmails: 'ops@example.com' },
      'tokenRefresh.alarmEmails is "ops@example.com", but must be a list of e-mail addresses.',
    ],
    [
      'an e-mail twice',
      { alarmEmails: ['ops@example.com', 'OPS@example.com'] },
      'tokenRefresh.alarmEmails is ["ops@example.com", "OPS@example.com"], but must name each address once.',
    ],
    ['a flag that is a text', { xray: 'yes' }, 'tokenRefresh.xray is "yes", but must be true or false.'],
    [
      'an alias for a key',
      { encryptionKey: 'alias/mine' },
      'tokenRefresh.encryptionKey is "alias/mine", but must be a key and not alias/mine: no policy can allow the use of a key by its alias.',
    ],
    [
      'a secret by a partial ARN',
      { secret: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine' },
      'tokenRefresh.secret is "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine", but must be the name or the complete ARN (with the six characters at its end) of a secret.',
    ],
    [
      'a secret by an ARN that may be partial',
      { secret: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:retently-secret' },
      'tokenRefresh.secret is "arn:aws:secretsmanager:eu-west-1:123456789012:secret:retently-secret", but must be complete: "-secret" may be the end of its name, or what AWS puts after it. Ask `aws secretsmanager describe-secret --secret-id <name> --query ARN`. If it prints this very ARN, write { "completeArn": "arn:…" }.',
    ],
    [
      'a partial ARN that is called complete',
      { secret: { completeArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine' } },
      'tokenRefresh.secret.completeArn is "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine", but must be the name or the complete ARN (with the six characters at its end) of a secret.',
    ],
    [
      'a boundary by name',
      { permissionsBoundaryArn: 'boundary' },
      'tokenRefresh.permissionsBoundaryArn is "boundary", but must be the ARN of an IAM policy.',
    ],
    [
      'an event bus whose name has a blank',
      { eventBus: 'our bus' },
      `tokenRefresh.eventBus is "our bus", but must ${EVENT_BUS}.`,
    ],
    [
      'an event bus of AWS',
      { eventBus: { create: 'aws.mine' } },
      'tokenRefresh.eventBus.create is "aws.mine", but must be a name for an event bus, neither "default" nor one of AWS.',
    ],
    [
      'an event bus both new and named',
      { eventBus: { create: 'mine', name: 'mine' } },
      'tokenRefresh.eventBus.name is not a valid option. Valid options: create.',
    ],
    [
      'a VPC without subnets',
      { vpc: { subnetIds: [] }, securityGroups: ['sg-12345678'] },
      'tokenRefresh.vpc.subnetIds is [], but must name at least one subnet.',
    ],
    [
      'a VPC by its id',
      { vpc: { subnetIds: ['vpc-12345678'] }, securityGroups: ['sg-12345678'] },
      'tokenRefresh.vpc.subnetIds[0] is "vpc-12345678", but must be the id of a subnet.',
    ],
    [
      'a removal policy that CDK knows and we do not',
      { removalPolicies: { secret: 'snapshot' } },
      'tokenRefresh.removalPolicies.secret is "snapshot", but must be "retain" or "destroy".',
    ],
    [
      'tags of AWS',
      { tags: { 'aws:team': 'x' } },
      'tokenRefresh.tags.aws:team is "x", but must be named without aws: at the beginning, by at most 128 letters, digits and _.:/=+@-.',
    ],
    [
      'an unknown member',
      { memory: 60 },
      'tokenRefresh.memory is not a valid option. Valid options: accounts, alarmEmails, alarmTopic, alarmsAndLogsKey, dashboard, encryptionKey, env, eventBus, fips, fleet, flexibleWindow, interval, logRetention, memorySize, permissionsBoundaryArn, publishEvents, removalPolicies, reservedConcurrentExecutions, runbookUrl, secret, securityGroups, stackName, tags, timeout, tokenEndpoint, tokenLifetime, tokenReaders, tokenSecret, vpc, xray.',
    ],
    [
      'a typing mistake',
      { alarmEmail: [] },
      'tokenRefresh.alarmEmail is not a valid option. Did you mean alarmEmails?',
    ],
    [
      'another spelling',
      { 'encryption-key': KEY_ARN },
      'tokenRefresh.encryption-key is not a valid option. Did you mean encryptionKey?',
    ],
    [
      'an unknown member inside',
      { removalPolicies: { topics: 'retain' } },
      'tokenRefresh.removalPolicies.topics is not a valid option. Valid options: logs, queues, secret.',
    ],
    [
      'a typing mistake inside',
      { removalPolicies: { queue: 'retain' } },
      'tokenRefresh.removalPolicies.queue is not a valid option. Did you mean queues?',
    ],
    [
      'an account as a number',
      { env: { account: 123456789012 } },
      'tokenRefresh.env.account is 123456789012, but must be twelve digits in quotes.',
    ],
    [
      'a zone for a region',
      { env: { region: 'eu-west-1a' } },
      'tokenRefresh.env.region is "eu-west-1a", but must be a region such as eu-west-1.',
    ],
    [
      'a stack name with a blank',
      { stackName: 'My stack' },
      'tokenRefresh.stackName is "My stack", but must be at most 128 letters, digits and hyphens, beginning with a letter.',
    ],
    ['what PowerShell leaves of JSON', '{alarmEmails:[ops@example.com]}', NOT_JSON],
    ['a context that is no object', [1], 'tokenRefresh must be an object, or the JSON text of one.'],
    ['a context that is no JSON', '{memorySize:512}', NOT_JSON],
  ])('%s', (_, context, sentence) => {
    expect(mistakesOf(context)).toEqual([`- ${sentence}`]);
  });

  it.each<[string, object, string]>([
    [
      'an interval of four minutes',
      { interval: { minutes: 4 } },
      'interval is { "minutes": 4 }, but must be a whole number of minutes from 5 to 360.',
    ],
    [
      'an interval of a day',
      { interval: { days: 1 } },
      'interval is { "days": 1 }, but must be a whole number of minutes from 5 to 360.',
    ],
    [
      'an interval of a part of a minute',
      { interval: { minutes: 5.5 } },
      'interval is { "minutes": 5.5 }, but must be a whole number of minutes from 5 to 360.',
    ],
    [
      'an interval of two units',
      { interval: { hours: 1, minutes: 30 } },
      'interval is { "hours": 1, "minutes": 30 }, but must be a duration, such as { "minutes": 10 } or Duration.minutes(10).',
    ],
    [
      'an interval of no unit that CDK knows',
      { interval: { weeks: 1 } },
      'interval is { "weeks": 1 }, but must be a duration, such as { "minutes": 10 } or Duration.minutes(10).',
    ],
    [
      'an interval that leaves one chance',
      { interval: { minutes: 90 } },
      'interval is { "minutes": 90 }, but must leave every token two chances: two ticks and the flexible window take up to 182 minutes, and a token that lives for 21600 seconds has 180 minutes left when it is due.',
    ],
    [
      'the default interval, which is too long for the token',
      { flexibleWindow: { minutes: 9 }, tokenLifetime: { hours: 1 } },
      'interval is 10 minutes, but must leave every token two chances: two ticks and the flexible window take up to 29 minutes, and a token that lives for 3600 seconds has 24 minutes left when it is due.',
    ],
    [
      'a flexible window as long as the interval',
      { interval: { minutes: 30 }, flexibleWindow: { minutes: 30 } },
      'flexibleWindow is { "minutes": 30 }, but must be shorter than the interval, which is 30 minutes.',
    ],
    [
      'no events on a bus',
      { eventBus: 'mine', publishEvents: false },
      'publishEvents is false, but must be true or left out, since there is an eventBus.',
    ],
    [
      'addresses for a topic that exists already',
      { alarmTopic: 'arn:aws:sns:eu-west-1:123456789012:alarms', alarmEmails: ['a@example.com'] },
      'alarmEmails is ["a@example.com"], but must be left out: subscribe to your alarmTopic.',
    ],
    [
      'a topic by its name',
      { alarmTopic: 'alarms' },
      'alarmTopic is "alarms", but must be the ARN of an SNS topic or a topic of CDK (ITopic).',
    ],
    [
      'a VPC without a security group',
      { vpc: { subnetIds: ['subnet-12345678'] } },
      'securityGroups is missing, but must name at least one security group, since there is a vpc.',
    ],
    [
      'a security group without a VPC',
      { securityGroups: ['sg-12345678'] },
      'vpc is missing, but must be there, since there are securityGroups or vpcSubnets.',
    ],
  ])('%s', (_, options, sentence) => {
    expect(mistakesOf(options)).toEqual([`- tokenRefresh.${sentence}`]);
  });

  it('names every mistake at once', () => {
    expect(
      mistakesOf({
        memory: 1,
        xray: 1,
        alarmEmails: ['a'],
        timeoutSeconds: 90,
        interval: { minutes: 90 },
        flexibleWindow: { minutes: 90 },
      }),
    ).toEqual([
      '- tokenRefresh.timeoutSeconds is now timeout: { "seconds": 90 }.',
      '- tokenRefresh.alarmEmails[0] is "a", but must be an e-mail address.',
      '- tokenRefresh.xray is 1, but must be true or false.',
      expect.stringContaining('- tokenRefresh.memory is not a valid option.'),
      expect.stringContaining('- tokenRefresh.flexibleWindow is { "minutes": 90 }, but must be shorter'),
      expect.stringContaining('- tokenRefresh.interval is { "minutes": 90 }, but must leave every token two chances'),
    ]);
  });

  it('does not repeat what stands at an unknown member: it may be a credential in the wrong place', () => {
    expect(mistakesOf({ client_secret: 'hunter2' }).join()).not.toContain('hunter2');
    expect(mistakesOf('{"client_secret":"hunter2"').join()).not.toContain('hunter2');
  });
});

describe('a name of version 0.2.0 is refused with its new name and value:', () => {
  it.each<[object, readonly string[]]>([
    [{ existingSecret: 'retently/mine' }, ['existingSecret is now secret: "retently/mine"']],
    [{ tokenSecret: { existing: 'token' } }, ['tokenSecret.existing is now tokenSecret: "token"']],
    [{ kmsKeyArn: KEY_ARN }, [`kmsKeyArn is now encryptionKey: "${KEY_ARN}"`]],
    [
      { schedule: { everyMinutes: 15, flexibleWindowMinutes: 0 } },
      [
        'schedule.everyMinutes is now interval: { "minutes": 15 }',
        'schedule.flexibleWindowMinutes is now flexibleWindow: { "minutes": 0 }',
      ],
    ],
    [{ schedule: { expression: 'rate(30 minutes)' } }, ['schedule.expression is now interval: { "minutes": 30 }']],
    [{ tokenLifetimeSeconds: 3_600 }, ['tokenLifetimeSeconds is now tokenLifetime: { "seconds": 3600 }']],
    [{ eventBus: { existing: 'mine' } }, ['eventBus.existing is now eventBus: "mine"']],
    [{ eventBus: 'none' }, ['eventBus "none" is now publishEvents: false']],
    [{ memoryMegabytes: 256 }, ['memoryMegabytes is now memorySize: 256']],
    [{ timeoutSeconds: 60 }, ['timeoutSeconds is now timeout: { "seconds": 60 }']],
    [{ logRetentionDays: 30 }, ['logRetentionDays is now logRetention: 30']],
    [{ reservedConcurrency: 2 }, ['reservedConcurrency is now reservedConcurrentExecutions: 2']],
    [
      { vpc: { subnetIds: ['subnet-12345678'], securityGroupIds: ['sg-12345678'] } },
      ['vpc.securityGroupIds is now securityGroups: ["sg-12345678"]'],
    ],
  ])('%j', (options, sentences) => {
    expect(mistakesOf(options)).toEqual(sentences.map((sentence) => `- tokenRefresh.${sentence}.`));
    expect(mistakesOf({ accounts: [{ name: 'eu', ...options }] })).toEqual(
      sentences.map((sentence) => `- tokenRefresh.accounts[0].${sentence}.`),
    );
  });

  it('a common one is named once', () => {
    expect(mistakesOf({ timeoutSeconds: 60, accounts: [{ name: 'eu' }, { name: 'us' }] })).toEqual([
      '- tokenRefresh.timeoutSeconds is now timeout: { "seconds": 60 }.',
    ]);
  });

  it('a value that may be a credential is not shown', () => {
    expect(mistakesOf({ existingSecret: '{"client_secret":"P1ANTED"}' }).join()).not.toContain('P1ANTED');
  });
});

describe('ARNs of another region', () => {
  const elsewhere = {
    encryptionKey: KEY_ARN,
    secret: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-AbCdEf',
    eventBus: 'arn:aws:events:eu-west-1:123456789012:event-bus/mine',
    alarmTopic: 'arn:aws:sns:eu-west-1:123456789012:alarms',
  };

  it('are refused if the options name the region', () => {
    expect(mistakesOf({ ...elsewhere, env: { region: 'us-east-1' } })).toEqual(
      [
        `secret is "${elsewhere.secret}"`,
        `encryptionKey is "${KEY_ARN}"`,
        `eventBus is "${elsewhere.eventBus}"`,
        `alarmTopic is "${elsewhere.alarmTopic}"`,
      ].map(
        (what) =>
          `- tokenRefresh.${what}, but must be in us-east-1, the region of the stack (env.region, or else the region of the AWS CLI).`,
      ),
    );
  });

  it('are refused if the CLI names it, unless the options name another', () => {
    expect(mistakesOf(elsewhere, 'us-east-1')).toHaveLength(4);
    expect(mistakesOf({ ...elsewhere, env: { region: 'eu-west-1' } }, 'us-east-1')).toEqual([]);
    expect(mistakesOf(elsewhere)).toEqual([]);
  });
});

describe('several accounts', () => {
  const stackNamesOf = (context: unknown) => parseContext(context).map(({ stackName }) => stackName);

  it('make a stack each', () => {
    expect(stackNamesOf(undefined)).toEqual(['RetentlyTokenRefresh']);
    expect(stackNamesOf({ accounts: [{ name: 'eu' }, { name: 'us' }] })).toEqual([
      'RetentlyTokenRefresh-eu',
      'RetentlyTokenRefresh-us',
    ]);
  });

  it('can keep the stack, and so the secret, of the time when there was one account', () => {
    expect(stackNamesOf({ accounts: [{ name: 'eu', stackName: 'RetentlyTokenRefresh' }, { name: 'us' }] })).toEqual([
      'RetentlyTokenRefresh',
      'RetentlyTokenRefresh-us',
    ]);
  });

  it('are read from the JSON text of the command line', () => {
    expect(stackNamesOf('{"accounts":[{"name":"eu"}]}')).toEqual(['RetentlyTokenRefresh-eu']);
  });

  it('share the common options, and a member of an account replaces the common one whole', () => {
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

  it('get no dashboards of their own if there are more than AWS gives for nothing', () => {
    const dashboardsOf = (names: readonly string[], common = {}) =>
      parseContext({ ...common, accounts: names.map((name) => ({ name })) }).map(({ settings }) => settings.dashboard);
    expect(dashboardsOf(['a', 'b', 'c'])).toEqual([true, true, true]);
    expect(dashboardsOf(['a', 'b', 'c', 'd'])).toEqual([false, false, false, false]);
    expect(dashboardsOf(['a', 'b', 'c', 'd'], { dashboard: true })).toEqual([true, true, true, true]);
  });

  it.each<[string, unknown, readonly string[]]>([
    ['no list', { accounts: 'eu' }, [NO_LIST]],
    ['no entry', { accounts: [] }, [NO_LIST]],
    [
      'no name',
      { accounts: [{}] },
      [
        'tokenRefresh.accounts[0].name is missing, but must be at most 40 letters, digits and hyphens, beginning with a letter.',
      ],
    ],
    [
      'two of one name',
      { accounts: [{ name: 'eu' }, { name: 'us' }, { name: 'EU' }] },
      [
        'tokenRefresh.accounts[2].name is "EU", but must differ from the name of every other Retently account, not only in case.',
      ],
    ],
    [
      'two of one stack',
      { accounts: [{ name: 'eu' }, { name: 'us', stackName: 'RetentlyTokenRefresh-eu' }] },
      [
        'tokenRefresh.accounts[1].stackName is "RetentlyTokenRefresh-eu", but must differ from the name of every other stack, not only in case.',
      ],
    ],
    [
      'two that create one event bus',
      { eventBus: { create: 'retently' }, accounts: [{ name: 'eu' }, { name: 'us' }] },
      [
        'tokenRefresh.accounts[1].eventBus is { "create": "retently" }, but must be created by one stack only: name it in the others.',
      ],
    ],
    [
      'a mistake in an account, and one in the common options said once',
      { xray: 1, accounts: [{ name: 'eu', timeout: { seconds: 1 } }, { name: 'us' }] },
      [
        'tokenRefresh.accounts[0].timeout is { "seconds": 1 }, but must be a whole number of seconds from 45 to 900.',
        'tokenRefresh.xray is 1, but must be true or false.',
      ],
    ],
    [
      'two accounts that share one secret',
      { secret: 'retently', accounts: [{ name: 'eu' }, { name: 'us' }] },
      [
        'tokenRefresh.accounts[1].secret is "retently", but must be the secret of one Retently account only: two would spend each other\'s refresh tokens.',
      ],
    ],
  ])('are refused: %s', (_, context, sentences) => {
    expect(mistakesOf(context)).toEqual(sentences.map((sentence) => `- ${sentence}`));
  });
});

it.each([
  ['eu-west-1', 'mx-central-1', 'ap-southeast-7'],
  ['cn-north-1', 'cn-northwest-1'],
  ['us-gov-east-1', 'us-gov-west-1'],
  ['us-iso-east-1', 'us-isob-east-1', 'us-isof-south-1', 'eu-isoe-west-1'],
  ['eusc-de-east-1'],
])('the regions of every partition are accepted: %s', (...regions) => {
  for (const region of regions) expect(mistakesOf({ env: { region } })).toEqual([]);
});

it.each([
  'retently/secret',
  'my-secret',
  'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-AbC1eF',
  'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-a1b2c3',
  { completeArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-secret' },
])('a secret that is named beyond doubt is accepted: %j', (secret) => {
  expect(mistakesOf({ secret })).toEqual([]);
});

it.each([
  [{ logRetention: 9_999 }],
  [{ timeout: { minutes: 1.5 }, tokenLifetime: { days: 1 }, interval: { hours: 1 }, flexibleWindow: { seconds: 60 } }],
  [{ eventBus: 'default' }],
  [{ eventBus: 'retently' }],
  [{ publishEvents: false }],
  [{ eventBus: 'mine', accounts: [{ name: 'eu' }, { name: 'us', publishEvents: false }] }],
  [{ alarmTopic: 'arn:aws:sns:eu-west-1:123456789012:alarms' }],
])('the options %j are accepted', (options) => {
  expect(mistakesOf(options)).toEqual([]);
});
