import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { buildApp, type Surroundings } from '../../infra/app.ts';
import { OptionsError } from '../../infra/options/mistakes.ts';
import { TokenRefreshStack } from '../../infra/stacks.ts';
import { KEY_ARN, OTHER_KEY_ARN, WITHOUT_BUNDLING } from './synthesise.ts';

const ALARMS = { alarmEmails: ['ops@example.com'], runbookUrl: 'https://wiki.example.com/runbook' };

function build(context: Readonly<Record<string, unknown>>, surroundings?: Surroundings): readonly TokenRefreshStack[] {
  const app = buildApp({ context: { ...WITHOUT_BUNDLING, ...context } }, surroundings);
  return app.node.children.filter((child) => child instanceof TokenRefreshStack);
}

function refusalOf(context: Readonly<Record<string, unknown>>): readonly string[] {
  try {
    build(context);
  } catch (error) {
    if (error instanceof OptionsError) return error.message.split('\n').slice(1);
    throw error;
  }
  return [];
}

/** The warnings of the first stack, as the CDK CLI would print them. */
function warningsOf(context: Readonly<Record<string, unknown>>, surroundings?: Surroundings): readonly string[] {
  const [stack] = build(context, surroundings);
  if (stack === undefined) throw new Error('no stack');
  return Annotations.fromStack(stack)
    .findWarning('*', Match.anyValue())
    .map(({ entry }) => String(entry.data));
}

describe('a context key that would silently do nothing is refused', () => {
  it.each(['TokenRefresh', 'tokenrefresh', 'token-refresh', 'token_refresh', 'tokenRefesh', 'tokensRefresh'])(
    '%s, which is nearly ours',
    (key) => {
      expect(refusalOf({ [key]: ALARMS })).toEqual([
        `- The context key ${key} has no effect. Did you mean tokenRefresh?`,
      ]);
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
    expect(refusalOf({ [key]: 'x' })).toEqual([
      `- The context key ${key} has no effect. Write ${path}: a member of the object tokenRefresh.`,
    ]);
  });

  it('together with every mistake in the options themselves', () => {
    expect(refusalOf({ TokenRefresh: {}, tokenRefresh: { xray: 1 } })).toEqual([
      '- The context key TokenRefresh has no effect. Did you mean tokenRefresh?',
      '- tokenRefresh.xray is 1, but must be true or false.',
    ]);
    expect(refusalOf({ TokenRefresh: {}, tokenRefresh: '{' })).toHaveLength(2);
    expect(refusalOf({ TokenRefresh: {}, tokenRefresh: { accounts: 'eu' } })).toHaveLength(2);
  });

  it.each(['cli-telemetry', '@aws-cdk/core:newStyleStackSynthesis', 'availability-zones:account=1', 'owner', 'token'])(
    'and %s is not, which is for somebody else',
    (key) => {
      expect(refusalOf({ [key]: 'x' })).toEqual([]);
    },
  );
});

describe('a synthesis warns', () => {
  it.each([
    ['nobodyHearsOfAlarms', 'no one is notified of alarms', { alarmEmails: [] }],
    ['noRunbookUrl', 'emails cannot link to the runbook', { runbookUrl: undefined }],
    ['alarmsNeedSecretsKey', 'a disabled key of the secrets would stop alarms', { encryptionKey: KEY_ARN }],
  ])('%s, if %s', (id, _, options) => {
    expect(warningsOf({ tokenRefresh: { ...ALARMS, ...options } })).toEqual([
      expect.stringContaining(`[ack: retently-token-refresh:${id}]`),
    ]);
    expect(warningsOf({ tokenRefresh: ALARMS })).toEqual([]);
  });

  it.each([false, KEY_ARN, OTHER_KEY_ARN])('of no key if alarmsAndLogsKey is %s', (alarmsAndLogsKey) => {
    expect(warningsOf({ tokenRefresh: { ...ALARMS, encryptionKey: KEY_ARN, alarmsAndLogsKey } })).toEqual([]);
  });

  it('if options of cdk.json are gone because the command line has some', () => {
    const optionsOfCdkJson = { secret: 'mine', env: { region: 'eu-west-1' }, alarmEmails: [] };
    const onCommandLine = { tokenRefresh: JSON.stringify({ ...ALARMS, timeout: { seconds: 90 } }) };
    expect(warningsOf(onCommandLine, { optionsOfCdkJson })).toEqual([
      expect.stringMatching(
        /^-c tokenRefresh=… replaces the whole .* cdk\.json\. Of that, this does not hold now: secret, env\./,
      ),
    ]);
  });

  it('of nothing if the command line has them all, or if cdk.json was read', () => {
    expect(warningsOf({ tokenRefresh: JSON.stringify(ALARMS) }, { optionsOfCdkJson: ALARMS })).toEqual([]);
    expect(warningsOf({ tokenRefresh: ALARMS }, { optionsOfCdkJson: ALARMS })).toEqual([]);
    expect(warningsOf({ tokenRefresh: ALARMS }, { optionsOfCdkJson: 'text' })).toEqual([]);
  });
});
