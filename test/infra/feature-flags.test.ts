import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { CURRENT_VERSION_EXPIRED_FLAGS, FLAGS } from 'aws-cdk-lib/cx-api';
import { afterAll, describe, expect, it } from 'vitest';
import { parseContext, parseFleetContext } from '../../infra/options/parse-context.ts';
import { TokenRefreshFleetStack, TokenRefreshStack } from '../../infra/stacks.ts';
import { EVERY_FLEET_OPTION, EVERY_OPTION, WITHOUT_BUNDLING } from './synthesise.ts';

const { context } = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'));

const directory = mkdtempSync(join(tmpdir(), 'feature-flags-'));

afterAll(() => rmSync(directory, { recursive: true }));

/** The stack of an account with these options, with `flags` in the context of the app. */
function account(flags: object, options: unknown): object {
  const app = new App({ outdir: mkdtempSync(join(directory, 'app-')), context: { ...WITHOUT_BUNDLING, ...flags } });
  const [stack] = parseContext(options).map((parsed) => new TokenRefreshStack(app, parsed));
  if (stack === undefined) throw new Error('no stack');
  return Template.fromStack(stack).toJSON();
}

/** Template of a fleet's stack, like `account`. */
function fleet(flags: object, options: unknown): object {
  const app = new App({ outdir: mkdtempSync(join(directory, 'app-')), context: { ...WITHOUT_BUNDLING, ...flags } });
  return Template.fromStack(new TokenRefreshFleetStack(app, parseFleetContext(options))).toJSON();
}

describe('the feature flags of CDK in cdk.json', () => {
  it('name every flag whose default is not what CDK recommends, so that the CDK CLI does not warn', () => {
    const inEffect = Object.entries(FLAGS).filter(
      ([name, { introducedIn }]) => introducedIn.v2 !== undefined && !CURRENT_VERSION_EXPIRED_FLAGS.includes(name),
    );
    const differing = inEffect.filter(
      ([, { recommendedValue, unconfiguredBehavesLike }]) =>
        (unconfiguredBehavesLike?.v2 ?? false) !== recommendedValue,
    );
    expect(differing.length).toBeGreaterThan(50);
    expect(differing.map(([name]) => name).filter((name) => !(name in context))).toEqual([]);
  });

  it.each([
    ['an account', account, { alarmEmails: ['oncall@example.com'] }],
    ['an account with every option', account, EVERY_OPTION],
    ['a fleet', fleet, { alarmEmails: ['oncall@example.com'], fleet: { tagKey: 'retently' } }],
    ['a fleet with every option', fleet, EVERY_FLEET_OPTION],
  ])(
    'change nothing in the stack of %s: the constructs work in an app with or without them',
    (_what, toTemplate, options) => {
      expect(toTemplate(context, options)).toEqual(toTemplate({}, options));
    },
  );
});
