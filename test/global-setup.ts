import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleHandler, entryPathOf, HANDLER_NAMES } from '../infra/bundle/bundle-handler.ts';
import { BUNDLES_VARIABLE } from './sandbox/lambda/bundle.ts';
import { bundleCommandInto, COMMAND } from './support/bundle-command.ts';

/** Variables of the user's environment that lead AWS clients elsewhere, or away from loopback. */
const FOREIGN = /^(?:AWS_(?!SDK_JS_).*|(?:https?|all|no)_proxy|NODE_USE_ENV_PROXY|RETENTLY_CLIENT_.*)$/i;

/**
 * Removes variables that would lead the tests away from loopback. Bundles the functions and the command line once per test run,
 * into a temporary directory of that run.
 *
 * A bundler that runs in the middle of a test would stop the stand-ins of that worker, which then answer late.
 *
 * @returns the teardown, which removes the directory
 */
export default function setUp(): () => void {
  // The workers, and the processes that tests start, inherit the remaining variables.
  for (const name of Object.keys(process.env)) if (FOREIGN.test(name)) delete process.env[name];
  const directory = mkdtempSync(join(tmpdir(), 'retently-token-refresh-'));
  for (const name of HANDLER_NAMES) bundleHandler(join(directory, name), { entryPath: entryPathOf(name) });
  bundleCommandInto(join(directory, COMMAND));
  process.env[BUNDLES_VARIABLE] = directory;
  return () => {
    delete process.env[BUNDLES_VARIABLE];
    rmSync(directory, { recursive: true, force: true });
  };
}
