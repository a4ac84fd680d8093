import { describe, expect, it } from 'vitest';
import { type Fleet, startFleet } from '../sandbox/fleet.ts';
import type { Step } from '../sandbox/oauth/scripted-token-endpoint.ts';
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts';
import { attributesOf } from './deployed-template.ts';
import { type Datapoint, parseEmbeddedMetrics } from './embedded-metrics.ts';
import { watchAlarm } from './evaluate-alarm.ts';
import { alarmsOf } from './monitored-function.ts';
import { synthesiseFleet } from './synthesise.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const OUTAGE: Step = { status: 503, headers: { 'retry-after': '120' } };
const INTERVAL = 10;

const template = synthesiseFleet();
const attributes = attributesOf(template, '');
const ALARMS = alarmsOf(template, attributes);
const QUEUES = Object.keys(template.Resources).filter((id) => template.Resources[id]?.Type === 'AWS::SQS::Queue');

/** A fleet whose two functions run on a clock that the test moves, as CloudWatch sees them. */
class MonitoredFleet {
  readonly #fleet: Fleet;
  readonly #sandbox: Sandbox;
  readonly #startMs = Date.now();
  readonly #ofQueues: Datapoint[] = [];

  constructor(fleet: Fleet, sandbox: Sandbox) {
    this.#fleet = fleet;
    this.#sandbox = sandbox;
  }

  /** Ticks at these minutes. */
  async tick(...minutes: readonly number[]): Promise<void> {
    for (const minute of minutes) {
      await this.#fleet.tick({ clockOffsetMs: this.#startMs + minute * MINUTE_MS - Date.now() });
    }
  }

  /** Sweeps at these minutes, and no run: another consumer empties the queue, or no function receives it. */
  async sweepOnly(...minutes: readonly number[]): Promise<void> {
    for (const minute of minutes) {
      await this.#fleet.sweep({ clockOffsetMs: this.#startMs + minute * MINUTE_MS - Date.now() });
    }
  }

  /** Returns the SQS metrics of the queue whose logical id matches. */
  tellQueue(id: RegExp, metricName: string, value: number, minute: number): void {
    const QueueName = QUEUES.find((each) => id.test(each)) ?? '';
    const atMs = this.#startMs + minute * MINUTE_MS;
    this.#ofQueues.push({ namespace: 'AWS/SQS', metricName, dimensions: { QueueName }, atMs, value });
  }

