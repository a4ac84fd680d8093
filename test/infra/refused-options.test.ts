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
const EVENT_BUS =
  'be "default", "none", { "create": "name" } for a new event bus, or { "existing": "name or ARN" } for one that is there';

describe('options that are refused, each by a sentence', () => {
  it.each<[string, unknown, string]>([
    [
      'a timeout that is a text',
      { timeoutSeconds: '60' },
      'tokenRefresh.timeoutSeconds is "60", but must be a whole number of seconds from 45 to 900.',
    ],
    [
      'a timeout that is too short',
      { timeoutSeconds: 30 },
      'tokenRefresh.timeoutSeconds is 30, but must be a whole number of seconds from 45 to 900.',
    ],
    [
      'a timeout that outlasts the tick',
      { timeoutSeconds: 300 },
      'tokenRefresh.timeoutSeconds is 300, but must be 120 at most with a tick every 10 minutes: a run and its retry, a minute later, must end within half of that.',
    ],
    [
      'half a megabyte',
      { memoryMegabytes: 256.5 },
      'tokenRefresh.memoryMegabytes is 256.5, but must be a whole number of megabytes from 128 to 10240.',
    ],
    [
      'a null',
      { memoryMegabytes: null },
      'tokenRefresh.memoryMegabytes is null, but must be a whole number of megabytes from 128 to 10240.',
    ],
    [
      'no concurrency, which would stop the function',
      { reservedConcurrency: 0 },
      'tokenRefresh.reservedConcurrency is 0, but must be a whole number from 1 to 1000.',
    ],
    [
      'an odd retention',
      { logRetentionDays: 42 },
      'tokenRefresh.logRetentionDays is 42, but must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653.',
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
      { existingSecret: '{"client_secret":"P1ANTED"}' },
      'tokenRefresh.existingSecret is a value that is not shown, since it may hold a credential, but must be the name or the complete ARN (with the six characters at its end) of a secret.',
    ],
    [
      'a secret as an object in place of its name',
      { existingSecret: { client_secret: 'P1ANTED' } },
      'tokenRefresh.existingSecret is a value that is not shown, since it may hold a credential, but must be the name or the complete ARN (with the six characters at its end) of a secret.',
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
      { tokenLifetimeSeconds: 3_599 },
      'tokenRefresh.tokenLifetimeSeconds is 3599, but must be a whole number of seconds from 3600 to 31536000.',
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
      'tokenRefresh.alarmEmails is ["ops@example.com","OPS@example.com"], but must name each address once.',
    ],
    ['a flag that is a text', { xray: 'yes' }, 'tokenRefresh.xray is "yes", but must be true or false.'],
    [
      'an alias for a key',
      { kmsKeyArn: 'alias/mine' },
      'tokenRefresh.kmsKeyArn is "alias/mine", but must be the ARN of a KMS key (arn:aws:kms:region:account:key/id; no alias).',
    ],
    [
      'a secret by a partial ARN',
      { existingSecret: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine' },
      'tokenRefresh.existingSecret is "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine", but must be the name or the complete ARN (with the six characters at its end) of a secret.',
    ],
    [
      'a secret by an ARN that may be partial',
      { existingSecret: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:retently-secret' },
      'tokenRefresh.existingSecret is "arn:aws:secretsmanager:eu-west-1:123456789012:secret:retently-secret", but must be complete: "-secret" may be the end of its name, or what AWS puts after it. Ask `aws secretsmanager describe-secret --secret-id <name> --query ARN`. If it prints this very ARN, say { "completeArn": "arn:…" }.',
    ],
    [
      'a partial ARN that is called complete',
      { existingSecret: { completeArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine' } },
      'tokenRefresh.existingSecret.completeArn is "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine", but must be the name or the complete ARN (with the six characters at its end) of a secret.',
    ],
    [
      'a boundary by name',
      { permissionsBoundaryArn: 'boundary' },
      'tokenRefresh.permissionsBoundaryArn is "boundary", but must be the ARN of an IAM policy.',
    ],
    [
      'an event bus that is a bare name',
      { eventBus: 'retently' },
      `tokenRefresh.eventBus is "retently", but must ${EVENT_BUS}.`,
    ],
    [
      'an event bus of AWS',
      { eventBus: { create: 'aws.mine' } },
      'tokenRefresh.eventBus.create is "aws.mine", but must be a name for an event bus, neither "default" nor one of AWS.',
    ],
    [
      'an event bus both new and old',
      { eventBus: { create: 'mine', existing: 'mine' } },
      `tokenRefresh.eventBus is {"create":"mine","existing":"mine"}, but must ${EVENT_BUS}.`,
    ],
    [
      'a VPC without subnets',
      { vpc: { subnetIds: [], securityGroupIds: ['sg-12345678'] } },
      'tokenRefresh.vpc.subnetIds is [], but must name at least one subnet.',
    ],
    [
      'a VPC by its id',
      { vpc: { subnetIds: ['vpc-12345678'], securityGroupIds: ['sg-12345678'] } },
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
      { timeout: 60 },
      'tokenRefresh.timeout is there, but must be left out: the members here are accounts, alarmEmails, dashboard, env, eventBus, existingSecret, fleet, kmsKeyArn, logRetentionDays, memoryMegabytes, permissionsBoundaryArn, removalPolicies, reservedConcurrency, runbookUrl, schedule, stackName, tags, timeoutSeconds, tokenEndpoint, tokenLifetimeSeconds, tokenReaders, tokenSecret, vpc, xray.',
    ],
    [
      'an unknown member inside',
      { schedule: { rate: 30 } },
      'tokenRefresh.schedule.rate is there, but must be left out: the members here are everyMinutes, flexibleWindowMinutes.',
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
    ['a context that is no JSON', '{timeoutSeconds:60}', NOT_JSON],
  ])('%s', (_, context, sentence) => {
    expect(mistakesOf(context)).toEqual([`- ${sentence}`]);
  });

  it.each<[string, object, readonly string[]]>([
    [
      'a schedule of four minutes',
      { everyMinutes: 4 },
      ['everyMinutes is 4, but must be a whole number of minutes from 5 to 360'],
    ],
    [
      'a schedule of a day',
      { everyMinutes: 1_440 },
      ['everyMinutes is 1440, but must be a whole number of minutes from 5 to 360'],
    ],
    [
      'a schedule that leaves one chance',
      { everyMinutes: 90 },
      [
        'everyMinutes is 90, but must leave every token two chances: two ticks and the flexible window take up to 182 minutes, and a token of 21600 seconds has 180 left when it is due',
      ],
    ],
    [
      'a flexible window as long as the interval',
      { everyMinutes: 30, flexibleWindowMinutes: 30 },
      ['flexibleWindowMinutes is 30, but must be shorter than the time between two ticks, which is 30 minutes'],
    ],
    [
      'an expression, and a time zone',
      { expression: 'rate(30 minutes)', timeZone: 'Europe/Paris' },
      [
        'expression is there, but must be left out: write { "everyMinutes": 10 } for rate(10 minutes). There is no cron: a token has no office hours',
        'timeZone is there, but must be left out: { "everyMinutes": 10 } ticks the same in every time zone',
      ],
    ],
  ])('%s', (_, schedule, sentences) => {
    expect(mistakesOf({ schedule })).toEqual(sentences.map((sentence) => `- tokenRefresh.schedule.${sentence}.`));
  });

  it('a schedule that is too slow for tokens of an hour', () => {
    expect(mistakesOf({ schedule: { everyMinutes: 30 }, tokenLifetimeSeconds: 3_600 })).toEqual([
      '- tokenRefresh.schedule.everyMinutes is 30, but must leave every token two chances: two ticks and the flexible window take up to 62 minutes, and a token of 3600 seconds has 24 left when it is due.',
    ]);
  });

  it('names every mistake at once', () => {
    expect(
      mistakesOf({
        timeout: 1,
        xray: 1,
        alarmEmails: ['a'],
        schedule: { everyMinutes: 90, flexibleWindowMinutes: 90 },
      }),
    ).toEqual([
      '- tokenRefresh.alarmEmails[0] is "a", but must be an e-mail address.',
      '- tokenRefresh.xray is 1, but must be true or false.',
      expect.stringContaining('- tokenRefresh.timeout is there, but must be left out'),
      expect.stringContaining('- tokenRefresh.schedule.flexibleWindowMinutes is 90, but must be shorter'),
      expect.stringContaining('- tokenRefresh.schedule.everyMinutes is 90, but must leave every token two chances'),
    ]);
  });

  it('does not repeat what stands at an unknown member: it may be a credential in the wrong place', () => {
    expect(mistakesOf({ client_secret: 'hunter2' }).join()).not.toContain('hunter2');
    expect(mistakesOf('{"client_secret":"hunter2"').join()).not.toContain('hunter2');
  });
});

describe('ARNs of another region', () => {
  const elsewhere = {
    kmsKeyArn: KEY_ARN,
    existingSecret: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-AbCdEf',
    eventBus: { existing: 'arn:aws:events:eu-west-1:123456789012:event-bus/mine' },
  };

  it('are refused if the options name the region', () => {
    expect(mistakesOf({ ...elsewhere, env: { region: 'us-east-1' } })).toEqual(
      [
        `existingSecret is "${elsewhere.existingSecret}"`,
        `kmsKeyArn is "${KEY_ARN}"`,
        `eventBus.existing is "${elsewhere.eventBus.existing}"`,
      ].map(
        (what) =>
          `- tokenRefresh.${what}, but must lie in us-east-1, where the stack goes (env.region, else the region that the AWS CLI is set to).`,
      ),
    );
  });

  it('are refused if the CLI names it, unless the options name another', () => {
    expect(mistakesOf(elsewhere, 'us-east-1')).toHaveLength(3);
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
      timeoutSeconds: 45,
      removalPolicies: { logs: 'retain' },
      accounts: [{ name: 'eu' }, { name: 'us', timeoutSeconds: 90, removalPolicies: { queues: 'retain' } }],
    });
    expect(one?.settings).toMatchObject({ timeoutSeconds: 45, removalPolicies: { logs: 'retain', queues: 'destroy' } });
    expect(other?.settings).toMatchObject({
      timeoutSeconds: 90,
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
        'tokenRefresh.accounts[1].eventBus is {"create":"retently"}, but must be created by one stack only: use { "existing": … } in the others.',
      ],
    ],
    [
      'a mistake in an account, and one in the common options said once',
      { xray: 1, accounts: [{ name: 'eu', timeoutSeconds: 1 }, { name: 'us' }] },
      [
        'tokenRefresh.accounts[0].timeoutSeconds is 1, but must be a whole number of seconds from 45 to 900.',
        'tokenRefresh.xray is 1, but must be true or false.',
      ],
    ],
    [
      'two accounts that share one secret',
      { existingSecret: 'retently', accounts: [{ name: 'eu' }, { name: 'us' }] },
      [
        'tokenRefresh.accounts[1].existingSecret is "retently", but must be the secret of one Retently account only: two would spend each other\'s refresh tokens.',
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
])('a secret that is named beyond doubt is accepted: %j', (existingSecret) => {
  expect(mistakesOf({ existingSecret })).toEqual([]);
});
