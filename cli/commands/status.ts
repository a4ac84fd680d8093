import { type Deployment, type Fleet, isFleet, nameOf } from '../aws/deployment.ts';
import { findDeployments } from '../aws/find-deployments.ts';
import { findKeeper } from '../aws/find-keeper.ts';
import { overlaps } from '../aws/fleet-tag.ts';
import type { ExitCode } from '../command-error.ts';
import type { StatusOptions } from '../options.ts';
import type { Account } from '../status/account.ts';
import { type FleetStatus, lookAtFleet } from '../status/fleet-status.ts';
import { judge } from '../status/judge.ts';
import { judgeFleet } from '../status/judge-fleet.ts';
import { look } from '../status/look.ts';
import { worstOf } from '../status/rank.ts';
import { renderAccount } from '../status/render-account.ts';
import { renderFleet } from '../status/render-fleet.ts';
import { accountToJson, fleetToJson } from '../status/to-json.ts';
import { terminal } from '../terminal.ts';

/** One secret, one account or fleet, or all that there are. */
export async function status(options: StatusOptions): Promise<ExitCode> {
  const seen = options.secretId === undefined ? await lookAtAll(options) : [await lookAtOne(options)];
  if (options.json) {
    terminal.result(JSON.stringify(seen.map((each) => toJson(each, options))));
  } else {
    terminal.result(seen.map((each) => render(each, options)).join('\n\n'));
  }
  return worstOf(seen.map((each) => toExitCode(each, options)));
}

async function lookAtOne(options: StatusOptions): Promise<Account> {
  const keeper = await terminal.progress('Looking for the stack', findKeeper(options, options));
  return await terminal.progress('Looking', look(keeper, options));
}

async function lookAtAll(options: StatusOptions): Promise<readonly (Account | FleetStatus)[]> {
  const deployments = await terminal.progress('Looking for stacks', findDeployments(options, options));
  const looking = Promise.all(deployments.map((each) => (isFleet(each) ? each : look({ deployment: each }, options))));
  const seen: (Account | FleetStatus)[] = [];
  for (const each of await terminal.progress('Looking', looking)) {
    // One fleet after the other: each has its secrets asked, several at once.
    seen.push('tag' in each ? await lookAtFleet(each, findSharing(each, deployments), options) : each);
  }
  return seen;
}

function findSharing(fleet: Fleet, deployments: readonly Deployment[]): readonly string[] {
  const sharing = deployments.filter((each) => each !== fleet && isFleet(each) && overlaps(each.tag, fleet.tag));
  return sharing.map(nameOf);
}

function render(seen: Account | FleetStatus, options: StatusOptions): string {
  return 'fleet' in seen ? renderFleet(seen, options) : renderAccount(seen, options);
}

function toJson(seen: Account | FleetStatus, options: StatusOptions): object {
  return 'fleet' in seen ? fleetToJson(seen, options) : accountToJson(seen, options);
}

function toExitCode(seen: Account | FleetStatus, options: StatusOptions): ExitCode {
  return ('fleet' in seen ? judgeFleet(seen, options) : judge(seen, options)).exitCode;
}
