import { describe, expect, it } from 'vitest';
import { METRIC_DIMENSION, METRIC_NAMESPACE, METRICS } from '../../lambda/contract.ts';
import { LOG_EVENTS } from '../../lambda/core/log-events.ts';
import { UNRECOGNIZED } from '../support/fake-token-endpoint.ts';
import { HOUR_MS, MINUTE_MS } from '../support/secret-documents.ts';
import { DeployedDays } from './deployed-days.ts';
import { attributesOf, FUNCTION_NAME } from './deployed-template.ts';
import { type AlarmState, watchAlarm } from './evaluate-alarm.ts';
import { alarmsOf } from './monitored-function.ts';
import { type SynthesisedTemplate, synthesise } from './synthesise.ts';

const HOUR = 3_600;
const WEEK = 7 * 24 * HOUR;
const SEEDS = [1, 2];
/** Template with default options. */
const DEFAULT = synthesise();
const CONFIGURED_WEEK = synthesise({ tokenLifetime: { seconds: WEEK } });

/** The state of TokenExpiringSoon in each minute, from the first run on. */
function watchExpiry(template: SynthesisedTemplate, days: DeployedDays, minutes: number): readonly AlarmState[] {
  const alarm = alarmsOf(template, attributesOf(template, 'arn:secret')).get('TokenExpiringSoon');
  if (alarm === undefined) throw new Error('no such alarm');
  const datapoints = days.states.map(({ atMs, states }) => ({
    namespace: METRIC_NAMESPACE,
    metricName: METRICS.tokenSecondsUntilDue,
    dimensions: { [METRIC_DIMENSION]: FUNCTION_NAME },
    atMs: atMs - days.startMs,
    value: states.tokenSecondsUntilDue,
  }));
  return watchAlarm(alarm, datapoints, 0, minutes).slice(Math.ceil((datapoints[0]?.atMs ?? 0) / MINUTE_MS));
}

describe('the default deployment, with a provider that answers', () => {
  it.each([
    ['an hour', HOUR, DEFAULT],
    ['71 minutes', 71 * 60, DEFAULT],
    ['72 minutes', 72 * 60, DEFAULT],
    ['73 minutes', 73 * 60, DEFAULT],
    ['two hours', 2 * HOUR, DEFAULT],
    ['six hours', 6 * HOUR, DEFAULT],
    ['a week, which is not believed', WEEK, DEFAULT],
    ['a week, which is configured', WEEK, CONFIGURED_WEEK],
    ['an hour, although a week is configured', HOUR, CONFIGURED_WEEK],
  ])('always has a valid token of %s, writes at most 80 versions a day, and fires no alarm', async (...row) => {
    const [, life, template] = row;
    for (const seed of SEEDS) {
      const days = await new DeployedDays(template, life, { seed }).run(4);
      expect(days.deadMs).toBe(0);
      expect(days.isLive).toBe(true);
      expect(days.mostVersions).toBeLessThanOrEqual(80);
      expect(new Set(watchExpiry(template, days, 4 * 1_440 - 30))).toEqual(new Set(['OK']));
    }
  });

  it('writes 74 versions a day for tokens of an hour, and few for those of six', async () => {
    const most = async (life: number) => (await new DeployedDays(DEFAULT, life).run(4)).mostVersions;
    expect(await most(HOUR)).toBeLessThanOrEqual(74);
    expect(await most(6 * HOUR)).toBeLessThanOrEqual(18);
  });

  it('logs only the last line of each run for a week', async () => {
    const days = await new DeployedDays(DEFAULT, 6 * HOUR).run(7);
    expect([days.lines, days.states.length]).toEqual([0, 7 * 144]);
  });

  it('makes as many calls to Secrets Manager as docs/costs.md has, in a month of six-hour tokens', async () => {
    const { calls } = await new DeployedDays(DEFAULT, 6 * HOUR).run(365.25 / 12);
    expect(Math.round(calls / 50) * 50).toBe(9_950);
  });

  it('warns about a lifetime longer than the configured one', async () => {
    const { warnings } = await new DeployedDays(DEFAULT, WEEK).run(1);
    expect([...warnings]).toEqual([LOG_EVENTS.unusualLifetime]);
    expect((await new DeployedDays(CONFIGURED_WEEK, WEEK).run(1)).warnings).toEqual(new Set());
  });
});

describe('a token that expires before the next tick can refresh it', () => {
  const SLOW = synthesise({ interval: { minutes: 60 } });

  it.each([
    ['5 minutes', 300, DEFAULT],
    ['10 minutes', 600, DEFAULT],
    ['20 minutes', 1_200, DEFAULT],
    ['an hour, with a tick every hour', HOUR, SLOW],
  ])(
    'never looks healthy, however often it is refreshed: with %s, someone is notified in time',
    async (_, life, template) => {
      const days = await new DeployedDays(template, life).run(1);
      expect(days.deadMs).toBeGreaterThan(0);
      for (const { states } of days.states) expect(states.tokenSecondsUntilDue).toBeLessThanOrEqual(0);
      const minutes = template === DEFAULT ? 60 : 180;
      expect(watchExpiry(template, days, minutes)).toContain('ALARM');
    },
  );
});

describe("TokenExpiringSoon, by the token's own lifetime,", () => {
  it.each([
    ['an hour', HOUR],
    ['six hours', 6 * HOUR],
  ])('fires for a token of %s within an hour of when it is due, if no refresh succeeds', async (_, life) => {
    const days: DeployedDays = new DeployedDays(DEFAULT, life, {
      refusal: (atMs) => (atMs - days.startMs < HOUR_MS / 2 ? undefined : UNRECOGNIZED),
    });
    await days.run(0.5);
    const firstAlarm = watchExpiry(DEFAULT, days, 720).indexOf('ALARM');
    const dueMinute = life === HOUR ? 36 : 180;
    expect(firstAlarm).toBeGreaterThan(dueMinute);
    expect(firstAlarm).toBeLessThan(dueMinute + 60);
  });
});
