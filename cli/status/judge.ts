import { ACTIONS, type Action, ALARM_KINDS, type Health, toRunbookEntry } from '../../lambda/contract.ts';
import type { FaultCode } from '../../lambda/core/fault.ts';
import { judgeFault } from '../../lambda/core/health.ts';
import type { FunctionResult } from '../aws/invoke-function.ts';
import type { Watch } from '../aws/watch.ts';
import { EXIT, type ExitCode } from '../command-error.ts';
import type { Account } from './look-at-account.ts';

/** Judgment of health by the function, with the findings of the command line. */
export interface Judgment {
  readonly exitCode: ExitCode;
  readonly health: Health;
  readonly action: Action;
  /** Sentence that explains the judgment. Nothing depends on its wording. */
  readonly reason: string;
  /** Instruction for a person. @default the one of the action */
  readonly instruction?: string;
  /** Command to run when the action is done; absent if there is nothing to do or no command helps. */
  readonly command?: string;
  readonly runbook?: string;
}

/** Judges one account. The most important problem comes first. */
export function judge(account: Account): Judgment {
  const { invoked, watch } = account;
  if (typeof invoked === 'string') return toUnknown(invoked);
  if (invoked.kind === 'throttled') return judgeThrottled(account);
  const isOfFleet = account.secret !== undefined;
  const found = invoked.kind === 'fault' ? judgeFailed(account, invoked.code) : judgeResult(account, invoked.result);
  if (found !== undefined) return found;
  return judgeWatch(watch, isOfFleet) ?? judgeUnseen(watch) ?? toHealthy(invoked);
}

function judgeThrottled({ commands }: Account): Judgment {
  return toAttention('restoreConcurrency', {
    reason:
      'Lambda throttles the function: its reserved concurrency, or the concurrency of the AWS account, is used up.',
    command: commands.restoreConcurrency,
    runbook: toRunbookEntry('FailedRuns'),
  });
}

function judgeFailed(account: Account, code: string): Judgment {
  const { action, reason } = judgeFault(toFaultCode(code));
  const runbook = toRunbookEntry(code);
  if (NOT_FOR_AUTHORIZE.has(code)) {
    const instruction = 'Restore or correct the secret as the message above says, then refresh:';
    return toAttention(action, { reason, instruction, command: account.commands.refresh, runbook });
  }
  return toAttention(action, { reason, command: commandFor(action, account), runbook });
}

/** Codes of secrets that `authorize` rejects: it changes neither a value that is not a document, nor a deleted secret. */
const NOT_FOR_AUTHORIZE: ReadonlySet<string> = new Set<FaultCode>(['CREDENTIALS_INVALID', 'SECRET_NOT_FOUND']);

/** Returns a known code. A later version of the function may end with a code that this version does not know. */
export function toFaultCode(code: string): FaultCode | 'UNEXPECTED' {
  const known: Readonly<Record<FaultCode, true>> = {
    CONFIGURATION_INVALID: true,
    EVENT_INVALID: true,
    CREDENTIALS_INVALID: true,
    CREDENTIALS_INCOMPLETE: true,
    SECRET_NOT_FOUND: true,
    STORE_DENIED: true,
    STORE_UNAVAILABLE: true,
    REAUTHORIZATION_REQUIRED: true,
    REAUTHORIZATION_PROBABLE: true,
    CLIENT_REJECTED: true,
    PROVIDER_UNAVAILABLE: true,
    PROVIDER_AMBIGUOUS: true,
    TOKEN_NOT_STORED: true,
    SWEEP_INCOMPLETE: true,
  };
  return isKeyOf(known, code) ? code : 'UNEXPECTED';
}

function isKeyOf<Name extends string>(names: Readonly<Record<Name, unknown>>, name: string): name is Name {
  return Object.hasOwn(names, name);
}

/** Returns `undefined` if the function calls the account healthy. */
function judgeResult(account: Account, result: FunctionResult): Judgment | undefined {
  const { health, details } = result;
  if (health === 'healthy') return undefined;
  if (health === undefined) return judgeOldResult(result);
  const action = ACTIONS.find((each) => each === result.action) ?? 'report';
  const isEmpty = result.decision === 'not-configured';
  const entry = isEmpty ? result.decision : (details?.lastFailure?.code ?? RUNBOOK_ENTRIES[action]);
  return toAttention(action, {
    reason: result.reason ?? '',
    command: commandFor(action, account),
    ...(entry === undefined ? {} : { runbook: toRunbookEntry(entry) }),
  });
}

