import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HANDLER_NAMES } from '../../infra/bundle/bundle-handler.ts';
import { bundleOnce } from '../sandbox/lambda/bundle.ts';
import { resourcesOf, synthesise, synthesiseFleet } from './synthesise.ts';

const VARIABLE = 'AWS_USE_FIPS_ENDPOINT';

describe('the option fips', () => {
  it.each([
    ['a stack', synthesise, 1],
    ['a fleet', synthesiseFleet, 2],
  ] as const)('sends every call to AWS of %s to a FIPS endpoint, and is off by default', (_, synthesiseOne, count) => {
    const functions = resourcesOf(synthesiseOne({ fips: true }), 'AWS::Lambda::Function');
    expect(functions).toHaveLength(count);
    for (const { Properties } of functions) {
      expect(Properties['Environment']).toMatchObject({ Variables: { [VARIABLE]: 'true' } });
    }
    expect(JSON.stringify(synthesiseOne())).not.toContain(VARIABLE);
  });

  it.each(HANDLER_NAMES)('is read by the AWS SDK in the bundle of %s', (name) => {
    const directory = dirname(bundleOnce(name));
    const texts = readdirSync(directory).map((file) => readFileSync(join(directory, file), 'utf8'));
    expect(texts.some((text) => text.includes(VARIABLE))).toBe(true);
  });
});
