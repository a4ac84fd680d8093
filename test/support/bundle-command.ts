import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { runEsbuild } from '../../infra/bundle/bundle-handler.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What esbuild tells of a bundle: the paths of what went into it. */
const metafile = z.object({ inputs: z.record(z.string(), z.unknown()) });

let bundlePath: string | undefined;

/**
 * `cli/main.ts` in one file, which starts in a fifth of the time; made once in each process.
 *
 * @returns its path
 */
export function bundleCommandOnce(): string {
  if (bundlePath !== undefined) return bundlePath;
  const directory = mkdtempSync(join(tmpdir(), 'retently-token-refresh-cli-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'main.mjs');
  bundle('cli/main.ts', [
    `--outfile=${path}`,
    '--main-fields=module,main',
    // What is CommonJS asks for Node's own modules with `require`.
    "--banner:js=import { createRequire as createRequireOfBundle } from 'node:module';const require = createRequireOfBundle(import.meta.url);",
  ]);
  bundlePath = path;
  return path;
}

/** The files that a bundle of `entry` is made of, relative to the project. */
export function inputsOf(entry: string): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'retently-token-refresh-inputs-'));
  try {
    const path = join(directory, 'meta.json');
    bundle(entry, [`--outfile=${join(directory, 'out.mjs')}`, `--metafile=${path}`]);
    return Object.keys(metafile.parse(JSON.parse(readFileSync(path, 'utf8'))).inputs);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function bundle(entry: string, options: readonly string[]): void {
  const common = ['--bundle', '--platform=node', '--target=node20', '--format=esm', '--log-level=error'];
  runEsbuild([`${ROOT}${entry}`, ...common, ...options]);
}
