import { Duration } from 'aws-cdk-lib';
import { ATTEMPT_MIN_SECONDS, dueAfterSeconds } from '../../lambda/contract.ts';

/** Lambda runs an asynchronous event once, and once more a minute after it failed. */
export const ATTEMPTS_PER_TICK = 2;
const RETRY_DELAY_SECONDS = 60;

/** An attempt, and what comes before it: a cold start and the first reads. */
export const MIN_TIMEOUT_SECONDS = ATTEMPT_MIN_SECONDS + 10;

/** The shortest interval whose half has room for a run and its retry. */
export const MIN_INTERVAL_MINUTES = Math.ceil((RETRY_DELAY_SECONDS + ATTEMPTS_PER_TICK * MIN_TIMEOUT_SECONDS) / 30);
/** With a longer interval, a lost run would be noticed too late. */
export const MAX_INTERVAL_MINUTES = 360;

interface Schedule {
  readonly interval: Duration;
  readonly flexibleWindow: Duration;
}

export interface Timing extends Schedule {
  readonly timeout: Duration;
  readonly tokenLifetime: Duration;
}

/** A member that breaks a rule. `requirement` completes the sentence "`path` is X, but must …". */
export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly requirement: string;
  /** The value, if it is not what is found under `path`. */
  readonly value?: unknown;
  /** What to write instead of an unknown member. Its value is not shown: it may be a credential in the wrong place. */
  readonly advice?: string | undefined;
}

/**
 * Returns how long one tick may wait: half of the interval for EventBridge Scheduler to deliver the event, the other half for
 * Lambda to run it and to retry. So a tick is over before the next one begins, apart from the flexible window.
 */
export function eventAge(interval: Duration): Duration {
  return Duration.seconds(interval.toSeconds() / 2);
}

/** Returns the longest run that leaves room for its retry. */
export function longestRunSeconds(interval: Duration): number {
  return Math.floor((eventAge(interval).toSeconds() - RETRY_DELAY_SECONDS) / ATTEMPTS_PER_TICK);
}

/** Returns the longest time without a run if no more than one tick is lost. */
export function silenceMinutes({ interval, flexibleWindow }: Schedule): number {
  return 2 * interval.toMinutes() + flexibleWindow.toMinutes();
}

/** Longest wait for a second tick, so that someone is notified within an hour of the first chance that was missed. */
const LONGEST_SECOND_WAIT_MINUTES = 45;

/**
 * Returns how long the alarm for a due token waits. With short intervals, one lost tick notifies no one. With longer ones, the
 * alarm cannot wait for a second tick.
 */
export function noticeMinutes(schedule: Schedule): number {
  const interval = schedule.interval.toMinutes();
  const noSecondTick = interval + schedule.flexibleWindow.toMinutes();
  return Math.max(noSecondTick, Math.min(silenceMinutes(schedule), interval + LONGEST_SECOND_WAIT_MINUTES));
}

/**
 * Returns what breaks the rules between members: a tick that ends before the next one, and two chances for every token. The
 * write budget needs no rule here: `dueAfterSeconds` spaces refreshes so that they keep within it, whatever the schedule.
 */
export function findTimingProblems(timing: Timing): readonly Problem[] {
  const { interval, flexibleWindow, timeout, tokenLifetime } = timing;
  const problems: Problem[] = [];
  if (flexibleWindow.toMinutes() >= interval.toMinutes()) {
    const requirement = `be shorter than the interval, which is ${interval.toMinutes()} minutes`;
    problems.push({ path: ['flexibleWindow'], requirement });
  }
  const chancesMinutes = silenceMinutes(timing);
  const lifetimeSeconds = tokenLifetime.toSeconds();
  const dueMinutes = Math.floor((lifetimeSeconds - dueAfterSeconds(lifetimeSeconds)) / 60);
  if (chancesMinutes > dueMinutes) {
    const requirement = `leave every token two chances: two ticks and the flexible window take up to ${chancesMinutes} minutes, and a token that lives for ${lifetimeSeconds} seconds has ${dueMinutes} minutes left when it is due`;
    problems.push({ path: ['interval'], requirement });
  }
  const longestSeconds = longestRunSeconds(interval);
  if (timeout.toSeconds() > longestSeconds) {
    const requirement = `be at most ${longestSeconds} seconds with an interval of ${interval.toMinutes()} minutes: a run and its retry, a minute later, must end within half of that`;
    problems.push({ path: ['timeout'], requirement });
  }
  return problems;
}
