import { App, NestedStack, Stack, Stage, Tags } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { describe, expect, it, test } from 'vitest';
import { TokenRefresh } from '../../infra/token-refresh.ts';
import { TokenRefreshFleet } from '../../infra/token-refresh-fleet.ts';
import { dueAfterSeconds, FLEET_METRICS, MAX_WAIT_SECONDS } from '../../lambda/contract.ts';
import { attributesOf } from './deployed-template.ts';
import { type Alarm, watchAlarm } from './evaluate-alarm.ts';
import { compositeOf, watchComposite } from './evaluate-composite.ts';
import { evaluatePolicy, type Permission, parsePolicy } from './evaluate-policy.ts';
import { alarmsOf } from './monitored-function.ts';
import {
  EVERY_FLEET_OPTION,
  KEY_ARN,
  type Resource,
  resourceOf,
  resourcesOf,
  type SynthesisedTemplate,
  synthesiseFleet,
  WITHOUT_BUNDLING,
} from './synthesise.ts';

const DEFAULTS = synthesiseFleet();
const WITH_VALUE = synthesiseFleet({ fleet: { tagKey: 'retently', tagValue: 'live' } });
const EVERYTHING = synthesiseFleet(EVERY_FLEET_OPTION);
/** Types of resources that store data or that others reference. */
const PINNED = /Function$|Queue$|LogGroup$|Topic$|Schedule$|EventSourceMapping$/;
const SECRET = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:acme-AbCdEf';
const KEY = 'arn:aws:kms:us-east-1:000000000000:key/99999999-2222-3333-4444-555555555555';

function permissionsOf(template: SynthesisedTemplate, part: 'Sweep' | 'Refresh'): readonly Permission[] {
  const { Properties } = resourceOf(template, 'AWS::IAM::Policy', `Fleet${part}`);
  return parsePolicy(Properties['PolicyDocument'], attributesOf(template, ''));
}

function isAllowed(
  permissions: readonly Permission[],
  action: string,
  resource: string,
  keys: Record<string, string> = {},
): boolean {
  return evaluatePolicy(permissions, { action, resource, keys }) !== undefined;
}

function functionOf(template: SynthesisedTemplate, part: 'Sweep' | 'Refresh'): Resource['Properties'] {
  return resourceOf(template, 'AWS::Lambda::Function', `Fleet${part}`).Properties;
}

/** The one that gives up on messages. */
function queueOf(template: SynthesisedTemplate): Resource['Properties'] {
  const [queue] = resourcesOf(template, 'AWS::SQS::Queue').filter(({ Properties }) => 'RedrivePolicy' in Properties);
  return queue?.Properties ?? {};
}

