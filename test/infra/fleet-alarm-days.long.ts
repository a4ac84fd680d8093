import { describe, expect, it } from 'vitest';
import { readDocument } from '../support/markdown.ts';
import { type FleetEmail, type FleetFault, playFleetDay } from './fleet-days.ts';

const HOURS = 24;
const every = (failure: NonNullable<FleetFault['trouble']>['failure']) => ({ trouble: { failure, percent: 100 } });
const one = (failure: NonNullable<FleetFault['trouble']>['failure']) => ({ trouble: { failure, percent: 1 } });

/** Situations of the table, each for a day. */
const SITUATIONS: Readonly<Record<string, FleetFault>> = {
  'provider unreachable': { outage: 'provider' },
  'provider never answers': { outage: 'answers' },
  'provider sends HTTP 429 to every account': every('throttled'),
  'provider sends answers without tokens': every('nonsense'),
  'server of one account never answers': one('hangs'),
  'one grant revoked': one('revoked grant'),
  'every grant revoked': every('revoked grant'),
  'one client secret rejected': one('wrong client secret'),
  'every client secret rejected': every('wrong client secret'),
  'one account rejected in unknown words': one('bare 401'),
  'KMS key of the secrets disabled': every('denied'),
  'one secret denied': one('denied'),
  'one secret emptied': one('deleted'),
  'one bad paste': one('garbage value'),
  'refresh function deleted, or its mappings disabled': { outage: 'mapping' },
  'refresh function throttled': { outage: 'throttled' },
  'queues emptied by another consumer': { outage: 'emptied' },
  'schedule disabled': { outage: 'sweeps' },
  'sweep function deleted or throttled': { outage: 'sweeps', hasDeadLetters: true },
  'log group of the sweep deleted, metrics rejected, or clock wrong by hours': { isUnseen: true },
};
/** Someone still has to do something when these are over. */
const STAYS = /revoked|client secret rejected|sweep function deleted/;

const isAlarm = ({ what }: FleetEmail) => /^[A-Z]\w+[a-z][A-Z]\w+$/.test(what);
const isAllClear = ({ what }: FleetEmail) => what === 'All clear';

describe('the table of failures around a fleet', () => {
  const rows = [
    ...readDocument('docs/fleet-alarms-by-failure.md').matchAll(
      /^\| ([^|]+) \| ([^|]+) \| (\d+) \| (\d+) \| [^|]+ \|$/gm,
    ),
  ];

  it('has a row for each situation', () => {
    expect(rows.map(([, situation]) => situation)).toEqual(Object.keys(SITUATIONS));
  });

  it.each(rows.map(([, ...cells]) => cells))('%s: %s, %s emails about accounts', async (...cells) => {
    const [situation = '', alarms = '', notices = '', minutes = ''] = cells;
    const { emails, overdueMinutes } = await playFleetDay(SITUATIONS[situation] ?? {});
    const fired = emails.filter(isAlarm).map(({ what }) => `\`${what}\``);
    expect(fired.sort().join(', ')).toBe(alarms);
    expect(emails.filter((each) => !isAlarm(each) && !isAllClear(each))).toHaveLength(Number(notices));
    // One email when all is well again, and none before.
    const cleared = emails.filter(isAllClear);
    expect(cleared).toHaveLength(STAYS.test(situation) ? 0 : 1);
    for (const { minute } of cleared) expect(minute).toBeGreaterThanOrEqual(HOURS * 60);
    // A missed chance counts from when a token was due; anything else, from when it broke.
    const waited = Math.ceil(overdueMinutes > 0 ? overdueMinutes : (emails[0]?.minute ?? Number.NaN));
    expect(waited).toBeLessThanOrEqual(Number(minutes));
    expect(waited).toBeGreaterThan(Number(minutes) - 15);
  });
});

it('a day without a fault sends no email', async () => {
  expect((await playFleetDay({})).emails).toEqual([]);
});

it.each(['crash', 'slow', 'slow 12 s', 'lost answers, grace'] as const)(
  'a day in which every account has this failure sends no email, because no token is late: %s',
  async (failure) => {
    expect((await playFleetDay(every(failure))).emails).toEqual([]);
  },
);

it.each(['throttled', 'emptied', 'provider'] as const)(
  'an outage is reported within an hour, although one account has failed for hours: %s',
  async (outage) => {
    const fromHour = 6;
    const { emails } = await playFleetDay({ ...one('wrong client secret'), outage, outageFromHour: 4 + fromHour });
    const [many] = emails.filter(({ what }) => what === 'ManyTokensOverdue');
    expect(emails.filter(isAlarm).map(({ what }) => what)).toEqual(['TokenOverdue', 'ManyTokensOverdue']);
    expect(many?.minute).toBeGreaterThan(fromHour * 60);
    // A token that was refreshed just before the outage is due three hours later.
    expect(many?.minute).toBeLessThanOrEqual((fromHour + 3 + 1) * 60);
  },
);

it('two outages of four hours send one ALARM and one OK each', async () => {
  const { emails } = await playFleetDay(every('down for hours'));
  const both = ['TokenOverdue', 'ManyTokensOverdue'];
  expect(emails.map(({ what }) => what)).toEqual([...both, 'All clear', ...both, 'All clear']);
});

it('grants that a strict server revokes one after the other send one alarm, and each account is reported once', async () => {
  const { emails } = await playFleetDay(every('lost answers, strict'));
  expect(emails.filter(isAlarm).map(({ what }) => what)).toEqual(['ReauthorizationRequired']);
  expect(emails.filter(isAllClear)).toEqual([]);
  const accounts = emails.filter((each) => !isAlarm(each)).map(({ what }) => /: (\d+) of/.exec(what)?.[1] ?? '1');
  expect(accounts.reduce((sum, count) => sum + Number(count), 0)).toBe(20);
});
