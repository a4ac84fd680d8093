import { expect, test } from 'vitest';
import { expectLiveCurrent, inSandbox } from '../support/in-sandbox.ts';
import { forceTogether } from '../support/invoke-together.ts';

test('twelve processes that are forced together: no token is sent twice, and none fails', () =>
  inSandbox({ script: ['held', 'forward'] }, async (sandbox) => {
    const endings = await forceTogether(sandbox, 12);
    expect(new Set(endings)).toEqual(new Set(['adopted', 'refreshed']));
    const sent = sandbox.tokenEndpoint.requests.map(({ form }) => form['refresh_token']);
    // With rotation, a token that is sent twice revokes the whole grant.
    expect(new Set(sent).size).toBe(sent.length);
    expect(sent).toHaveLength(endings.filter((ending) => ending === 'refreshed').length);
    await expectLiveCurrent(sandbox);
  }));
