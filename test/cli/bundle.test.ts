import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { type BundledFile, bundleWithContent, parseMetafile } from '../bench/bundle-content.ts';
import { bundleCommand } from '../support/bundle-command.ts';

const PACKAGE = readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8');
const { devDependencies } = z.object({ devDependencies: z.record(z.string(), z.string()) }).parse(JSON.parse(PACKAGE));

/** Packages, and directories of our own. */
function originsOf(files: readonly BundledFile[]): ReadonlySet<string> {
  return new Set(files.flatMap(({ bytesByOrigin }) => [...bytesByOrigin.keys()]));
}

function bundleCommandWithContent(): BundledFile[] {
  const directory = mkdtempSync(join(tmpdir(), 'command-content-'));
  try {
    const metafilePath = join(directory, 'meta.json');
    bundleCommand(join(directory, 'main.mjs'), [`--metafile=${metafilePath}`]);
    return parseMetafile(readFileSync(metafilePath, 'utf8'), 'main.mjs');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const ofFunction = originsOf(bundleWithContent());
const ofCommands = originsOf(bundleCommandWithContent());
const ownOf = (origins: ReadonlySet<string>, folder: string) =>
  [...origins].filter((origin) => new RegExp(`(^|/)${folder}(/|$)`).test(origin));

describe('the bundle of the function', () => {
  test('contains nothing from cli/', () => {
    expect(ownOf(ofFunction, 'cli')).toEqual([]);
    expect(ownOf(ofCommands, 'cli').length).toBeGreaterThan(3);
  });

  test('contains only these of the declared packages', () => {
    expect([...ofFunction].filter((name) => name in devDependencies).sort()).toEqual([
      '@aws-lambda-powertools/logger',
      '@aws-lambda-powertools/metrics',
      '@aws-sdk/client-eventbridge',
      '@aws-sdk/client-secrets-manager',
      'zod',
    ]);
  });

  test.each(['commander', 'open', 'oauth4webapi', '@inquirer/password', '@aws-sdk/client-lambda'])(
    'does not contain %s, which the commands contain',
    (name) => {
      expect([ofFunction.has(name), ofCommands.has(name)]).toEqual([false, true]);
    },
  );
});

test("the commands' bundle contains nothing from the tests", () => {
  expect(ownOf(ofCommands, 'test')).toEqual([]);
});
