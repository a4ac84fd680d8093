import { Duration } from 'aws-cdk-lib';
import { ATTEMPT_MIN_SECONDS, dueAfterSeconds } from '../../lambda/contract.ts';

/** Attempts per tick: Lambda runs an asynchronous event once, and retries it a minute after a failure. */
export const ATTEMPTS_PER_TICK = 2;
const RETRY_DELAY_SECONDS = 60;

/** Minimum timeout: one attempt, after a cold start and the first reads. */
export const MIN_TIMEOUT_SECONDS = ATTEMPT_MIN_SECONDS + 10;

/** Shortest interval that fits a run and its retry into half of it. */
export const MIN_INTERVAL_MINUTES = Math.ceil((RETRY_DELAY_SECONDS + ATTEMPTS_PER_TICK * MIN_TIMEOUT_SECONDS) / 30);
/** Longest interval. With a longer one, a lost run would be noticed too late. */
export const MAX_INTERVAL_MINUTES = 360;

/**
 * Shortest time between two sweeps of a fleet. With less, a sweep has no time to read its secrets: it keeps 45 seconds for their
 * messages. No run starts in the last minute before the next sweep.
 */
const MIN_SWEEP_MINUTES = 6;

interface Schedule {
  readonly interval: Duration;
  readonly flexibleWindow: Duration;
}

export interface Timing extends Schedule {
  readonly timeout: Duration;
  readonly tokenLifetime: Duration;
}

/** Option that breaks a rule. `requirement` completes the sentence "`path` is X, but must …". */
export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly requirement: string;
  /** The value, if it differs from the one at `path`. */
  readonly value?: unknown;
  /** Suggestion for an unknown option. The option's value is not shown, because it may be a misplaced credential. */
  readonly advice?: string | undefined;
}

/**
 * Returns the maximum age of an event. EventBridge Scheduler has half of the interval to deliver it, and the other half is for
 * Lambda to run it and to retry. So a tick ends before the next one begins, except for the flexible window.
 */
export function eventAge(interval: Duration): Duration {
  return Duration.seconds(interval.toSeconds() / 2);
}

/** Returns the longest run that leaves room for its retry. */
export function longestRunSeconds(interval: Duration): number {
  return Math.floor((eventAge(interval).toSeconds() - RETRY_DELAY_SECONDS) / ATTEMPTS_PER_TICK);
}

/** Returns the longest time without a run if at most one tick is lost. */
export function silenceMinutes({ interval, flexibleWindow }: Schedule): number {
  return 2 * interval.toMinutes() + flexibleWindow.toMinutes();
}

/** Longest wait for a second tick, so that someone is notified within an hour of the first missed chance. */
const LONGEST_SECOND_WAIT_MINUTES = 45;

/**
 * Returns how long a token stays due before its alarm fires. With short intervals, one lost tick notifies no one. With longer
 * intervals, the alarm cannot wait for a second tick.
 */
export function noticeMinutes(schedule: Schedule): number {
  const interval = schedule.interval.toMinutes();
  const noSecondTick = interval + schedule.flexibleWindow.toMinutes();
  return Math.max(noSecondTick, Math.min(silenceMinutes(schedule), interval + LONGEST_SECOND_WAIT_MINUTES));
}

/**
 * Finds options that contradict each other: each tick must end before the next one, and each token needs time for two attempts. The
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
    const requirement = `leave time for two attempts to refresh each token. Two ticks and the flexible window take up to ${chancesMinutes} minutes, but a token of ${lifetimeSeconds} seconds is due ${dueMinutes} minutes before it expires`;
    problems.push({ path: ['interval'], requirement });
  }
  const longestSeconds = longestRunSeconds(interval);
  if (timeout.toSeconds() > longestSeconds) {
    const requirement = `be at most ${longestSeconds} seconds with an interval of ${interval.toMinutes()} minutes. A run and its retry a minute later must end within half of the interval`;
    problems.push({ path: ['timeout'], requirement });
  }
  return problems;
}

/** Finds options with which the sweeps of a fleet come so close to each other that they cannot read or queue secrets. */
export function findSweepProblems({ interval, flexibleWindow }: Schedule): readonly Problem[] {
  const shortestMinutes = interval.toMinutes() - flexibleWindow.toMinutes();
  if (shortestMinutes >= MIN_SWEEP_MINUTES) return [];
  const requirement = `be at least ${MIN_SWEEP_MINUTES} minutes longer than flexibleWindow (${flexibleWindow.toMinutes()} minutes) in a fleet. A sweep and its messages need that time before the next sweep`;
  return [{ path: ['interval'], requirement }];
}