describe('the resources of a fleet', () => {
  it('are a schedule, a sweep, a refresh and their queues; no secret is among them', () => {
    const types = Object.values(DEFAULTS.Resources).map(({ Type }) => Type);
    expect(types.filter((type) => type === 'AWS::Lambda::Function')).toHaveLength(2);
    expect(types.filter((type) => type === 'AWS::SQS::Queue')).toHaveLength(6);
    expect(types).not.toContain('AWS::SecretsManager::Secret');
  });

  it('run two different handlers', () => {
    // Without bundling, both have the sources. Another test compares their bundles.
    const [sweep, refresh] = [functionOf(DEFAULTS, 'Sweep'), functionOf(DEFAULTS, 'Refresh')];
    expect(sweep).toMatchObject({ Handler: 'index.handler', Runtime: 'nodejs24.x', Timeout: 120 });
    expect(refresh).toMatchObject({ Handler: 'index.handler', Runtime: 'nodejs24.x', Timeout: 60 + MAX_WAIT_SECONDS });
  });

  it('hand one message per invocation to the refresh; retries have a quarter of the runs, on top', () => {
    const runsOf = (template: SynthesisedTemplate) =>
      resourcesOf(template, 'AWS::Lambda::EventSourceMapping').map(({ Properties }) => {
        expect(Properties).toMatchObject({ BatchSize: 1, FunctionResponseTypes: ['ReportBatchItemFailures'] });
        return Object(Properties['ScalingConfig']).MaximumConcurrency;
      });
    expect(runsOf(DEFAULTS)).toEqual([320, 80]);
    expect(runsOf(EVERYTHING)).toEqual([20, 5]);
    expect(runsOf(synthesiseFleet({ fleet: { tagKey: 'retently', maximumConcurrency: 2 } }))).toEqual([2, 2]);
  });

  it('let a message expire before failed receives make it a dead letter', () => {
    for (const template of [DEFAULTS, EVERYTHING]) {
      const queues = resourcesOf(template, 'AWS::SQS::Queue').filter(({ Properties }) => 'RedrivePolicy' in Properties);
      const timeout = Number(functionOf(template, 'Refresh')['Timeout']);
      expect(queues).toHaveLength(2);
      for (const { Properties } of queues) {
        expect(Properties).toMatchObject({ VisibilityTimeout: 6 * timeout, RedrivePolicy: { maxReceiveCount: 5 } });
        expect(Number(Properties['MessageRetentionPeriod'])).toBeLessThanOrEqual(5 * 6 * timeout);
      }
    }
    expect(queueOf(DEFAULTS)).toHaveProperty('MessageRetentionPeriod', 3_600);
  });

  it('end a sweep and its retry before the next tick', () => {
    for (const everyMinutes of [6, 10, 30, 360]) {
      const times = { interval: { minutes: everyMinutes }, flexibleWindow: { minutes: 0 } };
      const template = synthesiseFleet({ ...times, timeout: { seconds: 45 }, tokenLifetime: { days: 1 } });
      const timeout = Number(functionOf(template, 'Sweep')['Timeout']);
      expect(timeout).toBeLessThanOrEqual(900);
      expect(2 * timeout + 60).toBeLessThanOrEqual(everyMinutes * 60);
    }
  });

  it('give the sweep the tag, the queues and the schedule, and the refresh function no secret', () => {
    const variables = (template: SynthesisedTemplate, part: 'Sweep' | 'Refresh') =>
      Object(functionOf(template, part)['Environment']).Variables;
    expect(Object.keys(variables(DEFAULTS, 'Sweep')).sort()).toEqual([
      'DEFAULT_TOKEN_LIFETIME_SECONDS',
      'FLEET_TAG_KEY',
      'NOTIFIED_QUEUE_URL',
      'NOTIFY_TOPIC_ARN',
      'REFRESH_QUEUE_URL',
      'RETRY_QUEUE_URL',
      'SCHEDULE_SECONDS',
      'SECONDS_BETWEEN_SWEEPS',
      'TOKEN_ENDPOINT',
    ]);
    expect(variables(DEFAULTS, 'Sweep')).toMatchObject({ SECONDS_BETWEEN_SWEEPS: '600' });
    expect(variables(WITH_VALUE, 'Sweep')).toMatchObject({ FLEET_TAG_KEY: 'retently', FLEET_TAG_VALUE: 'live' });
    expect(variables(DEFAULTS, 'Refresh')).toEqual({
      TOKEN_ENDPOINT: 'https://app.retently.com/api/oauth/token',
      EVENT_BUS_NAME: 'default',
      DEFAULT_TOKEN_LIFETIME_SECONDS: '21600',
      LEASE_SECONDS: '90',
      SCHEDULE_SECONDS: '600',
    });
  });

  it('take tags, boundary, key, retention and removal from the options, as the stack of one account does', () => {
    const roles = resourcesOf(EVERYTHING, 'AWS::IAM::Role');
    expect(roles).toHaveLength(3);
    for (const { Properties } of roles) {
      expect(Properties).toHaveProperty('PermissionsBoundary', EVERY_FLEET_OPTION['permissionsBoundaryArn']);
      expect(Properties['Tags']).toEqual([{ Key: 'team', Value: 'feedback' }]);
    }
    for (const [id, queue] of Object.entries(EVERYTHING.Resources)) {
      if (queue.Type !== 'AWS::SQS::Queue') continue;
      expect(queue.DeletionPolicy).toBe('Retain');
      const isOfEmails = id.includes('UndeliveredEmails');
      expect(queue.Properties['KmsMasterKeyId']).toBe(isOfEmails ? undefined : KEY_ARN);
    }
    for (const logGroup of resourcesOf(EVERYTHING, 'AWS::Logs::LogGroup')) {
      expect(logGroup).toMatchObject({ DeletionPolicy: 'Retain', Properties: { RetentionInDays: 365 } });
    }
    expect(resourcesOf(EVERYTHING, 'AWS::CloudWatch::Dashboard')).toEqual([]);
    expect(resourcesOf(DEFAULTS, 'AWS::CloudWatch::Dashboard')).toHaveLength(1);
  });
});

