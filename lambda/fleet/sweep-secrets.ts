import { type FleetTag, hasTag } from '../contract.ts';
import { Fault } from '../core/fault.ts';
import { toFault } from '../runtime/log-run.ts';
import { isManaged } from './fleet-event.ts';
import { type JudgeContext, judgeSecret, type SecretJudgment, type SecretRead, unread } from './judge-secret.ts';
import { type PlanOptions, planMessages, type Turn } from './plan-messages.ts';

/** One secret in the answer of `ListSecrets`. */
export interface ListedSecret {
  readonly arn: string;
  readonly tags: ReadonlyMap<string, string>;
  /** `undefined` if the secret has no replica. */
  readonly primaryRegion: string | undefined;
  /** `undefined` if no other AWS service manages the secret. */
  readonly owningService: string | undefined;
}

export interface SecretLister {
  /**
   * Lists the secrets with the tag, page by page, and some others: AWS's filters match prefixes, and do not pair key and value.
   *
   * @throws Fault `STORE_DENIED` or `STORE_UNAVAILABLE`
   */
  list(tag: FleetTag): AsyncIterable<readonly ListedSecret[]>;
}

export interface SecretReader {
  /** Reads the current values of at most {@link READ_BATCH} secrets. @throws Fault `SWEEP_INCOMPLETE` if it can read none */
  read(arns: readonly string[]): Promise<readonly SecretRead[]>;
}

export interface RefreshQueue {
  /** @returns how many of these, at most {@link SEND_BATCH}, were not taken. @throws Fault `SWEEP_INCOMPLETE` */
  send(turns: readonly Turn[], nowMs: number): Promise<number>;
  /** @returns about how many messages are ready for delivery. @throws Fault `SWEEP_INCOMPLETE` */
  countWaiting(): Promise<number>;
}

export interface SweepPorts {
  readonly lister: SecretLister;
  readonly reader: SecretReader;
  readonly judge: JudgeContext;
  readonly queue: RefreshQueue;
  /** Queue of secrets whose last attempt failed. */
  readonly retryQueue: RefreshQueue;
  /** Time until the platform ends this run. */
  readonly remainingMs: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

export interface SweepOptions extends Omit<PlanOptions, 'nowMs' | 'waiting'> {
  readonly tag: FleetTag;
  readonly region: string;
}

export interface Sweep {
  /** Judgment of each secret of the fleet. */
  readonly judgments: readonly SecretJudgment[];
  readonly queued: number;
  /** Secrets that may need a run, and did not fit before the next sweep. */
  readonly deferred: number;
  /** Secrets with the tag that the fleet does not refresh. */
  readonly replicas: readonly string[];
  readonly managed: readonly string[];
  readonly others: readonly string[];
  /** First error of the sweep. */
  readonly problem: Error | undefined;
}

/** Maximum entries of one `SendMessageBatch`, and secrets of one `BatchGetSecretValue`. */
export const SEND_BATCH = 10;
export const READ_BATCH = 20;

/** Concurrent calls, and the shortest time of each: 50 reads per second are half of AWS's quota in an account and region. */
const LANES = 8;
const LANE_MS = 160;

/** Time for the last reads, for sending messages, and for the last line. */
export const RESERVE_MS = 45_000;

/** Time for the last messages, whose call takes at most ten seconds, and for the last line. */
const LAST_CALL_MS = 15_000;

/**
 * Lists the secrets with the tag, reads them, and sends a message for each one that may need a run. A secret that could not be read is
 * sent, too. A sweep that cannot finish sends what it has: see `problem`.
 */
export async function sweepSecrets(ports: SweepPorts, options: SweepOptions): Promise<Sweep> {
  const found = {
    judgments: [] as SecretJudgment[],
    replicas: [] as string[],
    managed: [] as string[],
    others: [] as string[],
  };
  const problems: Error[] = [];
  await inLanes(batchesOf(ports, options, found, problems), async (arns) => {
    const [judgments] = await Promise.all([readBatch(ports, arns, problems), ports.sleep(LANE_MS)]);
    for (const judgment of judgments) {
      if (judgment.turn === 'skip') found.others.push(judgment.arn);
      else found.judgments.push(judgment);
    }
  });
  const count = async (queue: RefreshQueue) =>
    await queue.countWaiting().catch((error: unknown) => {
      problems.push(toFault(error));
      return Number.POSITIVE_INFINITY;
    });
  const [refresh, retry] = await Promise.all([count(ports.queue), count(ports.retryQueue)]);
  const plan = planMessages(found.judgments, { ...options, nowMs: ports.judge.now(), waiting: { refresh, retry } });
  let queued = 0;
  const send = async (queue: RefreshQueue, turns: readonly Turn[]) =>
    await inLanes(chunksOf(turns, SEND_BATCH), async (batch) => {
      try {
        if (ports.remainingMs() < LAST_CALL_MS)
          throw new Fault('SWEEP_INCOMPLETE', 'The sweep had no time left to send all messages: SQS is slow.');
        const rejected = await queue.send(batch, ports.judge.now());
        queued += batch.length - rejected;
        if (rejected > 0) {
          const message = `The queue rejected ${rejected} of ${batch.length} messages of a batch.`;
          problems.push(new Fault('SWEEP_INCOMPLETE', message));
        }
      } catch (error) {
        problems.push(toFault(error));
      }
    });
  await send(ports.queue, plan.refresh);
  await send(ports.retryQueue, plan.retry);
  return { ...found, queued, deferred: plan.deferred, problem: problems[0] };
}

/** Yields the ARNs of the fleet's own secrets in batches. Never throws, so that all listed secrets are read and sent. */
async function* batchesOf(
  { lister, remainingMs }: SweepPorts,
  { tag, region }: SweepOptions,
  found: { readonly replicas: string[]; readonly managed: string[] },
  problems: Error[],
): AsyncGenerator<readonly string[]> {
  const rest: string[] = [];
  try {
    for await (const page of lister.list(tag)) {
      for (const { arn, tags, primaryRegion = region, owningService } of page) {
        if (!hasTag(tags, tag)) continue;
        if (owningService !== undefined || isManaged(arn)) found.managed.push(arn);
        else if (primaryRegion !== region) found.replicas.push(arn);
        else rest.push(arn);
      }
      if (remainingMs() < RESERVE_MS) throw outOfTime();
      while (rest.length >= READ_BATCH) yield rest.splice(0, READ_BATCH);
    }
  } catch (error) {
    problems.push(toFault(error));
  }
  if (rest.length > 0) yield rest;
}

async function readBatch(
  { reader, judge }: SweepPorts,
  arns: readonly string[],
  problems: Error[],
): Promise<readonly SecretJudgment[]> {
  try {
    const reads = await reader.read(arns);
    return await Promise.all(reads.map((read) => judgeSecret(judge, read)));
  } catch (error) {
    problems.push(toFault(error));
    return arns.map(unread);
  }
}

/** Calls `act` with each item, a few at a time. */
async function inLanes<T>(items: AsyncIterable<T> | Iterable<T>, act: (item: T) => Promise<void>): Promise<void> {
  const iterator = toAsync(items);
  const work = async () => {
    for await (const item of { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) }) await act(item);
  };
  await Promise.all(Array.from({ length: LANES }, work));
}

async function* toAsync<T>(items: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

function* chunksOf<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}

function outOfTime(): Fault {
  return new Fault(
    'SWEEP_INCOMPLETE',
    'The sweep had no time left: the fleet has more secrets than a sweep can list and read before the next one. Split the fleet by another value of the tag, or tick less often.',
  );
}
