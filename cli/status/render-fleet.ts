import { nameOf } from '../aws/deployment.ts';
import { formatTag } from '../aws/fleet-tag.ts';
import type { FunctionResult } from '../aws/invoke-function.ts';
import { EXIT } from '../command-error.ts';
import { type Row, renderColumns } from '../terminal/tables.ts';
import { terminal } from '../terminal/terminal.ts';
import { formatAge, formatSeconds } from './format.ts';
import type { Judgment } from './judge.ts';
import type { FleetStatus } from './look-at-fleet.ts';
import { countHealth, type JudgedAccount, nameOfSecret, toState } from './rank.ts';
import { describeFault, describeJudgment, describeWatch, line } from './render-account.ts';

/** Maximum lines of a short table, because a fleet may have thousands of healthy secrets. */
const SHORT_TABLE = 20;
const HEAD: Row = { cells: ['Secret', 'State', 'Token left', 'Due', 'Action'], style: 'dim' };

/** Renders the number of healthy secrets, the other secrets, and the next step. */
export function renderFleet(status: FleetStatus, judgment: Judgment, isAll: boolean): string {
  const { fleet, secrets, watch, nowMs } = status;
  const ranked = typeof secrets === 'string' ? [] : secrets;
  const lines = [terminal.paint('bold', nameOf(fleet)), line('Tag', formatTag(fleet.tag)), ...describeShared(status)];
  if (typeof secrets !== 'string') lines.push(line('Secrets', describeSecrets(ranked, status.replicas)));
  lines.push(...describeWatch(watch, nowMs));
  if (ranked.length > 0) lines.push('', ...renderTable(ranked, nowMs, isAll), '');
  const [worst] = ranked;
  if (worst !== undefined && judgment.exitCode !== EXIT.done) lines.push(...describeWorstFault(worst));
  return [...lines, ...describeJudgment(judgment)].join('\n');
}

function describeShared({ sharedWith }: FleetStatus): string[] {
  if (sharedWith.length === 0) return [];
  const text = `with ${sharedWith.join(', ')}: it has the same tag. This is harmless, because a secret's history is its lock, but it doubles the cost.`;
  return [line('Shared', terminal.paint('yellow', text))];
}

function describeSecrets(ranked: readonly JudgedAccount[], replicas: number): string {
  const copies = replicas === 0 ? '' : `; skipped replicas of another region: ${replicas}`;
  if (ranked.length === 0) return `${terminal.paint('red', 'none')}${copies}`;
  const { healthy, attention, unknown } = countHealth(ranked);
  const parts = [
    `${healthy} healthy`,
    terminal.paint(attention > 0 ? 'red' : 'green', `${attention} ${attention === 1 ? 'needs' : 'need'} attention`),
    terminal.paint(unknown > 0 ? 'yellow' : 'green', `${unknown} unknown`),
  ];
  return `${ranked.length}: ${parts.join(', ')}${copies}`;
}

function renderTable(ranked: readonly JudgedAccount[], nowMs: number, isAll: boolean): readonly string[] {
  const ill = ranked.filter(({ judgment }) => judgment.exitCode !== EXIT.done).length;
  const shown = isAll ? ranked : ranked.slice(0, Math.max(ill, SHORT_TABLE));
  const lines = renderColumns([HEAD, ...shown.map((each) => toRow(each, nowMs))]);
  const hidden = ranked.length - shown.length;
  const rest = hidden === 0 ? [] : [terminal.paint('dim', `Healthy and not shown: ${hidden}. --all shows them.`)];
  return [...lines, ...rest].map((text) => `  ${text}`);
}

function toRow({ account, judgment }: JudgedAccount, nowMs: number): Row {
  const { invoked } = account;
  const style = judgment.exitCode === EXIT.attention ? 'red' : judgment.exitCode === EXIT.unable ? 'yellow' : undefined;
  const cells = [nameOfSecret(account), toState({ account, judgment })];
  if (typeof invoked === 'string' || invoked.kind !== 'result') {
    return { cells: [...cells, '–', '–', judgment.action], style };
  }
  const { secondsRemaining, details } = invoked.result;
  const left = secondsRemaining > 0 ? formatSeconds(secondsRemaining) : 'none';
  return { cells: [...cells, left, describeDue(details, nowMs), judgment.action], style };
}

function describeDue(details: FunctionResult['details'], nowMs: number): string {
  if (details === undefined) return '–';
  return details.dueAt === null ? 'now' : formatAge(details.dueAt, nowMs);
}

/** Describes the fault of the worst secret, if the function could not read it. */
function describeWorstFault({ account }: JudgedAccount): string[] {
  const { invoked } = account;
  if (typeof invoked === 'string' || invoked.kind === 'result') return [];
  return [line('Fault', `${nameOfSecret(account)}: ${describeFault(invoked)}`)];
}
