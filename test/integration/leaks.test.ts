import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startLambdaProcess } from '../sandbox/lambda/lambda-process.ts';
import { plantSecret } from '../support/in-sandbox.ts';
import { findLeaks } from '../support/leaks.ts';

const SECRET = plantSecret();

describe('the search finds a secret', () => {
  test.each<[string, string]>([
    ['as it is', SECRET],
    ['the start that a parser quotes', `Unexpected token '${SECRET.slice(0, 10)}"... is not valid JSON`],
    ['the end that a mask leaves', `****${SECRET.slice(-14)}`],
    ['as JSON', JSON.stringify({ secret: SECRET })],
    ['as JSON in JSON', JSON.stringify({ body: JSON.stringify({ secret: SECRET }) })],
    ['in a query', `?x=${encodeURIComponent(SECRET)}`],
    ['in a form', new URLSearchParams({ secret: SECRET }).toString()],
    ['as hex', Buffer.from(SECRET).toString('hex')],
    ...[0, 1, 2].map((shift): [string, string] => [
      `in the middle of base64, ${shift} bytes off`,
      Buffer.from(`${'x'.repeat(shift)}${SECRET}x`).toString('base64'),
    ]),
    ['in Basic, as base64url', Buffer.from(`client:${SECRET}`).toString('base64url')],
  ])('%s', (_name, text) => {
    expect(findLeaks(`before ${text} after`, [SECRET])).toHaveLength(1);
  });

  test('the search does not mistake a fingerprint for a secret', () => {
    const fingerprint = createHash('sha256').update(SECRET).digest('hex').slice(0, 12);
    expect(findLeaks(`before ${fingerprint} after`, [SECRET, plantSecret()])).toEqual([]);
  });
});

/** Each leaks in one way. */
const LEAKY_HANDLER = `
const LEAKS = {
  result: (secret) => ({ secret }),
  stdout: (secret) => console.log(secret),
  stderr: (secret) => console.error(secret),
  message: (secret) => { throw new Error(secret); },
  cause: (secret) => { throw new Error('failed', { cause: new Error(secret) }); },
  member: (secret) => { throw Object.assign(new Error('failed'), { request: { headers: [secret] } }); },
  hidden: (secret) => { throw Object.defineProperty(new Error('failed'), 'request', { value: { body: secret } }); },
  getter: (secret) => { throw Object.defineProperty(new Error('failed'), 'request', { get: () => secret }); },
  symbol: (secret) => { throw Object.assign(new Error('failed'), { [Symbol('request')]: secret }); },
};
export const handler = async ({ way, secret }) => LEAKS[way](secret);
`;

describe('the process shows a leak', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'leaky-handler-'));
    writeFileSync(join(directory, 'index.mjs'), LEAKY_HANDLER);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test.each(['result', 'stdout', 'stderr', 'message', 'cause', 'member', 'hidden', 'getter', 'symbol'])(
    'by its %s',
    async (way) => {
      await using lambda = await startLambdaProcess({ bundlePath: join(directory, 'index.mjs'), environment: {} });
      await lambda.invoke({ way, secret: SECRET });
      await lambda.stop();
      const { stdout, stderr, invocations } = lambda;
      expect(findLeaks(stdout + stderr + JSON.stringify(invocations), [SECRET])).toHaveLength(1);
    },
  );
});
