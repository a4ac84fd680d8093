import type { Action } from '../../lambda/contract.ts';
import { nameOf } from '../aws/deployment.ts';
import type { FunctionResult } from '../aws/invoke-function.ts';
import type { Watch } from '../aws/watch.ts';
import { EXIT } from '../command-error.ts';
import { type Style, terminal } from '../terminal/terminal.ts';
import { formatAge, formatBar, formatInstant, formatSeconds } from './format.ts';
import type { Judgment } from './judge.ts';
import type { Account } from './look-at-account.ts';

const LABEL_WIDTH = 11;

/** Renders the state of one account and the next step. */
export function renderAccount(account: Account, judgment: Judgment): string {
  const { deployment, secret, invoked, watch, nowMs } = account;
  const title = secret === undefined ? nameOf(deployment) : `${nameOf(deployment)}: ${secret.name}`;
  const lines = [terminal.paint('bold', title)];
  if (typeof invoked !== 'string') {
    lines.push(
      ...(invoked.kind === 'result' ? describeResult(invoked.result, nowMs) : [line('Fault', describeFault(invoked))]),
    );
  }
  lines.push(...describeWatch(watch, nowMs), ...describeJudgment(judgment));
  return lines.join('\n');
}

/** Describes why there is no state. */
export function describeFault(invoked: Exclude<Exclude<Account['invoked'], string>, { kind: 'result' }>): string {
  const code = invoked.kind === 'fault' ? invoked.code : 'THROTTLED';
  return `${terminal.paint('red', code)}: ${invoked.message}`;
}

function describeGrant(expiresAt: string, nowMs: number): string {
  const instant = formatInstant(expiresAt);
  return Date.parse(expiresAt) > nowMs
    ? `the refresh token expires on ${instant}`
    : `Retently stated that the refresh token expires on ${instant}; the next refresh shows whether it still works`;
}

function describeResult(result: FunctionResult, nowMs: number): string[] {
  const { details } = result;
  const lines = [line('Token', describeToken(result))];
  if (details === undefined) return [...lines, line('Message', result.message)];
  const { refreshedAt, dueAt, refreshTokenExpiresAt, journal, lastFailure, versionsUsed, versionsBudget } = details;
  const refreshed = refreshedAt === null ? 'never, or not recorded in the secret' : formatAge(refreshedAt, nowMs);
  lines.push(line('Refreshed', `${refreshed}; ${describeDue(dueAt, nowMs)}`));
  if (refreshTokenExpiresAt !== undefined) lines.push(line('Grant', describeGrant(refreshTokenExpiresAt, nowMs)));
  lines.push(line('Journal', journal));
  if (lastFailure !== null) {
    const { code, at, attempts, retryAt } = lastFailure;
    const retry = retryAt === undefined ? '' : `; the next attempt ${formatAge(retryAt, nowMs)}`;
    const times = attempts === 1 ? 'once' : `${attempts} times`;
    lines.push(line('Failure', `${terminal.paint('red', code)} ${formatAge(at, nowMs)}, ${times}${retry}`));
    lines.push(line('', lastFailure.advice));
  } else {
    lines.push(line('Failure', 'none since the last refresh'));
  }
  if (details.tokenSecret) {
    const { secretId, problem } = details.tokenSecret;
    const state = problem === null ? 'in sync' : `${terminal.paint('red', 'STALE')}. ${problem}`;
    lines.push(line('Readers', `${secretId}: ${state}`));
  }
  return [...lines, line('Versions', `${versionsUsed} of ${versionsBudget} in the last 24 hours`)];
}

function describeToken({ secondsRemaining, expiresAt, details }: FunctionResult): string {
  if (expiresAt === null) return terminal.paint('red', 'none, or its lifetime is unknown');
  const lifetimeSeconds =
    typeof details?.refreshedAt === 'string' ? (Date.parse(expiresAt) - Date.parse(details.refreshedAt)) / 1000 : 0;
  const share = lifetimeSeconds > 0 ? secondsRemaining / lifetimeSeconds : 0;
  if (secondsRemaining === 0) return terminal.paint('red', `${formatBar(0)} expired on ${formatInstant(expiresAt)}`);
  const bar = lifetimeSeconds > 0 ? `${terminal.paint(toStyle(share), formatBar(share))} ` : '';
  const whole = lifetimeSeconds > 0 ? ` of ${formatSeconds(lifetimeSeconds)}` : '';
  return `${bar}${formatSeconds(secondsRemaining)}${whole} left, until ${formatInstant(expiresAt)}`;
}

