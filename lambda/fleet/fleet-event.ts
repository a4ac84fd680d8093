import * as z from 'zod/mini';
import { parseJson } from '../contract.ts';
import { Fault } from '../core/fault.ts';
import { type Action, parseEvent } from '../runtime/event.ts';

/** One message of the queue, as Lambda's event source mapping hands it over. */
export interface QueueMessage {
  readonly messageId: string;
  readonly body: string;
}

/** Where the fleet is: it keeps no secret of anywhere else. */
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

/** Secret of a message, and its turn: milliseconds since the epoch, or none if the run may start immediately. */
export interface QueuedSecret {
  readonly secretId: string;
  readonly startAtMs: number | undefined;
  readonly endAtMs: number | undefined;
}

/** Body of a message, as the sweep writes it. */
const Message = z.strictObject({ secretId, startAtMs: z.optional(z.number()), endAtMs: z.optional(z.number()) });
const Named = z.looseObject({ secretId });

const NOTHING_DONE = 'Nothing was read or sent.';

/** `undefined` if it is no batch of SQS. */
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

/** @throws Fault `EVENT_INVALID`, which shows nothing of the body. The sweep wrote none like it: somebody typed it */
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
    `A message of the queue is not {"secretId":"<complete ARN>"}, as the sweep writes them. It was taken out of the queue. ${NOTHING_DONE}`,
  );
}

/**
 * What somebody asks for of one secret: an event of the function of one secret, and `secretId` in it.
 *
 * @throws Fault `EVENT_INVALID`, which names what is wrong and shows no value
 */
export function parseRequest(event: unknown, place: Place): { readonly secretId: string; readonly action: Action } {
  const named = Named.safeParse(event);
  if (!named.success) {
    throw new Fault(
      'EVENT_INVALID',
      `The event has no secretId: in a fleet, it names the secret by its complete ARN. {"action":"status","secretId":"arn:…"}, say, or "refresh", with "force":true or without. ${NOTHING_DONE}`,
    );
  }
  const { secretId: arn, ...rest } = named.data;
  return { secretId: requireHere(arn, place), action: parseEvent(rest) };
}

/**
 * Returns whether another AWS service manages this secret: only then, its name has a `!`, as in `rds!cluster-…`. The sweep skips
 * it, and a run refuses it.
 */
export function isManaged(arn: string): boolean {
  return /:secret:[^:]*!/.test(arn);
}

/** Where a function runs, or a secret is, from its ARN. */
export function placeOf(arn: string): Place {
  const [, , , region = '', account = ''] = arn.split(':');
  return { region, account };
}

function requireHere(arn: string, { region, account }: Place): string {
  if (isManaged(arn)) {
    throw new Fault(
      'EVENT_INVALID',
      `Secret ${arn} is managed by another AWS service, which rotates it: no fleet refreshes it. ${NOTHING_DONE}`,
    );
  }
  const place = placeOf(arn);
  if (place.region === region && place.account === account) return arn;
  throw new Fault(
    'EVENT_INVALID',
    `Secret ${arn} is of another region or AWS account: this fleet keeps those of ${region} in ${account}. ${NOTHING_DONE}`,
  );
}
