import { type Deployment, type Fleet, isFleet, nameOf } from '../aws/deployment.ts';
import { findDeployments } from '../aws/find-deployments.ts';
import { findRefreshTarget } from '../aws/find-refresh-target.ts';
import { overlaps } from '../aws/fleet-tag.ts';
import type { AwsSession } from '../aws/session.ts';
import type { ExitCode } from '../command-error.ts';
import type { StatusOptions } from '../options.ts';
import { judge } from '../status/judge.ts';
import { judgeFleet } from '../status/judge-fleet.ts';
import { type Account, lookAtAccount } from '../status/look-at-account.ts';
import { type FleetStatus, lookAtFleet } from '../status/look-at-fleet.ts';
import { worstOf } from '../status/rank.ts';
import { renderAccount } from '../status/render-account.ts';
import { renderFleet } from '../status/render-fleet.ts';
import { accountToJson, fleetToJson } from '../status/to-json.ts';
import { terminal } from '../terminal/terminal.ts';

/** Output for one account or fleet after it was judged. */
interface Report {
  readonly exitCode: ExitCode;
  readonly json: object;
  render(isAll: boolean): string;
}

/** Shows one secret, one account or fleet, or every deployment in the region. */
export async function status(session: AwsSession, options: StatusOptions): Promise<ExitCode> {
  const seen = options.secretId === undefined ? await lookAtAll(session, options) : [await lookAtOne(session, options)];
  const reports = seen.map((each) => ('fleet' in each ? reportFleet(each) : reportAccount(each)));
  if (options.json) terminal.result(JSON.stringify(reports.map((each) => each.json)));
  else terminal.result(reports.map((each) => each.render(options.all === true)).join('\n\n'));
  return worstOf(reports.map(({ exitCode }) => exitCode));
}

async function lookAtOne(session: AwsSession, options: StatusOptions): Promise<Account> {
  const target = await terminal.progress('Looking for the stack', findRefreshTarget(session, options));
  return await terminal.progress('Reading the state', lookAtAccount(session, target));
}

async function lookAtAll(session: AwsSession, options: StatusOptions): Promise<readonly (Account | FleetStatus)[]> {
  const deployments = await terminal.progress('Looking for stacks', findDeployments(session, options));
  const looking = deployments.map((each) => (isFleet(each) ? each : lookAtAccount(session, { deployment: each })));
  const seen: (Account | FleetStatus)[] = [];
  for (const each of await terminal.progress('Reading the state', Promise.all(looking))) {
    // Fleets are read one by one, because each one invokes the function for several secrets in parallel.
    seen.push('tag' in each ? await lookAtFleet(session, each, findSharing(each, deployments)) : each);
  }
  return seen;
}

function findSharing(fleet: Fleet, deployments: readonly Deployment[]): readonly string[] {
  const sharing = deployments.filter((each) => each !== fleet && isFleet(each) && overlaps(each.tag, fleet.tag));
  return sharing.map(nameOf);
}

function reportAccount(account: Account): Report {
  const judgment = judge(account);
  const json = accountToJson(account, judgment);
  return { exitCode: judgment.exitCode, json, render: () => renderAccount(account, judgment) };
}

function reportFleet(fleet: FleetStatus): Report {
  const judgment = judgeFleet(fleet);
  const json = fleetToJson(fleet, judgment);
  return { exitCode: judgment.exitCode, json, render: (isAll) => renderFleet(fleet, judgment, isAll) };
}
