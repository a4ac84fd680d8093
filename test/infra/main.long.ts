import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { WITHOUT_BUNDLING } from './synthesise.ts';

const MAIN = fileURLToPath(new URL('../../infra/main.ts', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'main-'));

afterAll(() => rmSync(directory, { recursive: true }));

/** The app as the CDK CLI runs it: next to `cdk.json`, with the context of both in a variable. */
function runBeside(optionsOfCdkJson: object, context: object) {
  writeFileSync(join(directory, 'cdk.json'), JSON.stringify({ context: { tokenRefresh: optionsOfCdkJson } }));
  const env = {
    ...process.env,
    CDK_CONTEXT_JSON: JSON.stringify({ ...WITHOUT_BUNDLING, ...context }),
    CDK_OUTDIR: join(directory, 'cdk.out'),
    CDK_DEFAULT_REGION: 'cn-north-1',
  };
  const loader = import.meta.resolve('tsx');
  return spawnSync(process.execPath, ['--import', loader, MAIN], { cwd: directory, env, encoding: 'utf8' });
}

it('warns about options of cdk.json that the command line replaces, and uses the region of the CLI', () => {
  const onCommandLine = JSON.stringify({ alarmEmails: ['ops@example.com'] });
  const { status, stderr } = runBeside({ secret: 'mine' }, { tokenRefresh: onCommandLine });
  expect([status, stderr]).toEqual([0, '']);
  const metadata = readFileSync(join(directory, 'cdk.out', 'RetentlyTokenRefresh.metadata.json'), 'utf8');
  expect(metadata).toMatch(/-c tokenRefresh=[^"]*: secret\./);
  const template = readFileSync(join(directory, 'cdk.out', 'RetentlyTokenRefresh.template.json'), 'utf8');
  expect(template).toContain('.console.amazonaws.cn/');
});

it('reports invalid options without a stack trace', () => {
  const { status, stderr } = runBeside({}, { tokenRefresh: { xray: 1 }, TokenRefresh: {} });
  expect(status).toBe(1);
  const [, ...mistakes] = stderr.trimEnd().split('\n');
  expect(mistakes.map((line) => line.split(' ')[1])).toEqual(['TokenRefresh', 'tokenRefresh.xray']);
});