  /** The alarms that fired in some minute from `since` to `until`. */
  async firing(since: number, until: number): Promise<readonly string[]> {
    await Promise.all(this.#sandbox.processes.map((each) => each.stop()));
    const ofFunctions = this.#sandbox.processes.flatMap(({ stdout }) => parseEmbeddedMetrics(stdout));
    const datapoints = [...ofFunctions, ...this.#ofQueues].map((each) => ({
      ...each,
      atMs: Math.floor((each.atMs - this.#startMs) / MINUTE_MS) * MINUTE_MS,
    }));
    return [...ALARMS]
      .filter(([, alarm]) => watchAlarm(alarm, datapoints, 0, until).slice(since).includes('ALARM'))
      .map(([name]) => name)
      .sort();
  }
}

async function inFleet(
  act: (monitored: MonitoredFleet, fleet: Fleet, sandbox: Sandbox) => Promise<void>,
  script: readonly Step[] = ['forward'],
): Promise<void> {
  await using sandbox = await startSandbox({ script });
  const fleet = await startFleet(sandbox, 1);
  fleet.add('healthy', await sandbox.mintCredentials());
  await act(new MonitoredFleet(fleet, sandbox), fleet, sandbox);
}

describe('no alarm of a fleet fires', () => {
  it('while its tokens are refreshed, and one fails temporarily', () =>
    inFleet(
      async (monitored) => {
        // A sweep sees the token before the run that refreshes it: the third tick is the last that may find it due.
        await monitored.tick(0, 10, 20, 30);
        expect(await monitored.firing(0, 50)).toEqual([]);
      },
      [OUTAGE, OUTAGE, 'forward'],
    ));

  it('for a secret that was unusable in one tick', () =>
    inFleet(async (monitored, fleet, { aws: { secretsManager } }) => {
      fleet.add('empty');
      await monitored.tick(0);
      secretsManager.deleteSecret({ SecretId: 'empty' });
      await monitored.tick(10, 20, 30);
      expect(await monitored.firing(0, 45)).toEqual([]);
    }));
});

describe('of a fleet, this alarm fires and no other:', () => {
  it('TokenOverdue, if the token of one account has been due for longer than three ticks, and not before', () =>
    inFleet(
      async (monitored, fleet, sandbox) => {
        await monitored.tick(0);
        const now = Date.now();
        // Due in minute 5.
        fleet.add('down', {
          ...(await sandbox.mintCredentials()),
          access_token: 'old',
          refreshed_at: new Date(now - 3 * HOUR_MS + 5 * MINUTE_MS).toISOString(),
          expires_at: new Date(now + 3 * HOUR_MS + 5 * MINUTE_MS).toISOString(),
        });
        await monitored.tick(10, 20, 30, 40);
        expect(await monitored.firing(0, 39)).toEqual([]);
        expect(await monitored.firing(40, 50)).toEqual(['TokenOverdue']);
      },
      ['forward', OUTAGE],
    ));

  it('ReauthorizationRequired, when the grant of one account is revoked, and not TokenOverdue as well', () =>
    inFleet(async (monitored, fleet, sandbox) => {
      fleet.add('revoked', { ...(await sandbox.mintCredentials()), refresh_token: 'never-issued' });
      await monitored.tick(0, 10, 20, 30, 40, 50);
      expect(await monitored.firing(0, 70)).toEqual(['ReauthorizationRequired']);
    }));

  it('SecretUnusable, if one secret holds something else for several ticks', () =>
    inFleet(async (monitored, fleet) => {
      fleet.add('odd', { user: 'root' });
      await monitored.tick(0, 10, 20, 30, 40, 50);
      expect(await monitored.firing(0, 60)).toEqual(['SecretUnusable']);
    }));

  it('SecretUnusable, if Secrets Manager fails for the refresh, so that no run reports the token', () =>
    inFleet(async (monitored, _fleet, { aws }) => {
      await monitored.tick(0);
      aws.inject({ kind: 'internal-error', operation: 'GetSecretValue', times: 9_999 });
      await monitored.tick(10, 20, 30, 40, 50);
      expect(await monitored.firing(0, 60)).toEqual(['SecretUnusable']);
    }));

  it('SweepSilent, if nothing sweeps anymore: after two ticks and the window, and not before', () =>
    inFleet(async (monitored) => {
      await monitored.tick(0);
      expect(await monitored.firing(0, 2 * INTERVAL + 2)).toEqual([]);
      expect(await monitored.firing(2 * INTERVAL + 2, 45)).toEqual(['SweepSilent']);
    }));

  it('SweepSilent, if no secret has the tag', () =>
    inFleet(async (monitored, _fleet, { aws: { secretsManager } }) => {
      secretsManager.deleteSecret({ SecretId: 'healthy' });
      await monitored.tick(0, 10, 20, 30);
      expect(await monitored.firing(0, 40)).toEqual(['SweepSilent']);
    }));

  it.each(['ListSecrets', 'BatchGetSecretValue'] as const)('SweepSilent, if the sweep may not call %s', (operation) =>
    inFleet(async (monitored, _fleet, { aws }) => {
      aws.inject({ kind: 'access-denied', operation, times: 99 });
      await monitored.tick(0, 10, 20, 30);
      expect(await monitored.firing(0, 40)).toEqual(['SweepSilent']);
    }),
  );

  it('TokenOverdue and ManyTokensOverdue, within an hour after the refresh was deleted', () =>
    inFleet(async (monitored, fleet, sandbox) => {
      const now = Date.now();
      fleet.add('due', {
        ...(await sandbox.mintCredentials()),
        access_token: 'old',
        refreshed_at: new Date(now - 3 * HOUR_MS).toISOString(),
        expires_at: new Date(now + 3 * HOUR_MS).toISOString(),
      });
      await monitored.sweepOnly(0, 10, 20, 30, 40, 50);
      expect(await monitored.firing(0, 60)).toEqual(['ManyTokensOverdue', 'TokenOverdue']);
    }));

  it('QueueOld, if messages wait for longer than two ticks', () =>
    inFleet(async (monitored) => {
      await monitored.tick(0, 10, 20, 30);
      for (const [minute, age] of [
        [10, 600],
        [20, 1_100],
        [30, 1_500],
      ] as const) {
        monitored.tellQueue(/^FleetQueue.{8}$/, 'ApproximateAgeOfOldestMessage', age, minute);
      }
      expect(await monitored.firing(0, 28)).toEqual([]);
      expect(await monitored.firing(28, 40)).toEqual(['QueueOld']);
    }));

  it('DeadLetters, if a message is in one of the three queues', () =>
    inFleet(async (monitored) => {
      await monitored.tick(0, 10, 20, 30);
      const queues = [/QueueDeadLetters/, /FailedRuns/, /UndeliveredTicks/];
      for (const [index, id] of queues.entries()) {
        monitored.tellQueue(id, 'ApproximateNumberOfMessagesVisible', 1, 10 * (index + 1));
      }
      for (const minute of [10, 20, 30]) {
        expect(await monitored.firing(minute, minute)).toEqual(['DeadLetters']);
        expect(await monitored.firing(minute + 6, minute + 6)).toEqual([]);
      }
    }));
});
