import { type FleetTag, hasTag } from '../contract.ts';
import { Fault } from '../core/fault.ts';
import { toFault } from '../runtime/log-run.ts';

/** What `ListSecrets` says of one secret. */
export interface ListedSecret {
  readonly arn: string;
  readonly tags: ReadonlyMap<string, string>;
  /** `undefined` if the secret is in one region alone. */
  readonly primaryRegion: string | undefined;
}

export interface SecretLister {
  /**
   * Page by page, at least those that have the tag: AWS's filters match prefixes, and do not pair key and value.
   *
   * @throws Fault `STORE_DENIED` or `STORE_UNAVAILABLE`
   */
  list(tag: FleetTag): AsyncIterable<readonly ListedSecret[]>;
}

export interface RefreshQueue {
  /** @returns how many of these, at most {@link MAX_BATCH}, were not taken. @throws Fault `SWEEP_INCOMPLETE` */
  send(arns: readonly string[]): Promise<number>;
}

export interface Sweep {
  /** Secrets with the tag, those of {@link replicas} apart. */
  readonly listed: number;
  readonly queued: number;
  /** Copies of a secret of another region: only the original can be written. */
  readonly replicas: number;
}

export interface SweepPorts {
  readonly lister: SecretLister;
  readonly queue: RefreshQueue;
  /** Until the platform ends this run. */
  readonly remainingMs: () => number;
}

/** Entries of one `SendMessageBatch`. */
export const MAX_BATCH = 10;

/** For a page and then its batches, ten seconds each at most, and for the last line. */
const RESERVE_MS = 25_000;

/**
 * Puts every secret with the tag into the queue, and asks nothing of any: whether a token is due is decided where it is
 * refreshed. A page is sent while the next one is read.
 *
 * @param region of the fleet
 * @throws Fault that says how many were queued, if some were not
 */
export async function sweepSecrets(ports: SweepPorts, tag: FleetTag, region: string): Promise<Sweep> {
  const counts = { listed: 0, queued: 0, replicas: 0 };
  const problems: Error[] = [];
  let sending = Promise.resolve();
  try {
    for await (const page of ports.lister.list(tag)) {
      const tagged = page.filter(({ tags }) => hasTag(tags, tag));
      const own = tagged.filter(({ primaryRegion = region }) => primaryRegion === region);
      counts.listed += own.length;
      counts.replicas += tagged.length - own.length;
      await sending;
      sending = sendAll(own);
      if (ports.remainingMs() < RESERVE_MS) throw outOfTime();
    }
  } catch (error) {
    problems.push(toFault(error));
  }
  await sending;
  const [problem] = problems;
  if (problem === undefined) return counts;
  throw problem instanceof Fault ? withCounts(problem, counts) : problem;

  /** Never rejects: one batch that fails does not keep the others back. */
  async function sendAll(secrets: readonly ListedSecret[]): Promise<void> {
    await Promise.all(
      toBatches(secrets).map(async (batch) => {
        try {
          const refused = await ports.queue.send(batch.map(({ arn }) => arn));
          counts.queued += batch.length - refused;
          if (refused > 0) problems.push(new Fault('SWEEP_INCOMPLETE', 'The queue did not take every message.'));
        } catch (error) {
          problems.push(toFault(error));
        }
      }),
    );
  }
}

function toBatches<T>(items: readonly T[]): readonly (readonly T[])[] {
  const batches: (readonly T[])[] = [];
  for (let from = 0; from < items.length; from += MAX_BATCH) batches.push(items.slice(from, from + MAX_BATCH));
  return batches;
}

function outOfTime(): Fault {
  return new Fault(
    'SWEEP_INCOMPLETE',
    'The sweep had no time left: there are more secrets than it can list before the next one. Split the fleet, by another value of the tag, or tick less often.',
  );
}

function withCounts({ name, message }: Fault, { listed, queued }: Sweep): Fault {
  return new Fault(
    name,
    `${message} Until then, ${queued} of ${listed} secrets were put into the queue, and are kept; the next sweep begins anew.`,
  );
}
