import { describe, expect, test } from 'vitest';
import { endingOf, useSandbox } from '../support/in-sandbox.ts';
import {
  AFTER_THE_RECORD,
  BEFORE_THE_ANSWER,
  BETWEEN,
  crashAt,
  expectReauthorization,
  expectRecovery,
} from './crashes.ts';

// The points at which a crash leaves different things behind; `crash.long.ts` has each call of a refresh.
const POINTS = [...BEFORE_THE_ANSWER, ...AFTER_THE_RECORD].filter(({ at }) =>
  ['the claim, written', 'the record, written', 'the promotion, done'].includes(at),
);

describe('a run that is killed loses no token: the next one, once the lease is over, continues', () => {
  const use = useSandbox({ kind: 'rotation' });
  test.each(POINTS)('at $at: $next', (crash) => expectRecovery(use(), crash));

  test.each(BETWEEN.slice(0, 1))(
    'at $at: with strict rotation an admin is notified, and nothing more is sent',
    (crash) => expectReauthorization(use(), crash),
  );
});

describe('the lease of a killed run', () => {
  const use = useSandbox();

  test('is respected while it lasts', async () => {
    const { sandbox, lambda } = use();
    await crashAt(sandbox, { at: 'the POST', step: 'hold-answer', posts: 1 }, 0);
    expect(endingOf(await lambda.invoke({}))).toBe('busy');
    expect(sandbox.tokenEndpoint.requests).toHaveLength(1);
  });

  test('is as long as its own LEASE_SECONDS, and not shorter for a run that has less', async () => {
    const { sandbox } = use();
    await crashAt(sandbox, { at: 'the POST', step: 'hang', posts: 1 }, 62);
    const shorter = await sandbox.startFunction({ LEASE_SECONDS: '61' });
    expect(endingOf(await shorter.invoke({}))).toBe('busy');
    await shorter.stop();
  });

  test('nor longer for a run that has more', async () => {
    const { sandbox, lambda } = use();
    await crashAt(sandbox, { at: 'the POST', step: 'hang', posts: 1 }, 62, { LEASE_SECONDS: '61' });
    expect(endingOf(await lambda.invoke({}))).toBe('refreshed');
    await lambda.stop();
    expect(lambda.stdout).toContain('"ClaimTakenOver":1');
  });
});
