import { findDeployments } from '../aws/find-deployments.ts';
import { EXIT, type ExitCode } from '../command-error.ts';
import type { CommonOptions } from '../options.ts';
import { type Account, nameOf } from '../status/account.ts';
import { judge } from '../status/judge.ts';
import { look } from '../status/look.ts';
import { renderAccount } from '../status/render-account.ts';
import { terminal } from '../terminal.ts';

/** One account, or all that there are. */
export async function status(options: CommonOptions): Promise<ExitCode> {
  const deployments = await terminal.progress('Looking for stacks', findDeployments(options, options));
  const looking = Promise.all(deployments.map((each) => look(each, options)));
  const accounts = await terminal.progress('Looking', looking);
  if (options.json) terminal.result(JSON.stringify(accounts.map((account) => toJson(account, options))));
  else terminal.result(accounts.map((account) => renderAccount(account, options)).join('\n\n'));
  return worst(accounts.map((account) => judge(account, options).exitCode));
}

/** What somebody should look at matters more than what could not be seen. */
function worst(codes: readonly ExitCode[]): ExitCode {
  return [EXIT.attention, EXIT.unable].find((code) => codes.includes(code)) ?? EXIT.done;
}

function toJson(account: Account, options: CommonOptions): object {
  const { deployment, invoked, watch } = account;
  const { exitCode, ...advice } = judge(account, options);
  return {
    account: nameOf(deployment),
    functionName: deployment.refreshFunction.name,
    health: exitCode === EXIT.done ? 'healthy' : exitCode === EXIT.attention ? 'attention' : 'unknown',
    advice,
    status: typeof invoked !== 'string' && invoked.kind === 'result' ? invoked.result : null,
    fault:
      typeof invoked !== 'string' && invoked.kind === 'fault' ? { code: invoked.code, message: invoked.message } : null,
    watch: watch ?? null,
  };
}
