import * as z from 'zod/mini';
import { parseJson } from '../contract.ts';
import { Fault } from '../core/fault.ts';
import { type Action, parseEvent } from '../runtime/event.ts';

/** One message of the queue, as Lambda's event source mapping delivers it. */
export interface QueueMessage {
  readonly messageId: string;
  readonly body: string;
}

/** Region and AWS account of the fleet, which refreshes no secret of another region or account. */
export interface Place {
  readonly region: string;
  readonly account: string;
}

const Batch = z.object({
  Records: z
    .array(z.object({ eventSource: z.literal('aws:sqs'), messageId: z.string(), body: z.string() }))
    .check(z.minLength(1)),
});

const COMPLETE_ARN = /^arn:aws[\w-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@!-]{1,512}-[A-Za-z0-9]{6}$/;
const secretId = z.string().check(z.regex(COMPLETE_ARN));

/** Secret of a message, and its turn in milliseconds since the epoch. Without a turn, the run starts immediately. */
export interface QueuedSecret {
  readonly secretId: string;
  readonly startAtMs: number | undefined;
  readonly endAtMs: number | undefined;
}

/** Body of a message, as the sweep writes it. */
const Message = z.strictObject({ secretId, startAtMs: z.optional(z.number()), endAtMs: z.optional(z.number()) });
const Named = z.looseObject({ secretId });

const NOTHING_DONE = 'Nothing was read or sent.';

/** Returns the messages; `undefined` if the event is not a batch of SQS. */
export function parseBatch(event: unknown): readonly QueueMessage[] | undefined {
  return Batch.safeParse(event).data?.Records;
}

export function renderMessage(arn: string, turn: Partial<Omit<QueuedSecret, 'secretId'>> = {}): string {
  return JSON.stringify({ secretId: arn, ...turn });
}

/** Returns the event that forces a refresh of one secret: {@link parseRequest} accepts it. */
export function renderForceEvent(arn: string): string {
  return JSON.stringify({ action: 'refresh', force: true, secretId: arn });
}

/** @throws Fault `EVENT_INVALID`, which shows nothing of the body. No sweep wrote it: a person typed it */
export function parseMessage(body: string, place: Place): QueuedSecret {
  const parsed = Message.safeParse(parseJson(body));
  if (parsed.success)
    return {
      startAtMs: undefined,
      endAtMs: undefined,
      ...parsed.data,
      secretId: requireHere(parsed.data.secretId, place),
    };
  throw new Fault(
    'EVENT_INVALID',
    `A queue message is not {"secretId":"<complete ARN>"}, which is all that the sweep writes. It was removed from the queue. ${NOTHING_DONE}`,
  );
}

/**
 * Parses the request of a person: an event of the function of one secret, with `secretId`.
 *
 * @throws Fault `EVENT_INVALID`, which names what is wrong and shows no value
 */
export function parseRequest(event: unknown, place: Place): { readonly secretId: string; readonly action: Action } {
  const named = Named.safeParse(event);
  if (!named.success) {
    throw new Fault(
      'EVENT_INVALID',
      `The event has no secretId. In a fleet, name the secret by its complete ARN: {"action":"status","secretId":"arn:…"}. Other actions: "refresh", with or without "force":true. ${NOTHING_DONE}`,
    );
  }
  const { secretId, ...rest } = named.data;
  return { secretId: requireHere(secretId, place), action: parseEvent(rest) };
}

/**
 * Returns whether another AWS service manages this secret. Only its name then has a `!`, as in `rds!cluster-…`. The sweep
 * skips it, and a run rejects it.
 */
export function isManaged(arn: string): boolean {
  return /:secret:[^:]*!/.test(arn);
}

/** Returns region and AWS account from the ARN of a function or secret. */
export function placeOf(arn: string): Place {
  const [, , , region = '', account = ''] = arn.split(':');
  return { region, account };
}

function requireHere(arn: string, { region, account }: Place): string {
  if (isManaged(arn)) {
    throw new Fault(
      'EVENT_INVALID',
      `Secret ${arn} is managed by another AWS service, which rotates it. A fleet does not refresh it. ${NOTHING_DONE}`,
    );
  }
  const place = placeOf(arn);
  if (place.region === region && place.account === account) return arn;
  throw new Fault(
    'EVENT_INVALID',
    `Secret ${arn} is in another region or AWS account. This fleet refreshes secrets of ${region} in ${account}. ${NOTHING_DONE}`,
  );
}
