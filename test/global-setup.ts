import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleHandler, entryPathOf, HANDLER_NAMES } from '../infra/bundle/bundle-handler.ts';
import { BUNDLES_VARIABLE } from './sandbox/lambda/bundle.ts';
import { bundleCommandInto, COMMAND } from './support/bundle-command.ts';

/**
 * Bundles the functions and the command line once per test run, into a temporary directory of that run.
 *
 * A bundler that runs in the middle of a test would stop the stand-ins of that worker, which then answer late.
 *
 * @returns the teardown, which removes the directory
 */
export default function setUp(): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'retently-token-refresh-'));
  for (const name of HANDLER_NAMES) bundleHandler(join(directory, name), { entryPath: entryPathOf(name) });
  bundleCommandInto(join(directory, COMMAND));
  // The workers, and the processes that tests start, inherit the variable.
  process.env[BUNDLES_VARIABLE] = directory;
  return () => {
    delete process.env[BUNDLES_VARIABLE];
    rmSync(directory, { recursive: true, force: true });
  };
}
