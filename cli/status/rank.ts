import type { Health } from '../../lambda/contract.ts';
import { EXIT, type ExitCode } from '../command-error.ts';
import { type Judgment, judge } from './judge.ts';
import type { Account } from './look-at-account.ts';

/** Secret of a fleet, with its judgment. */
export interface JudgedAccount {
  readonly account: Account;
  readonly judgment: Judgment;
}

/** Exit codes, worst first: a problem that needs attention outranks a part that could not be read. */
const WORST_FIRST: readonly ExitCode[] = [EXIT.attention, EXIT.unable, EXIT.done];

/** Ranks accounts, worst first: an answer that is only in memory, then the token that expires first. */
export function rank(accounts: readonly Account[]): readonly JudgedAccount[] {
  const judged = accounts.map((account) => ({ account, judgment: judge(account) }));
  return judged.sort(
    (one, other) =>
      WORST_FIRST.indexOf(one.judgment.exitCode) - WORST_FIRST.indexOf(other.judgment.exitCode) ||
      secondsToLose(one.account) - secondsToLose(other.account) ||
      nameOfSecret(one.account).localeCompare(nameOfSecret(other.account)),
  );
}

export function worstOf(codes: readonly ExitCode[]): ExitCode {
  return WORST_FIRST.find((code) => codes.includes(code)) ?? EXIT.done;
}

export function countHealth(judged: readonly JudgedAccount[]): Readonly<Record<Health, number>> {
  const counts = { healthy: 0, attention: 0, unknown: 0 };
  for (const { judgment } of judged) counts[judgment.health] += 1;
  return counts;
}

export function nameOfSecret({ secret }: Account): string {
  return secret?.name ?? '';
}

/** Returns the seconds until the token is lost; 0 if they are not known. */
function secondsToLose({ invoked }: Account): number {
  if (typeof invoked === 'string' || invoked.kind !== 'result') return 0;
  return invoked.result.details?.isAnswerUnsaved ? -1 : invoked.result.secondsRemaining;
}

/** Returns the state of one secret as one word: the code of its failure, or the decision of a refresh. */
export function toState({ account: { invoked }, judgment }: JudgedAccount): string {
  if (typeof invoked === 'string') return 'not checked';
  if (invoked.kind === 'fault') return invoked.code;
  if (invoked.kind === 'throttled') return 'throttled';
  const { decision, details, secondsRemaining } = invoked.result;
  if (details?.isAnswerUnsaved) return 'TOKEN_NOT_STORED';
  const word = decision === 'attempt' ? 'due' : (decision ?? 'unknown');
  if (judgment.exitCode !== EXIT.attention) return word;
  return details?.lastFailure?.code ?? (decision !== 'not-configured' && secondsRemaining === 0 ? 'expired' : word);
}
