import { type Turn, toDelaySeconds } from '../../lambda/fleet/plan-messages.ts';
import { type ListedSecret, type Sweep, sweepSecrets } from '../../lambda/fleet/sweep-secrets.ts';
import { FakeTelemetry } from '../support/fake-telemetry.ts';
import { MINUTE_MS } from '../support/secret-documents.ts';
import { DEPLOYED } from './deployed-fleet.ts';
import type { FleetAccount, FleetWorld } from './fleet-account.ts';
import { FLEET_SETTINGS } from './fleet-run.ts';

const PAGE = 100;
const TAG = { key: 'retently', value: undefined };
const TAGS: ReadonlyMap<string, string> = new Map([[TAG.key, '']]);
/** More than it takes, so that the figure shows how long it takes. */
const TIMEOUT_MS = 15 * MINUTE_MS;

export interface SweepOptions {
  readonly accounts: readonly FleetAccount[];
  readonly tickMinutes: number;
  readonly countWaiting: (lane: 'refresh' | 'retry') => number;
  readonly send: (lane: 'refresh' | 'retry', account: FleetAccount, turn: Turn, delayMs: number) => void;
}

/** The real sweep, between a list that answers page by page, reads of 20 secrets, and queues that take ten messages at a time. */
export async function sweepFleet({ timeline, random }: FleetWorld, options: SweepOptions): Promise<Sweep> {
  const { accounts, send } = options;
  const startedAtMs = timeline.nowMs;
  const byName = new Map(accounts.map((account) => [account.name, account]));
  const toQueue = (lane: 'refresh' | 'retry') => ({
    countWaiting: async () => options.countWaiting(lane),
    send: async (turns: readonly Turn[], nowMs: number) => {
      await timeline.wait(random(20, 60));
      for (const turn of turns) {
        const account = byName.get(turn.arn);
        const delaySeconds = turn.startAtMs === undefined ? 0 : toDelaySeconds(turn.startAtMs - nowMs);
        if (account) send(lane, account, turn, 1_000 * delaySeconds);
      }
      return 0;
    },
  });
  return await sweepSecrets(
    {
      lister: { list },
      reader: {
        read: async (names) => {
          await timeline.wait(random(50, 150));
          return names.map((arn) => read(arn));
        },
      },
      judge: {
        settings: FLEET_SETTINGS,
        telemetry: new FakeTelemetry(),
        now: () => timeline.nowMs,
        open: (name) => {
          const account = byName.get(name);
          if (account === undefined) throw new Error(`There is no ${name}.`);
          // A run that is killed does not end the sweep.
          return account.secret.reader;
        },
      },
      queue: toQueue('refresh'),
      retryQueue: toQueue('retry'),
      remainingMs: () => startedAtMs + TIMEOUT_MS - timeline.nowMs,
      sleep: async (milliseconds) => await timeline.wait(milliseconds),
    },
    {
      tag: TAG,
      region: 'us-east-1',
      refreshesPerSecond: DEPLOYED.refreshesPerSecond,
      sweepSeconds: 60 * (options.tickMinutes - DEPLOYED.windowMinutes),
    },
  );

  async function* list(): AsyncIterable<readonly ListedSecret[]> {
    for (let from = 0; from < accounts.length; from += PAGE) {
      await timeline.wait(random(50, 150));
      const page = accounts.slice(from, from + PAGE);
      yield page.map(({ name }) => ({ arn: name, tags: TAGS, primaryRegion: undefined, owningService: undefined }));
    }
  }

  function read(arn: string) {
    const secret = byName.get(arn)?.secret;
    const { version, isAtRest = false } = secret?.peek() ?? {};
    if (secret?.refusal?.name === 'STORE_DENIED') return { arn, kind: 'denied' } as const;
    if (version === undefined || secret?.refusal) return { arn, kind: 'absent' } as const;
    return { arn, kind: 'value', version, isAtRest } as const;
  }
}
