const MINUTES_PER_DAY = 1_440;
const MINUTES_PER_UNIT: Readonly<Record<string, number>> = { minute: 1, hour: 60, day: MINUTES_PER_DAY };

/** When a schedule ticks, as far as the stack's limits and windows depend on it. */
export interface Ticks {
  readonly shortestIntervalMinutes: number;
  readonly longestIntervalMinutes: number;
  /** The most that two intervals in a row can take. */
  readonly longestTwoIntervalsMinutes: number;
}

export const ACCEPTED_EXPRESSIONS =
  'rate(30 minutes), rate(1 hour) or such, or cron(minutes hours * * ? *), where minutes and hours are *, */n, a/n, a-b, a-b/n, numbers, or a list of these';

/**
 * Reads a schedule expression of EventBridge Scheduler. Of cron it takes the part whose ticks are the same every day,
 * so that intervals are computed and not guessed. Answers `undefined` for every other expression.
 */
export function parseScheduleExpression(expression: string): Ticks | undefined {
  return parseRate(expression) ?? parseDailyCron(expression);
}

export function isRate(expression: string): boolean {
  return expression.startsWith('rate(');
}

function parseRate(expression: string): Ticks | undefined {
  const [, count, unit] = /^rate\(([1-9]\d{0,4}) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (count === undefined || unit === undefined) return undefined;
  const intervalMinutes = Number(count) * (MINUTES_PER_UNIT[unit] ?? 0);
  return {
    shortestIntervalMinutes: intervalMinutes,
    longestIntervalMinutes: intervalMinutes,
    longestTwoIntervalsMinutes: 2 * intervalMinutes,
  };
}

function parseDailyCron(expression: string): Ticks | undefined {
  const [, minuteField, hourField] = /^cron\((\S+) (\S+) (?:\* \* \?|\? \* \*) \*\)$/.exec(expression) ?? [];
  if (minuteField === undefined || hourField === undefined) return undefined;
  const minutes = parseField(minuteField, 59);
  const hours = parseField(hourField, 23);
  if (minutes === undefined || hours === undefined) return undefined;
  return toTicks(hours.flatMap((hour) => minutes.map((minute) => hour * 60 + minute)));
}

function toTicks(minutesOfDay: readonly number[]): Ticks {
  const intervals = minutesOfDay.map((minute, index) => {
    const next = minutesOfDay[index + 1] ?? (minutesOfDay[0] ?? 0) + MINUTES_PER_DAY;
    return next - minute;
  });
  const twoIntervals = intervals.map((interval, index) => interval + (intervals[index + 1] ?? intervals[0] ?? 0));
  return {
    shortestIntervalMinutes: Math.min(...intervals),
    longestIntervalMinutes: Math.max(...intervals),
    longestTwoIntervalsMinutes: Math.max(...twoIntervals),
  };
}

/** The values of one cron field, ascending and each once, or `undefined` where it is not of the accepted form. */
function parseField(field: string, last: number): readonly number[] | undefined {
  const values = new Set<number>();
  for (const part of field.split(',')) {
    const [, from, to, step] = /^(\*|\d{1,2})(?:-(\d{1,2}))?(?:\/(\d{1,2}))?$/.exec(part) ?? [];
    if (from === undefined || (from === '*' && to !== undefined)) return undefined;
    const start = from === '*' ? 0 : Number(from);
    const end = to === undefined ? (from === '*' || step !== undefined ? last : start) : Number(to);
    const stepBy = step === undefined ? 1 : Number(step);
    if (start > end || end > last || stepBy < 1) return undefined;
    for (let value = start; value <= end; value += stepBy) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}
