import * as z from 'zod/mini';
import { SCHEDULED_EVENT } from '../contract.ts';
import { Fault } from '../core/fault.ts';
import { once } from '../core/once.ts';

export type Action =
  | { readonly action: 'refresh'; readonly force: boolean; readonly isScheduled?: boolean }
  | { readonly action: 'status' };

const actionSchema = once(() =>
  z.discriminatedUnion('action', [
    z.strictObject({
      action: z.literal('refresh'),
      force: z._default(z.boolean(), false),
      trigger: z.optional(z.literal(SCHEDULED_EVENT.trigger)),
    }),
    z.strictObject({ action: z.literal('status') }),
  ]),
);

/** Event of a classic EventBridge rule. */
const scheduledEventSchema = once(() =>
  z.object({ 'detail-type': z.literal('Scheduled Event'), source: z.literal('aws.events') }),
);

export const FORCE_EVENT = '{"action":"refresh","force":true}';

const ACCEPTED = `Valid events: {}, {"action":"refresh"}, ${FORCE_EVENT} and {"action":"status"}.`;

/**
 * @throws Fault `EVENT_INVALID`, which names what is wrong and shows no value
 */
export function parseEvent(event: unknown): Action {
  if (isPlainEvent(event)) return { action: 'refresh', force: false };
  const parsed = actionSchema().safeParse(event);
  if (parsed.success) return toAction(parsed.data);
  throw new Fault(
    'EVENT_INVALID',
    `The event is not valid: ${parsed.error.issues.map(describeIssue).join('; ')}. ${ACCEPTED} Nothing was read or sent.`,
  );
}

function toAction(event: z.output<ReturnType<typeof actionSchema>>): Action {
  if (event.action === 'status') return event;
  const { action, force, trigger } = event;
  return { action, force, ...(trigger !== undefined && { isScheduled: true }) };
}

/** Returns whether an event is empty, or a tick. */
export function isPlainEvent(event: unknown): boolean {
  return isEmpty(event) || scheduledEventSchema().safeParse(event).success;
}

function isEmpty(event: unknown): boolean {
  if (typeof event !== 'object') return event === undefined;
  return event === null || (!Array.isArray(event) && Object.keys(event).length === 0);
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const where = issue.path.join('.') || 'it';
  if (issue.code === 'unrecognized_keys') return `unknown member ${issue.keys.slice(0, 5).join(', ').slice(0, 100)}`;
  if (issue.code === 'invalid_type') return `${where} is not of type ${issue.expected}`;
  if (where === 'trigger') return `trigger is not "${SCHEDULED_EVENT.trigger}"`;
  return 'action is neither "refresh" nor "status"';
}
