import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FleetTag } from '../../../lambda/contract.ts';
import { Fault, type FaultCode } from '../../../lambda/core/fault.ts';
import { type ListedSecret, MAX_BATCH, type Sweep, sweepSecrets } from '../../../lambda/fleet/sweep-secrets.ts';

const REGION = 'eu-west-1';
const TAG: FleetTag = { key: 'retently', value: 'live' };

function secret(arn: string, tags: Record<string, string>, primaryRegion?: string): ListedSecret {
  return { arn, tags: new Map(Object.entries(tags)), primaryRegion };
}

function secrets(count: number, from = 0): ListedSecret[] {
  return Array.from({ length: count }, (_, index) => secret(`arn-${from + index}`, { retently: 'live' }));
}

interface Given {
  readonly pages: readonly (readonly ListedSecret[])[];
  /** What listing ends with, after the pages. */
  readonly ends?: Error;
  /** How a batch ends: how many are refused, or with what. */
  readonly onSend?: (arns: readonly string[]) => number | Error;
  readonly remainingMs?: () => number;
  readonly tag?: FleetTag;
}

async function sweep({ pages, ends, onSend = () => 0, remainingMs = () => 120_000, tag = TAG }: Given) {
  const sent: string[][] = [];
  const trace: string[] = [];
  const lister = {
    async *list() {
      for (const [index, page] of pages.entries()) {
        trace.push(`page ${index}`);
        yield page;
      }
      if (ends !== undefined) throw ends;
    },
  };
  const queue = {
    async send(arns: readonly string[]) {
      await Promise.resolve();
      sent.push([...arns]);
      trace.push(`sent ${arns[0]}`);
      const end = onSend(arns);
      if (end instanceof Error) throw end;
      return end;
    },
  };
  const swept: Sweep | Error = await sweepSecrets({ lister, queue, remainingMs }, tag, REGION).catch(
    (error: Error) => error,
  );
  return { swept, sent, trace };
}

describe('a sweep', () => {
  test('puts every secret into the queue once, in batches that SQS takes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(35), { maxLength: 4 }), async (sizes) => {
        const pages = sizes.map((size, index) => secrets(size, index * 100));
        const { swept, sent } = await sweep({ pages });
        const all = pages.flat().map(({ arn }) => arn);
        expect([...sent.flat()].sort()).toEqual([...all].sort());
        expect(Math.max(0, ...sent.map(({ length }) => length))).toBeLessThanOrEqual(MAX_BATCH);
        expect(Math.min(1, ...sent.map(({ length }) => length))).toBe(1);
        expect(swept).toEqual({ listed: all.length, queued: all.length, replicas: 0 });
      }),
    );
  });

  test('looks at each tag again, for the filters of AWS match prefixes and pair nothing', async () => {
    const page = [
      secret('right', { retently: 'live' }),
      secret('longer value', { retently: 'live-2' }),
      secret('longer key', { 'retently-old': 'live' }),
      secret('key and value of two tags', { retently: 'off', stage: 'live' }),
      secret('other case', { Retently: 'live' }),
    ];
    expect((await sweep({ pages: [page] })).sent).toEqual([['right']]);
  });

  test('without a value takes any, the empty one too', async () => {
    const page = [
      secret('one', { retently: '' }),
      secret('two', { retently: 'x' }),
      secret('three', { retently2: '' }),
    ];
    expect((await sweep({ pages: [page], tag: { key: 'retently', value: undefined } })).sent).toEqual([['one', 'two']]);
  });

  test('leaves copies of secrets of another region alone, and counts them', async () => {
    const page = [
      secret('original', { retently: 'live' }, REGION),
      secret('copy', { retently: 'live' }, 'us-east-1'),
      secret('of one region', { retently: 'live' }),
    ];
    const { swept, sent } = await sweep({ pages: [page] });
    expect(sent).toEqual([['original', 'of one region']]);
    expect(swept).toEqual({ listed: 2, queued: 2, replicas: 1 });
  });

  test('reads the next page while one is being sent, and is not ahead by more', async () => {
    const { trace } = await sweep({ pages: [secrets(1, 0), secrets(1, 1), secrets(1, 2)] });
    expect(trace).toEqual(['page 0', 'page 1', 'sent arn-0', 'page 2', 'sent arn-1', 'sent arn-2']);
  });
});

describe('what a sweep could not do, it says, and what it did:', () => {
  test.each<FaultCode>(['STORE_DENIED', 'STORE_UNAVAILABLE'])('listing ends halfway with %s', async (code) => {
    const { swept, sent } = await sweep({ pages: [secrets(20)], ends: new Fault(code, 'ListSecrets did not.') });
    expect(sent.flat()).toHaveLength(20);
    expect(swept).toMatchObject({
      name: code,
      message:
        'ListSecrets did not. Until then, 20 of 20 secrets were put into the queue, and are kept; the next sweep begins anew.',
    });
  });

  test('a batch that is refused keeps no other back', async () => {
    const fault = new Fault('SWEEP_INCOMPLETE', 'The queue is not there.');
    const onSend = (arns: readonly string[]) => (arns[0] === 'arn-10' ? fault : 0);
    const { swept, sent } = await sweep({ pages: [secrets(30), secrets(5, 30)], onSend });
    expect(sent.flat()).toHaveLength(35);
    expect(swept).toMatchObject({ name: 'SWEEP_INCOMPLETE' });
    expect(swept).toHaveProperty('message', expect.stringContaining('is not there. Until then, 25 of 35 secrets'));
  });

  test('single messages that the queue did not take', async () => {
    const { swept } = await sweep({ pages: [secrets(10)], onSend: () => 2 });
    expect(swept).toMatchObject({
      name: 'SWEEP_INCOMPLETE',
      message: expect.stringMatching(/^The queue did not take every message\. Until then, 8 of 10 secrets/),
    });
  });

  test('it ran out of time: the pages that were read are sent', async () => {
    let remainingMs = 40_000;
    const { swept, sent, trace } = await sweep({
      pages: [secrets(10), secrets(10, 10), secrets(10, 20)],
      remainingMs: () => {
        remainingMs -= 10_000;
        return remainingMs;
      },
    });
    expect(trace).not.toContain('page 2');
    expect(sent.flat()).toHaveLength(20);
    expect(swept).toMatchObject({ name: 'SWEEP_INCOMPLETE', message: expect.stringContaining('had no time left') });
  });

  test('a mistake of ours goes on as one', async () => {
    const { swept } = await sweep({ pages: [secrets(1)], onSend: () => new TypeError('P1ANTED') });
    expect(swept).toMatchObject({ name: 'UNEXPECTED' });
    expect(swept).toHaveProperty('message', expect.not.stringContaining('P1ANTED'));
  });
});
