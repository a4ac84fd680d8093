import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { readDocument } from '../support/markdown.ts';
import { EVERY_FLEET_OPTION, EVERY_OPTION, synthesise, synthesiseFleet } from './synthesise.ts';

const run = promisify(execFile);
const isInstalled = (process.env['PATH'] ?? '').split(delimiter).some((path) => existsSync(join(path, 'cfn-lint')));
const directory = mkdtempSync(join(tmpdir(), 'linted-'));

afterAll(() => rmSync(directory, { recursive: true }));

const readJson = (path: string): unknown => JSON.parse(readDocument(path));

it.skipIf(!isInstalled).each([
  ['the stack of an account', synthesise()],
  ['the same with every option', synthesise(EVERY_OPTION)],
  ['the stack of a fleet', synthesiseFleet()],
  ['the same with every option of a fleet', synthesiseFleet(EVERY_FLEET_OPTION)],
  ['the example that restarts a consumer', readJson('docs/events/restart-consumer.template.json')],
])(
  `%s satisfies cfn-lint${isInstalled ? '' : ' (SKIPPED: cfn-lint is not installed here)'}`,
  async (_what, template) => {
    writeFileSync(join(directory, 'template.json'), JSON.stringify(template));
    // W3005: CDK names dependencies that AWS could infer.
    const linted = await run('cfn-lint', ['--ignore-checks', 'W3005', '--', 'template.json'], { cwd: directory });
    expect(linted).toEqual({ stdout: '', stderr: '' });
  },
);