it('pins the logical ids: a different id replaces its resource', () => {
  const ids = Object.entries(DEFAULTS.Resources).filter(([, { Type }]) => PINNED.test(Type));
  expect(ids.map(([id]) => id).sort()).toEqual([
    'FleetAlarmTopic86044E35',
    'FleetDeadLettersFailedRunsF1231311',
    'FleetDeadLettersUndeliveredTicksA2D4FDDD',
    'FleetNotifiedE9FA1AC3',
    'FleetQueue9B9B7C7A',
    'FleetQueueDeadLettersE6A2F692',
    'FleetQueueRetriesA2D3B54B',
    'FleetRefreshFunctionEF81F9CE',
    'FleetRefreshLogGroupDF0B3C66',
    'FleetRefreshMessages89B26D00',
    'FleetRefreshRetries64AB2348',
    'FleetScheduleDCBCB063',
    'FleetSweepFunction2B44A968',
    'FleetSweepLogGroup3C448D9E',
  ]);
});

describe('the role of the refresh', () => {
  const ACTIONS = [
    'DescribeSecret',
    'GetSecretValue',
    'ListSecretVersionIds',
    'PutSecretValue',
    'UpdateSecretVersionStage',
  ].map((name) => `secretsmanager:${name}`);
  const TAG = 'aws:resourcetag/retently';

  test.each(ACTIONS)('may %s only with the tag', (action) => {
    const any = permissionsOf(DEFAULTS, 'Refresh');
    expect(isAllowed(any, action, SECRET, { [TAG]: 'anything' })).toBe(true);
    expect(isAllowed(any, action, SECRET)).toBe(false);
    expect(isAllowed(any, action, SECRET, { 'aws:resourcetag/retently-2': 'anything' })).toBe(false);
    const live = permissionsOf(WITH_VALUE, 'Refresh');
    expect(isAllowed(live, action, SECRET, { [TAG]: 'live' })).toBe(true);
    expect(isAllowed(live, action, SECRET, { [TAG]: 'live-2' })).toBe(false);
    expect(isAllowed(live, action, SECRET)).toBe(false);
  });

  it('reaches no secret of another region or account', () => {
    const permissions = permissionsOf(DEFAULTS, 'Refresh');
    for (const arn of [SECRET.replace('us-east-1', 'eu-west-1'), SECRET.replace('000000000000', '111111111111')]) {
      expect(isAllowed(permissions, 'secretsmanager:GetSecretValue', arn, { [TAG]: 'live' })).toBe(false);
    }
  });

  it('may change neither tags nor policies, delete nothing and list nothing', () => {
    const permissions = permissionsOf(EVERYTHING, 'Refresh');
    for (const name of ['TagResource', 'DeleteSecret', 'PutResourcePolicy', 'UpdateSecret', 'ListSecrets']) {
      expect(isAllowed(permissions, `secretsmanager:${name}`, SECRET, { [TAG]: 'live' }), name).toBe(false);
    }
  });

  it('uses keys only through Secrets Manager, for secrets of this account', () => {
    const permissions = permissionsOf(DEFAULTS, 'Refresh');
    const through = {
      'kms:viaservice': 'secretsmanager.us-east-1.amazonaws.com',
      'kms:encryptioncontext:secretarn': SECRET,
    };
    for (const action of ['kms:Decrypt', 'kms:GenerateDataKey']) {
      expect(isAllowed(permissions, action, KEY, through)).toBe(true);
      expect(isAllowed(permissions, action, KEY, { ...through, 'kms:viaservice': '' })).toBe(false);
      expect(isAllowed(permissions, action, KEY, { 'kms:viaservice': through['kms:viaservice'] })).toBe(false);
    }
  });
});

