import { nameOf } from '../aws/deployment.ts';
import type { Judgment } from './judge.ts';
import type { Account } from './look-at-account.ts';
import type { FleetStatus } from './look-at-fleet.ts';
import { countHealth, type JudgedAccount, toState } from './rank.ts';

export function accountToJson(account: Account, judgment: Judgment): object {
  const { deployment, secret, invoked, watch } = account;
  return {
    account: nameOf(deployment),
    ...(secret === undefined ? {} : { secret: secret.name }),
    functionName: deployment.refreshFunction.name,
    ...judgmentToJson(judgment),
    ...invokedToJson(invoked),
    watch: watch ?? null,
  };
}

/** Returns the JSON of a fleet. `secrets` contains all secrets, worst first. */
export function fleetToJson(status: FleetStatus, judgment: Judgment): object {
  const { fleet, secrets, replicas, watch, sharedWith } = status;
  return {
    fleet: nameOf(fleet),
    tag: { key: fleet.tag.key, value: fleet.tag.value ?? null },
    sharedWith,
    functionName: fleet.refreshFunction.name,
    ...judgmentToJson(judgment),
    counts: typeof secrets === 'string' ? null : countHealth(secrets),
    secrets: typeof secrets === 'string' ? null : secrets.map(secretToJson),
    replicas,
    watch: watch ?? null,
  };
}

function secretToJson({ account, judgment }: JudgedAccount): object {
  const { secret, invoked } = account;
  return {
    secret: secret?.name,
    secretId: secret?.arn,
    state: toState({ account, judgment }),
    ...judgmentToJson(judgment),
    ...invokedToJson(invoked),
  };
}

/** Returns the JSON of a judgment. `advice` has the names of version 0.2.0. */
function judgmentToJson({ health, action, reason, command, runbook }: Judgment): object {
  const commands = command === undefined ? [] : [command];
  return {
    health,
    action,
    reason,
    advice: { sentence: reason, commands, ...(runbook === undefined ? {} : { runbook }) },
  };
}

function invokedToJson(invoked: Account['invoked']): object {
  if (typeof invoked === 'string') return { status: null, fault: null };
  if (invoked.kind === 'result') return { status: invoked.result, fault: null };
  const code = invoked.kind === 'fault' ? invoked.code : 'THROTTLED';
  return { status: null, fault: { code, message: invoked.message } };
}
