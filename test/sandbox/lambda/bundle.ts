import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleHandler, entryPathOf, type HandlerName } from '../../../infra/bundle/bundle-handler.ts';

/** Environment variable that names the directory of bundles that a test run has made already. */
export const BUNDLES_VARIABLE = 'RETENTLY_TOKEN_REFRESH_TEST_BUNDLES';

const ownDirectories = new Map<string, string>();

/**
 * Bundles a handler as its stack deploys it, into a temporary directory, where nothing can be found that the bundle
 * leaves out.
 *
 * @returns the path of the module that exports `handler`
 */
export function bundleOnce(name: HandlerName = 'handler'): string {
  const directory = makeOnce(name, (path) => bundleHandler(path, { entryPath: entryPathOf(name) }));
  return join(directory, 'index.mjs');
}

/**
 * Makes a bundle once. A test run makes all bundles before its first test; another process makes its own, and removes it
 * when the process ends.
 *
 * @returns the directory of the bundle
 */
export function makeOnce(name: string, bundleInto: (directory: string) => void): string {
  const made = process.env[BUNDLES_VARIABLE];
  if (made !== undefined) return join(made, name);
  const known = ownDirectories.get(name);
  if (known !== undefined) return known;
  const directory = mkdtempSync(join(tmpdir(), 'retently-token-refresh-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  // Without a handler, a signal ends the process without an `exit` event; people end `npm start` that way.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  bundleInto(directory);
  ownDirectories.set(name, directory);
  return directory;
}
