import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './documents.ts';

const PACKAGE: { scripts: Readonly<Record<string, string>> } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
);
const GUARD = '-r ./.ci/node-version.cjs';

/** Loads the guard as if `version` of Node ran it. */
function load(version: string) {
  const script = `Object.defineProperty(process.versions, 'node', { value: '${version}' }); require('./.ci/node-version.cjs')`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: ROOT, encoding: 'utf8' });
  return { status, stdout, lines: stderr.split('\n').filter((line) => line !== '') };
}

test.each(['12.22.12', '18.20.8', '20.18.3'])('on Node %s, one sentence names the required version', (version) => {
  const { status, stdout, lines } = load(version);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(lines).toEqual([expect.stringMatching(/\b20\.19\b.*\.$/)]);
});

test.each(['20.19.0', '22.0.0', '24.1.0'])('Node %s is new enough', (version) => {
  expect(load(version)).toEqual({ status: 0, stdout: '', lines: [] });
});

test('every script that starts Node, and the CDK app, look at its version first', () => {
  const { app } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8'));
  const commands = [app, ...Object.values(PACKAGE.scripts)].filter((command) => command.startsWith('node '));
  expect(commands.length).toBeGreaterThan(15);
  expect(commands.filter((command) => !command.startsWith(`node ${GUARD} `))).toEqual([]);
  expect(Object.values(PACKAGE.scripts).filter((command) => /^(?:vitest|tsx)\b/.test(command))).toEqual([]);
});
