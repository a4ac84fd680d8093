import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { FleetTag } from '../../../lambda/contract.ts';
import { Fault } from '../../../lambda/core/fault.ts';
import { tokenVersionId } from '../../../lambda/core/journal.ts';
import { isManaged } from '../../../lambda/fleet/fleet-event.ts';
import type { JudgeContext, SecretRead } from '../../../lambda/fleet/judge-secret.ts';
import type { Turn } from '../../../lambda/fleet/plan-messages.ts';
import { type ListedSecret, READ_BATCH, SEND_BATCH, sweepSecrets } from '../../../lambda/fleet/sweep-secrets.ts';
import { FakeTelemetry } from '../../support/fake-telemetry.ts';
import { CREDENTIALS, NOW_MS, refreshed } from '../../support/secret-documents.ts';

const REGION = 'eu-west-1';
const TAG: FleetTag = { key: 'retently', value: 'live' };

function secret(arn: string, tags: Record<string, string>, members: Partial<ListedSecret> = {}): ListedSecret {
  return { arn, tags: new Map(Object.entries(tags)), primaryRegion: undefined, owningService: undefined, ...members };
}

function secrets(count: number, from = 0): ListedSecret[] {
  return Array.from({ length: count }, (_, index) => secret(`arn-${from + index}`, { retently: 'live' }));
}

interface Given {
  readonly pages: Iterable<readonly ListedSecret[]> | AsyncIterable<readonly ListedSecret[]>;
  /** Error that ends the listing, after the pages. */
  readonly ends?: Error;
  /** Result of a batch read. */
  readonly onRead?: (arns: readonly string[]) => readonly SecretRead[] | Error | Promise<readonly SecretRead[] | Error>;
  /** Result of a batch send: the number of rejected messages, or an error. */
  readonly onSend?: (turns: readonly Turn[]) => number | Error;
  /** Messages that wait in each queue, or an error. */
  readonly waiting?: { readonly refresh: number; readonly retry: number } | Error;
  readonly remainingMs?: () => number;
  readonly tag?: FleetTag;
}

const JUDGE: JudgeContext = {
  settings: {
    tokenEndpointUrl: 'https://retently.invalid',
    defaultTokenLifetimeSeconds: 21_600,
    scheduleSeconds: 600,
  },
  telemetry: new FakeTelemetry(),
  now: () => NOW_MS,
  open: () => ({
    readLatestEntry: async () => undefined,
    readVersion: async () => undefined,
  }),
};

function toRead(arn: string, document: object = CREDENTIALS, isAtRest = false): SecretRead {
  const version = { versionId: 'v'.repeat(32), createdAt: NOW_MS, secretString: JSON.stringify(document) };
  return { arn, kind: 'value', version, isAtRest };
}

async function sweep(given: Given) {
  const { pages, ends, remainingMs = () => 120_000, tag = TAG } = given;
  const { onRead = (arns: readonly string[]) => arns.map((arn) => toRead(arn)), onSend = () => 0 } = given;
  const { waiting = { refresh: 0, retry: 0 } } = given;
  const sent: { readonly lane: string; readonly arns: readonly string[]; readonly turns: readonly Turn[] }[] = [];
  const read: (readonly string[])[] = [];
  const toQueue = (lane: 'refresh' | 'retry') => ({
    async send(turns: readonly Turn[]) {
      sent.push({ lane, arns: turns.map(({ arn }) => arn), turns });
      const end = onSend(turns);
      if (end instanceof Error) throw end;
      return end;
    },
    async countWaiting() {
      if (waiting instanceof Error) throw waiting;
      return waiting[lane];
    },
  });
  const swept = await sweepSecrets(
    {
      lister: {
        async *list() {
          yield* pages;
          if (ends !== undefined) throw ends;
        },
      },
      reader: {
        async read(arns) {
          read.push(arns);
          const end = await onRead(arns);
          if (end instanceof Error) throw end;
          return end;
        },
      },
      judge: JUDGE,
      queue: toQueue('refresh'),
      retryQueue: toQueue('retry'),
      remainingMs,
      sleep: async () => undefined,
    },
    { tag, region: REGION, refreshesPerSecond: 7, sweepSeconds: 600 },
  );
  return { swept, sent, read };
}

