import { describe, expect, it } from 'vitest';
import { Fault } from '../../lambda/core/fault.ts';
import type { TokenAnswer } from '../../lambda/core/ports.ts';
import {
  AMBIGUOUS,
  INVALID_CLIENT,
  INVALID_GRANT,
  MISDIRECTED,
  NOT_SENT,
  THROTTLED,
  UNRECOGNIZED,
} from '../support/fake-token-endpoint.ts';
import { readDocument } from '../support/markdown.ts';
import { CREDENTIALS, HOUR_MS, MINUTE_MS } from '../support/secret-documents.ts';
import { type Email, emailsOf, type Messages } from './count-emails.ts';
import { DeployedDays, type Prepare } from './deployed-days.ts';
import type { Datapoint } from './embedded-metrics.ts';
import { synthesise } from './synthesise.ts';

const DEFAULT = synthesise();
const TEN_MINUTES = 10 * MINUTE_MS;
const SIX_HOURS = 21_600;
/** A token is due at 9 o'clock, so the first chance is missed then. */
const FROM_MS = 8 * HOUR_MS + 30 * MINUTE_MS;
const UNTIL_MS = FROM_MS + 24 * HOUR_MS;
const DAYS = 2;
const isDuring = (afterMs: number) => afterMs >= FROM_MS && afterMs < UNTIL_MS;
const ticks = (after: number) => Array.from({ length: 24 * 6 }, (_, index) => FROM_MS + after + index * TEN_MINUTES);

interface Fault24 {
  readonly answer?: TokenAnswer;
  readonly prepare?: Prepare;
  readonly messages?: Partial<Messages>;
}

/** Plays a fault of 24 hours within two days. @returns the emails: `name ALARM` or `name OK`, with the hours since the fault began */
async function play({ answer, prepare, messages = {} }: Fault24) {
  const refusal = (atMs: number) => (isDuring(atMs - days.startMs) ? answer : undefined);
  const days: DeployedDays = new DeployedDays(DEFAULT, SIX_HOURS, { refusal, ...(prepare && { prepare }) });
  await days.run(DAYS);
  return emailsOf(DEFAULT, days, DAYS * 24 * 60 - 10, messages);
}

const inShort = (emails: readonly Email[]) => emails.map(({ alarm, state }) => `${alarm} ${state}`);
const hoursOf = ({ minute }: Email) => (minute * MINUTE_MS - FROM_MS) / HOUR_MS;

/** Returns the action of an operator at the end of the fault. */
const authorizeAfter: Prepare = (context, afterMs) => {
  const isTime = afterMs >= UNTIL_MS && afterMs < UNTIL_MS + TEN_MINUTES;
  if (isTime) context.write({ ...CREDENTIALS, client_secret: 'corrected', refresh_token: 'new-grant' });
  return true;
};
const denied = new Fault('STORE_DENIED', 'Denied by the test.');
const deny: Prepare = (context, afterMs) => {
  if (isDuring(afterMs)) context.store.refuse('readCurrent', 9, denied);
  return true;
};
const withTokenSecret =
  (during: Prepare): Prepare =>
  (context, afterMs) => {
    if (afterMs < TEN_MINUTES && !context.world.hasTokenSecret) context.giveTokenSecret();
    return isDuring(afterMs) ? during(context, afterMs) : true;
  };
const noRun: Prepare = (_, afterMs) => !isDuring(afterMs);

const PROVIDER = ['TokenExpiringSoon ALARM', 'TokenExpiringSoon OK'];

describe('a day without', () => {
  it('a fault sends no email', async () => {
    expect(await play({})).toEqual([]);
  });

  it.each<[string, Fault24]>([
    ['a way to the token endpoint', { answer: NOT_SENT }],
    ['an end of HTTP 429', { answer: THROTTLED }],
    ['an answer that says what became of the token', { answer: AMBIGUOUS }],
    ['a token endpoint where TOKEN_ENDPOINT points', { answer: MISDIRECTED }],
    ['a valid client secret', { answer: INVALID_CLIENT, prepare: authorizeAfter }],
    ['a schedule that is enabled', { prepare: noRun }],
  ])('%s sends one ALARM within an hour, and one OK after its end', async (_, fault) => {
    const emails = await play(fault);
    expect(inShort(emails)).toEqual(PROVIDER);
    const [first, last] = emails.map(hoursOf);
    expect(first).toBeLessThanOrEqual(1.5);
    expect(last).toBeGreaterThanOrEqual(24);
    expect(last).toBeLessThan(26);
  });

  it.each<[string, Fault24]>([
    ['a live grant', { answer: INVALID_GRANT, prepare: authorizeAfter }],
    ['a rejection in words that are known', { answer: UNRECOGNIZED, prepare: authorizeAfter }],
  ])('%s sends two ALARMs over its whole course', async (_, fault) => {
    const emails = await play(fault);
    expect(inShort(emails).sort()).toEqual([
      'ReauthorizationRequired ALARM',
      'ReauthorizationRequired OK',
      ...PROVIDER,
    ]);
    expect(Math.min(...emails.map(hoursOf))).toBeLessThanOrEqual(1.5);
    expect(emails.filter(({ state }) => state === 'OK').every((email) => hoursOf(email) >= 24)).toBe(true);
  });
});