describe('the role of the sweep', () => {
  it('reads secrets with the tag, uses keys through Secrets Manager, writes no secret, and receives only its own notes', () => {
    const permissions = permissionsOf(WITH_VALUE, 'Sweep');
    const tagged = (value: string) => ({ 'aws:resourcetag/retently': value });
    expect(isAllowed(permissions, 'secretsmanager:GetSecretValue', SECRET, tagged('live'))).toBe(true);
    expect(isAllowed(permissions, 'secretsmanager:GetSecretValue', SECRET, tagged('test'))).toBe(false);
    expect(isAllowed(permissions, 'secretsmanager:GetSecretValue', SECRET)).toBe(false);
    const actions = permissionsOf(DEFAULTS, 'Sweep').map(({ action }) => action);
    expect(new Set(actions.filter((action) => action.startsWith('secretsmanager:')))).toEqual(
      new Set(['secretsmanager:ListSecrets', 'secretsmanager:BatchGetSecretValue', 'secretsmanager:GetSecretValue']),
    );
    expect(new Set(actions.filter((action) => action.startsWith('sqs:')))).toEqual(
      new Set(['sqs:GetQueueAttributes', 'sqs:SendMessage', 'sqs:ReceiveMessage', 'sqs:DeleteMessage']),
    );

    expect(isAllowed(permissions, 'kms:Decrypt', KEY)).toBe(false);
  });
});

describe('the outputs', () => {
  it('are names and commands', () => {
    expect(Object.keys(DEFAULTS.Outputs).sort()).toEqual([
      'AttentionCommand',
      'CancelKeyDeletionCommand',
      'ConcurrencyCommand',
      'DashboardName',
      'DeadLettersCommand',
      'DeadLettersUrl',
      'EnableKeyCommand',
      'EnableMappingsCommand',
      'EnableScheduleCommand',
      'FailedSweepsCommand',
      'FailedSweepsUrl',
      'ForceCommand',
      'FunctionName',
      'GetSecretCommand',
      'InvokeCommand',
      'KeyCommand',
      'KeyStateCommand',
      'LogsCommand',
      'MappingsCommand',
      'PurgeDeadLettersCommand',
      'PurgeFailedSweepsCommand',
      'PurgeUndeliveredTicksCommand',
      'PutSecretCommand',
      'QueueUrl',
      'RedriveCommand',
      'RemoveLabelCommand',
      'RestoreConcurrencyCommand',
      'RestoreSecretCommand',
      'ScheduleCommand',
      'ScheduleName',
      'SecretsCommand',
      'StatusCommand',
      'SweepCommand',
      'SweepLogsCommand',
      'SweepName',
      'UndeliveredTicksCommand',
      'UndeliveredTicksUrl',
    ]);
  });
});

describe('notifications of single accounts', () => {
  const withoutThem = synthesiseFleet({ fleet: { tagKey: 'retently', notifyPerAccount: false } });

  it('go to the topic of the alarms', () => {
    const topic = { Ref: 'FleetAlarmTopic86044E35' };
    expect(Object(functionOf(DEFAULTS, 'Sweep')['Environment']).Variables.NOTIFY_TOPIC_ARN).toEqual(topic);
    expect(JSON.stringify(resourceOf(DEFAULTS, 'AWS::IAM::Policy', 'FleetSweep'))).toContain('sns:Publish');
  });

  it.each([
    ['of the secrets', {}, KEY_ARN],
    ['of alarms and logs', { alarmsAndLogsKey: KEY }, KEY],
  ])('may use the key %s only through the topic that it encrypts', (_, options, key) => {
    const permissions = permissionsOf(synthesiseFleet({ encryptionKey: KEY_ARN, ...options }), 'Sweep');
    const mayUse = (arn: string, service: string) =>
      isAllowed(permissions, 'kms:GenerateDataKey', arn, { 'kms:viaservice': `${service}.us-east-1.amazonaws.com` });
    expect([mayUse(key, 'sns'), mayUse(KEY_ARN, 'sqs'), mayUse(key, 's3')]).toEqual([true, true, false]);
  });

  it('can be turned off, and leave nothing behind', () => {
    expect(JSON.stringify(withoutThem)).not.toMatch(/NotifyOfAccounts|NOTIFY_TOPIC_ARN|FleetNotified/);
  });
});

