import { nameOf } from '../aws/deployment.ts';
import type { CommonOptions } from '../options.ts';
import type { Account } from './account.ts';
import type { FleetStatus } from './fleet-status.ts';
import { type Judgement, judge } from './judge.ts';
import { judgeFleet } from './judge-fleet.ts';
import { countHealth, type JudgedAccount, toHealth } from './rank.ts';
import { toState } from './to-state.ts';

export function accountToJson(account: Account, options: CommonOptions): object {
  const { deployment, secret, invoked, watch } = account;
  return {
    account: nameOf(deployment),
    ...(secret === undefined ? {} : { secret: secret.name }),
    functionName: deployment.refreshFunction.name,
    ...judgementToJson(judge(account, options)),
    ...invokedToJson(invoked),
    watch: watch ?? null,
  };
}

/** `secrets` has all of them, worst first. */
export function fleetToJson(status: FleetStatus, options: CommonOptions): object {
  const { fleet, secrets, replicas, watch, sharedWith } = status;
  return {
    fleet: nameOf(fleet),
    tag: { key: fleet.tag.key, value: fleet.tag.value ?? null },
    sharedWith,
    functionName: fleet.refreshFunction.name,
    ...judgementToJson(judgeFleet(status, options)),
    counts: typeof secrets === 'string' ? null : countHealth(secrets),
    secrets: typeof secrets === 'string' ? null : secrets.map(secretToJson),
    replicas,
    watch,
  };
}

function secretToJson({ account, judgement }: JudgedAccount): object {
  const { secret, invoked } = account;
  return {
    secret: secret?.name,
    secretId: secret?.arn,
    state: toState({ account, judgement }),
    ...judgementToJson(judgement),
    ...invokedToJson(invoked),
  };
}

function judgementToJson({ exitCode, ...advice }: Judgement): object {
  return { health: toHealth(exitCode), advice };
}

function invokedToJson(invoked: Account['invoked']): object {
  if (typeof invoked === 'string') return { status: null, fault: null };
  if (invoked.kind === 'result') return { status: invoked.result, fault: null };
  return { status: null, fault: { code: invoked.code, message: invoked.message } };
}