describe('a day with', () => {
  it.each<[string, readonly string[], number, Fault24]>([
    ['access to the secret denied', ['FailedRuns', 'FunctionFailing', 'TokenExpiringSoon'], 0.2, { prepare: deny }],
    [
      'a concurrency of 0',
      ['FailedRuns', 'TokenExpiringSoon'],
      0.2,
      { prepare: noRun, messages: { FailedRuns: ticks(5 * MINUTE_MS) } },
    ],
    [
      'no function',
      ['TokenExpiringSoon', 'UndeliveredTicks'],
      0.2,
      { prepare: noRun, messages: { UndeliveredTicks: ticks(5 * MINUTE_MS) } },
    ],
    [
      'a token secret that cannot be read',
      ['TokenSecretUnreadable'],
      0.25,
      {
        prepare: withTokenSecret((context) => {
          context.tokenSecret?.refuse('readCurrent', 9, denied);
          return true;
        }),
      },
    ],
    [
      'a token secret that holds something else',
      ['TokenSecretBehind'],
      1,
      {
        prepare: withTokenSecret((context) => {
          if (context.tokenSecretText !== 'something else') context.writeTokenSecret('something else');
          return true;
        }),
      },
    ],
  ])('%s fires %j once each', async (_, alarms, hours, fault) => {
    const emails = await play(fault);
    expect(
      emails
        .filter(({ state }) => state === 'ALARM')
        .map(({ alarm }) => alarm)
        .sort(),
    ).toEqual(alarms);
    expect(Math.min(...emails.map(hoursOf))).toBeLessThanOrEqual(hours);
  });
});

/**
 * Metrics that no alarm sees in time: there is no log, CloudWatch rejects them, or the clock is wrong by hours. CloudWatch drops a metric
 * from more than two hours in the future, and one from the past arrives after its period was evaluated.
 */
const unseen = (datapoint: Datapoint) => (isDuring(datapoint.atMs) ? undefined : datapoint);

const SITUATIONS: Readonly<Record<string, Fault24 & { readonly toSeen?: Parameters<typeof emailsOf>[4] }>> = {
  'concurrency 0': { prepare: noRun, messages: { FailedRuns: ticks(5 * MINUTE_MS) } },
  'schedule disabled': { prepare: noRun },
  'function deleted': { prepare: noRun, messages: { UndeliveredTicks: ticks(5 * MINUTE_MS) } },
  'clock three hours ahead': { toSeen: unseen },
  'clock three hours behind': { toSeen: unseen },
  'log group deleted': { toSeen: unseen },
  'metrics rejected': { toSeen: unseen },
};

describe('the table of failures around the function', () => {
  const rows = [
    ...readDocument('docs/alarms-by-failure.md').matchAll(/^\| ([^|]+) \| ([^|]+) \| (\d+|–) \| [^|]+ \|$/gm),
  ];

  it('has a row for each situation', () => {
    const played = rows.filter(([, , , minutes]) => minutes !== '–').map(([, situation]) => situation);
    expect(played).toEqual(Object.keys(SITUATIONS));
  });

  it.each(rows.filter(([, , , minutes]) => minutes !== '–').map(([, ...cells]) => cells))(
    '%s',
    async (situation = '', alarms = '', minutes = '') => {
      const { prepare, messages = {}, toSeen } = SITUATIONS[situation] ?? {};
      const days = await new DeployedDays(DEFAULT, SIX_HOURS, { ...(prepare && { prepare }) }).run(DAYS);
      const emails = emailsOf(DEFAULT, days, DAYS * 24 * 60 - 10, messages, toSeen);
      const on = emails.filter(({ state }) => state === 'ALARM');
      expect(
        on
          .map(({ alarm }) => `\`${alarm}\``)
          .sort()
          .join(', '),
      ).toBe(alarms);
      const good = days.states.filter(({ atMs }) => atMs - days.startMs < FROM_MS).at(-1)?.atMs ?? Number.NaN;
      const waited = (on[0]?.minute ?? Number.NaN) - (good - days.startMs) / MINUTE_MS;
      expect(waited).toBeLessThanOrEqual(Number(minutes));
      expect(waited).toBeGreaterThan(Number(minutes) - 20);
    },
  );
});

describe('someone is notified within an hour of the first missed tick', () => {
  const schedules = [
    // minutes between ticks, flexible window, lifetime of a token in seconds
    [5, 0, 3_600],
    [10, 2, 3_600],
    [10, 2, 21_600],
    [30, 10, 21_600],
    [60, 20, 43_200],
    [360, 0, 604_800],
  ] as const;
  const from = 26 * HOUR_MS;

  it.each(schedules)(
    'with a tick every %i minutes, a window of %i and tokens of %i s',
    async (minutes, window, life) => {
      const template = synthesise({
        interval: { minutes },
        flexibleWindow: { minutes: window },
        tokenLifetime: { seconds: life },
        timeout: { seconds: 45 },
      });
      const length = life > 86_400 ? 6 : 2;
      const dayMinutes = length * 24 * 60;
      const silent = await new DeployedDays(template, life, { prepare: (_, afterMs) => afterMs < from }).run(length);
      const lastRun = ((silent.runs.at(-1)?.atMs ?? 0) - silent.startMs) / MINUTE_MS;
      const bySilence = emailsOf(template, silent, dayMinutes).find(({ state }) => state === 'ALARM')?.minute;
      expect(bySilence).toBeLessThanOrEqual(lastRun + minutes + window + 60);

      const refusal = (atMs: number) => (atMs - failing.startMs >= from ? NOT_SENT : undefined);
      const failing: DeployedDays = new DeployedDays(template, life, { refusal });
      await failing.run(length);
      const missed = failing.states.find(
        ({ atMs, states }) => atMs - failing.startMs >= from && states.tokenSecondsUntilDue <= 0,
      );
      const missedMinute = ((missed?.atMs ?? Number.NaN) - failing.startMs) / MINUTE_MS;
      const byFailure = emailsOf(template, failing, dayMinutes).find(({ state }) => state === 'ALARM')?.minute;
      expect(byFailure).toBeLessThanOrEqual(missedMinute + 60);
    },
  );
});
