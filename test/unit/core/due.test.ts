import { describe, expect, test } from 'vitest';
import { reportedSecondsUntilDue, secondsUntilDue } from '../../../lambda/core/due.ts';
import { iso, MINUTE_MS, NOW_MS, refreshed, toDocumentEntry } from '../../support/secret-documents.ts';

const SIX_HOURS = 21_600;

function untilDue(members: object, longestSeconds = SIX_HOURS): number {
  return secondsUntilDue(toDocumentEntry(members).document, NOW_MS, longestSeconds);
}

/** Returns a token with this lifetime, obtained `ageMs` ago. */
function token(lifeSeconds: number, ageMs = 0) {
  const refreshedAtMs = NOW_MS - ageMs;
  return refreshed(0, { refreshed_at: iso(refreshedAtMs), expires_at: iso(refreshedAtMs + lifeSeconds * 1_000) });
}

describe('an access token is due', () => {
  test.each([
    // life, age in minutes: seconds until it is due
    [SIX_HOURS, 0, 10_800],
    [SIX_HOURS, 180, 0],
    [SIX_HOURS, 240, -3_600],
    [3_600, 0, 2_160],
    [1, 0, 0.6],
  ])('with a lifetime of %i seconds and an age of %i minutes in %f seconds', (life, ageMinutes, seconds) => {
    expect(untilDue(token(life, ageMinutes * MINUTE_MS))).toBe(seconds);
  });

  test('as if its lifetime were at most the maximum', () => {
    expect(untilDue(token(10 * SIX_HOURS), SIX_HOURS)).toBe(10_800);
  });

  test('at the usual time, even if it was obtained up to a minute in the future, because clocks differ', () => {
    expect(untilDue(token(SIX_HOURS, -MINUTE_MS))).toBe(10_860);
  });
});

describe('the due time is unknown', () => {
  test.each<[string, object]>([
    ['without an access token', refreshed(0, { access_token: undefined })],
    ['with a lifetime of 0', token(0)],
    ['with an end before its beginning', token(-1)],
    ['if it was obtained tomorrow', token(SIX_HOURS, -MINUTE_MS - 1)],
    ['without its end', refreshed(0, { expires_at: undefined })],
    ['without its beginning', refreshed(0, { refreshed_at: undefined })],
  ])('%s', (_, members) => {
    expect(untilDue(members)).toBeNaN();
  });
});

test('a token that may be revoked is due, even if it is new', () => {
  expect(untilDue({ ...token(SIX_HOURS), may_be_revoked: 'UNKNOWN' })).toBeNaN();
});

describe('the metrics report for a token', () => {
  const SCHEDULE_SECONDS = 720;
  const reported = (members: object, ageMs = 0) =>
    reportedSecondsUntilDue(toDocumentEntry(members, 'version', NOW_MS - ageMs), NOW_MS, SIX_HOURS, SCHEDULE_SECONDS);

  test.each([
    // lifetime, age in minutes: seconds until it is due
    [SIX_HOURS, 0, 10_800],
    [SIX_HOURS, 240, -3_600],
    // 40 % of the lifetime is left when it is due: a little more than a tick and its window.
    [1_805, 0, 1_083],
    [1_800, 0, -3 * SCHEDULE_SECONDS],
    [300, 0, -3 * SCHEDULE_SECONDS],
    [300, 60, -3_420],
  ])(
    'with a lifetime of %i seconds and an age of %i minutes that it is due in %i seconds',
    (lifeSeconds, ageMinutes, expected) => {
      expect(reported(token(lifeSeconds, ageMinutes * MINUTE_MS))).toBe(expected);
    },
  );

  test('with an unknown lifetime that it has been due since it was stored', () => {
    expect(reported({ refresh_token: 'r' }, 5 * MINUTE_MS)).toBe(-300);
  });

  test('that got only a new refresh token that it is still due since the same time', () => {
    const half = { spent_refresh_token_sha256: 'hash', refreshed_at: undefined };
    const leftMs = 120 * MINUTE_MS;
    expect(reported(refreshed(0, { ...half, expires_at: iso(NOW_MS + leftMs) }))).toBe(-3_600);
    expect(reported(refreshed(0, { ...half, expires_at: undefined }), MINUTE_MS)).toBe(-60);
    expect(reported(refreshed(0, { ...half, expires_at: iso(NOW_MS + 4 * leftMs) }), MINUTE_MS)).toBe(-60);
  });
});
