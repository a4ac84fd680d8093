import type { Saboteur } from '../sabotage.ts';

/** Mistakes that no simulation of one secret can see: named tests catch them. */
export const FLEET_SABOTEURS: readonly Saboteur[] = [
  {
    mistake: 'waits only for the last read of each worker in a sweep',
    patches: [
      {
        file: 'fleet/sweep-secrets.ts',
        find: '  const work = async () => {',
        replace: '  const work = async () => {\n    let last: unknown;',
      },
      { file: 'fleet/sweep-secrets.ts', find: 'await act(item);', replace: 'last = act(item);\n    await last;' },
    ],
    caughtBy: {
      file: 'fleet/sweep-secrets.test.ts',
      test: 'waits for each of its reads, and not only for the last one',
    },
  },
  {
    mistake: "reports a failed run's metrics with those of the next secret",
    patches: [
      {
        file: 'adapters/powertools-telemetry.ts',
        find: 'this.#metrics.publishStoredMetrics();',
        replace: `if (level === 'info') this.#metrics.publishStoredMetrics();`,
      },
    ],
    caughtBy: {
      file: 'adapters/powertools-telemetry.test.ts',
      test: 'a failed run leaves none of its figures to the next one',
    },
  },
  {
    mistake: "reports one secret's token expiry for the next secret",
    patches: [
      {
        file: 'adapters/powertools-telemetry.ts',
        find: 'this.#noted = {};\n    this.#startedAtMs',
        replace: 'this.#startedAtMs',
      },
    ],
    caughtBy: {
      file: 'adapters/powertools-telemetry.test.ts',
      test: 'a failed run leaves none of its figures to the next one',
    },
  },
  {
    mistake: 'delivers all messages of a sweep together',
    patches: [
      {
        file: 'fleet/sqs-refresh-queue.ts',
        find: 'startAtMs === undefined ? 0 : toDelaySeconds(startAtMs - nowMs)',
        replace: 'startAtMs === undefined ? 0 : toDelaySeconds(nowMs - startAtMs)',
      },
    ],
    caughtBy: {
      file: 'fleet/sweep.test.ts',
      test: 'spreads deliveries over time, so that not all runs start together',
    },
  },
  {
    mistake: 'counts rejected accounts as overdue',
    patches: [
      {
        file: 'fleet/sweep-telemetry.ts',
        find: 'const waiting = known.filter((each) => !isReauthorization(each));',
        replace: 'const waiting = known;',
      },
    ],
    caughtBy: {
      file: 'fleet/sweep.test.ts',
      test: 'counts no rejected account as overdue, because rejected accounts have an alarm of their own',
    },
  },
  {
    mistake: 'forgets an account that two sweeps could not read',
    patches: [
      {
        file: 'fleet/decide-notices.ts',
        find: `if (code === 'STORE_UNAVAILABLE' || (code !== undefined && known === code)) {`,
        replace: 'if (code !== undefined && known === code) {',
      },
    ],
    caughtBy: {
      file: 'fleet/decide-notices.test.ts',
      test: 'an account that two sweeps in a row could not read keeps its state',
    },
  },
  {
    mistake: 'keeps running after its lease if the function has time left',
    patches: [
      {
        file: 'fleet/refresh-message.ts',
        find: 'Math.min(lambdaContext.getRemainingTimeInMillis(), endsAtMs - Date.now())',
        replace: 'lambdaContext.getRemainingTimeInMillis() + 0 * endsAtMs',
      },
    ],
    caughtBy: {
      file: 'fleet/refresh-message.test.ts',
      test: 'a run ends before its lease does, although the function has more time',
    },
  },
  {
    mistake: 'drops an answer if someone restores an earlier document',
    patches: [
      {
        file: 'fleet/find-reason-to-give-up.ts',
        find: '(await isUnused(store, current)) ?',
        replace: '(await isUnused(store, current)) || true ?',
      },
    ],
    caughtBy: {
      file: 'fleet/find-reason-to-give-up.test.ts',
      test: 'not while someone has restored an earlier document of the same grant',
    },
  },
  {
    mistake: 'treats a queue of unknown length as empty',
    patches: [{ file: 'fleet/sweep-secrets.ts', find: 'return Number.POSITIVE_INFINITY;', replace: 'return 0;' }],
    caughtBy: {
      file: 'fleet/sweep-secrets.test.ts',
      test: 'gives a run little time to start if the length of its queue is unknown',
    },
  },
  {
    mistake: 'deletes the old record of notified accounts before it stores the new one',
    patches: [
      {
        file: 'fleet/notified-accounts.ts',
        find: 'const MessageBody = JSON.stringify({ atMs: nowMs, ...next });',
        replace: `for (const { ReceiptHandle } of messages.splice(0)) {
      await this.#client.send(new DeleteMessageCommand({ QueueUrl: this.#queueUrl, ReceiptHandle }), this.#options());
    }
    const MessageBody = JSON.stringify({ atMs: nowMs, ...next });`,
      },
    ],
    caughtBy: {
      file: 'fleet/notify-accounts.test.ts',
      test: 'the new state is stored before the old one is deleted, so that a crash in between forgets no one',
    },
  },
  {
    mistake: 'drops an answer because AWS throttles the check of its secret',
    patches: [
      {
        file: 'fleet/refresh-message.ts',
        find: 'return isDenialFinal && describeAwsError(error, DESCRIBE_TIMEOUT_MS / 1000).isDenial;',
        replace: `return isDenialFinal && describeAwsError(error, DESCRIBE_TIMEOUT_MS / 1000).what !== '';`,
      },
    ],
    caughtBy: {
      file: 'fleet/refresh-message.test.ts',
      test: 'is not given up because AWS throttles the look at its secret, however old it is',
    },
  },
];
