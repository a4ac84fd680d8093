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

  it('never leaves consumers without a living token', () => {
    expect(Math.min(...ticks.map(({ minutesLeft }) => minutesLeft))).toBeGreaterThan(30);
  });

  it('asks a provider that is down seldom, and again after it is back', () => {
    const during = ticks.filter(
      ({ minute, posts }) => posts > 0 && minute > OUTAGE.fromMinute && minute < OUTAGE.toMinute,
    );
    expect(during.length).toBeGreaterThan(2);
    expect(during.length).toBeLessThan(8);
    expect(ticks.find(({ minute, posts }) => posts > 0 && minute >= OUTAGE.toMinute)?.minutesLeft).toBe(360);
  });

  it('is what the plot in the README shows', () => {
    expect(drawDay(ticks, OUTAGE)).toBe(readFileSync(PLOT, 'utf8'));
  });
});
