import { isRate, parseScheduleExpression, type Ticks } from './schedule-expression.ts';

// Secrets Manager keeps every version of the last 24 hours, 100 at most. A tick puts two (claim and record), and four
// stay free for operators: 2 × 48 + 4 = 100.
const MAX_TICKS_PER_DAY = 48;
// AWS asks for no more than one PutSecretValue in ten minutes, sustained; a tick puts two.
const MIN_INTERVAL_MINUTES = 20;
// Longer, and a run that is lost is noticed too late to matter.
const MAX_INTERVAL_MINUTES = 360;
// Where clocks go back, EventBridge Scheduler does not run a cron expression again in the repeated hour.
const REPEATED_HOUR_MINUTES = 60;
/** Lambda runs an asynchronous event once and retries it twice, after one minute and after two more. */
export const ATTEMPTS_PER_TICK = 3;
const RETRY_DELAYS_SECONDS = 180;

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
 * run it, retries included. So a tick is over before the next one begins.
 */
export function eventAgeSeconds(ticks: Ticks): number {
  return ticks.shortestIntervalMinutes * 30;
}

/** The rules of design: the write budget, two chances for every token, and a tick that ends before the next. */
export function findTimingProblems({ schedule, timeoutSeconds, tokenLifetimeSeconds }: Timing): readonly Problem[] {
  const ticks = parseScheduleExpression(schedule.expression);
  if (ticks === undefined) return [];
  const problems: Problem[] = [...findIntervalProblems(ticks)];
  const { flexibleWindowMinutes, timeZone } = schedule;

  if (timeZone !== undefined && isRate(schedule.expression)) {
    problems.push({ path: ['schedule', 'timeZone'], must: 'be left out with rate(…), which knows no time zone' });
  }
  if (flexibleWindowMinutes >= ticks.shortestIntervalMinutes) {
    problems.push({
      path: ['schedule', 'flexibleWindowMinutes'],
      must: `be shorter than the shortest interval of the schedule, ${ticks.shortestIntervalMinutes} minutes`,
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
  const longestTimeoutSeconds = Math.floor((eventAgeSeconds(ticks) - RETRY_DELAYS_SECONDS) / ATTEMPTS_PER_TICK);
  if (timeoutSeconds > longestTimeoutSeconds && ticks.shortestIntervalMinutes >= MIN_INTERVAL_MINUTES) {
    problems.push({
      path: ['timeoutSeconds'],
      must: `be ${longestTimeoutSeconds} at most with this schedule, so that a run and its two retries end within half of the shortest interval`,
    });
  }
  return problems;
}

function* findIntervalProblems(ticks: Ticks): Generator<Problem> {
  const path = ['schedule', 'expression'];
  if (ticks.ticksPerDay > MAX_TICKS_PER_DAY) {
    yield {
      path,
      must: `tick at most ${MAX_TICKS_PER_DAY} times a day, not ${ticks.ticksPerDay}: a tick can write two of the 100 versions that Secrets Manager keeps for a day, and operators need room too`,
    };
  }
  if (ticks.shortestIntervalMinutes < MIN_INTERVAL_MINUTES) {
    yield {
      path,
      must: `leave at least ${MIN_INTERVAL_MINUTES} minutes between ticks, not ${ticks.shortestIntervalMinutes}: AWS asks for no more than one write in ten minutes, and a tick can write two`,
    };
  }
  if (ticks.longestIntervalMinutes > MAX_INTERVAL_MINUTES) {
    yield {
      path,
      must: `tick at least every ${MAX_INTERVAL_MINUTES} minutes, not only every ${ticks.longestIntervalMinutes}`,
    };
  }
}

/** The longest time without a run in which nothing but one tick was lost. */
export function silenceMinutes(ticks: Ticks, { flexibleWindowMinutes, timeZone }: Timing['schedule']): number {
  return ticks.longestTwoIntervalsMinutes + flexibleWindowMinutes + repeatedHourMinutes(timeZone);
}

// Every other time zone is taken to change its clocks: to be wrong costs an hour of a window, not a token.
function repeatedHourMinutes(timeZone: string | undefined): number {
  return timeZone === undefined || timeZone === 'UTC' ? 0 : REPEATED_HOUR_MINUTES;
}
