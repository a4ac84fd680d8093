import { EXIT, type ExitCode } from '../command-error.ts';
import type { CommonOptions } from '../options.ts';
import type { Account } from './account.ts';
import { type Judgement, judge } from './judge.ts';

/** One secret of a fleet, and what to do about it. */
export interface JudgedAccount {
  readonly account: Account;
  readonly judgement: Judgement;
}

type Health = 'healthy' | 'attention' | 'unknown';

/** What somebody should look at matters more than what could not be seen. */
const WORST_FIRST: readonly ExitCode[] = [EXIT.attention, EXIT.unable, EXIT.done];

/** Worst first: an answer that is in memory alone, then whose token dies first. */
export function rank(accounts: readonly Account[], options: CommonOptions): readonly JudgedAccount[] {
  const judged = accounts.map((account) => ({ account, judgement: judge(account, options) }));
  return judged.sort(
    (one, other) =>
      WORST_FIRST.indexOf(one.judgement.exitCode) - WORST_FIRST.indexOf(other.judgement.exitCode) ||
      secondsToLose(one.account) - secondsToLose(other.account) ||
      nameOfSecret(one.account).localeCompare(nameOfSecret(other.account)),
  );
}

export function worstOf(codes: readonly ExitCode[]): ExitCode {
  return WORST_FIRST.find((code) => codes.includes(code)) ?? EXIT.done;
}

export function countHealth(judged: readonly JudgedAccount[]): Readonly<Record<Health, number>> {
  const counts = { healthy: 0, attention: 0, unknown: 0 };
  for (const { judgement } of judged) counts[toHealth(judgement.exitCode)] += 1;
  return counts;
}

export function toHealth(exitCode: ExitCode): Health {
  if (exitCode === EXIT.done) return 'healthy';
  return exitCode === EXIT.attention ? 'attention' : 'unknown';
}

export function nameOfSecret({ secret }: Account): string {
  return secret?.name ?? '';
}

/** Of what is not known, none. */
function secondsToLose({ invoked }: Account): number {
  if (typeof invoked === 'string' || invoked.kind === 'fault') return 0;
  return invoked.result.details?.isAnswerUnsaved ? -1 : invoked.result.secondsRemaining;
}
