import { ALARM_KINDS, toRunbookEntry } from '../../lambda/contract.ts';
import type { FunctionResult } from '../aws/invoke-function.ts';
import type { Watch } from '../aws/watch.ts';
import { EXIT, type ExitCode } from '../command-error.ts';
import { formatInstant } from './format.ts';
import type { Account } from './look-at-account.ts';

/** What to do now, in a sentence. */
export interface Judgement {
  readonly exitCode: ExitCode;
  readonly sentence: string;
  /** The same in a few words, for a table. */
  readonly brief: string;
  /** What to type, one after the other. */
  readonly commands?: readonly string[];
  /** Where the rest stands. */
  readonly runbook?: string;
}

/** So many attempts fail one after the other only if something lasts. */
const LASTING_ATTEMPTS = 3;

/** The grant is dead, or looks as if it were. */
const GRANT_CODES = new Set(['REAUTHORIZATION_REQUIRED', 'REAUTHORIZATION_PROBABLE']);

/** A pure function of all that is known: what is worst comes first. */
export function judge(account: Account): Judgement {
  const { invoked, watch } = account;
  if (typeof invoked === 'string') return { exitCode: EXIT.unable, sentence: invoked, brief: invoked };
  const found =
    invoked.kind === 'fault'
      ? judgeFault(invoked.code, account)
      : (judgeResult(invoked.result, account) ?? judgeWatch(watch, account.secret !== undefined));
  if (found !== undefined) return found;
  const [problem] = watch?.problems ?? [];
  if (problem !== undefined) {
    const sentence = `The token is fine, but not everything could be seen. ${problem}`;
    return { exitCode: EXIT.unable, sentence, brief: 'nothing' };
  }
  return { exitCode: EXIT.done, sentence: 'Nothing.', brief: 'nothing' };
}

function judgeFault(code: string, account: Account): Judgement {
  const runbook = toRunbookEntry(code);
  const { authorize, forceRefresh } = account.commands;
  if (GRANT_CODES.has(code)) {
    const sentence =
      'Force one refresh, for a refusal may pass. If it is refused too, authorize the application again.';
    const commands = [forceRefresh, authorize];
    return { exitCode: EXIT.attention, sentence, brief: 'force a refresh, or authorize', commands, runbook };
  }
  if (code === 'CREDENTIALS_INCOMPLETE') {
    const sentence = 'Authorize the application at Retently: credentials are missing.';
    return { exitCode: EXIT.attention, sentence, brief: 'authorize', commands: [authorize], runbook };
  }
  return { exitCode: EXIT.attention, sentence: 'Do what the message says.', brief: 'do what it says', runbook };
}

function judgeResult(result: FunctionResult, account: Account): Judgement | undefined {
  const { decision, details, secondsRemaining } = result;
  const failure = details?.lastFailure;
  const { authorize, refresh } = account.commands;
  if (decision === 'not-configured') {
    const runbook = toRunbookEntry('not-configured');
    const sentence = 'Authorize the application at Retently: the secret has no value yet.';
    return { exitCode: EXIT.attention, sentence, brief: 'authorize', commands: [authorize], runbook };
  }
  if (decision === 'rejected') {
    const code = failure?.code ?? 'REAUTHORIZATION_REQUIRED';
    if (GRANT_CODES.has(code)) return judgeFault(code, account);
    const sentence = 'Correct what Retently refused.';
    return { exitCode: EXIT.attention, sentence, brief: 'correct what was refused', runbook: toRunbookEntry(code) };
  }
  if (details?.isAnswerUnsaved) {
    const sentence = 'Do not deploy. Mend the access to the secret, then refresh.';
    const runbook = toRunbookEntry('TOKEN_NOT_STORED');
    const brief = 'do not deploy; mend its access, then refresh';
    return { exitCode: EXIT.attention, sentence, brief, commands: [refresh], runbook };
  }
  if (failure && GRANT_CODES.has(failure.code)) return judgeFault(failure.code, account);
  if (failure && failure.attempts >= LASTING_ATTEMPTS) {
    const next = failure.retryAt === undefined ? '' : ` The next attempt is at ${formatInstant(failure.retryAt)}.`;
    const sentence = `Look why ${failure.attempts} attempts failed.${next}`;
    return { exitCode: EXIT.attention, sentence, brief: 'look why it fails', runbook: toRunbookEntry(failure.code) };
  }
  if (secondsRemaining === 0) {
    const sentence = 'Refresh now: there is no bearer token that lives.';
    const runbook = toRunbookEntry(account.secret === undefined ? 'TokenExpiringSoon' : 'TokenOverdue');
    return { exitCode: EXIT.attention, sentence, brief: 'refresh', commands: [refresh], runbook };
  }
  if (!details?.tokenSecret?.isBehind) return undefined;
  const sentence = 'Refresh now: the token secret is behind, and a refresh mends it or says why it cannot.';
  const runbook = toRunbookEntry('TokenSecretBehind');
  return { exitCode: EXIT.attention, sentence, brief: 'refresh', commands: [refresh], runbook };
}

function judgeWatch(watch: Watch | undefined, isOfFleet: boolean): Judgement | undefined {
  return judgeSchedule(watch, isOfFleet) ?? judgeAlarms(watch);
}

export function judgeSchedule(watch: Watch | undefined, isOfFleet: boolean): Judgement | undefined {
  const disabled = watch?.schedules?.find(({ isEnabled }) => !isEnabled);
  if (disabled === undefined) return undefined;
  const sentence = `Enable the schedule ${disabled.name}: without it nobody looks after the token.`;
  const runbook = toRunbookEntry(isOfFleet ? 'SweepSilent' : 'TokenExpiringSoon');
  return { exitCode: EXIT.attention, sentence, brief: 'enable the schedule', runbook };
}

export function judgeAlarms(watch: Watch | undefined): Judgement | undefined {
  const on = (watch?.alarms ?? []).filter(({ isOn }) => isOn);
  if (on.length === 0) return undefined;
  const kind = ALARM_KINDS.find((each) => on.some((alarm) => alarm.kind === each));
  const sentence = `Look at ${on.length === 1 ? 'the alarm that is' : `the ${on.length} alarms that are`} on.`;
  const runbook = kind === undefined ? {} : { runbook: toRunbookEntry(kind) };
  return { exitCode: EXIT.attention, sentence, brief: 'look at the alarms', ...runbook };
}