describe('an overdue token', () => {
  it.each([
    [10, 30],
    [15, 45],
    [30, 60],
    [60, 65],
    [80, 85],
  ])('fires its alarm before it expires, with a sweep every %i minutes', (everyMinutes, minutes) => {
    const template = synthesiseFleet({ interval: { minutes: everyMinutes } });
    const alarm = alarmsOf(template, attributesOf(template, '')).get('TokenOverdue');
    expect(alarm?.Threshold).toBe(minutes * 60);
    const left = 6 * 60 - dueAfterSeconds(6 * 3_600) / 60;
    // The first sweep that finds the token so long overdue.
    expect(minutes + everyMinutes).toBeLessThan(left);
    // A healthy token is due for one tick when a sweep reads it.
    expect(minutes).toBeGreaterThan(everyMinutes);
  });
});

describe('an old queue', () => {
  it.each([6, 10, 30, 60, 80])(
    'fires its alarm once if no run starts, with a sweep every %i minutes: before SQS deletes the messages',
    (everyMinutes) => {
      const template = synthesiseFleet({ interval: { minutes: everyMinutes }, timeout: { seconds: 45 } });
      const alarm = alarmsOf(template, attributesOf(template, '')).get('QueueOld');
      const [metric] = alarm?.metrics ?? [];
      if (!alarm || !metric) throw new Error('There is no alarm.');
      const retentionMinutes = Number(queueOf(template)['MessageRetentionPeriod']) / 60;
      const minutes = Array.from({ length: 360 }, (_, minute) => minute);
      const ages = minutes.map((minute) => {
        const sent = minutes.filter((each) => each % everyMinutes === 0 && each <= minute);
        return Math.max(0, ...sent.map((each) => minute - each).filter((age) => age < retentionMinutes));
      });
      const toDatapoint = (age: number, minute: number) => ({ ...metric, atMs: minute * 60_000, value: age * 60 });
      const states = watchAlarm(alarm, ages.map(toDatapoint), 0, 359);
      const firstMinute = states.indexOf('ALARM');
      expect(firstMinute).toBeGreaterThan(0);
      expect(firstMinute).toBeLessThanOrEqual(60);
      expect(new Set(states.slice(firstMinute))).toEqual(new Set(['ALARM']));
      // A message waits for its turn, and may be five minutes late.
      const waitsMinutes = Math.min(15, everyMinutes - 1) + 5;
      expect(watchAlarm(alarm, [toDatapoint(waitsMinutes, 0)], 0, 0)).not.toContain('ALARM');
    },
  );
});

describe('fewer secrets than expected', () => {
  it('fire an alarm if there is a number to expect', () => {
    const template = synthesiseFleet({ fleet: { tagKey: 'retently', minimumSecrets: 200 } });
    const alarm = alarmsOf(template, attributesOf(template, '')).get('FewerSecrets');
    expect(alarm).toMatchObject({ Threshold: 200, ComparisonOperator: 'LessThanThreshold' });
    const [metric] = alarm?.metrics ?? [];
    if (!alarm || !metric) throw new Error('There is no alarm.');
    expect(metric.metricName).toBe(FLEET_METRICS.secretsListed);
    const isFiring = (...listed: readonly number[]) => {
      const datapoints = listed.map((value, index) => ({ ...metric, atMs: 10 * index * 60_000, value }));
      return watchAlarm(alarm, datapoints, 0, 10 * listed.length).includes('ALARM');
    };
    // AWS may list a new tag five minutes late.
    expect([isFiring(200, 199, 200), isFiring(200, 199, 199), isFiring(200, 200)]).toEqual([false, true, false]);
  });
});

