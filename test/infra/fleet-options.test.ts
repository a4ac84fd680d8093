import { describe, expect, it } from 'vitest';
import { buildApp } from '../../infra/app.ts';
import { parseContext, parseFleetContext } from '../../infra/options/parse-context.ts';
import { longestRunSeconds } from '../../infra/options/schedule-limits.ts';
import { CONTEXT_KEY } from '../../infra/options/schema.ts';
import { RESERVE_MS } from '../../lambda/fleet/sweep-secrets.ts';
import { mistakenOptions } from './mistaken-options.ts';
import { WITHOUT_BUNDLING } from './synthesise.ts';

const FLEET = { tagKey: 'retently' };

describe('the options of a fleet', () => {
  it('have defaults, except for the tag key', () => {
    const { stackName, fleet } = parseFleetContext({ fleet: FLEET });
    expect(stackName).toBe('RetentlyTokenRefreshFleet');
    expect(fleet).toMatchObject({ tagKey: 'retently', maximumConcurrency: 320, dashboard: true });
    expect([fleet.interval.toMinutes(), fleet.timeout.toSeconds()]).toEqual([10, 60]);
  });

  it('can be JSON from the command line', () => {
    expect(parseFleetContext(JSON.stringify({ fleet: FLEET })).fleet.tagKey).toBe('retently');
  });

  it('use another stack name, so that no update removes the secret of a single account', () => {
    const build = (tokenRefresh: object) =>
      buildApp({ context: { ...WITHOUT_BUNDLING, [CONTEXT_KEY]: tokenRefresh } }).node.children.map(
        ({ node }) => node.id,
      );
    expect(build({ fleet: FLEET })).toContain('RetentlyTokenRefreshFleet');
    expect(build({})).toContain('RetentlyTokenRefresh');
    expect(build({})).not.toContain('RetentlyTokenRefreshFleet');
  });

  it.each<[string, object, string]>([
    ['no tag', { fleet: {} }, 'fleet.tagKey'],
    ['a string', { fleet: 'retently' }, 'fleet'],
    ['a reserved tag', { fleet: { tagKey: 'aws:x' } }, 'fleet.tagKey'],
    ['a key that no filter accepts', { fleet: { tagKey: 'Größe' } }, 'fleet.tagKey'],
    ['a space before it', { fleet: { tagKey: ' retently' } }, 'fleet.tagKey'],
    ['a value that no filter accepts', { fleet: { ...FLEET, tagValue: 'größte ' } }, 'fleet.tagValue'],
    ['a key that AWS reads as "not"', { fleet: { tagKey: '!x' } }, 'fleet.tagKey'],
    [
      'a concurrency of 1, which Lambda rejects',
      { fleet: { ...FLEET, maximumConcurrency: 1 } },
      'fleet.maximumConcurrency',
    ],
    ['a typing mistake', { fleet: { tagkey: 'retently', ...FLEET } }, 'fleet.tagkey'],
    ['a secret', { fleet: FLEET, secret: 'mine' }, 'secret'],
    ['accounts', { fleet: FLEET, accounts: [{ name: 'emea' }] }, 'accounts'],
    ['token secrets', { fleet: FLEET, tokenSecret: true }, 'tokenSecret'],
    ['reserved concurrency', { fleet: FLEET, reservedConcurrentExecutions: 10 }, 'reservedConcurrentExecutions'],
    ['a timeout that outlasts the tick', { fleet: FLEET, timeout: { minutes: 5 } }, 'timeout'],
    [
      'sweeps that have no time to read',
      { fleet: FLEET, interval: { minutes: 5 }, timeout: { seconds: 45 } },
      'interval',
    ],
    ['sweeps without time for runs between them', { fleet: FLEET, flexibleWindow: { minutes: 5 } }, 'interval'],
    ['a removal policy for secrets', { fleet: FLEET, removalPolicies: { secret: 'retain' } }, 'removalPolicies.secret'],
  ])('are rejected for %s', (_what, context, option) => {
    expect(mistakenOptions(() => parseFleetContext(context))).toEqual([`tokenRefresh.${option}`]);
  });

  it('accept the shortest time between two sweeps, and then a sweep has time to read', () => {
    const { fleet } = parseFleetContext({ fleet: FLEET, interval: { minutes: 6 }, timeout: { seconds: 45 } });
    expect(longestRunSeconds(fleet.interval) * 1_000).toBeGreaterThan(RESERVE_MS);
  });

  it('leave a token of an hour two chances with sweeps every twelve minutes, because there is no window', () => {
    expect(() =>
      parseFleetContext({ fleet: FLEET, interval: { minutes: 12 }, tokenLifetime: { hours: 1 } }),
    ).not.toThrow();
  });

  it('are rejected as options of an account', () => {
    expect(mistakenOptions(() => parseContext({ accounts: [{ name: 'emea', fleet: FLEET }] }))).toEqual([
      'tokenRefresh.accounts[0].fleet',
    ]);
  });

  it('are rejected outside of their object', () => {
    const context = { ...WITHOUT_BUNDLING, fleet: FLEET };
    expect(mistakenOptions(() => buildApp({ context }))).toEqual(['fleet']);
  });
});
