import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { blocksOf, readDocument } from '../support/markdown.ts';
import { createApp, linkPeers, type ModuleType, PEERS, ROOT, readPacked, runApp, writeManifest } from './install.ts';

const { tarball } = readPacked();
const directory = mkdtempSync(join(tmpdir(), 'consumers-'));
afterAll(() => rmSync(directory, { recursive: true }));

const USE = `
const app = new App({ outdir: 'cdk.out' });
const stack = new Stack(app, 'Account', { analyticsReporting: false, env: { account: '123456789012', region: 'eu-west-1' } });
const retently = new TokenRefresh(stack, 'TokenRefresh', { interval: Duration.minutes(15), encryptionKey: new Key(stack, 'Key') });
retently.addOutputs();
Tags.of(retently.secret).add('team', 'feedback');
new TokenRefreshFleet(new Stack(app, 'Fleet', { analyticsReporting: false }), 'Fleet', { tagKey: 'retently' }).addOutputs();
app.synth();
`;
const IMPORTS = [
  ['App, Duration, Stack, Tags', 'aws-cdk-lib'],
  ['Key', 'aws-cdk-lib/aws-kms'],
  ['TokenRefresh, TokenRefreshFleet', 'retently-token-refresh'],
] as const;
const PROGRAMS: Readonly<Record<ModuleType, string>> = {
  module: `${IMPORTS.map(([names, from]) => `import { ${names} } from '${from}';`).join('\n')}${USE}`,
  commonjs: `${IMPORTS.map(([names, from]) => `const { ${names} } = require('${from}');`).join('\n')}${USE}`,
};
const TYPES: readonly ModuleType[] = ['module', 'commonjs'];

const templateSchema = z.object({ Resources: z.record(z.string(), z.object({ Type: z.string() })) });
const manifestSchema = z.object({ version: z.string(), peerDependencies: z.record(z.string(), z.string()) });

function manifestOf(folder: string): z.output<typeof manifestSchema> {
  return manifestSchema.parse({
    peerDependencies: {},
    ...JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')),
  });
}

/** The type of each resource that an app synthesized, by stack and logical id. */
function resourceTypesOf(app: string): ReadonlyMap<string, string> {
  const outdir = join(app, 'cdk.out');
  const templates = readdirSync(outdir).filter((name) => name.endsWith('.template.json'));
  return new Map(
    templates.flatMap((name) => {
      const { Resources } = templateSchema.parse(JSON.parse(readFileSync(join(outdir, name), 'utf8')));
      return Object.entries(Resources).map(([id, { Type }]) => [`${name} ${id}`, Type] as const);
    }),
  );
}

/** Template that every app must synthesize: that of npm and the locked aws-cdk-lib. */
let expected: ReadonlyMap<string, string> = new Map();

beforeAll(() => {
  const app = join(directory, 'npm');
  createApp(app, 'commonjs', tarball);
  expect(runApp(app, PROGRAMS.commonjs)).toMatchObject({ status: 0, stderr: '' });
  expected = resourceTypesOf(app);
  expect(expected.size).toBeGreaterThan(50);
});

function expectToSynthesize(app: string, type: ModuleType, nodeOptions: readonly string[] = []): void {
  const { status, stderr } = runApp(app, PROGRAMS[type], nodeOptions);
  expect([status, stderr]).toEqual([0, '']);
  expect(resourceTypesOf(app)).toEqual(expected);
}

/** Runs a package manager of this checkout, without a registry. */
function install(program: string, options: readonly string[], cwd: string): void {
  const path = join(ROOT, 'node_modules', program);
  execFileSync(process.execPath, [path, 'install', '--offline', '--ignore-scripts', ...options], { cwd });
}

describe.each(TYPES)('an app of type %s', (type) => {
  it('works if pnpm installed the package', () => {
    const app = join(directory, `pnpm-${type}`);
    const peers = Object.fromEntries(PEERS.map((peer) => [peer, `link:${join(ROOT, 'node_modules', peer)}`]));
    writeManifest(app, type, { dependencies: { ...peers, 'retently-token-refresh': `file:${tarball}` } });
    install('pnpm/bin/pnpm.cjs', [`--store-dir=${join(app, '.store')}`], app);
    expectToSynthesize(app, type);
  });

  it('works if yarn installed the package', () => {
    const app = join(directory, `yarn-${type}`);
    writeManifest(app, type, { dependencies: { 'retently-token-refresh': `file:${tarball}` } });
    install('yarn/bin/yarn.js', ['--no-lockfile', `--cache-folder=${join(app, '.cache')}`], app);
    linkPeers(app);
    expectToSynthesize(app, type);
  });

  it('works with a symbolic link to a checkout, which has an aws-cdk-lib of its own', () => {
    const app = join(directory, `link-${type}`);
    writeManifest(app, type);
    linkPeers(app);
    // The dependencies of aws-cdk-lib are next to it.
    symlinkSync(join(ROOT, 'node_modules/@aws-cdk'), join(app, 'node_modules/@aws-cdk'));
    symlinkSync(ROOT, join(app, 'node_modules/retently-token-refresh'));
    // Node then loads a copy for the app and one for the checkout, as if aws-cdk-lib were installed twice.
    expectToSynthesize(app, type, ['--preserve-symlinks']);
  });

  it('that is bundled into one file gets an error that asks to keep the package external', () => {
    const app = join(directory, `bundle-${type}`);
    createApp(app, type, tarball);
    writeFileSync(join(app, 'source.js'), PROGRAMS[type]);
    const format = type === 'module' ? 'esm' : 'cjs';
    const options = ['--bundle', '--platform=node', `--format=${format}`, '--outfile=bundled.js', '--log-level=error'];
    const external = PEERS.map((peer) => `--external:${peer}`);
    // What bundlers of ES modules need for any CommonJS package.
    const banner =
      type === 'module'
        ? ["--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"]
        : [];
    execFileSync(join(ROOT, 'node_modules/.bin/esbuild'), ['source.js', ...options, ...external, ...banner], {
      cwd: app,
    });
    const { status, stderr } = runApp(app, readFileSync(join(app, 'bundled.js'), 'utf8'));
    expect(status).toBe(1);
    expect(stderr).toContain('--external:retently-token-refresh');
  });
});