describe('a sweep', () => {
  test('reads every secret once, and queues each that may need a run, in batches that AWS takes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(55), { maxLength: 4 }), async (sizes) => {
        const pages = sizes.map((size, index) => secrets(size, index * 100));
        const { swept, sent, read } = await sweep({ pages });
        const all = pages.flat().map(({ arn }) => arn);
        expect([...read.flat()].sort()).toEqual([...all].sort());
        expect([...sent.flatMap(({ arns }) => arns)].sort()).toEqual([...all].sort());
        expect(Math.max(0, ...read.map(({ length }) => length))).toBeLessThanOrEqual(READ_BATCH);
        expect(Math.min(1, ...read.map(({ length }) => length))).toBe(1);
        expect(Math.max(0, ...sent.map(({ arns }) => arns.length))).toBeLessThanOrEqual(SEND_BATCH);
        expect(swept).toMatchObject({ queued: all.length, deferred: 0, problem: undefined });
        expect(swept.judgments).toHaveLength(all.length);
      }),
    );
  });

  test('reads a full batch while it lists the next page', async () => {
    let count = 0;
    const onRead = (arns: readonly string[]) => {
      count += arns.length;
      return arns.map((arn) => toRead(arn));
    };
    const readBeforeNextPage: number[] = [];
    await sweep({
      onRead,
      pages: (async function* () {
        yield secrets(READ_BATCH);
        await new Promise((resolve) => setImmediate(resolve));
        readBeforeNextPage.push(count);
        yield secrets(1, 100);
      })(),
    });
    expect(readBeforeNextPage).toEqual([READ_BATCH]);
  });

  test.each<[string, NonNullable<Given['waiting']>, number]>([
    ['gives a run little time to start if its queue is not being emptied', { refresh: 421, retry: 0 }, 1_000],
    [
      'gives a run little time to start if the length of its queue is unknown',
      new Fault('SWEEP_INCOMPLETE', 'SQS failed.'),
      1_000,
    ],
    ['gives a run more time to start if its queue is being emptied', { refresh: 420, retry: 421 }, 300_000],
  ])('%s', async (_what, waiting, latenessMs) => {
    const { sent } = await sweep({ pages: [secrets(11)], waiting });
    const times = sent.flatMap(({ turns }) => turns.map(({ startAtMs = 0, endAtMs = 0 }) => endAtMs - startAtMs));
    expect(new Set(times)).toEqual(new Set([latenessMs]));
  });

  test('waits for each of its reads, and not only for the last one', async () => {
    const pages = [secrets(20 * READ_BATCH)];
    const onRead = async (arns: readonly string[]) => {
      if (arns[0] === 'arn-0') await new Promise((resolve) => setImmediate(resolve));
      return arns.map((arn) => toRead(arn));
    };
    const { swept } = await sweep({ pages, onRead });
    expect(swept.judgments).toHaveLength(20 * READ_BATCH);
  });

  test('queues nothing for a secret that needs no run', async () => {
    const onRead = (arns: readonly string[]) => arns.map((arn) => toRead(arn, refreshed(1), true));
    const { swept, sent } = await sweep({ pages: [secrets(30)], onRead });
    expect(sent).toEqual([]);
    expect(swept).toMatchObject({ queued: 0, problem: undefined });
  });

  test('checks each tag again, because the filters of AWS match prefixes and do not pair key and value', async () => {
    const page = [
      secret('right', { retently: 'live' }),
      secret('longer value', { retently: 'live-2' }),
      secret('longer key', { 'retently-old': 'live' }),
      secret('of two tags', { retently: 'test', stage: 'live' }),
    ];
    expect((await sweep({ pages: [page] })).read).toEqual([['right']]);
    const any = await sweep({ pages: [page], tag: { key: 'retently', value: undefined } });
    expect(any.read).toEqual([['right', 'longer value', 'of two tags']]);
  });

  test('neither reads nor queues secrets that no run may write, and names them', async () => {
    const managed = 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:rds!cluster-1-AbCdEf';
    const page = [
      secret('own', { retently: 'live' }, { primaryRegion: REGION }),
      secret('copy', { retently: 'live' }, { primaryRegion: 'us-east-1' }),
      secret(managed, { retently: 'live' }),
      secret('owned', { retently: 'live' }, { owningService: 'appflow' }),
    ];
    const { swept, read } = await sweep({ pages: [page] });
    expect(read).toEqual([['own']]);
    expect(swept).toMatchObject({ replicas: ['copy'], managed: [managed, 'owned'], others: [] });
  });

  test('does not count secrets whose value shows another purpose', async () => {
    const secretString = '{"access_token":"a"}';
    const version = { versionId: tokenVersionId(secretString), createdAt: NOW_MS, secretString };
    const onRead = (arns: readonly string[]): readonly SecretRead[] =>
      arns.map((arn) => ({ arn, kind: 'value', version, isAtRest: false }));
    const { swept } = await sweep({ pages: [secrets(2)], onRead });
    expect(swept).toMatchObject({ judgments: [], others: ['arn-0', 'arn-1'], queued: 0 });
  });
});

