import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { exchange } from '../../../lambda/core/exchange.ts';
import { OAUTH_ERROR_CODES, type TokenAnswer } from '../../../lambda/core/ports.ts';
import { FakeContext } from '../../support/fake-context.ts';
import {
  AMBIGUOUS,
  INVALID_GRANT,
  MISDIRECTED,
  NOT_SENT,
  REFRESH_TOKEN_ONLY,
  THROTTLED,
  TOKEN,
  UNRECOGNIZED,
} from '../../support/fake-token-endpoint.ts';
import { NOW_MS } from '../../support/secret-documents.ts';

const GRANT = { clientId: 'c', clientSecret: 's', refreshToken: 'r' };
/** 10 s for the POST, plus the slowest record, promotion and announcement. */
const POST_AND_SAVE_MS = 34_000;

let context: FakeContext;

beforeEach(() => {
  context = new FakeContext();
});

function run(...answers: TokenAnswer[]) {
  context.tokenEndpoint.willAnswer(...answers);
  return exchange(context.tokenEndpoint, GRANT, context.runtime, context.telemetry);
}

function throttledFor(retryAfterSeconds: number): TokenAnswer {
  return { ...THROTTLED, retryAfterSeconds };
}

describe('an answer', () => {
  test.each<TokenAnswer>([TOKEN, REFRESH_TOKEN_ONLY])('$kind contains the time before its POST', async (answer) => {
    context.tokenEndpoint.willAnswer(() => {
      context.advance(1_500);
      return answer;
    });
    expect(await run()).toEqual({ ...answer, startedAtMs: NOW_MS });
    expect(context.telemetry.exchangeMilliseconds).toEqual([1_500]);
    expect(context.tokenEndpoint.grants).toEqual([GRANT]);
    expect(context.tokenEndpoint.timeoutsMs).toEqual([36_000]);
  });

  test('after a retry, the time is that of the POST that was answered', async () => {
    expect(await run(NOT_SENT, TOKEN)).toMatchObject({ startedAtMs: NOW_MS + 375 });
  });
});

describe('each kind of answer', () => {
  test.each(OAUTH_ERROR_CODES)('%s is final: one POST', async (error) => {
    const code = error === 'invalid_grant' ? 'REAUTHORIZATION_REQUIRED' : 'CLIENT_REJECTED';
    const reason = `HTTP 400 with ${error}`;
    expect(await run({ kind: 'refused', error, reason })).toEqual({ kind: 'failed', code, cause: code, reason });
  });

  test.each([UNRECOGNIZED, MISDIRECTED])('$kind is transient, without a second try in this run', async (answer) => {
    const { kind: cause, reason } = answer;
    expect(await run(answer)).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', cause, reason });
  });

  test('not sent is retried three times, after a delay that doubles', async () => {
    expect(await run(NOT_SENT, NOT_SENT, NOT_SENT, NOT_SENT)).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect(context.sleepsMs).toEqual([375, 750, 1_500]);
  });

  test('throttled is retried, but not before Retry-After', async () => {
    expect(await run(throttledFor(7), throttledFor(0), TOKEN)).toMatchObject({ kind: 'token' });
    expect(context.sleepsMs).toEqual([7_000, 750]);
  });

  test('a Retry-After beyond the remaining time only goes into the failure record', async () => {
    const failed = { kind: 'failed', code: 'PROVIDER_UNAVAILABLE', retryAfterSeconds: 120 };
    expect(await run(throttledFor(120))).toMatchObject(failed);
    expect(context.sleepsMs).toEqual([]);
  });

  test('ambiguous is replayed immediately with the same token, at most twice, and ends as possibly used', async () => {
    expect(await run(AMBIGUOUS, AMBIGUOUS, AMBIGUOUS)).toMatchObject({ code: 'PROVIDER_AMBIGUOUS' });
    expect(context.tokenEndpoint.grants).toEqual([GRANT, GRANT, GRANT]);
    expect(context.sleepsMs).toEqual([]);
  });

  test.each<TokenAnswer>([AMBIGUOUS, THROTTLED])(
    '$kind is not sent again in this run if this function truncated the response',
    async (answer) => {
      const failed = await run({ ...answer, isTruncated: true });
      expect(failed).toMatchObject({ kind: 'failed', cause: answer.kind });
      expect(context.tokenEndpoint.grants).toHaveLength(1);
    },
  );

  test('a server with a reuse grace answers the replay', async () => {
    expect(await run(AMBIGUOUS, TOKEN)).toMatchObject({ kind: 'token' });
  });

  test.each<[string, TokenAnswer[]]>([
    ['rejected without a known code', [UNRECOGNIZED]],
    ['misdirected', [MISDIRECTED]],
    ['out of reach', [NOT_SENT, NOT_SENT, NOT_SENT, NOT_SENT]],
    ['throttled', [THROTTLED, THROTTLED, THROTTLED, THROTTLED]],
  ])('after an ambiguous answer, the token may be used up, even if the replay was %s', async (_what, answers) => {
    expect(await run(AMBIGUOUS, ...answers)).toMatchObject({ code: 'PROVIDER_AMBIGUOUS' });
  });

  test('a replay that is rejected counts as rejected', async () => {
    expect(await run(AMBIGUOUS, INVALID_GRANT)).toMatchObject({ code: 'REAUTHORIZATION_REQUIRED' });
  });

  test('Retry-After also applies after an ambiguous answer, in the run and in the failure record', async () => {
    expect(await run(AMBIGUOUS, throttledFor(7), throttledFor(120))).toMatchObject({ retryAfterSeconds: 120 });
    expect(context.sleepsMs).toEqual([7_000]);
  });

  test('each answer without a token is logged once, without values', async () => {
    await run(NOT_SENT, UNRECOGNIZED);
    expect(context.telemetry.lines).toMatchObject([
      { level: 'warn', members: { code: 'PROVIDER_UNAVAILABLE', reason: NOT_SENT.reason } },
      { level: 'warn', members: { code: 'PROVIDER_UNAVAILABLE', reason: UNRECOGNIZED.reason } },
    ]);
  });
});