describe('the synthesis warns of a secret of the app that has the tag of the fleet', () => {
  function warningsOf(act: (app: App, stack: Stack) => void): readonly string[] {
    const app = new App({ context: WITHOUT_BUNDLING });
    const stack = new Stack(app, 'Stack');
    new TokenRefreshFleet(stack, 'Fleet', { tagKey: 'team', tagValue: 'feedback', alarmEmails: ['a@example.com'] });
    act(app, stack);
    const { stacks } = app.synth();
    const taggedSecret = /taggedSecret/;
    return stacks.flatMap(({ messages }) =>
      messages.filter(({ entry }) => taggedSecret.test(String(entry.data))).map(({ id }) => id),
    );
  }

  it('although a tag of the whole app put it there', () => {
    const paths = warningsOf((app, stack) => {
      new TokenRefresh(stack, 'Account', { alarmEmails: ['a@example.com'] });
      new Secret(stack, 'Database');
      Tags.of(app).add('team', 'feedback');
    });
    expect(paths.map((path) => path.split('/')[2]).sort()).toEqual(['Account', 'Account', 'Database']);
  });

  const ALL_TYPES = ['aws:cdk:stack', 'AWS::SecretsManager::Secret'];

  it('although only its stack has the tag, which CloudFormation adds to the secret', () => {
    const ofStack = warningsOf(
      (app) => new Secret(new Stack(app, 'Other', { tags: { team: 'feedback' } }), 'Database'),
    );
    const ofApp = warningsOf((app, stack) => {
      new Secret(stack, 'Database');
      Tags.of(app).add('team', 'feedback', { excludeResourceTypes: ALL_TYPES.slice(1) });
    });
    const ofParent = warningsOf((_app, stack) => {
      new Secret(new NestedStack(stack, 'Nested'), 'Database');
      Tags.of(stack).add('team', 'feedback', { excludeResourceTypes: ALL_TYPES.slice(1) });
    });
    expect([ofStack, ofApp, ofParent].map((paths) => paths.length)).toEqual([1, 1, 1]);
  });

  it('unless the tag excludes secrets and stacks, or the secret has another value', () => {
    const ofApp = warningsOf((app, stack) => {
      new Secret(stack, 'Database');
      Tags.of(app).add('team', 'feedback', { excludeResourceTypes: ALL_TYPES });
    });
    const ofStack = warningsOf((app) => {
      const secret = new Secret(new Stack(app, 'Other', { tags: { team: 'feedback' } }), 'Database');
      Tags.of(secret).add('team', 'finance');
    });
    expect([ofApp, ofStack]).toEqual([[], []]);
  });

  it('in a stage, too, and not in another region or account', () => {
    const stage = new Stage(new App({ context: WITHOUT_BUNDLING }), 'Stage');
    const env = { account: '000000000000', region: 'eu-west-1' };
    const stack = new Stack(stage, 'Stack', { env });
    const others = [
      new Stack(stage, 'Region', { env: { ...env, region: 'us-east-1' } }),
      new Stack(stage, 'Account', { env: { ...env, account: '111111111111' } }),
    ];
    new TokenRefreshFleet(stack, 'Fleet', { tagKey: 'team', tagValue: 'feedback', alarmEmails: ['a@example.com'] });
    for (const each of [stack, ...others]) new Secret(each, 'Database');
    Tags.of(stage).add('team', 'feedback');
    stage.synth();
    const found = [stack, ...others].map((each) => Annotations.fromStack(each).findWarning('*', Match.anyValue()));
    expect(found.map((warnings) => warnings.filter(({ id }) => id.includes('/Database/')).length)).toEqual([1, 0, 0]);
  });

  it('and of no other', () => {
    const paths = warningsOf((app, stack) => {
      new Secret(stack, 'Database');
      Tags.of(app).add('team', 'finance');
    });
    expect(paths).toEqual([]);
  });
});

