import { describe, expect, it } from 'vitest';
import { parseScheduleExpression } from '../../infra/options/schedule-expression.ts';

describe('parseScheduleExpression', () => {
  it.each([
    // expression, shortest, longest interval, longest two in a row
    ['rate(30 minutes)', 30, 30, 60],
    ['rate(1 hour)', 60, 60, 120],
    ['rate(1 minute)', 1, 1, 2],
    ['rate(1 day)', 1440, 1440, 2880],
    ['cron(0/30 * * * ? *)', 30, 30, 60],
    ['cron(*/30 * ? * * *)', 30, 30, 60],
    ['cron(15 * * * ? *)', 60, 60, 120],
    ['cron(0,40 * * * ? *)', 20, 40, 60],
    ['cron(0 0-22/2 * * ? *)', 120, 120, 240],
    ['cron(0 9-17 * * ? *)', 60, 960, 1020],
    ['cron(0,0 12 * * ? *)', 1440, 1440, 2880],
    ['cron(* * * * ? *)', 1, 1, 2],
    ['cron(5-6 0,12 * * ? *)', 1, 719, 720],
  ])('reads %s', (expression, shortest, longest, longestTwo) => {
    expect(parseScheduleExpression(expression)).toEqual({
      shortestIntervalMinutes: shortest,
      longestIntervalMinutes: longest,
      longestTwoIntervalsMinutes: longestTwo,
    });
  });

  it.each([
    ['rate(0 minutes)'],
    ['rate(30 seconds)'],
    ['rate(-1 minutes)'],
    ['every 30 minutes'],
    ['at(2026-11-23T00:00:00)'],
    ['cron(0/30 * * * *)'],
    ['cron(0/30 * * * MON-FRI *)'],
    ['cron(0/30 * 1 * ? *)'],
    ['cron(0/30 * * * ? 2026)'],
    ['cron(60 * * * ? *)'],
    ['cron(0 24 * * ? *)'],
    ['cron(30-10 * * * ? *)'],
    ['cron(0/0 * * * ? *)'],
    ['cron(*-5 * * * ? *)'],
    ['cron(0, * * * ? *)'],
    ['cron(L * * * ? *)'],
    [''],
  ])('does not read %s', (expression) => {
    expect(parseScheduleExpression(expression)).toBeUndefined();
  });
});