describe('the oldest peers that package.json names', () => {
  const { peerDependencies } = manifestOf(ROOT);
  const oldest = Object.entries(peerDependencies).map(([name, range]) => [name, range.replace('^', '')] as const);

  it.each(TYPES)('work in an app of type %s', (type) => {
    const app = join(directory, `oldest-${type}`);
    createApp(app, type, tarball);
    for (const peer of PEERS) rmSync(join(app, 'node_modules', peer));
    const versions = oldest.map(([name, version]) => `${name}@${version}`);
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...versions], {
      cwd: app,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    for (const [name, version] of oldest) {
      expect(manifestOf(join(app, 'node_modules', name)).version).toBe(version);
    }
    expectToSynthesize(app, type);
  });
});

describe('the declarations', () => {
  const app = join(directory, 'types');
  const current = join(ROOT, 'node_modules/typescript/bin/tsc');
  // TypeScript 7 no longer supports node10. The tool that checks the package's types includes an older TypeScript.
  const fromTool = createRequire(createRequire(import.meta.url).resolve('@arethetypeswrong/core'));
  const older = join(fromTool.resolve('typescript'), '../../bin/tsc');

  beforeAll(() => {
    createApp(app, 'commonjs', tarball);
    writeFileSync(
      join(app, 'app.ts'),
      `import { App, Duration, Stack } from 'aws-cdk-lib';
import { TokenRefresh, type TokenRefreshProps } from 'retently-token-refresh';
const props: TokenRefreshProps = { timeout: Duration.minutes(1), memorySize: 256 };
export const { alarms, secret } = new TokenRefresh(new Stack(new App()), 'TokenRefresh', props);
// @ts-expect-error: a number is no Duration
export const bad: TokenRefreshProps = { timeout: 60 };
`,
    );
    const [example = '', ofFleet = ''] = blocksOf(readDocument('docs/configuration.md'), 'ts');
    const [ofReadme = ''] = blocksOf(readDocument('README.md'), 'ts');
    expect(example).toContain('new TokenRefresh(');
    expect(ofFleet).toContain('new TokenRefreshFleet(');
    writeFileSync(join(app, 'example.ts'), `${example}export default retently;\n`);
    writeFileSync(join(app, 'fleet.ts'), `${ofFleet}export default fleet;\n`);
    expect(ofReadme).toContain('new TokenRefresh(');
    writeFileSync(join(app, 'readme.ts'), ofReadme);
  });

  it.each([
    ['nodenext', current, 'nodenext'],
    ['node16', current, 'node16'],
    ['bundler', current, 'esnext'],
    ['node10', older, 'commonjs'],
  ])('need nothing but CDK with moduleResolution %s', (moduleResolution, tsc, module) => {
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--types', 'node'];
    const resolution = ['--module', module, '--moduleResolution', moduleResolution];
    const roots = ['--typeRoots', join(ROOT, 'node_modules/@types')];
    const { status, stdout } = spawnSync(
      process.execPath,
      [tsc, ...options, ...resolution, ...roots, 'app.ts', 'example.ts', 'fleet.ts', 'readme.ts'],
      { cwd: app, encoding: 'utf8' },
    );
    expect([status, stdout]).toEqual([0, '']);
  });

  it('are those of the committed report', async () => {
    const folder = join(app, 'node_modules/retently-token-refresh/dist/cjs');
    const declarations = readdirSync(folder)
      .filter((name) => name.endsWith('.d.ts'))
      .sort()
      .map((name) => `## ${name}\n\n\`\`\`ts\n${withoutComments(readFileSync(join(folder, name), 'utf8'))}\`\`\`\n`);
    const heading = `# Public interface of the package

For reviewers: a change in this file is a change of the public interface. After an intended one, run
\`npm run package:check -- --update\`.
`;
    await expect([heading, ...declarations].join('\n')).toMatchFileSnapshot(join(ROOT, 'infra/api-report.md'));
  });
});

function withoutComments(declarations: string): string {
  return declarations.replaceAll(/^\s*\/\*\*.*?\*\/\n/gms, '').replaceAll(/^\/\/.*\n/gm, '');
}