describe('the alarms of a fleet', () => {
  it('are these, each with its email', () => {
    const alarms = alarmsOf(DEFAULTS, attributesOf(DEFAULTS, ''));
    expect([...alarms.keys()].sort()).toEqual([
      'DeadLetters',
      'ManyTokensOverdue',
      'QueueOld',
      'ReauthorizationRequired',
      'SecretUnusable',
      'SweepSilent',
      'TokenNotStored',
      'TokenOverdue',
    ]);
    for (const { text } of alarms.values())
      expect(text).toMatch(/\nFix: docs\/runbook\.md#[a-z-]+\n.*: aws logs tail /);
    expect(alarms.get('SweepSilent')?.metrics[0]?.metricName).toBe(FLEET_METRICS.secretsListed);
  });

  it('fire within 35 minutes if sweeps stop, and not because of one lost tick', () => {
    const alarm = alarmsOf(DEFAULTS, attributesOf(DEFAULTS, '')).get('SweepSilent');
    const [metric] = alarm?.metrics ?? [];
    if (!alarm || !metric) throw new Error('There is no alarm.');
    const datapoints = [0, 10, 30, 40].map((minute) => ({ ...metric, atMs: minute * 60_000, value: 5 }));
    const states = watchAlarm(alarm, datapoints, 0, 120);
    expect(states.indexOf('ALARM')).toBeGreaterThan(40 + 20);
    expect(states.indexOf('ALARM')).toBeLessThanOrEqual(40 + 35);
    expect(states.at(-1)).toBe('ALARM');
  });

  it('send one email when all of them are over, and none while one is on', () => {
    for (const { Properties } of resourcesOf(DEFAULTS, 'AWS::CloudWatch::Alarm')) {
      expect(Properties).not.toHaveProperty('OKActions');
    }
    const { Properties } = resourceOf(DEFAULTS, 'AWS::CloudWatch::CompositeAlarm');
    expect(Properties).toMatchObject({ OKActions: [{ Ref: 'FleetAlarmTopic86044E35' }] });
    expect(Properties).not.toHaveProperty('AlarmActions');
    const alarms = resourcesOf(DEFAULTS, 'AWS::CloudWatch::Alarm');
    expect(JSON.stringify(Properties['AlarmRule']).match(/ALARM\(/g)).toHaveLength(alarms.length);
    expect(compositeOf(DEFAULTS, attributesOf(DEFAULTS, ''))).toMatchObject({
      suppressor: { alarm: 'SweepSilent', waitSeconds: 120, extensionSeconds: 120 },
    });
  });
});

describe('All clear is not sent', () => {
  const attributes = attributesOf(DEFAULTS, '');
  const alarms = alarmsOf(DEFAULTS, attributes);
  const found = { TokenOverdue: 0, ReauthorizationRequired: 0, SecretUnusable: 0, SweepSilent: 5 };
  const OVERDUE = { ...found, TokenOverdue: 7_200 };
  const REJECTED = { ...found, ReauthorizationRequired: 1 };
  const UNUSABLE = { ...found, SecretUnusable: 1 };

  /**
   * Returns the minutes in which *All clear* is sent.
   *
   * @param sweeps what they found, every ten minutes
   * @param notStoredMinute when a run could not store a token
   */
  function clearMinutesOf(sweeps: readonly (typeof found)[], notStoredMinute?: number): readonly number[] {
    const toDatapoints = (name: string, minute: number, value: number) =>
      (alarms.get(name)?.metrics ?? []).map((metric) => ({ ...metric, atMs: minute * 60_000, value }));
    const datapoints = [
      ...sweeps.flatMap((values, index) =>
        Object.entries(values).flatMap(([name, value]) => toDatapoints(name, 10 * index, value)),
      ),
      ...(notStoredMinute === undefined ? [] : toDatapoints('TokenNotStored', notStoredMinute, 1)),
    ];
    const watch = (alarm: Alarm, second: number) => ({
      states: watchAlarm(alarm, datapoints, 0, 10 * sweeps.length),
      second,
    });
    const evaluated = new Map([...alarms].map(([name, alarm], index) => [name, watch(alarm, 6 * index)]));
    const actions = watchComposite(compositeOf(DEFAULTS, attributes), evaluated);
    expect(actions).toContainEqual(expect.objectContaining({ state: 'ALARM' }));
    return actions.flatMap(({ state, atSecond }) => (state === 'OK' ? [Math.floor(atSecond / 60)] : []));
  }

  it.each([
    ['one sweep could not read a rejected account', [REJECTED, REJECTED, UNUSABLE, REJECTED, REJECTED]],
    ['one sweep could not read an overdue account', [OVERDUE, OVERDUE, UNUSABLE, OVERDUE, OVERDUE]],
    ['someone pasted garbage into a rejected account', [REJECTED, REJECTED, UNUSABLE, UNUSABLE, UNUSABLE, UNUSABLE]],
  ])('because %s', (_, sweeps) => {
    expect(clearMinutesOf(sweeps)).toEqual([]);
  });

  it('before a sweep shows that a token was not stored', () => {
    expect(clearMinutesOf([found, found, found, found, found, OVERDUE, OVERDUE], 8)).toEqual([]);
  });

  it('much later than the last trouble', () => {
    const quiet = Array.from({ length: 8 }, () => found);
    expect(clearMinutesOf([REJECTED, REJECTED, ...quiet])).toEqual([10 + 30 + 2]);
    const [afterNotStored = 0] = clearMinutesOf(quiet, 8);
    expect(afterNotStored).toBeGreaterThanOrEqual(8 + 45 + 2);
    expect(afterNotStored).toBeLessThanOrEqual(8 + 60);
  });
});
