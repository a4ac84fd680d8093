import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { buildApp, type Surroundings } from '../../infra/app.ts';
import { TokenRefreshStack } from '../../infra/stacks.ts';
import { mistakenOptions, mistakesOf } from './mistaken-options.ts';
import { KEY_ARN, OTHER_KEY_ARN, WITHOUT_BUNDLING } from './synthesise.ts';

const ALARMS = { alarmEmails: ['ops@example.com'], runbookUrl: 'https://wiki.example.com/runbook' };

function build(context: Readonly<Record<string, unknown>>, surroundings?: Surroundings): readonly TokenRefreshStack[] {
  const app = buildApp({ context: { ...WITHOUT_BUNDLING, ...context } }, surroundings);
  return app.node.children.filter((child) => child instanceof TokenRefreshStack);
}

const rejectedKeys = (context: Readonly<Record<string, unknown>>) => mistakenOptions(() => build(context));

/** Returns the warnings of the first stack, as the CDK CLI prints them. */
function warningsOf(context: Readonly<Record<string, unknown>>, surroundings?: Surroundings): readonly string[] {
  const [stack] = build(context, surroundings);
  if (stack === undefined) throw new Error('no stack');
  return Annotations.fromStack(stack)
    .findWarning('*', Match.anyValue())
    .map(({ entry }) => String(entry.data));
}

describe('rejects a context key that would silently have no effect', () => {
  it.each(['TokenRefresh', 'tokenrefresh', 'token-refresh', 'token_refresh', 'tokenRefesh', 'tokensRefresh'])(
    '%s, which nearly matches',
    (key) => {
      expect(rejectedKeys({ [key]: ALARMS })).toEqual([key]);
    },
  );

  it.each([
    ['alarmEmails', 'tokenRefresh.alarmEmails'],
    ['alarmemails', 'tokenRefresh.alarmEmails'],
    ['stackName', 'tokenRefresh.stackName'],
    ['encryption-key', 'tokenRefresh.encryptionKey'],
    ['accounts', 'tokenRefresh.accounts'],
    ['timeout', 'tokenRefresh.timeout'],
    ['everyMinutes', 'tokenRefresh.interval'],
    ['kmsKeyArn', 'tokenRefresh.encryptionKey'],
    ['tokenRefresh.alarmEmails', 'tokenRefresh.alarmEmails'],
    ['tokenRefresh.schedule.everyMinutes', 'tokenRefresh.interval'],
  ])('%s, an option outside of its object', (key, path) => {
    expect(rejectedKeys({ [key]: 'x' })).toEqual([key]);
    expect(mistakesOf(() => build({ [key]: 'x' })).join()).toContain(` ${path} `);
  });

  it('together with every mistake in the options', () => {
    expect(rejectedKeys({ TokenRefresh: {}, tokenRefresh: { xray: 1 } })).toEqual([
      'TokenRefresh',
      'tokenRefresh.xray',
    ]);
    expect(rejectedKeys({ TokenRefresh: {}, tokenRefresh: '{' })).toHaveLength(2);
    expect(rejectedKeys({ TokenRefresh: {}, tokenRefresh: { accounts: 'eu' } })).toHaveLength(2);
  });

  it.each(['cli-telemetry', '@aws-cdk/core:newStyleStackSynthesis', 'availability-zones:account=1', 'owner', 'token'])(
    'but not %s, which belongs to other software',
    (key) => {
      expect(rejectedKeys({ [key]: 'x' })).toEqual([]);
    },
  );
});

describe('synthesis warns', () => {
  it.each([
    ['noAlarmRecipients', 'no one is notified of alarms', { alarmEmails: [] }],
    ['noRunbookUrl', 'emails cannot link to the runbook', { runbookUrl: undefined }],
    ['alarmsNeedSecretsKey', 'a disabled key of the secrets would also stop alarms', { encryptionKey: KEY_ARN }],
  ])('%s, if %s', (id, _, options) => {
    expect(warningsOf({ tokenRefresh: { ...ALARMS, ...options } })).toEqual([
      expect.stringContaining(`[ack: retently-token-refresh:${id}]`),
    ]);
    expect(warningsOf({ tokenRefresh: ALARMS })).toEqual([]);
  });

  it.each([false, KEY_ARN, OTHER_KEY_ARN])('about no key if alarmsAndLogsKey is %s', (alarmsAndLogsKey) => {
    expect(warningsOf({ tokenRefresh: { ...ALARMS, encryptionKey: KEY_ARN, alarmsAndLogsKey } })).toEqual([]);
  });

  it('if options on the command line replace options of cdk.json', () => {
    const optionsOfCdkJson = { secret: 'mine', env: { region: 'eu-west-1' }, alarmEmails: [] };
    const onCommandLine = { tokenRefresh: JSON.stringify({ ...ALARMS, timeout: { seconds: 90 } }) };
    expect(warningsOf(onCommandLine, { optionsOfCdkJson })).toEqual([
      expect.stringMatching(/^-c tokenRefresh=.*: secret, env\./),
    ]);
  });

  it('about nothing if the command line has all options, or if cdk.json was read', () => {
    expect(warningsOf({ tokenRefresh: JSON.stringify(ALARMS) }, { optionsOfCdkJson: ALARMS })).toEqual([]);
    expect(warningsOf({ tokenRefresh: ALARMS }, { optionsOfCdkJson: ALARMS })).toEqual([]);
    expect(warningsOf({ tokenRefresh: ALARMS }, { optionsOfCdkJson: 'text' })).toEqual([]);
  });
});
