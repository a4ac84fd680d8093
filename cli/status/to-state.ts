import { EXIT } from '../command-error.ts';
import type { JudgedAccount } from './rank.ts';

/** How one secret is, in a word: the code of what is wrong, else what a refresh would do now. */
export function toState({ account: { invoked }, judgement }: JudgedAccount): string {
  if (typeof invoked === 'string') return 'not asked';
  if (invoked.kind === 'fault') return invoked.code;
  const { decision, details, secondsRemaining } = invoked.result;
  if (details?.isAnswerUnsaved) return 'TOKEN_NOT_STORED';
  const word = decision === 'attempt' ? 'due' : (decision ?? 'unknown');
  if (judgement.exitCode !== EXIT.attention) return word;
  return details?.lastFailure?.code ?? (decision !== 'not-configured' && secondsRemaining === 0 ? 'expired' : word);
}
