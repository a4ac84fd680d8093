import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { buildApp } from '../../infra/app.ts';
import { CONTEXT_KEY } from '../../infra/options/schema.ts';
import { createApp, pack, ROOT, runApp } from './install.ts';

/** Three functions, each with the AWS SDK that it needs. */
const MAX_BYTES = 650_000;
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
let packed: ReturnType<typeof pack>;

beforeAll(() => {
  packed = pack(directory);
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

  it('synthesises what a checkout deploys, handler and all', () => {
    const { status, stderr, seconds } = runApp(app, toProgram(imports));
    expect([status, stderr]).toEqual([0, '']);
    console.log(`${type}: synthesised in ${seconds.toFixed(1)} s`);

    const outdir = join(directory, `ours-${type}`);
    buildApp({ outdir }).synth();
    // The key of the code is a hash of what is in it: the same bundle.
    expect(resourcesIn(join(app, 'cdk.out'))).toEqual(resourcesIn(outdir));

    const outdirOfFleet = join(directory, `fleet-${type}`);
    const context = { [CONTEXT_KEY]: { fleet: { tagKey: 'retently' } } };
    buildApp({ outdir: outdirOfFleet, context }).synth();
    const name = 'RetentlyTokenRefreshFleet';
    expect(resourcesIn(join(app, 'cdk.out'), name)).toEqual(resourcesIn(outdirOfFleet, name));
  });

  it('tells a bad prop in a sentence, and where it is written', () => {
    const { status, stderr } = runApp(app, toProgram(imports, 'memorySize: 1'));
    expect(status).toBe(1);
    expect(stderr).toContain('- memorySize is 1, but must be a whole number of megabytes from 128 to 10240.\n');
    const frames = stderr.split('\n').filter((line) => line.startsWith('    at '));
    expect(frames[0]).toContain('app.js:5');
  });

  it('has declarations that need nothing but CDK', () => {
    const source = `import { App, Duration, Stack } from 'aws-cdk-lib';
import { TokenRefresh, type TokenRefreshProps } from 'retently-token-refresh';
const props: TokenRefreshProps = { timeout: Duration.minutes(1), memorySize: 256 };
export const { alarms, secret } = new TokenRefresh(new Stack(new App()), 'TokenRefresh', props);
// @ts-expect-error: a number is no Duration
export const bad: TokenRefreshProps = { timeout: 60 };
`;
    writeFileSync(join(app, 'app.ts'), source);
    const documented = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8');
    const [example = '', ofFleet = ''] = [...documented.matchAll(/^```ts\n(.*?)^```/gms)].map(([, text]) => text);
    expect(example).toContain('new TokenRefresh(');
    writeFileSync(join(app, 'example.ts'), `${example}export default retently;\n`);
    expect(ofFleet).toContain('new TokenRefreshFleet(');
    writeFileSync(join(app, 'fleet.ts'), `${ofFleet}export default fleet;\n`);
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
    const roots = ['--typeRoots', join(ROOT, 'node_modules/@types')];
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { status, stdout } = spawnSync(
      process.execPath,
      [tsc, ...options, ...roots, 'app.ts', 'example.ts', 'fleet.ts'],
      {
        cwd: app,
        encoding: 'utf8',
      },
    );
    expect([status, stdout]).toEqual([0, '']);
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

  it('names what it bundles, with the licenses', () => {
    const notices = readFileSync(join(ROOT, 'dist/THIRD-PARTY-NOTICES.txt'), 'utf8');
    for (const name of ['zod', '@aws-sdk/client-secrets-manager']) expect(notices).toContain(`${name} `);
    expect(notices).not.toMatch(/UNLICENSED|GPL/);
  });

  it.each([
    ['publint', ['run', '--strict']],
    ['attw', []],
  ])('has no complaint of %s', (tool, options) => {
    const { status, stdout, stderr } = spawnSync(join(ROOT, 'node_modules/.bin', tool), [...options, packed.tarball], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect([status, status === 0 ? '' : stdout + stderr]).toEqual([0, '']);
  });
});
