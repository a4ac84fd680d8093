import { describe, expect, it } from 'vitest';
import { parseContext } from '../../infra/options/parse-context.ts';
import { OptionsError } from '../../infra/options/parse-options.ts';

const KEY_ARN = 'arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555';

function mistakesOf(context: unknown, cliRegion?: string): readonly string[] {
  try {
    parseContext(context, cliRegion);
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    return error.message.split('\n').slice(1);
  }
  return [];
}

const EXPRESSIONS =
  'be rate(30 minutes), rate(1 hour) or such, or cron(minutes hours * * ? *), where minutes and hours are *, */n, a/n, a-b, a-b/n, numbers, or a list of these';
const TOO_MANY =
  'in a day for tokens of 21600 seconds, and there is room for 45 (each writes two of the 100 versions that Secrets Manager keeps for a day, and ten are left to operators)';
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
      'tokenRefresh.timeoutSeconds is 300, but must be 240 at most with this schedule, so that a run and its two retries end within half of the shortest interval.',
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
      'tokenRefresh.tokenEndpoint is "https://me:secret@example.com/token", but must be an https URL without user name and fragment.',
    ],
    [
      'a text that is no URL',
      { tokenEndpoint: 'token' },
      'tokenRefresh.tokenEndpoint is "token", but must be an https URL without user name and fragment.',
    ],
    [
      'a time zone that is a number',
      { schedule: { timeZone: 1 } },
      'tokenRefresh.schedule.timeZone is 1, but must be an IANA time zone such as Europe/Paris.',
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
      'tokenRefresh.timeout is there, but must be left out: the members here are accounts, alarmEmails, dashboard, env, eventBus, existingSecret, kmsKeyArn, logRetentionDays, memoryMegabytes, permissionsBoundaryArn, removalPolicies, reservedConcurrency, schedule, stackName, tags, timeoutSeconds, tokenEndpoint, tokenLifetimeSeconds, vpc, xray.',
    ],
    [
      'an unknown member inside',
      { schedule: { rate: 30 } },
      'tokenRefresh.schedule.rate is there, but must be left out: the members here are expression, flexibleWindowMinutes, timeZone.',
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
    ['a context that is no object', [1], 'tokenRefresh must be an object, or the JSON text of one.'],
    [
      'a context that is no JSON',
      '{timeoutSeconds:60}',
      `tokenRefresh is a text that is not JSON; quote it as '{"timeoutSeconds":60}'.`,
    ],
  ])('%s', (_, context, sentence) => {
    expect(mistakesOf(context)).toEqual([`- ${sentence}`]);
  });

  it.each<[string, unknown, readonly string[]]>([
    [
      'a schedule that is no expression',
      { expression: '30 minutes' },
      [`expression is "30 minutes", but must ${EXPRESSIONS}`],
    ],
    [
      'a schedule of one minute',
      { expression: 'rate(1 minute)', flexibleWindowMinutes: 0 },
      [
        'expression is "rate(1 minute)", but must leave at least 11 minutes between ticks, not 1: a run and its two retries, one and two minutes later, must end within half of that',
        `expression is "rate(1 minute)", but must tick less often: where some attempts fail, this schedule can make 46 ${TOO_MANY}`,
      ],
    ],
    [
      'a schedule of 19 minutes',
      { expression: 'rate(19 minutes)' },
      [
        `expression is "rate(19 minutes)", but must tick less often: where some attempts fail, this schedule can make 46 ${TOO_MANY}`,
      ],
    ],
    [
      'a schedule that leaves one chance',
      { expression: 'rate(81 minutes)' },
      [
        'expression is "rate(81 minutes)", but must leave every token two chances: two intervals and flexible windows take up to 182 minutes, and a token of 21600 seconds is due for 180',
      ],
    ],
    [
      'a schedule that leaves one chance on one night of the year',
      { expression: 'cron(0 * * * ? *)', timeZone: 'Europe/Paris', flexibleWindowMinutes: 1 },
      [
        'expression is "cron(0 * * * ? *)", but must leave every token two chances: two intervals and flexible windows take up to 182 minutes, on the night when clocks go back, and a token of 21600 seconds is due for 180',
      ],
    ],
    [
      'a flexible window as long as the interval',
      { expression: 'rate(30 minutes)', flexibleWindowMinutes: 30 },
      ['flexibleWindowMinutes is 30, but must be shorter than the shortest interval of the schedule, 30 minutes'],
    ],
    [
      'a time zone for a rate',
      { timeZone: 'Europe/Paris' },
      ['timeZone is "Europe/Paris", but must be left out with rate(…), which knows no time zone'],
    ],
    [
      'a time zone of Mars',
      { expression: 'cron(0/30 * * * ? *)', timeZone: 'Mars/Olympus' },
      ['timeZone is "Mars/Olympus", but must be an IANA time zone such as Europe/Paris'],
    ],
    [
      'a time zone that is an offset',
      { expression: 'cron(0/30 * * * ? *)', timeZone: '+01:00' },
      ['timeZone is "+01:00", but must be an IANA time zone such as Europe/Paris'],
    ],
  ])('%s', (_, schedule, sentences) => {
    expect(mistakesOf({ schedule })).toEqual(sentences.map((sentence) => `- tokenRefresh.schedule.${sentence}.`));
  });

  it('a schedule that is too slow, however long a token lives', () => {
    expect(mistakesOf({ schedule: { expression: 'rate(1 day)' }, tokenLifetimeSeconds: 31_536_000 })).toEqual([
      '- tokenRefresh.schedule.expression is "rate(1 day)", but must tick at least every 360 minutes, not only every 1440.',
    ]);
  });

  it('names every mistake at once', () => {
    expect(
      mistakesOf({
        timeout: 1,
        xray: 1,
        alarmEmails: ['a'],
        schedule: { expression: 'rate(1 hour)', flexibleWindowMinutes: 60 },
      }),
    ).toEqual([
      '- tokenRefresh.alarmEmails[0] is "a", but must be an e-mail address.',
      '- tokenRefresh.xray is 1, but must be true or false.',
      expect.stringContaining('- tokenRefresh.timeout is there, but must be left out'),
      expect.stringContaining('- tokenRefresh.schedule.flexibleWindowMinutes is 60, but must be shorter'),
      expect.stringContaining(
        '- tokenRefresh.schedule.expression is "rate(1 hour)", but must leave every token two chances',
      ),
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

  it('are refused where the options name the region', () => {
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

  it('are refused where the CLI names it, unless the options name another', () => {
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

  it('get no dashboards of their own where there are more than AWS gives for nothing', () => {
    const dashboardsOf = (names: readonly string[], common = {}) =>
      parseContext({ ...common, accounts: names.map((name) => ({ name })) }).map(({ settings }) => settings.dashboard);
    expect(dashboardsOf(['a', 'b', 'c'])).toEqual([true, true, true]);
    expect(dashboardsOf(['a', 'b', 'c', 'd'])).toEqual([false, false, false, false]);
    expect(dashboardsOf(['a', 'b', 'c', 'd'], { dashboard: true })).toEqual([true, true, true, true]);
  });

  it.each<[string, unknown, readonly string[]]>([
    ['no list', { accounts: 'eu' }, ['tokenRefresh.accounts must be a list of at least one object with a name.']],
    ['no entry', { accounts: [] }, ['tokenRefresh.accounts must be a list of at least one object with a name.']],
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
        'tokenRefresh.accounts[2].name is "EU", but must differ from the name of every other account, not only in case.',
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
        'tokenRefresh.accounts[1].existingSecret is "retently", but must be the secret of one account only: two would spend each other\'s refresh tokens.',
      ],
    ],
  ])('are refused: %s', (_, context, sentences) => {
    expect(mistakesOf(context)).toEqual(sentences.map((sentence) => `- ${sentence}`));
  });
});
