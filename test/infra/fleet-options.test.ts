import { describe, expect, it } from 'vitest';
import { buildApp } from '../../infra/app.ts';
import { OptionsError } from '../../infra/options/mistakes.ts';
import { parseContext, parseFleetContext } from '../../infra/options/parse-context.ts';
import { CONTEXT_KEY } from '../../infra/options/stack-schema.ts';
import { WITHOUT_BUNDLING } from './synthesise.ts';

const FLEET = { tagKey: 'retently' };
const TAG_KEY = 'be the key of a tag: at most 128 letters, digits, spaces and _.:/=+@-, without aws: at the beginning';

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
    expect(fleet.fleet).toEqual({ tagKey: 'retently', maximumConcurrency: 8 });
    expect(fleet).toMatchObject({ schedule: { everyMinutes: 10 }, timeoutSeconds: 60, dashboard: true });
  });

  it('can be JSON text from the command line', () => {
    expect(parseFleetContext(JSON.stringify({ fleet: FLEET })).fleet.fleet.tagKey).toBe('retently');
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
    ['a tag of AWS', { fleet: { tagKey: 'aws:x' } }, `fleet.tagKey is "aws:x", but must ${TAG_KEY}.`],
    ['what AWS takes for "not"', { fleet: { tagKey: '!x' } }, `fleet.tagKey is "!x", but must ${TAG_KEY}.`],
    [
      'one run at once, which Lambda refuses',
      { fleet: { ...FLEET, maximumConcurrency: 1 } },
      'fleet.maximumConcurrency is 1, but must be a whole number from 2 to 1000.',
    ],
    [
      'a typing mistake',
      { fleet: { tagkey: 'retently', ...FLEET } },
      'fleet.tagkey is there, but must be left out: the members here are maximumConcurrency, tagKey, tagValue.',
    ],
    [
      'a secret',
      { fleet: FLEET, existingSecret: 'mine' },
      'existingSecret is "mine", but must be left out: a fleet keeps every secret that has its tag.',
    ],
    [
      'accounts',
      { fleet: FLEET, accounts: [{ name: 'emea' }] },
      'accounts is [{"name":"emea"}], but must be left out: a fleet keeps every secret that has its tag.',
    ],
    [
      'token secrets',
      { fleet: FLEET, tokenSecret: true },
      'tokenSecret is true, but must be left out: a fleet has no token secrets. See docs/fleet.md.',
    ],
    [
      'reserved concurrency',
      { fleet: FLEET, reservedConcurrency: 10 },
      'reservedConcurrency is 10, but must be left out: fleet.maximumConcurrency limits the runs.',
    ],
    [
      'a timeout that outlasts the tick',
      { fleet: FLEET, timeoutSeconds: 300 },
      'timeoutSeconds is 300, but must be 120 at most with a tick every 10 minutes: a run and its retry, a minute later, must end within half of that.',
    ],
    [
      'a removal policy of secrets',
      { fleet: FLEET, removalPolicies: { secret: 'retain' } },
      'removalPolicies.secret is there, but must be left out: the members here are logs, queues.',
    ],
  ])('are refused for %s', (_what, context, sentence) => {
    expect(mistakesOf(() => parseFleetContext(context))).toEqual([`- tokenRefresh.${sentence}`]);
  });

  it('are refused as the options of an account', () => {
    expect(mistakesOf(() => parseContext({ accounts: [{ name: 'emea', fleet: FLEET }] }))).toEqual([
      expect.stringContaining('tokenRefresh.accounts[0].fleet is there, but must be left out'),
    ]);
  });

  it('are refused outside of their object', () => {
    const context = { ...WITHOUT_BUNDLING, fleet: FLEET };
    expect(mistakesOf(() => buildApp({ context }))).toEqual([
      '- The context key fleet does nothing. The option is tokenRefresh.fleet: a member of the object under tokenRefresh.',
    ]);
  });
});
