import { describe, expect, it } from 'vitest';
import { buildApp } from '../../infra/app.ts';
import { OptionsError } from '../../infra/options/mistakes.ts';
import { parseContext, parseFleetContext } from '../../infra/options/parse-context.ts';
import { CONTEXT_KEY } from '../../infra/options/schema.ts';
import { WITHOUT_BUNDLING } from './synthesise.ts';

const FLEET = { tagKey: 'retently' };
const TAG_KEY =
  'be the key of a tag that AWS can filter by: 1 to 128 of a-z, A-Z, 0-9, spaces and _.:/=+@-, without a space at either end';

function mistakesOf(parse: () => unknown): readonly string[] {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    return error.message.split('\n').slice(1);
  }
  return [];
}

describe('the options of a fleet', () => {
  it('have defaults, all but the key of the tag', () => {
    const { stackName, fleet } = parseFleetContext({ fleet: FLEET });
    expect(stackName).toBe('RetentlyTokenRefreshFleet');
    expect(fleet).toMatchObject({ tagKey: 'retently', maximumConcurrency: 320, dashboard: true });
    expect([fleet.interval.toMinutes(), fleet.timeout.toSeconds()]).toEqual([10, 60]);
  });

  it('can be JSON text from the command line', () => {
    expect(parseFleetContext(JSON.stringify({ fleet: FLEET })).fleet.tagKey).toBe('retently');
  });

  it('make a stack of another name, so that no update takes the secret out of the stack of one account', () => {
    const build = (tokenRefresh: object) =>
      buildApp({ context: { ...WITHOUT_BUNDLING, [CONTEXT_KEY]: tokenRefresh } }).node.children.map(
        ({ node }) => node.id,
      );
    expect(build({ fleet: FLEET })).toContain('RetentlyTokenRefreshFleet');
    expect(build({})).toContain('RetentlyTokenRefresh');
    expect(build({})).not.toContain('RetentlyTokenRefreshFleet');
  });

  it.each<[string, object, string]>([
    ['no tag', { fleet: {} }, `fleet.tagKey is missing, but must ${TAG_KEY}.`],
    ['a text', { fleet: 'retently' }, 'fleet is "retently", but must be an object.'],
    [
      'a tag of AWS',
      { fleet: { tagKey: 'aws:x' } },
      'fleet.tagKey is "aws:x", but must be the key of a tag, without aws: at the beginning.',
    ],
    ['a key that no filter accepts', { fleet: { tagKey: 'Größe' } }, `fleet.tagKey is "Größe", but must ${TAG_KEY}.`],
    ['a space before it', { fleet: { tagKey: ' retently' } }, `fleet.tagKey is " retently", but must ${TAG_KEY}.`],
    [
      'a value that no filter accepts',
      { fleet: { ...FLEET, tagValue: 'größte ' } },
      `fleet.tagValue is "größte ", but must ${TAG_KEY.replace('key', 'value').replace('128', '256')}.`,
    ],
    ['what AWS takes for "not"', { fleet: { tagKey: '!x' } }, `fleet.tagKey is "!x", but must ${TAG_KEY}.`],
    [
      'one run at once, which Lambda refuses',
      { fleet: { ...FLEET, maximumConcurrency: 1 } },
      'fleet.maximumConcurrency is 1, but must be a whole number from 2 to 1000.',
    ],
    [
      'a typing mistake',
      { fleet: { tagkey: 'retently', ...FLEET } },
      'fleet.tagkey is not a valid option. Did you mean tagKey?',
    ],
    [
      'a secret',
      { fleet: FLEET, secret: 'mine' },
      'secret is "mine", but must be left out: a fleet keeps every secret that has its tag.',
    ],
    [
      'accounts',
      { fleet: FLEET, accounts: [{ name: 'emea' }] },
      'accounts is [{ "name": "emea" }], but must be left out: a fleet keeps every secret that has its tag.',
    ],
    [
      'token secrets',
      { fleet: FLEET, tokenSecret: true },
      'tokenSecret is true, but must be left out: a fleet has no token secrets. See docs/fleet.md.',
    ],
    [
      'reserved concurrency',
      { fleet: FLEET, reservedConcurrentExecutions: 10 },
      'reservedConcurrentExecutions is 10, but must be left out: fleet.maximumConcurrency limits the runs.',
    ],
    [
      'a timeout that outlasts the tick',
      { fleet: FLEET, timeout: { minutes: 5 } },
      'timeout is { "minutes": 5 }, but must be at most 120 seconds with an interval of 10 minutes: a run and its retry, a minute later, must end within half of that.',
    ],
    [
      'a removal policy of secrets',
      { fleet: FLEET, removalPolicies: { secret: 'retain' } },
      'removalPolicies.secret is not a valid option. Valid options: logs, queues.',
    ],
  ])('are refused for %s', (_what, context, sentence) => {
    expect(mistakesOf(() => parseFleetContext(context))).toEqual([`- tokenRefresh.${sentence}`]);
  });

  it('are refused as the options of an account', () => {
    expect(mistakesOf(() => parseContext({ accounts: [{ name: 'emea', fleet: FLEET }] }))).toEqual([
      expect.stringContaining('tokenRefresh.accounts[0].fleet is not a valid option'),
    ]);
  });

  it('are refused outside of their object', () => {
    const context = { ...WITHOUT_BUNDLING, fleet: FLEET };
    expect(mistakesOf(() => buildApp({ context }))).toEqual([
      '- The context key fleet has no effect. Write tokenRefresh.fleet: a member of the object tokenRefresh.',
    ]);
  });
});
