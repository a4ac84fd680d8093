import { expect, test } from 'vitest';
import { endingOf, expectLiveCurrent, inSandbox, until } from '../support/in-sandbox.ts';
import { forceTogether } from '../support/invoke-together.ts';

test('of two processes with one due token, one refreshes while the other one is busy', () =>
  inSandbox({ script: ['held'] }, async (sandbox) => {
    sandbox.putCredentials(await sandbox.mintCredentials());
    const lambdas = [await sandbox.startFunction(), await sandbox.startFunction()];
    const running = lambdas.map((lambda) => lambda.invoke({}));
    // The other one cannot end before the answer is released.
    expect(endingOf(await Promise.race(running))).toBe('busy');
    await until(() => sandbox.tokenEndpoint.requests.length > 0);
    sandbox.tokenEndpoint.release();
    expect((await Promise.all(running)).map(endingOf).sort()).toEqual(['busy', 'refreshed']);
    expect(sandbox.tokenEndpoint.requests).toHaveLength(1);
    await expectLiveCurrent(sandbox);
  }));

test('of two processes that are forced together, one refreshes and the other one adopts the answer', () =>
  inSandbox({ script: ['held', 'forward'] }, async (sandbox) => {
    expect((await forceTogether(sandbox, 2)).sort()).toEqual(['adopted', 'refreshed']);
    expect(sandbox.tokenEndpoint.requests).toHaveLength(1);
    await expectLiveCurrent(sandbox);
  }));
