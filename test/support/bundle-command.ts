import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runEsbuild } from '../../infra/bundle/bundle-handler.ts';
import { makeOnce } from '../sandbox/lambda/bundle.ts';

const ENTRY = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

/** Name of the bundled command line among the bundles of a test run. */
export const COMMAND = 'command';

/** Returns the path of `cli/main.ts` in one file, which starts in a fifth of the time. */
export function bundleCommandOnce(): string {
  return join(makeOnce(COMMAND, bundleCommandInto), 'main.mjs');
}

export function bundleCommandInto(directory: string): void {
  bundleCommand(join(directory, 'main.mjs'));
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
