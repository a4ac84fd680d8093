import { SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { NO_ONE_NOTIFIED } from '../../../lambda/fleet/decide-notices.ts';
import type { SecretJudgment } from '../../../lambda/fleet/judge-secret.ts';
import { NotifiedAccounts } from '../../../lambda/fleet/notified-accounts.ts';
import { notifyAccounts } from '../../../lambda/fleet/notify-accounts.ts';
import { startAws } from '../../sandbox/aws/aws-server.ts';
import { awsClientOptions } from '../../support/aws-client-options.ts';
import { FakeTelemetry } from '../../support/fake-telemetry.ts';

const DAY_MS = 86_400_000;

const REVOKED: SecretJudgment = {
  arn: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:acme-AbCdEf',
  turn: 'none',
  fromMs: 0,
  expiresAtMs: 0,
  secondsUntilDue: 0,
  trouble: 'REAUTHORIZATION_REQUIRED',
};

/** Starts sweeps that notify, by the test's clock, each in its own execution environment. */
async function start({ fails = false } = {}) {
  const clock = { nowMs: Date.UTC(2026, 10, 22) };
  const aws = await startAws({ now: () => clock.nowMs, sqs: { retentionMs: 14 * DAY_MS } });
  const queueUrl = `${aws.url}/000000000000/notified`;
  const subjects: string[] = [];
  const limit = { failsAfter: fails ? 0 : Number.POSITIVE_INFINITY, publishMs: 0, timeoutMs: 120_000 };
  const telemetry = new FakeTelemetry();
  const open = () => new NotifiedAccounts(new SQSClient(awsClientOptions(aws.url)), queueUrl);
  const sweep = async (judgments: readonly SecretJudgment[], isTick = true) => {
    subjects.length = 0;
    const endsAtMs = clock.nowMs + limit.timeoutMs;
    await notifyAccounts(
      {
        accounts: open(),
        publish: async (subject) => {
          if (subjects.length >= limit.failsAfter) throw new Error('AuthorizationError');
          subjects.push(subject);
          clock.nowMs += limit.publishMs;
        },
        telemetry,
        now: () => clock.nowMs,
        remainingMs: () => endsAtMs - clock.nowMs,
      },
      judgments,
    );
    if (isTick) clock.nowMs += 600_000;
    return [...subjects];
  };
  return { aws, clock, limit, open, sweep, telemetry, [Symbol.asyncDispose]: () => aws.close() };
}

test('an account is reported once, even if the execution environment changes', async () => {
  await using started = await start();
  expect(await started.sweep([REVOKED])).toHaveLength(1);
  expect(await started.sweep([REVOKED])).toEqual([]);
  const writes = started.aws.calls.filter(({ operation }) => operation === 'SendMessage');
  expect(writes).toHaveLength(1);
});

test('a missed sweep loses no change: the next one reports it', async () => {
  await using started = await start();
  await started.sweep([]);
  started.clock.nowMs += DAY_MS;
  expect(await started.sweep([REVOKED])).toHaveLength(1);
});

test('only one of two simultaneous sweeps notifies', async () => {
  await using started = await start();
  await started.sweep([{ ...REVOKED, trouble: 'REAUTHORIZATION_PROBABLE' }]);
  const taken = await started.open().take(120);
  expect(taken).toBeDefined();
  expect(await started.sweep([REVOKED], false)).toEqual([]);
});

test('the next sweep sends the emails that could not be sent, and a warning is logged', async () => {
  await using started = await start({ fails: true });
  await started.sweep([REVOKED]);
  expect(started.telemetry.lines).toMatchObject([{ level: 'warn', members: { code: 'Error' } }]);
  expect(started.aws.calls.map(({ operation }) => operation)).not.toContain('SendMessage');
});

test.each(['REAUTHORIZATION_REQUIRED', 'CREDENTIALS_INVALID'] as const)(
  'an email that could not be sent does not send those before it again: %s',
  async (trouble) => {
    await using started = await start();
    const accounts = Array.from({ length: 55 }, (_, index) => {
      const arn = REVOKED.arn.replace('acme', `acme-${index}`);
      return { ...REVOKED, arn, trouble: index < 5 ? trouble : undefined };
    });
    // An unusable secret is reported by the second sweep.
    if (trouble === 'CREDENTIALS_INVALID') await started.sweep(accounts);
    started.limit.failsAfter = 2;
    const before = await started.sweep(accounts);
    expect(before).toHaveLength(2);
    started.limit.failsAfter = 99;
    const after = await started.sweep(accounts);
    expect(new Set([...before, ...after]).size).toBe(5);
    expect(after).toHaveLength(3);
    expect(await started.sweep(accounts)).toEqual([]);
  },
);

test.each([60_000, 900_000])(
  'a slow topic does not use up the %i ms of a sweep, and no email is sent twice',
  async (ms) => {
    await using started = await start();
    const healthy = Array.from({ length: 500 }, (_, index) => ({ ...REVOKED, arn: `s-${index}`, trouble: undefined }));
    const revoked = Array.from({ length: 20 }, (_, index) => ({ ...REVOKED, arn: `${REVOKED.arn}${index}` }));
    started.limit.timeoutMs = ms;
    started.limit.publishMs = 9_000;
    const startMs = started.clock.nowMs;
    const sent = await started.sweep([...revoked, ...healthy], false);
    // Another sweep gets the state after 120 seconds.
    expect(started.clock.nowMs - startMs).toBeLessThan(Math.min(ms, 120_000));
    expect(sent.length).toBeGreaterThan(2);
    expect(started.telemetry.lines).toMatchObject([{ level: 'warn', members: { code: 'TimeoutError' } }]);
    started.clock.nowMs += 600_000;
    started.limit.publishMs = 0;
    const rest = await started.sweep([...revoked, ...healthy]);
    expect(sent.length + rest.length).toBe(20);
  },
);

test('accounts beyond the limit of a sweep are reported in one additional email', async () => {
  await using started = await start();
  const healthy = Array.from({ length: 500 }, (_, index) => ({
    ...REVOKED,
    arn: `healthy-${index}`,
    trouble: undefined,
  }));
  const revoked = Array.from({ length: 25 }, (_, index) => ({ ...REVOKED, arn: `${REVOKED.arn}${index}` }));
  expect(await started.sweep([...revoked, ...healthy])).toHaveLength(21);
});

test('the state is stored again before SQS deletes it, and a second copy is removed', async () => {
  await using started = await start();
  await started.sweep([REVOKED]);
  started.aws.sqs.sendMessage({
    QueueUrl: `${started.aws.url}/000000000000/notified`,
    MessageBody: JSON.stringify({ atMs: 0, ...NO_ONE_NOTIFIED }),
  });
  started.clock.nowMs += 8 * DAY_MS;
  expect(await started.sweep([REVOKED])).toEqual([]);
  started.clock.nowMs += 13 * DAY_MS;
  expect(await started.sweep([REVOKED])).toEqual([]);
});

test('the new state is stored before the old one is deleted, so that a crash in between forgets no one', async () => {
  await using started = await start();
  await started.sweep([REVOKED]);
  await started.sweep([]);
  const writes = started.aws.calls.map(({ operation }) => operation).filter((name) => /^(Send|Delete)/.test(name));
  expect(writes).toEqual(['SendMessage', 'SendMessage', 'DeleteMessage']);
});

test('a message typed into the queue is not a state, and is replaced by one', async () => {
  await using started = await start();
  started.aws.sqs.sendMessage({ QueueUrl: `${started.aws.url}/000000000000/notified`, MessageBody: 'typed' });
  expect(await started.sweep([REVOKED])).toHaveLength(1);
  expect(await started.sweep([REVOKED])).toEqual([]);
});