describe('time', () => {
  test('nothing is sent unless the remaining time covers the POST and storing its answer', async () => {
    context.deadlineMs = NOW_MS + POST_AND_SAVE_MS - 1;
    const failed = { kind: 'failed', code: 'PROVIDER_UNAVAILABLE', cause: 'not-sent', reason: expect.any(String) };
    expect(await run()).toEqual(failed);
    expect(context.tokenEndpoint.grants).toEqual([]);
  });

  test('a POST may take all of the time that storing its answer does not need', async () => {
    await run(TOKEN);
    context.deadlineMs = NOW_MS + POST_AND_SAVE_MS;
    await run(TOKEN);
    expect(context.tokenEndpoint.timeoutsMs).toEqual([36_000, 10_000]);
  });

  test('one POST is sent if the time just covers it, and none after it', async () => {
    context.deadlineMs = NOW_MS + POST_AND_SAVE_MS;
    const late = () => {
      context.advance(1);
      return AMBIGUOUS;
    };
    context.tokenEndpoint.willAnswer(late);
    expect(await run()).toMatchObject({ code: 'PROVIDER_AMBIGUOUS', reason: AMBIGUOUS.reason });
    expect(context.tokenEndpoint.grants).toHaveLength(1);
  });

  test.each([
    [375, 2, [375]],
    [374, 1, []],
  ])('%d ms more than POST and storage need: %d POSTs, and no pause without one', async (spareMs, posts, sleepsMs) => {
    context.deadlineMs = NOW_MS + POST_AND_SAVE_MS + spareMs;
    await run(NOT_SENT, NOT_SENT);
    expect(context.tokenEndpoint.grants).toHaveLength(posts);
    expect(context.sleepsMs).toEqual(sleepsMs);
  });

  test('a delay is jittered between half of it and all of it', async () => {
    context.random = 0;
    await run(NOT_SENT, NOT_SENT, TOKEN);
    context.random = 0.999;
    await run(NOT_SENT, TOKEN);
    expect(context.sleepsMs).toEqual([250, 500, 499.75]);
  });
});

test('for any answers and any time, there are few POSTs, and none without time to store its answer', async () => {
  const answers = fc.array(
    fc.constantFrom<TokenAnswer[]>(NOT_SENT, THROTTLED, throttledFor(3), AMBIGUOUS, UNRECOGNIZED, TOKEN),
    {
      minLength: 6,
      maxLength: 6,
    },
  );
  await fc.assert(
    fc.asyncProperty(answers, fc.nat(60_000), fc.nat(5_000), async (script, budgetMs, postMs) => {
      context = new FakeContext();
      context.deadlineMs = NOW_MS + budgetMs;
      const startedMs: number[] = [];
      for (const answer of script) {
        context.tokenEndpoint.willAnswer(() => {
          startedMs.push(context.runtime.remainingMs());
          context.advance(postMs);
          return answer;
        });
      }
      await run();
      expect(startedMs.length).toBeLessThanOrEqual(6);
      for (const leftMs of startedMs) expect(leftMs).toBeGreaterThanOrEqual(POST_AND_SAVE_MS);
      const sent = script.slice(0, startedMs.length);
      expect(sent.filter((answer) => answer === AMBIGUOUS).length).toBeLessThanOrEqual(3);
      expect(sent.slice(0, -1)).not.toContain(UNRECOGNIZED);
      expect(sent.slice(0, -1)).not.toContain(TOKEN);
    }),
  );
});
