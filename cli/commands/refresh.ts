import type { RefreshTarget } from '../aws/deployment.ts';
import { findRefreshTarget } from '../aws/find-refresh-target.ts';
import { type Invoked, invokeFunction } from '../aws/invoke-function.ts';
import type { AwsSession } from '../aws/session.ts';
import { EXIT, type ExitCode } from '../command-error.ts';
import type { RefreshOptions } from '../options.ts';
import { judge } from '../status/judge.ts';
import { lookAtAccount } from '../status/look-at-account.ts';
import { describeFault, renderAccount } from '../status/render-account.ts';
import { interruption } from '../terminal/interruption.ts';
import { terminal } from '../terminal/terminal.ts';

/** Outcomes that leave a valid access token. */
const GOOD_OUTCOMES = new Set(['refreshed', 'fresh', 'adopted']);

interface ShownRefresh {
  readonly isForced: boolean;
  readonly isJson: boolean | undefined;
  /** Further members of the JSON. */
  readonly extra?: object;
}

export async function refresh(session: AwsSession, options: RefreshOptions): Promise<ExitCode> {
  const target = await terminal.progress('Looking for the stack', findRefreshTarget(session, options));
  interruption.wouldMean("A refresh that the function has begun continues. To see its result, run 'status'.");
  return await showRefresh(session, target, { isForced: options.force === true, isJson: options.json });
}

/** Invokes one refresh, and shows its outcome and the state after it. */
export async function showRefresh(
  session: AwsSession,
  target: RefreshTarget,
  { isForced, isJson, extra }: ShownRefresh,
): Promise<ExitCode> {
  const force = isForced ? ({ force: true } as const) : {};
  const asked = invokeFunction(session, target, { action: 'refresh', ...force });
  const invoked = await terminal.progress('Refreshing', asked);
  if (isJson) {
    terminal.result(JSON.stringify({ ...extra, ...toJson(invoked) }));
  } else {
    terminal.result(`${describe(invoked)}\n`);
    const account = await terminal.progress('Reading the state', lookAtAccount(session, target));
    terminal.result(renderAccount(account, judge(account)));
  }
  return toExitCode(invoked.kind === 'result' ? invoked.result.outcome : invoked.kind);
}

/** Returns the exit code for the outcome of a refresh, or for the code of its failure. */
export function toExitCode(ending: string): ExitCode {
  return GOOD_OUTCOMES.has(ending) ? EXIT.done : EXIT.attention;
}

function describe(invoked: Invoked): string {
  if (invoked.kind !== 'result') return describeFault(invoked);
  const { outcome, message } = invoked.result;
  const isGood = GOOD_OUTCOMES.has(outcome);
  return `${terminal.paint(isGood ? 'green' : 'yellow', outcome)}: ${message}`;
}

function toJson(invoked: Invoked): object {
  return invoked.kind === 'result'
    ? { result: invoked.result, fault: null }
    : {
        result: null,
        fault: { code: invoked.kind === 'fault' ? invoked.code : 'THROTTLED', message: invoked.message },
      };
}
