import { Duration } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { findTimingProblems, MIN_TIMEOUT_SECONDS } from '../../infra/options/schedule-limits.ts';
import { dueAfterSeconds, MAX_ATTEMPTS_PER_DAY, MIN_TOKEN_LIFETIME_SECONDS } from '../../lambda/contract.ts';
import { refresh } from '../../lambda/core/refresh.ts';
import { FakeContext } from '../support/fake-context.ts';
import { TOKEN } from '../support/fake-token-endpoint.ts';
import { CREDENTIALS, HOUR_MS, MINUTE_MS } from '../support/secret-documents.ts';

const DAY_SECONDS = 86_400;

describe('the write budget', () => {
  it('has room for 45 attempts in a day, as the function counts them', async () => {
    let context = FakeContext.withSecret(CREDENTIALS).nextRun({ afterMs: 24 * HOUR_MS });
    const outcomes: string[] = [];
    while (outcomes.at(-1) !== 'waiting') {
      const name = `token-${outcomes.length}`;
      // It is due again with the next run: a forced refresh before that has less room.
      context.tokenEndpoint.willAnswer({ ...TOKEN, accessToken: name, refreshToken: name, expiresInSeconds: 60 });
      outcomes.push((await refresh(context, { force: false })).outcome);
      context = context.nextRun({ afterMs: MINUTE_MS });
    }
    expect(outcomes.filter((outcome) => outcome === 'refreshed')).toHaveLength(45);
    expect(MAX_ATTEMPTS_PER_DAY).toBe(45);
  });

  it.each([3_600, 3_601, 4_319, 4_320, 4_321, 21_600, 31_536_000])(
    'leaves a ninth of the budget for failures, with tokens of %i seconds',
    (life) => {
      expect(Math.ceil(DAY_SECONDS / dueAfterSeconds(life))).toBeLessThanOrEqual(40);
    },
  );
});

it('a token is due at half of its lifetime, a short one later, and each before it expires', () => {
  const minutes = (life: number) => dueAfterSeconds(life * 60) / 60;
  expect([10_080, 360, 120, 72, 71, 60, 30].map(minutes)).toEqual([5_040, 180, 60, 36, 36, 36, 18]);
  for (let life = 1; life < 8_640; life++) expect(dueAfterSeconds(life)).toBeLessThan(0.601 * life);
});

it('the shortest timeout that is accepted leaves time for a refresh after a slow start', async () => {
  const context = FakeContext.withSecret(CREDENTIALS);
  context.deadlineMs = context.world.nowMs + MIN_TIMEOUT_SECONDS * 1_000;
  context.advance(10_000);
  context.tokenEndpoint.willAnswer(TOKEN);
  expect(await refresh(context, { force: false })).toMatchObject({ outcome: 'refreshed' });
});

describe('tokens of the shortest accepted lifetime', () => {
  const problemsOf = (everyMinutes: number, windowMinutes: number) =>
    findTimingProblems({
      interval: Duration.minutes(everyMinutes),
      flexibleWindow: Duration.minutes(windowMinutes),
      timeout: Duration.seconds(MIN_TIMEOUT_SECONDS),
      tokenLifetime: Duration.seconds(MIN_TOKEN_LIFETIME_SECONDS),
    });

  it.each([
    [10, 2],
    [5, 4],
    [12, 0],
    [11, 2],
  ])('are served by a tick every %i minutes, within %i', (every, window) => {
    expect(problemsOf(every, window)).toEqual([]);
  });

  it.each([
    [12, 1],
    [11, 3],
    [30, 10],
  ])('are not served by a tick every %i minutes, within %i', (every, window) => {
    expect(problemsOf(every, window)).toHaveLength(1);
  });
});
