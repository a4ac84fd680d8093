import { EXIT, type ExitCode } from '../command-error.ts';
import { type Judgement, judge } from './judge.ts';
import type { Account } from './look-at-account.ts';

/** One secret of a fleet, and what to do about it. */
export interface JudgedAccount {
  readonly account: Account;
  readonly judgement: Judgement;
}

type Health = 'healthy' | 'attention' | 'unknown';

/** What somebody should look at matters more than what could not be seen. */
const WORST_FIRST: readonly ExitCode[] = [EXIT.attention, EXIT.unable, EXIT.done];

/** Worst first: an answer that is in memory alone, then whose token dies first. */
export function rank(accounts: readonly Account[]): readonly JudgedAccount[] {
  const judged = accounts.map((account) => ({ account, judgement: judge(account) }));
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

/** Returns the state of one secret as one word: the code of its failure, or else what a refresh would do now. */
export function toState({ account: { invoked }, judgement }: JudgedAccount): string {
  if (typeof invoked === 'string') return 'not asked';
  if (invoked.kind === 'fault') return invoked.code;
  const { decision, details, secondsRemaining } = invoked.result;
  if (details?.isAnswerUnsaved) return 'TOKEN_NOT_STORED';
  const word = decision === 'attempt' ? 'due' : (decision ?? 'unknown');
  if (judgement.exitCode !== EXIT.attention) return word;
  return details?.lastFailure?.code ?? (decision !== 'not-configured' && secondsRemaining === 0 ? 'expired' : word);
}
