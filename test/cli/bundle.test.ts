import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { inputsOf } from '../support/bundle-command.ts';

const PACKAGE = readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8');
const { dependencies, devDependencies } = z
  .object({ dependencies: z.record(z.string(), z.string()), devDependencies: z.record(z.string(), z.string()) })
  .parse(JSON.parse(PACKAGE));

/** The packages that a bundle holds. */
function packagesIn(inputs: readonly string[]): ReadonlySet<string> {
  const names = inputs.map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(path)?.[1]);
  return new Set(names.filter((name) => name !== undefined));
}

const lambda = inputsOf('lambda/handler.ts');
const cli = inputsOf('cli/main.ts');

describe('the bundle of the function', () => {
  test('holds nothing of cli/', () => {
    expect(lambda.filter((path) => path.startsWith('cli/'))).toEqual([]);
    expect(cli.filter((path) => path.startsWith('cli/')).length).toBeGreaterThan(20);
  });

  test('holds no package that the function does not declare', () => {
    const declared = [...packagesIn(lambda)].filter((name) => name in { ...dependencies, ...devDependencies });
    expect(declared.sort()).toEqual(Object.keys(dependencies).sort());
  });

  test.each(['commander', 'open', 'oauth4webapi', '@inquirer/password', '@aws-sdk/client-lambda'])(
    'has no %s, which the commands have',
    (name) => {
      expect([packagesIn(lambda).has(name), packagesIn(cli).has(name)]).toEqual([false, true]);
    },
  );
});

test('the commands bundle nothing of the tests', () => {
  expect(cli.filter((path) => path.startsWith('test/'))).toEqual([]);
});
