import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SecretJudgment } from '../../../lambda/fleet/judge-secret.ts';
import { type PlanOptions, planMessages, toDelaySeconds } from '../../../lambda/fleet/plan-messages.ts';

const NOW = 1_700_000_000_000;
const OPTIONS: PlanOptions = {
  nowMs: NOW,
  refreshesPerSecond: 7,
  sweepSeconds: 600,
  waiting: { refresh: 0, retry: 0 },
};
/** Seconds between two sweeps in which runs may start. */
const TURN_SECONDS = 540;

function judgment(arn: string, members: Partial<SecretJudgment> = {}): SecretJudgment {
  const known = { turn: 'refresh', fromMs: 0, expiresAtMs: NOW + 3_600_000, secondsUntilDue: -1 } as const;
  return { arn, ...known, trouble: undefined, ...members };
}

function many(count: number, members: Partial<SecretJudgment> = {}, name = 'arn'): SecretJudgment[] {
  return Array.from({ length: count }, (_, index) => judgment(`${name}-${String(index).padStart(5, '0')}`, members));
}

describe('a plan', () => {
  test('sends no message for a secret that needs no run', () => {
    const plan = planMessages([judgment('fresh', { turn: 'none' })], OPTIONS);
    expect(plan).toEqual({ refresh: [], retry: [], deferred: 0 });
  });

  test('starts a few runs immediately', () => {
    const judgments = [judgment('one'), judgment('two', { turn: 'retry' })];
    expect(planMessages(judgments, OPTIONS)).toEqual({
      refresh: [{ arn: 'one', startAtMs: undefined, endAtMs: undefined }],
      retry: [{ arn: 'two', startAtMs: undefined, endAtMs: undefined }],
      deferred: 0,
    });
  });

  test('makes even a single retry wait for the end of its back-off', () => {
    const fromMs = NOW + 120_000;
    const { retry } = planMessages([judgment('one', { turn: 'retry', fromMs })], OPTIONS);
    expect(retry).toEqual([{ arn: 'one', startAtMs: fromMs, endAtMs: expect.any(Number) }]);
  });

  test('begins with secrets without a token, continues by expiry, and ends with unreadable ones', () => {
    const judgments = [
      ...many(20),
      judgment('unread', { expiresAtMs: Number.POSITIVE_INFINITY, secondsUntilDue: undefined }),
      judgment('soon', { expiresAtMs: NOW + 60_000 }),
      judgment('missing', { expiresAtMs: Number.NEGATIVE_INFINITY }),
    ];
    const { refresh } = planMessages(judgments, OPTIONS);
    expect(refresh.slice(0, 2).map(({ arn }) => arn)).toEqual(['missing', 'soon']);
    expect(refresh.at(-1)?.arn).toBe('unread');
  });

  test('orders secrets by expiry and then by ARN, in whichever order they are listed', () => {
    const sorted = [...many(8), ...many(8, { expiresAtMs: NOW + 7_200_000 }, 'later')];
    for (const listed of [sorted, sorted.toReversed()]) {
      const { refresh } = planMessages(listed, OPTIONS);
      expect(refresh.map(({ arn }) => arn)).toEqual(sorted.map(({ arn }) => arn));
    }
  });

  test('never exceeds the runs per second, and ends before the next sweep', () => {
    void fc.assert(
      fc.property(
        fc.nat(5_000),
        fc.array(fc.integer({ min: -1_000, max: 2_000 }), { maxLength: 400 }),
        (healthy, retries) => {
          const judgments = [
            ...many(healthy),
            ...retries.map((seconds, index) =>
              judgment(`retry-${index}`, { turn: 'retry', fromMs: NOW + seconds * 1_000 }),
            ),
          ];
          const { refresh, retry } = planMessages(judgments, OPTIONS);
          const starts = [...refresh, ...retry].flatMap(({ startAtMs }) => startAtMs ?? []).sort((a, b) => a - b);
          for (const [index, startAtMs] of starts.entries()) {
            const later = starts[index + OPTIONS.refreshesPerSecond];
            if (judgments.length > 10 && later !== undefined) expect(later - startAtMs).toBeGreaterThanOrEqual(998);
          }
          expect(Math.max(NOW, ...starts)).toBeLessThanOrEqual(NOW + (TURN_SECONDS + 2) * 1_000);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('leaves the rest to the next sweep', () => {
    const slots = TURN_SECONDS * OPTIONS.refreshesPerSecond;
    const { refresh, deferred } = planMessages(many(slots + 50), OPTIONS);
    expect(refresh).toHaveLength(slots);
    expect(deferred).toBe(50);
  });

  test.each([
    [30, 30],
    [1_000, 756],
  ])('gives %i retries a fifth of the turns at most, if healthy secrets need all', (count, given) => {
    const slots = TURN_SECONDS * OPTIONS.refreshesPerSecond;
    const judgments = [...many(slots), ...many(count, { turn: 'retry' }, 'retry')];
    const { refresh, retry, deferred } = planMessages(judgments, OPTIONS);
    expect([refresh.length, retry.length, deferred]).toEqual([slots - given, given, count]);
    const starts = retry.map(({ startAtMs = 0 }) => startAtMs);
    for (const [index, startAtMs] of starts.slice(1).entries())
      expect(startAtMs - (starts[index] ?? 0)).toBeGreaterThan(4_900 / OPTIONS.refreshesPerSecond);
  });

  test('gives a retry its turn as soon as its back-off is over, however many healthy secrets are due', () => {
    const fromMs = NOW + 300_000;
    const judgments = [...many(10_000), judgment('retry', { turn: 'retry', fromMs })];
    const { retry } = planMessages(judgments, OPTIONS);
    expect(retry[0]?.startAtMs).toBeGreaterThanOrEqual(fromMs);
    expect(retry[0]?.startAtMs).toBeLessThan(fromMs + 1_000);
  });

  test('gives retries all turns that healthy secrets do not need', () => {
    const slots = TURN_SECONDS * OPTIONS.refreshesPerSecond;
    const { refresh, retry } = planMessages([...many(100), ...many(9_000, { turn: 'retry' }, 'retry')], OPTIONS);
    expect([refresh.length, retry.length]).toEqual([100, slots - 100]);
    expect(new Set([...refresh, ...retry].map(({ startAtMs }) => startAtMs)).size).toBe(slots);
  });

  test('gives turns to newly due secrets first, however many expired ones no run can refresh', () => {
    const stuck = many(5_000, { expiresAtMs: Number.NEGATIVE_INFINITY, secondsUntilDue: -86_400 }, 'stuck');
    const { refresh } = planMessages([...stuck, ...many(100, {}, 'healthy')], OPTIONS);
    expect(refresh.slice(0, 100).every(({ arn }) => arn.startsWith('healthy'))).toBe(true);
  });

  test.each([
    ['that have been due for too long', { secondsUntilDue: -2_401 }],
    ['that could not be read', { secondsUntilDue: undefined, expiresAtMs: Number.POSITIVE_INFINITY }],
  ])('gives each of 5,000 secrets %s a turn within a few sweeps', (_what, members) => {
    const judgments = many(5_000, members);
    const sweeps = Array.from({ length: 12 }, (_, index) =>
      planMessages(judgments, { ...OPTIONS, nowMs: NOW + index * 600_000 }).refresh.map(({ arn }) => arn),
    );
    expect(new Set(sweeps[0]).size).toBeLessThan(5_000);
    expect(new Set(sweeps.flat()).size).toBe(5_000);
  });

  test('starts no retry before the end of its back-off, and the longest waiting one first', () => {
    const judgments = [
      ...many(12),
      judgment('later', { turn: 'retry', fromMs: NOW + 300_000 }),
      judgment('second', { turn: 'retry', fromMs: NOW - 1_000 }),
      judgment('first', { turn: 'retry', fromMs: NOW - 2_000 }),
      judgment('after the next sweep', { turn: 'retry', fromMs: NOW + 900_000 }),
    ];
    const { retry, deferred } = planMessages(judgments, OPTIONS);
    expect(retry.map(({ arn }) => arn)).toEqual(['first', 'second', 'later']);
    expect(retry[2]?.startAtMs).toBeGreaterThanOrEqual(NOW + 300_000);
    // The retry waits for its back-off, not for a turn.
    expect(deferred).toBe(0);
  });

  test('sends a second copy of messages that SQS may deliver only after the next sweep, while turns are free', () => {
    const slots = TURN_SECONDS * OPTIONS.refreshesPerSecond;
    const count = slots - 500;
    const { refresh } = planMessages(many(count), OPTIONS);
    expect(refresh).toHaveLength(slots);
    expect(new Set(refresh.map(({ arn }) => arn)).size).toBe(count);
    // With few messages, this is not necessary: all turns end long before the next sweep.
    expect(planMessages(many(1_000), OPTIONS).refresh).toHaveLength(1_000);
  });

  test('lets a message be only a second late if no run receives from its queue', () => {
    const timeOf = (waiting: PlanOptions['waiting']) => {
      const judgments = [...many(20), ...many(20, { turn: 'retry' }, 'retry')];
      const { refresh, retry } = planMessages(judgments, { ...OPTIONS, waiting });
      return [refresh, retry].map(([first]) => (first?.endAtMs ?? 0) - (first?.startAtMs ?? 0));
    };
    expect(timeOf({ refresh: 420, retry: 420 })).toEqual([300_000, 300_000]);
    expect(timeOf({ refresh: 421, retry: 0 })).toEqual([1_000, 300_000]);
    expect(timeOf({ refresh: 0, retry: 421 })).toEqual([300_000, 1_000]);
  });

  test('delays no message beyond the limit of SQS, however rare sweeps are', () => {
    const { refresh } = planMessages(many(10_000), { ...OPTIONS, sweepSeconds: 21_600 });
    const delays = refresh.map(({ startAtMs = 0 }) => toDelaySeconds(startAtMs - NOW));
    expect(Math.max(...delays)).toBeLessThanOrEqual(900);
    expect(Math.min(...delays)).toBe(0);
  });
});
