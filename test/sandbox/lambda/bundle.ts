import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleHandler, entryPathOf, type HandlerName } from '../../../infra/bundle/bundle-handler.ts';

const bundlePaths = new Map<HandlerName, string>();

/**
 * A handler as its stack deploys it, in a temporary directory of its own, where nothing can be found that the bundle
 * leaves out. Made once in each process and removed when that ends.
 *
 * @returns the path of the module that exports `handler`
 */
export function bundleOnce(name: HandlerName = 'handler'): string {
  const known = bundlePaths.get(name);
  if (known !== undefined) return known;
  const directory = mkdtempSync(join(tmpdir(), 'retently-token-refresh-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  // A signal alone ends a process without an `exit`; that is how test runners and people end theirs.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  bundleHandler(directory, { entryPath: entryPathOf(name) });
  const bundlePath = join(directory, 'index.mjs');
  bundlePaths.set(name, bundlePath);
  return bundlePath;
}
