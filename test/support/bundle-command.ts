import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runEsbuild } from '../../infra/bundle/bundle-handler.ts';

const ENTRY = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

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
  bundlePath = join(directory, 'main.mjs');
  bundleCommand(bundlePath);
  return bundlePath;
}

export function bundleCommand(outputPath: string, options: readonly string[] = []): void {
  runEsbuild([
    ENTRY,
    `--outfile=${outputPath}`,
    '--bundle',
    '--platform=node',
    '--target=node20',
    '--format=esm',
    '--main-fields=module,main',
    // What is CommonJS asks for Node's own modules with `require`.
    "--banner:js=import { createRequire as createRequireOfBundle } from 'node:module';const require = createRequireOfBundle(import.meta.url);",
    '--log-level=error',
    ...options,
  ]);
}