function toStyle(share: number): Style {
  if (share >= 0.5) return 'green';
  return share >= 0.25 ? 'yellow' : 'red';
}

function describeDue(dueAt: string | null, nowMs: number): string {
  if (dueAt === null) return 'due now';
  return Date.parse(dueAt) > nowMs ? `due ${formatAge(dueAt, nowMs)}` : `due since ${formatInstant(dueAt)}`;
}

/** Describes alarms and schedule. What was not read, or is not there, has a line too: its absence must not look healthy. */
export function describeWatch(watch: Watch | undefined, nowMs: number): string[] {
  if (watch === undefined) {
    return [line('Not read', terminal.paint('yellow', 'alarms, schedule and ticks, because the stack is not known'))];
  }
  const { alarms, schedules, lastTickAt, problems } = watch;
  const lines: string[] = [];
  const lastTick =
    lastTickAt === undefined ? 'no tick in the last 3 hours' : `last tick ${formatAge(lastTickAt, nowMs)}`;
  for (const { isEnabled, expression } of schedules ?? []) {
    const state = isEnabled ? 'enabled' : terminal.paint('red', 'DISABLED');
    lines.push(line('Schedule', `${state}, ${expression}; ${lastTick}`));
  }
  if (schedules?.length === 0) {
    lines.push(line('Schedule', `${terminal.paint('yellow', 'none in the stack invokes the function')}; ${lastTick}`));
  }
  if (alarms !== undefined && alarms.length > 0) lines.push(line('Alarms', describeAlarms(alarms)));
  return [...lines, ...problems.map((problem) => line('Not read', terminal.paint('yellow', problem)))];
}

function describeAlarms(alarms: NonNullable<Watch['alarms']>): string {
  const on = alarms.filter(({ isOn }) => isOn);
  if (on.length === 0) return `none of ${alarms.length} is on`;
  return terminal.paint('red', on.map(({ name }) => name).join(', '));
}

/** Instructions by action. The matching command is printed with them. */
const INSTRUCTIONS: Readonly<Record<Action, string>> = {
  none: 'Nothing.',
  wait: 'Nothing: the next tick continues.',
  refresh: 'Refresh the token:',
  reauthorize: 'Authorize the application:',
  fixClient: 'Authorize the application with the right client ID and client secret:',
  fixClientOrReauthorize: 'Authorize the application with the right client secret:',
  fixStore: 'Fix access to the secret or its KMS key, then refresh. Do not deploy while tokens wait to be stored:',
  fixNetwork: 'Let the function reach the token endpoint, then force one refresh:',
  fixConfiguration: 'Correct the options, then deploy:',
  fixTokenSecret: 'Fix the token secret as described above, then refresh:',
  restoreSecret: 'Run the command in the message above, or authorize the application:',
  freeBudget:
    'Stop whatever writes versions. If the token expires before there is room again, authorize the application:',
  askProvider: 'Ask Retently why requests are not answered, then force one refresh:',
  report: 'Report this problem.',
  enableSchedule: 'Enable the schedule, as the runbook describes.',
  restoreConcurrency: "Remove the function's reserved concurrency:",
  checkSchedule: 'Find out why the schedule does not invoke the function, as the runbook describes.',
  checkAlarms: 'Follow the runbook of the alarm.',
};

export function describeJudgment(judgment: Judgment): string[] {
  const { exitCode, health, action, reason, command, runbook } = judgment;
  const style = exitCode === EXIT.done ? 'green' : exitCode === EXIT.attention ? 'red' : 'yellow';
  const instruction =
    health === 'unknown'
      ? 'Fix what could not be read, then run this command again.'
      : (judgment.instruction ?? INSTRUCTIONS[action]);
  const lines = [line('Health', `${terminal.paint(style, health)}. ${reason}`), line('Do now', instruction)];
  if (command !== undefined) lines.push(line('', command));
  if (runbook !== undefined) lines.push(line('', runbook));
  return lines;
}

export function line(label: string, text: string): string {
  return `  ${terminal.paint('dim', label.padEnd(LABEL_WIDTH))}${text}`;
}
