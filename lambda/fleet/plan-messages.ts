import { sha256 } from '../core/fingerprint.ts';
import type { SecretJudgment } from './judge-secret.ts';

/** A message about one secret, and when its run may start. */
export interface Turn {
  readonly arn: string;
  /** Milliseconds since the epoch; `undefined`: as soon as the message is received. */
  readonly startAtMs: number | undefined;
  /** Latest start, in milliseconds since the epoch. A run that cannot start by then leaves the secret to the next sweep. */
  readonly endAtMs: number | undefined;
}

export interface Plan {
  readonly refresh: readonly Turn[];
  /** Turns of secrets whose last attempt failed. They have their own queue, so that they take no run that a healthy secret needs. */
  readonly retry: readonly Turn[];
  /** Secrets that did not fit before the next sweep. */
  readonly deferred: number;
}

export interface PlanOptions {
  readonly nowMs: number;
  readonly refreshesPerSecond: number;
  /** Shortest time until the next sweep is scheduled. */
  readonly sweepSeconds: number;
  /** Messages ready for delivery in each queue. The count of SQS is about a minute old. */
  readonly waiting: { readonly refresh: number; readonly retry: number };
}

/**
 * Time before the next sweep in which no turn starts. EventBridge Scheduler is precise to a minute, and the turns of two sweeps
 * together would start twice as many runs.
 */
const SCHEDULER_SECONDS = 60;

/**
 * Sweeps after which a secret that is still due has had its chances. Its runs leave no trace in the journal, for example because the
 * role may not write to this secret. Thousands of them must not take the turns of secrets that a run can refresh.
 */
const CHANCES = 4;

/** One turn of so many may be a retry's, although healthy secrets need all turns: otherwise, retries might wait for hours. */
const TURNS_PER_RETRY = 5;

/** Maximum number of runs that start without a pace. */
const UNPACED = 10;

/** Maximum delay of a message in SQS. */
const MAX_DELAY_SECONDS = 900;

/** Time by which a message is delivered before its turn. SQS may be a few seconds late, and runs still start evenly. */
const LEAD_MS = 1_500;

/** Maximum lateness of a run. SQS guarantees no bound for a delivery, but rarely takes longer. */
const LATEST_MS = 5 * 60_000;

/** Maximum lateness if the queue is not being emptied: its messages must not all start together when runs start again. */
const LATEST_OF_STANDING_MS = 1_000;
/** A queue that holds messages of more seconds than this is not being emptied. */
const STANDING_SECONDS = 60;

/**
 * Gives each secret that may need a run a turn of its own, most urgent first. Turns are evenly spaced, so that runs never start
 * in step. Secrets in trouble get turns that healthy ones leave, or a fifth of all. Secrets that could not be read, and those that have
 * been due for too long, only get turns that are left. Their order is random, because no run of theirs may ever show, and each of them
 * must get a turn.
 */
export function planMessages(judgments: readonly SecretJudgment[], options: PlanOptions): Plan {
  const { nowMs, refreshesPerSecond, sweepSeconds, waiting } = options;
  const due = judgments.filter(({ turn }) => turn === 'refresh');
  const hasChances = ({ secondsUntilDue }: SecretJudgment) =>
    secondsUntilDue !== undefined && secondsUntilDue >= -CHANCES * sweepSeconds;
  const last = shuffle(
    due.filter((each) => !hasChances(each)),
    nowMs,
  );
  const refresh = [...due.filter(hasChances).sort(byUrgency), ...last];
  const horizonSeconds = Math.min(MAX_DELAY_SECONDS, sweepSeconds - SCHEDULER_SECONDS);
  const retry = judgments
    .filter(({ turn, fromMs }) => turn === 'retry' && fromMs < nowMs + horizonSeconds * 1000)
    .sort((one, other) => one.fromMs - other.fromMs || byUrgency(one, other));
  const startMs = nowMs + LEAD_MS;
  if (refresh.length + retry.length <= UNPACED) {
    return {
      refresh: refresh.map((each) => toUnpaced(each, nowMs)),
      retry: retry.map((each) => toUnpaced(each, nowMs)),
      deferred: 0,
    };
  }
  const slots = Math.floor(horizonSeconds * refreshesPerSecond);
  const slotMs = 1_000 / refreshesPerSecond;
  const toTurn = ({ arn }: SecretJudgment, slot: number, messages: number): Turn => {
    const startAtMs = Math.round(startMs + slot * slotMs);
    const isStanding = messages > STANDING_SECONDS * refreshesPerSecond;
    return { arn, startAtMs, endAtMs: startAtMs + (isStanding ? LATEST_OF_STANDING_MS : LATEST_MS) };
  };
  const slotOf = ({ fromMs }: SecretJudgment) => Math.max(0, Math.ceil((fromMs - startMs) / slotMs));
  const retryTurns: Turn[] = [];
  const otherRetries: SecretJudgment[] = [];
  const taken = new Set<number>();
  let next = 0;
  for (const judgment of retry) {
    const slot = Math.max(next, slotOf(judgment));
    if (slot >= slots) {
      otherRetries.push(judgment);
      continue;
    }
    taken.add(slot);
    retryTurns.push(toTurn(judgment, slot, waiting.retry));
    next = slot + TURNS_PER_RETRY;
  }
  const free = Array.from({ length: slots }, (_, slot) => slot).filter((slot) => !taken.has(slot));
  const first = refresh.slice(0, free.length);
  // SQS might deliver the last messages only after the next sweep. They are sent a second time in turns that are free.
  const again = first.slice(Math.max(0, free.length - LATEST_MS / slotMs));
  const refreshTurns = [...first, ...again].flatMap((judgment) => {
    const slot = free.shift();
    return slot === undefined ? [] : toTurn(judgment, slot, waiting.refresh);
  });
  for (const judgment of otherRetries) {
    const slot = free.find((each) => each >= slotOf(judgment));
    if (slot === undefined) continue;
    free.splice(0, free.indexOf(slot) + 1);
    retryTurns.push(toTurn(judgment, slot, waiting.retry));
  }
  const deferred = refresh.length - first.length + retry.length - retryTurns.length;
  return { refresh: refreshTurns, retry: retryTurns, deferred };
}

/** Returns the delay of a message, in whole seconds: the run waits for the rest. */
export function toDelaySeconds(milliseconds: number): number {
  return Math.min(MAX_DELAY_SECONDS, Math.max(0, Math.floor((milliseconds - LEAD_MS) / 1_000)));
}

/** Returns the judgments in another order at each time. */
function shuffle(judgments: readonly SecretJudgment[], nowMs: number): readonly SecretJudgment[] {
  const keyed = judgments.map((judgment) => ({ judgment, key: sha256(`${nowMs} ${judgment.arn}`) }));
  return keyed.sort((one, other) => (one.key < other.key ? -1 : 1)).map(({ judgment }) => judgment);
}

function byUrgency(one: SecretJudgment, other: SecretJudgment): number {
  // Not a difference: both may be infinite.
  if (one.expiresAtMs === other.expiresAtMs) return one.arn < other.arn ? -1 : 1;
  return one.expiresAtMs < other.expiresAtMs ? -1 : 1;
}

/** Returns a turn without a pace. A run with a back-off starts when the back-off is over. */
function toUnpaced({ arn, fromMs }: SecretJudgment, nowMs: number): Turn {
  return fromMs > nowMs
    ? { arn, startAtMs: fromMs, endAtMs: fromMs + LATEST_MS }
    : { arn, startAtMs: undefined, endAtMs: undefined };
}
