import { type ListedSecret, sweepSecrets } from '../../lambda/fleet/sweep-secrets.ts';
import { MINUTE_MS } from '../support/secret-documents.ts';
import type { FleetAccount, FleetWorld } from './fleet-account.ts';

/** ListSecrets may lag behind. */
const LIST_LAG_MS = 5 * MINUTE_MS;
const PAGE = 100;
const TAG = { key: 'retently', value: undefined };
const TAGS: ReadonlyMap<string, string> = new Map([[TAG.key, '']]);
/** More than it takes, so that the figure shows how long it takes. */
const TIMEOUT_MS = 15 * MINUTE_MS;

/** In which order ListSecrets lists the secrets: the newest first, or that of the last change. */
export type ListOrder = 'created' | 'changed';

export interface SweepOptions {
  readonly accounts: readonly FleetAccount[];
  readonly order: ListOrder;
  readonly send: (account: FleetAccount) => void;
}

/**
 * The real sweep, between a list that answers page by page and a queue that takes ten messages at a time.
 *
 * @returns how long it took, in milliseconds
 */
export async function sweepFleet({ timeline, random }: FleetWorld, options: SweepOptions): Promise<number> {
  const { accounts, order, send } = options;
  const startedAtMs = timeline.nowMs;
  const byName = new Map(accounts.map((account) => [account.name, account]));
  await sweepSecrets(
    {
      lister: { list: () => list(order === 'created' ? accounts : byChange(accounts, startedAtMs)) },
      queue: {
        send: async (names) => {
          await timeline.wait(random(20, 60));
          for (const account of names.map((name) => byName.get(name))) if (account) send(account);
          return 0;
        },
      },
      remainingMs: () => startedAtMs + TIMEOUT_MS - timeline.nowMs,
    },
    TAG,
    'us-east-1',
  );
  return timeline.nowMs - startedAtMs;

  async function* list(listed: readonly FleetAccount[]): AsyncIterable<readonly ListedSecret[]> {
    for (let from = 0; from < listed.length; from += PAGE) {
      await timeline.wait(random(50, 150));
      yield listed.slice(from, from + PAGE).map(({ name }) => ({ arn: name, tags: TAGS, primaryRegion: undefined }));
    }
  }
}

function byChange(accounts: readonly FleetAccount[], nowMs: number): readonly FleetAccount[] {
  const knownAtMs = nowMs - LIST_LAG_MS;
  const changedMs = new Map(accounts.map((account) => [account, account.secret.changedMsBefore(knownAtMs)]));
  return [...accounts].sort((one, other) => (changedMs.get(other) ?? 0) - (changedMs.get(one) ?? 0));
}
