import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { buildApp } from '../../infra/app.ts';
import { CONTEXT_KEY } from '../../infra/options/schema.ts';
import { createApp, ROOT, readPacked, runApp } from './install.ts';

/** Three functions, each with the AWS SDK that it needs; the command line; the constructs in readable lines; and the documents. */
const MAX_BYTES = 800_000;
const APPS = [
  [
    'module',
    "import { App, Stack } from 'aws-cdk-lib';\nimport { TokenRefresh, TokenRefreshFleet } from 'retently-token-refresh';",
  ],
  [
    'commonjs',
    "const { App, Stack } = require('aws-cdk-lib');\nconst { TokenRefresh, TokenRefreshFleet } = require('retently-token-refresh');",
  ],
] as const;
const templateSchema = z.object({ Resources: z.record(z.string(), z.unknown()) });

const directory = mkdtempSync(join(tmpdir(), 'package-'));
const packed = readPacked();

beforeAll(() => {
  for (const [type] of APPS) createApp(join(directory, type), type, packed.tarball);
});

afterAll(() => rmSync(directory, { recursive: true }));

function resourcesIn(outdir: string, stackName = 'RetentlyTokenRefresh'): object {
  const path = join(outdir, `${stackName}.template.json`);
  return templateSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).Resources;
}

/** The program of a stranger, with two stacks named as ours. */
function toProgram(imports: string, props = ''): string {
  return `${imports}
const app = new App({ outdir: 'cdk.out' });
const stack = new Stack(app, 'RetentlyTokenRefresh', { analyticsReporting: false });
new TokenRefresh(stack, 'TokenRefresh', { ${props} });
const fleet = new Stack(app, 'RetentlyTokenRefreshFleet', { analyticsReporting: false });
new TokenRefreshFleet(fleet, 'Fleet', { tagKey: 'retently' });
app.synth();
`;
}

describe.each(APPS)('an empty app of type %s with the package', (type, imports) => {
  const app = join(directory, type);

  it('synthesizes the same as a checkout, including the handler', () => {
    const { status, stderr, seconds } = runApp(app, toProgram(imports));
    expect([status, stderr]).toEqual([0, '']);
    console.log(`${type}: synthesised in ${seconds.toFixed(1)} s`);

    const outdir = join(directory, `ours-${type}`);
    buildApp({ outdir }).synth();
    // The key of the code is a hash of its content, so an equal key means the same bundle.
    expect(resourcesIn(join(app, 'cdk.out'))).toEqual(resourcesIn(outdir));

    const outdirOfFleet = join(directory, `fleet-${type}`);
    const context = { [CONTEXT_KEY]: { fleet: { tagKey: 'retently' } } };
    buildApp({ outdir: outdirOfFleet, context }).synth();
    const name = 'RetentlyTokenRefreshFleet';
    expect(resourcesIn(join(app, 'cdk.out'), name)).toEqual(resourcesIn(outdirOfFleet, name));
  });

  it('reports a bad prop in a sentence and one readable frame, at the line that has the mistake', () => {
    const { status, stderr } = runApp(app, toProgram(imports, 'memorySize: 1'));
    expect(status).toBe(1);
    expect(stderr).toContain('- memorySize is 1, but must be a whole number of megabytes from 128 to 10240.\n');
    const frames = stderr.split('\n').filter((line) => line.startsWith('    at '));
    expect(frames[0]).toContain('app.js:5');
    expect(frames.filter((frame) => frame.includes('retently-token-refresh'))).toEqual([]);
    // Node prints the line that threw, too.
    expect(stderr.length).toBeLessThan(2_000);
  });

  it('has the command line', () => {
    const command = join(app, 'node_modules/.bin/retently-token-refresh');
    expect(execFileSync(command, ['--help'], { encoding: 'utf8' })).toContain('Usage: retently-token-refresh');
  });
});

describe('the package', () => {
  it('is small, and holds neither tests nor sources', () => {
    console.log(`packed: ${Math.ceil(packed.size / 1000)} kB`);
    expect(packed.size).toBeLessThan(MAX_BYTES);
    expect(
      packed.files.map(({ path }) => path).filter((path) => /^(test|infra|lambda|cli)\/|\.(?<!\.d\.)ts$/.test(path)),
    ).toEqual([]);
  });

  it('brings no dependency and no install script', () => {
    const { dependencies, scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(dependencies).toBeUndefined();
    expect(Object.keys(scripts)).not.toContain(expect.stringMatching(/install|prepare$/));
  });

  it('names the packages that it bundles, with their licenses', () => {
    const notices = readFileSync(join(ROOT, 'dist/THIRD-PARTY-NOTICES.txt'), 'utf8');
    for (const name of ['zod', '@aws-sdk/client-secrets-manager']) expect(notices).toContain(`${name} `);
    expect(notices).not.toMatch(/UNLICENSED|GPL/);
  });

  it.each([
    ['publint', ['run', '--strict']],
    ['attw', []],
  ])('passes %s', (tool, options) => {
    const { status, stdout, stderr } = spawnSync(join(ROOT, 'node_modules/.bin', tool), [...options, packed.tarball], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect([status, status === 0 ? '' : stdout + stderr]).toEqual([0, '']);
  });
});
