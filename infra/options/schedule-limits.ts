import { ATTEMPT_MIN_SECONDS, dueAfterSeconds } from '../../lambda/contract.ts';

/** Lambda runs an asynchronous event once, and once more a minute after it failed. */
export const ATTEMPTS_PER_TICK = 2;
const RETRY_DELAY_SECONDS = 60;

/** An attempt, and what comes before it: a cold start and the first reads. */
export const MIN_TIMEOUT_SECONDS = ATTEMPT_MIN_SECONDS + 15;

/** The shortest interval whose half has room for a run and its retry. */
export const MIN_INTERVAL_MINUTES = Math.ceil((RETRY_DELAY_SECONDS + ATTEMPTS_PER_TICK * MIN_TIMEOUT_SECONDS) / 30);
/** With a longer interval, a lost run would be noticed too late. */
export const MAX_INTERVAL_MINUTES = 360;

interface Schedule {
  readonly everyMinutes: number;
  readonly flexibleWindowMinutes: number;
}

export interface Timing {
  readonly schedule: Schedule;
  readonly timeoutSeconds: number;
  readonly tokenLifetimeSeconds: number;
}

/** A member that breaks a rule. `requirement` completes the sentence "`path` is X, but must …". */
export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly requirement: string;
  /** The value may be a credential in the wrong place. */
  readonly hidesValue?: true;
}

/**
 * How long one tick may wait: half of the interval for EventBridge Scheduler to deliver the event, the other half for
 * Lambda to run it and to retry. So a tick is over before the next one begins, apart from the flexible window.
 */
export function eventAgeSeconds({ everyMinutes }: Schedule): number {
  return everyMinutes * 30;
}

/** The longest run that leaves room for its retry. */
export function longestRunSeconds(schedule: Schedule): number {
  return Math.floor((eventAgeSeconds(schedule) - RETRY_DELAY_SECONDS) / ATTEMPTS_PER_TICK);
}

/** The longest time without a run if no more than one tick is lost. */
export function silenceMinutes({ everyMinutes, flexibleWindowMinutes }: Schedule): number {
  return 2 * everyMinutes + flexibleWindowMinutes;
}

/**
 * The rules between members: a tick that ends before the next one, and two chances for every token. The write budget
 * needs no rule here: `dueAfterSeconds` spaces refreshes so that they keep within it, whatever the schedule.
 */
export function findTimingProblems({ schedule, timeoutSeconds, tokenLifetimeSeconds }: Timing): readonly Problem[] {
  const problems: Problem[] = [];
  const { everyMinutes, flexibleWindowMinutes } = schedule;
  if (flexibleWindowMinutes >= everyMinutes) {
    problems.push({
      path: ['schedule', 'flexibleWindowMinutes'],
      requirement: `be shorter than the time between two ticks, which is ${everyMinutes} minutes`,
    });
  }
  const chancesMinutes = silenceMinutes(schedule);
  const dueMinutes = Math.floor((tokenLifetimeSeconds - dueAfterSeconds(tokenLifetimeSeconds)) / 60);
  if (chancesMinutes > dueMinutes) {
    problems.push({
      path: ['schedule', 'everyMinutes'],
      requirement: `leave every token two chances: two ticks and the flexible window take up to ${chancesMinutes} minutes, and a token of ${tokenLifetimeSeconds} seconds has ${dueMinutes} left when it is due`,
    });
  }
  const longestSeconds = longestRunSeconds(schedule);
  if (timeoutSeconds > longestSeconds) {
    problems.push({
      path: ['timeoutSeconds'],
      requirement: `be ${longestSeconds} at most with a tick every ${everyMinutes} minutes: a run and its retry, a minute later, must end within half of that`,
    });
  }
  return problems;
}
