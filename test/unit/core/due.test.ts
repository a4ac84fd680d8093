import { describe, expect, test } from 'vitest';
import { secondsUntilDue } from '../../../lambda/core/due.ts';
import { iso, MINUTE_MS, NOW_MS, refreshed, toDocumentEntry } from '../../support/secret-documents.ts';

const SIX_HOURS = 21_600;

function untilDue(members: object, longestSeconds = SIX_HOURS): number {
  return secondsUntilDue(toDocumentEntry(members).document, NOW_MS, longestSeconds);
}

/** A token of this life, obtained so long ago. */
function token(lifeSeconds: number, ageMs = 0) {
  const refreshedAtMs = NOW_MS - ageMs;
  return refreshed(0, { refreshed_at: iso(refreshedAtMs), expires_at: iso(refreshedAtMs + lifeSeconds * 1_000) });
}

describe('a bearer token is due', () => {
  test.each([
    // life, age in minutes: seconds until it is due
    [SIX_HOURS, 0, 10_800],
    [SIX_HOURS, 180, 0],
    [SIX_HOURS, 240, -3_600],
    [3_600, 0, 2_160],
    [1, 0, 0.6],
  ])('of %i seconds, %i minutes old, in %f seconds', (life, ageMinutes, seconds) => {
    expect(untilDue(token(life, ageMinutes * MINUTE_MS))).toBe(seconds);
  });

  test('by no longer life than is believed', () => {
    expect(untilDue(token(10 * SIX_HOURS), SIX_HOURS)).toBe(10_800);
  });

  test('as if it were obtained then, up to a minute in the future: clocks differ', () => {
    expect(untilDue(token(SIX_HOURS, -MINUTE_MS))).toBe(10_860);
  });
});

describe('nobody knows when it is due', () => {
  test.each<[string, object]>([
    ['without a bearer token', refreshed(0, { access_token: undefined })],
    ['with a life of nothing', token(0)],
    ['with a life that ends before it begins', token(-1)],
    ['if it was obtained tomorrow', token(SIX_HOURS, -MINUTE_MS - 1)],
    ['without its end', refreshed(0, { expires_at: undefined })],
    ['without its beginning', refreshed(0, { refreshed_at: undefined })],
  ])('%s', (_, members) => {
    expect(untilDue(members)).toBeNaN();
  });
});
