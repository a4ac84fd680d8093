import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { drawDay } from './draw-day.ts';
import { liveADay, type Tick } from './live-a-day.ts';
import { OUTAGE, PLOT } from './outage.ts';

describe('a day of the deployed bundle with an outage in it', () => {
  let ticks: readonly Tick[] = [];

  beforeAll(async () => {
    ticks = await liveADay(OUTAGE);
  });

  it('never leaves consumers without a valid token', () => {
    expect(Math.min(...ticks.map(({ minutesLeft }) => minutesLeft))).toBeGreaterThan(30);
  });

  it('rarely asks a provider that is down, and asks again after it is back', () => {
    const during = ticks.filter(
      ({ minute, posts }) => posts > 0 && minute > OUTAGE.fromMinute && minute < OUTAGE.toMinute,
    );
    expect(during.length).toBeGreaterThan(2);
    expect(during.length).toBeLessThan(8);
    expect(ticks.find(({ minute, posts }) => posts > 0 && minute >= OUTAGE.toMinute)?.minutesLeft).toBe(360);
  });

  it('matches the plot in the README', () => {
    expect(drawDay(ticks, OUTAGE)).toBe(readFileSync(PLOT, 'utf8'));
  });
});
