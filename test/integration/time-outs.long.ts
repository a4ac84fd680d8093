import { describe, expect, test } from 'vitest';
import { inSandbox } from '../support/in-sandbox.ts';
import { SLOW_ANSWERS } from './bad-answers.ts';
import { expectAnswer, plantCredentials, tryAnswer } from './planted.ts';

describe.concurrent('with real back-offs and time-outs,', () => {
  test.each(SLOW_ANSWERS)('$name: $ending', (answer) =>
    inSandbox({}, async (sandbox) => {
      expectAnswer(sandbox, await tryAnswer(sandbox, await sandbox.startFunction(), answer), answer);
    }),
  );

  test('429 with Retry-After as a date: refreshed', () =>
    inSandbox({}, async (sandbox) => {
      const lambda = await sandbox.startFunction();
      // The header has whole seconds.
      const soonMs = (Math.floor(Date.now() / 1000) + 2) * 1000;
      const throttled = { status: 429, headers: { 'retry-after': new Date(soonMs).toUTCString() } };
      const answer = { status: 200, body: { access_token: plantCredentials().note } };
      const seen = await tryAnswer(sandbox, lambda, {
        name: '',
        script: [throttled, answer],
        ending: '',
        action: 'none',
        posts: 2,
      });
      expect(seen).toMatchObject({ ending: 'refreshed', posts: 2 });
      const againAtMs = performance.timeOrigin + (sandbox.tokenEndpoint.requests.at(-1)?.beganAtMs ?? 0);
      expect(againAtMs).toBeGreaterThan(soonMs - 100);
    }));
});
