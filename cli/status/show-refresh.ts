import type { Keeper } from '../aws/deployment.ts';
import { type Invoked, invokeFunction } from '../aws/invoke-function.ts';
import { EXIT, type ExitCode } from '../command-error.ts';
import type { CommonOptions } from '../options.ts';
import { terminal } from '../terminal.ts';
import { look } from './look.ts';
import { renderAccount } from './render-account.ts';

/** The outcomes after which there is a bearer token to use. */
const GOOD_OUTCOMES = new Set(['refreshed', 'fresh', 'adopted']);

/** Invokes one refresh and shows how it ended, and how things stand then. @param extra members of the JSON */
export async function showRefresh(
  keeper: Keeper,
  event: { action: 'refresh'; force?: true },
  options: CommonOptions,
  extra: object = {},
): Promise<ExitCode> {
  const asked = invokeFunction(keeper, event, options);
  const invoked = await terminal.progress('Refreshing', asked);
  if (options.json) {
    terminal.result(JSON.stringify({ ...extra, ...toJson(invoked) }));
  } else {
    terminal.result(`${describe(invoked)}\n`);
    const account = await terminal.progress('Looking', look(keeper, options));
    terminal.result(renderAccount(account, options));
  }
  return invoked.kind === 'result' && GOOD_OUTCOMES.has(invoked.result.outcome) ? EXIT.done : EXIT.attention;
}

function describe(invoked: Invoked): string {
  if (invoked.kind === 'fault') return `${terminal.paint('red', invoked.code)}: ${invoked.message}`;
  const { outcome, message } = invoked.result;
  const isGood = GOOD_OUTCOMES.has(outcome);
  return `${terminal.paint(isGood ? 'green' : 'yellow', outcome)}: ${message}`;
}

function toJson(invoked: Invoked): object {
  return invoked.kind === 'result'
    ? { result: invoked.result, fault: null }
    : { result: null, fault: { code: invoked.code, message: invoked.message } };
}
