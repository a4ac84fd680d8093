import { optionsSchema } from './schema.ts';
import { CONTEXT_KEY, stackShape } from './stack-schema.ts';

/** A key that differs from ours by no more is taken for a slip of the fingers. */
const MAX_SLIPS = 2;

const SCHEDULE = Object.keys(optionsSchema.shape.schedule.unwrap().shape);
/** Where each option belongs, by its name in small letters. */
const PATHS = new Map([
  ...['accounts', ...Object.keys(stackShape)].map((name) => [toPlain(name), `${CONTEXT_KEY}.${name}`] as const),
  ...SCHEDULE.map((name) => [toPlain(name), `${CONTEXT_KEY}.schedule.${name}`] as const),
]);

/** A sentence for every context key that was probably meant for us, and that would silently do nothing. */
export function findStrayKeys(keys: readonly string[]): readonly string[] {
  return keys.flatMap((key) => {
    if (key === CONTEXT_KEY) return [];
    // tokenRefresh.alarmEmails is a member of ours, in the spelling of our own messages.
    const [first = '', ...members] = key.split('.');
    const path = PATHS.get(toPlain(members.at(-1) ?? first));
    const isNearlyOurs = isNear(toPlain(first), toPlain(CONTEXT_KEY));
    if (members.length === 0 ? path !== undefined : isNearlyOurs && path !== undefined) {
      return [
        `The context key ${key} does nothing. The option is ${path}: a member of the object under ${CONTEXT_KEY}.`,
      ];
    }
    return isNearlyOurs ? [`The context key ${key} does nothing. It must be spelt ${CONTEXT_KEY}.`] : [];
  });
}

/** As it reads without regard to case, hyphens and underscores. */
function toPlain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** Whether at most {@link MAX_SLIPS} letters were added, left out or changed (Levenshtein). */
function isNear(text: string, other: string): boolean {
  let distances = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [row, letter] of [...text].entries()) {
    const next = [row + 1];
    for (const [column, otherLetter] of [...other].entries()) {
      const changed = (distances[column] ?? 0) + (letter === otherLetter ? 0 : 1);
      next.push(Math.min(changed, (distances[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    distances = next;
  }
  return (distances.at(-1) ?? 0) <= MAX_SLIPS;
}
