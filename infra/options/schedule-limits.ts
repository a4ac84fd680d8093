import { ATTEMPT_MIN_SECONDS, MAX_ATTEMPTS_PER_DAY, MAX_BACK_OFF_SECONDS } from '../../lambda/contract.ts';
import { isRate, parseScheduleExpression, type Ticks } from './schedule-expression.ts';

const MINUTES_PER_DAY = 1_440;
const MAX_BACK_OFF_MINUTES = MAX_BACK_OFF_SECONDS / 60;
const MAX_BACK_OFF_FAILURES = Math.ceil(Math.log2(MAX_BACK_OFF_MINUTES));
// Longer, and a run that is lost is noticed too late to matter.
const MAX_INTERVAL_MINUTES = 360;
// Where clocks go back, EventBridge Scheduler does not run a cron expression again in the repeated hour.
const REPEATED_HOUR_MINUTES = 60;
/** Lambda runs an asynchronous event once and retries it twice, after one minute and after two more. */
export const ATTEMPTS_PER_TICK = 3;
const RETRY_DELAYS_SECONDS = 180;
/** An attempt, and what comes before it: a cold start and the first reads. */
export const MIN_TIMEOUT_SECONDS = ATTEMPT_MIN_SECONDS + 15;

export interface Timing {
  readonly schedule: {
    readonly expression: string;
    readonly timeZone?: string | undefined;
    readonly flexibleWindowMinutes: number;
  };
  readonly timeoutSeconds: number;
  readonly tokenLifetimeSeconds: number;
}

/** A member that breaks a rule: where it is, and what it must be instead. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly must: string;
}

/**
 * How long one tick may wait: half of it for EventBridge Scheduler to deliver the event, the other half for Lambda to
 * run it, retries included. So a tick is over before the next one begins, give or take the flexible window.
 */
export function eventAgeSeconds(ticks: Ticks): number {
  return ticks.shortestIntervalMinutes * 30;
}

/** The rules of design: the write budget, two chances for every token, and a tick that ends before the next. */
export function findTimingProblems({ schedule, timeoutSeconds, tokenLifetimeSeconds }: Timing): readonly Problem[] {
  const ticks = parseScheduleExpression(schedule.expression);
  if (ticks === undefined) return [];
  const { flexibleWindowMinutes, timeZone } = schedule;
  const problems: Problem[] = [...findIntervalProblems(ticks)];

  const attempts = mostAttemptsPerDay(ticks, flexibleWindowMinutes, tokenLifetimeSeconds);
  if (timeZone !== undefined && isRate(schedule.expression)) {
    problems.push({ path: ['schedule', 'timeZone'], must: 'be left out with rate(…), which knows no time zone' });
  }
  if (flexibleWindowMinutes >= ticks.shortestIntervalMinutes) {
    problems.push({
      path: ['schedule', 'flexibleWindowMinutes'],
      must: `be shorter than the shortest interval of the schedule, ${ticks.shortestIntervalMinutes} minutes`,
    });
  } else if (attempts > MAX_ATTEMPTS_PER_DAY) {
    problems.push({
      path: ['schedule', 'expression'],
      must: `tick less often: where some attempts fail, this schedule can make ${attempts} in a day for tokens of ${tokenLifetimeSeconds} seconds, and there is room for ${MAX_ATTEMPTS_PER_DAY} (each writes two of the 100 versions that Secrets Manager keeps for a day, and ten are left to operators)`,
    });
  }
  const twoChancesMinutes = silenceMinutes(ticks, schedule) + flexibleWindowMinutes;
  const halfLifeMinutes = tokenLifetimeSeconds / 120;
  if (twoChancesMinutes > halfLifeMinutes) {
    const where = repeatedHourMinutes(timeZone) > 0 ? ', on the night when clocks go back' : '';
    problems.push({
      path: ['schedule', 'expression'],
      must: `leave every token two chances: two intervals and flexible windows take up to ${twoChancesMinutes} minutes${where}, and a token of ${tokenLifetimeSeconds} seconds is due for ${halfLifeMinutes}`,
    });
  }
  const longestSeconds = longestTimeoutSeconds(ticks);
  if (timeoutSeconds > longestSeconds && longestSeconds >= MIN_TIMEOUT_SECONDS) {
    problems.push({
      path: ['timeoutSeconds'],
      must: `be ${longestSeconds} at most with this schedule, so that a run and its two retries end within half of the shortest interval`,
    });
  }
  return problems;
}