/** Judges a result of version 0.2.0, which has no health. The advice is to deploy this version. */
function judgeOldResult({ details, secondsRemaining, decision }: FunctionResult): Judgment {
  const isCalm = decision === 'fresh' && secondsRemaining > 0 && !details?.tokenSecret?.isBehind;
  const reason = isCalm
    ? 'The token is valid and not due, but the deployed function is of an earlier version and does not report its health.'
    : 'The deployed function is of an earlier version and does not report its health.';
  return isCalm
    ? { ...toUnknown(reason), command: 'npx cdk deploy' }
    : toAttention('refresh', { reason, command: 'npx cdk deploy' });
}

/** Runbook entries by action, if no attempt has failed. */
export const RUNBOOK_ENTRIES: { readonly [action in Action]?: string } = {
  refresh: 'TokenExpiringSoon',
  reauthorize: 'REAUTHORIZATION_REQUIRED',
  fixClientOrReauthorize: 'REAUTHORIZATION_PROBABLE',
  fixStore: 'TOKEN_NOT_STORED',
  fixTokenSecret: 'TokenSecretUnreadable',
  freeBudget: 'version-budget',
};

/** Returns the command to run after the fix of an action; `undefined` if there is none. */
function commandFor(action: Action, { commands }: Account): string | undefined {
  switch (action) {
    case 'reauthorize':
    case 'fixClient':
    case 'fixClientOrReauthorize':
    case 'restoreSecret':
    case 'freeBudget':
      return commands.authorize;
    case 'askProvider':
    case 'fixNetwork':
      return commands.forceRefresh;
    case 'refresh':
    case 'fixStore':
    case 'fixTokenSecret':
      return commands.refresh;
    case 'fixConfiguration':
      return 'npx cdk deploy';
    default:
      return undefined;
  }
}

function judgeWatch(watch: Watch | undefined, isOfFleet: boolean): Judgment | undefined {
  return judgeSchedule(watch, isOfFleet) ?? judgeAlarms(watch);
}

/** Judges the schedule: disabled, or without a tick for three intervals. */
export function judgeSchedule(watch: Watch | undefined, isOfFleet: boolean): Judgment | undefined {
  const runbook = toRunbookEntry(isOfFleet ? 'SweepSilent' : 'TokenExpiringSoon');
  const disabled = watch?.schedules?.find(({ isEnabled }) => !isEnabled);
  if (disabled !== undefined) {
    return toAttention('enableSchedule', { reason: `The schedule ${disabled.name} is disabled.`, runbook });
  }
  const silent = watch?.schedules?.find(({ isSilent }) => isSilent);
  if (silent === undefined) return undefined;
  return toAttention('checkSchedule', {
    reason: `The schedule ${silent.name} has missed three ticks or more.`,
    runbook,
  });
}

export function judgeAlarms(watch: Watch | undefined): Judgment | undefined {
  const on = (watch?.alarms ?? []).filter(({ isOn }) => isOn);
  const kind = ALARM_KINDS.find((each) => on.some((alarm) => alarm.kind === each));
  if (kind === undefined) return undefined;
  const reason = on.length === 1 ? 'An alarm is on.' : `${on.length} alarms are on.`;
  return toAttention('checkAlarms', { reason, runbook: toRunbookEntry(kind) });
}

/** Judges parts that could not be read, which never count as healthy. */
export function judgeUnseen(watch: Watch | undefined): Judgment | undefined {
  const [problem] = watch?.problems ?? [];
  return problem === undefined ? undefined : toUnknown(problem);
}

function toHealthy(invoked: Exclude<Account['invoked'], string>): Judgment {
  const isWaiting = invoked.kind === 'result' && invoked.result.action === 'wait';
  const reason = (invoked.kind === 'result' && invoked.result.reason) || 'The access token is valid.';
  return { exitCode: EXIT.done, health: 'healthy', action: isWaiting ? 'wait' : 'none', reason };
}

export function toUnknown(reason: string): Judgment {
  return { exitCode: EXIT.unable, health: 'unknown', action: 'none', reason };
}

export function toAttention(
  action: Action,
  { command, ...rest }: { reason: string; instruction?: string; command?: string | undefined; runbook?: string },
): Judgment {
  const named = command === undefined ? {} : { command };
  return { exitCode: EXIT.attention, health: 'attention', action, ...rest, ...named };
}
