import { describe, expect, test } from 'vitest';
import { reportedSecondsUntilDue, secondsUntilDue } from '../../../lambda/core/due.ts';
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

test('a token that may be revoked is due, however new it is', () => {
  expect(untilDue({ ...token(SIX_HOURS), may_be_revoked: 'UNKNOWN' })).toBeNaN();
});

describe('the metrics say of a token', () => {
  const SCHEDULE_SECONDS = 720;
  const reported = (members: object, ageMs = 0) =>
    reportedSecondsUntilDue(toDocumentEntry(members, 'version', NOW_MS - ageMs), NOW_MS, SIX_HOURS, SCHEDULE_SECONDS);

  test.each([
    // lifetime, age in minutes: seconds until it is due
    [SIX_HOURS, 0, 10_800],
    [SIX_HOURS, 240, -3_600],
    // 40 % of it are left when it is due: a little more than a tick and its window.
    [1_805, 0, 1_083],
    [1_800, 0, -3 * SCHEDULE_SECONDS],
    [300, 0, -3 * SCHEDULE_SECONDS],
    [300, 60, -3_420],
  ])('of %i seconds, %i minutes old, that it is due in %i seconds', (lifeSeconds, ageMinutes, expected) => {
    expect(reported(token(lifeSeconds, ageMinutes * MINUTE_MS))).toBe(expected);
  });

  test('of unknown lifetime, that it has been due since somebody wrote it', () => {
    expect(reported({ refresh_token: 'r' }, 5 * MINUTE_MS)).toBe(-300);
  });

  test('beside a refresh token that came alone, that it has been due since it came of age, however often that happens', () => {
    const half = { spent_refresh_token_sha256: 'hash', refreshed_at: undefined };
    const leftMs = 120 * MINUTE_MS;
    expect(reported(refreshed(0, { ...half, expires_at: iso(NOW_MS + leftMs) }))).toBe(-3_600);
    expect(reported(refreshed(0, { ...half, expires_at: undefined }), MINUTE_MS)).toBe(-60);
    expect(reported(refreshed(0, { ...half, expires_at: iso(NOW_MS + 4 * leftMs) }), MINUTE_MS)).toBe(-60);
  });
});