describe('a sweep that cannot finish', () => {
  test('reads and queues what was listed before listing failed', async () => {
    const ends = new Fault('STORE_UNAVAILABLE', 'ListSecrets failed.');
    const { swept, read } = await sweep({ pages: [secrets(25)], ends });
    expect(read.flat()).toHaveLength(25);
    expect(swept).toMatchObject({ queued: 25, problem: ends });
  });

  test('queues unreadable secrets after the readable ones', async () => {
    const onRead = (arns: readonly string[]) =>
      arns.includes('arn-0') ? new Fault('SWEEP_INCOMPLETE', 'Denied.') : arns.map((arn) => toRead(arn));
    const { swept, sent } = await sweep({ pages: [secrets(30)], onRead });
    expect(swept).toMatchObject({ queued: 30, problem: { name: 'SWEEP_INCOMPLETE' } });
    expect(sent[0]?.arns.every((arn) => Number(arn.slice(4)) >= READ_BATCH)).toBe(true);
  });

  test('reports it if time runs out, and queues the secrets so far', async () => {
    let looks = 0;
    const remainingMs = () => (looks++ === 0 ? 120_000 : 44_999);
    const { swept } = await sweep({ pages: [secrets(100), secrets(100, 100)], remainingMs });
    expect(swept).toMatchObject({ problem: { name: 'SWEEP_INCOMPLETE' } });
    expect(swept.queued).toBeGreaterThanOrEqual(100);
  });

  test('continues while it has exactly the time that it needs at the end', async () => {
    const { swept } = await sweep({ pages: [secrets(100), secrets(100, 100)], remainingMs: () => 45_000 });
    expect(swept).toMatchObject({ queued: 200, problem: undefined });
  });

  test('reports it if slow queues take its time, while it still has time for a last call', async () => {
    let remaining = 120_000;
    const onSend = () => {
      remaining -= 4_000;
      return 0;
    };
    const { swept } = await sweep({ pages: [secrets(400)], onSend, remainingMs: () => remaining });
    expect(swept).toMatchObject({ problem: { name: 'SWEEP_INCOMPLETE' } });
    expect(swept.queued).toBe(270);
    expect(remaining).toBeGreaterThanOrEqual(11_000);
  });

  test.each([
    ['a queue rejects a message', { onSend: () => 1 }, 9],
    ['a queue cannot be reached', { onSend: () => new Fault('SWEEP_INCOMPLETE', 'SQS failed.') }, 0],
    ['the length of a queue is unknown', { waiting: new Fault('SWEEP_INCOMPLETE', 'SQS failed.') }, 10],
  ])('reports it if %s', async (_what, given, queued) => {
    const { swept } = await sweep({ pages: [secrets(10)], ...given });
    expect(swept).toMatchObject({ queued, problem: { name: 'SWEEP_INCOMPLETE' } });
  });

  test('does not show the text of a bug', async () => {
    const { swept } = await sweep({ pages: [], ends: new TypeError('P1ANTED') });
    expect(swept.problem).toMatchObject({ name: 'UNEXPECTED', message: expect.not.stringContaining('P1ANTED') });
  });
});

test.each([
  ['arn:aws:secretsmanager:us-east-1:000000000000:secret:rds!cluster-1-AbCdEf', true],
  ['arn:aws:secretsmanager:us-east-1:000000000000:secret:events!connection/x-AbCdEf', true],
  ['arn:aws:secretsmanager:us-east-1:000000000000:secret:retently/acme-AbCdEf', false],
])('a secret of another service has a ! in its name: %s', (arn, expected) => {
  expect(isManaged(arn)).toBe(expected);
});

test('a sweep of 10,000 due secrets takes less than 30 s if each call takes 100 ms', async () => {
  vi.useFakeTimers({ now: NOW_MS });
  try {
    const sleep = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
    const queue = {
      send: () => sleep(100).then(() => 0),
      countWaiting: () => sleep(100).then(() => 0),
    };
    const sweeping = sweepSecrets(
      {
        lister: {
          async *list() {
            for (let page = 0; page < 100; page++) {
              await sleep(100);
              yield secrets(100, page * 100);
            }
          },
        },
        reader: { read: (arns) => sleep(100).then(() => arns.map((arn) => toRead(arn))) },
        judge: JUDGE,
        queue,
        retryQueue: queue,
        remainingMs: () => NOW_MS + 120_000 - Date.now(),
        sleep,
      },
      { tag: TAG, region: REGION, refreshesPerSecond: 1_000, sweepSeconds: 600 },
    );
    await vi.runAllTimersAsync();
    expect(await sweeping).toMatchObject({ queued: 10_000, deferred: 0, problem: undefined });
    expect(Date.now() - NOW_MS).toBeLessThan(30_000);
  } finally {
    vi.useRealTimers();
  }
});
