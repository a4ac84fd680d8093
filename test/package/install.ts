import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const packed = z.tuple([
  z.object({ filename: z.string(), size: z.number(), files: z.array(z.object({ path: z.string() })) }),
]);

/** Builds the package and packs it into `directory`, as `npm publish` would. */
export function pack(directory: string) {
  // Not by `prepack`, whose output npm would mix with its own.
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  const options = ['pack', '--json', '--ignore-scripts', `--pack-destination=${directory}`];
  const [{ filename, ...pack }] = packed.parse(
    JSON.parse(execFileSync('npm', options, { cwd: ROOT, encoding: 'utf8' })),
  );
  return { ...pack, tarball: join(directory, filename) };
}

/** An empty app with the package and its peers, installed without a registry. */
export function createApp(directory: string, type: 'module' | 'commonjs', tarball: string): void {
  mkdirSync(directory);
  writeFileSync(
    join(directory, 'package.json'),
    JSON.stringify({ name: 'empty', version: '1.0.0', private: true, type }),
  );
  const options = ['install', '--offline', '--no-audit', '--no-fund', '--legacy-peer-deps', tarball];
  execFileSync('npm', options, { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] });
  for (const peer of ['aws-cdk-lib', 'constructs']) {
    const link = join(directory, 'node_modules', peer);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', peer), link);
  }
}

/** Runs `source` as the program of an app, with no command within reach: neither esbuild nor Docker. */
export function runApp(directory: string, source: string) {
  writeFileSync(join(directory, 'app.js'), source);
  const startedAtMs = performance.now();
  const { status, stderr } = spawnSync(process.execPath, ['app.js'], {
    cwd: directory,
    env: { PATH: '' },
    encoding: 'utf8',
  });
  return { status, stderr, seconds: (performance.now() - startedAtMs) / 1000 };
}
