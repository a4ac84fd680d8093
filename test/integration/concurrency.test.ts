import { expect, test } from 'vitest';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { endingOf, expectLiveCurrent, inSandbox } from '../support/in-sandbox.ts';

const FORCED = { action: 'refresh', force: true };

test.each([
  [2, {}, ['busy', 'refreshed']],
  [2, FORCED, ['adopted', 'refreshed']],
])('of %i processes at once with %j, one refreshes', (count, event, endings) =>
  inSandbox({ script: [{ slowMs: 300, answer: 'forward' }] }, async (sandbox) => {
    expect((await invokeAtOnce(sandbox, count, event)).sort()).toEqual(endings);
    expect(sandbox.tokenEndpoint.requests).toHaveLength(1);
    await expectLiveCurrent(sandbox);
  }),
);

test('twelve processes forced at once: no POSTs of one token overlap, and none fails', { timeout: 40_000 }, () =>
  inSandbox({ script: [{ slowMs: 50, answer: 'forward' }] }, async (sandbox) => {
    const endings = await invokeAtOnce(sandbox, 12, FORCED);
    expect(new Set(endings)).toEqual(new Set(['adopted', 'refreshed']));
    const { requests } = sandbox.tokenEndpoint;
    const sent = requests.map(({ form }) => form['refresh_token']);
    // With rotation, a token that is sent twice kills the whole family.
    expect(new Set(sent).size).toBe(sent.length);
    expect(sent).toHaveLength(endings.filter((ending) => ending === 'refreshed').length);
    await expectLiveCurrent(sandbox);
  }),
);

async function invokeAtOnce(sandbox: Sandbox, count: number, event: object): Promise<string[]> {
  sandbox.putCredentials(await sandbox.mintCredentials());
  const lambdas = await Promise.all(Array.from({ length: count }, () => sandbox.startFunction()));
  const invocations = await Promise.all(lambdas.map((lambda) => lambda.invoke(event)));
  return invocations.map(endingOf);
}
