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

/** The app as the CDK CLI runs it: beside `cdk.json`, with the context of both in a variable. */
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

it('says which options of cdk.json a command line replaces, and knows the region of the CLI', () => {
  const onCommandLine = JSON.stringify({ alarmEmails: ['ops@example.com'] });
  const { status, stderr } = runBeside({ secret: 'mine' }, { tokenRefresh: onCommandLine });
  expect([status, stderr]).toEqual([0, '']);
  const metadata = readFileSync(join(directory, 'cdk.out', 'RetentlyTokenRefresh.metadata.json'), 'utf8');
  expect(metadata).toContain('this does not hold now: secret.');
  const template = readFileSync(join(directory, 'cdk.out', 'RetentlyTokenRefresh.template.json'), 'utf8');
  expect(template).toContain('.console.amazonaws.cn/');
});

it('refuses options by sentences alone, without a stack trace', () => {
  const { status, stderr } = runBeside({}, { tokenRefresh: { xray: 1 }, TokenRefresh: {} });
  expect(status).toBe(1);
  expect(stderr.split('\n')).toEqual([
    'The options of the token refresh were refused:',
    '- The context key TokenRefresh has no effect. Did you mean tokenRefresh?',
    '- tokenRefresh.xray is 1, but must be true or false.',
    '',
  ]);
});
