import * as z from 'zod';

const exact = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const values = z.array(exact).min(1);
const members = z.record(z.string(), z.unknown());

/**
 * Returns whether EventBridge would send an event to the targets of a rule with this pattern. The event must have each member of
 * the pattern, with exactly one of the listed values.
 *
 * @throws Error for comparisons other than exact ones, so that none is overlooked
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html
 */
export function matchesPattern(pattern: unknown, event: unknown): boolean {
  const inEvent = members.safeParse(event).data ?? {};
  return Object.entries(members.parse(pattern)).every(([name, wanted]) => {
    if (!Object.hasOwn(inEvent, name)) return false;
    if (!Array.isArray(wanted)) return matchesPattern(wanted, inEvent[name]);
    const accepted = new Set<unknown>(values.parse(wanted));
    const found = inEvent[name];
    return (Array.isArray(found) ? found : [found]).some((value) => accepted.has(value));
  });
}