function* findIntervalProblems(ticks: Ticks): Generator<Problem> {
  const path = ['schedule', 'expression'];
  if (longestTimeoutSeconds(ticks) < MIN_TIMEOUT_SECONDS) {
    const shortestMinutes = Math.ceil((RETRY_DELAYS_SECONDS + ATTEMPTS_PER_TICK * MIN_TIMEOUT_SECONDS) / 30);
    yield {
      path,
      must: `leave at least ${shortestMinutes} minutes between ticks, not ${ticks.shortestIntervalMinutes}: a run and its two retries, one and two minutes later, must end within half of that`,
    };
  }
  if (ticks.longestIntervalMinutes > MAX_INTERVAL_MINUTES) {
    yield {
      path,
      must: `tick at least every ${MAX_INTERVAL_MINUTES} minutes, not only every ${ticks.longestIntervalMinutes}`,
    };
  }
}

function longestTimeoutSeconds(ticks: Ticks): number {
  return Math.floor((eventAgeSeconds(ticks) - RETRY_DELAYS_SECONDS) / ATTEMPTS_PER_TICK);
}

/**
 * The most attempts that any 24 hours can see, whatever becomes of each: after a success the token is due at half of
 * its life, after a failure when the back-off is over and the function runs again.
 */
export function mostAttemptsPerDay(ticks: Ticks, flexibleWindowMinutes: number, tokenLifetimeSeconds: number): number {
  // By minutes left, for each number of failures in a row.
  const known = Array.from({ length: MAX_BACK_OFF_FAILURES + 1 }, () => new Map<number, number>());
  const count = (leftMinutes: number, failures: number): number => {
    if (leftMinutes <= 0) return 0;
    const afterSuccess = () => count(leftMinutes - tokenLifetimeSeconds / 120, 0);
    const retryMinutes = minutesToRetry(ticks, flexibleWindowMinutes, failures);
    const afterFailure = () => count(leftMinutes - retryMinutes, Math.min(failures + 1, MAX_BACK_OFF_FAILURES));
    const attempts = known[failures]?.get(leftMinutes) ?? 1 + Math.max(afterSuccess(), afterFailure());
    known[failures]?.set(leftMinutes, attempts);
    return attempts;
  };
  return count(MINUTES_PER_DAY, 0);
}

function minutesToRetry(ticks: Ticks, flexibleWindowMinutes: number, failures: number): number {
  const backOffMinutes = Math.min(2 ** failures, MAX_BACK_OFF_MINUTES);
  // Lambda's own retries come when the first back-offs are over; after that, only a tick runs the function.
  if (failures < ATTEMPTS_PER_TICK - 1) return backOffMinutes;
  return Math.max(backOffMinutes, ticks.shortestIntervalMinutes - flexibleWindowMinutes - RETRY_DELAYS_SECONDS / 60);
}

/** The longest time without a run in which nothing but one tick was lost. */
export function silenceMinutes(ticks: Ticks, { flexibleWindowMinutes, timeZone }: Timing['schedule']): number {
  return ticks.longestTwoIntervalsMinutes + flexibleWindowMinutes + repeatedHourMinutes(timeZone);
}

// Every other time zone is taken to change its clocks: to be wrong costs an hour of a window, not a token.
function repeatedHourMinutes(timeZone: string | undefined): number {
  return timeZone === undefined || timeZone === 'UTC' ? 0 : REPEATED_HOUR_MINUTES;
}
