import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

export const PEERS = ['aws-cdk-lib', 'constructs'];
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Environment variable that passes the packed package to the workers. */
export const PACKED_VARIABLE = 'RETENTLY_TOKEN_REFRESH_PACKED';

const files = z.array(z.object({ path: z.string() }));
const npmPackSchema = z.tuple([z.object({ filename: z.string(), size: z.number(), files })]);
const packedSchema = z.object({ tarball: z.string(), size: z.number(), files });

/** Builds the package and packs it into `directory`, as `npm publish` would. */
export function pack(directory: string): z.output<typeof packedSchema> {
  // Not by `prepack`, whose output npm would mix with its own.
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  const options = ['pack', '--json', '--ignore-scripts', `--pack-destination=${directory}`];
  const [{ filename, ...rest }] = npmPackSchema.parse(
    JSON.parse(execFileSync('npm', options, { cwd: ROOT, encoding: 'utf8' })),
  );
  return { ...rest, tarball: join(directory, filename) };
}

/** Returns the package that was packed at the beginning of the test run. */
export function readPacked(): z.output<typeof packedSchema> {
  return packedSchema.parse(JSON.parse(process.env[PACKED_VARIABLE] ?? ''));
}

export type ModuleType = 'module' | 'commonjs';

/** An empty app with the package and its peers, installed without a registry. */
export function createApp(directory: string, type: ModuleType, tarball: string): void {
  writeManifest(directory, type);
  const options = ['install', '--offline', '--no-audit', '--no-fund', '--legacy-peer-deps', tarball];
  execFileSync('npm', options, { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] });
  linkPeers(directory);
}

/** Makes the folder of an app, with a package.json. */
export function writeManifest(directory: string, type: ModuleType, members: object = {}): void {
  mkdirSync(directory, { recursive: true });
  const manifest = { name: 'empty', version: '1.0.0', license: 'MIT', private: true, type, ...members };
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest));
}

/** Gives an app the peers of this checkout. */
export function linkPeers(directory: string): void {
  for (const peer of PEERS) {
    const link = join(directory, 'node_modules', peer);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', peer), link);
  }
}

/** Runs `source` as the program of an app, with no command within reach: neither esbuild nor Docker. */
export function runApp(directory: string, source: string, nodeOptions: readonly string[] = []) {
  writeFileSync(join(directory, 'app.js'), source);
  const startedAtMs = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [...nodeOptions, 'app.js'], {
    cwd: directory,
    env: { PATH: '' },
    encoding: 'utf8',
  });
  return { status, stderr, seconds: (performance.now() - startedAtMs) / 1000 };
}
