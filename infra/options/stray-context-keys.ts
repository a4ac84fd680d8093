import { optionsSchema } from './schema.ts';
import { CONTEXT_KEY, stackShape } from './stack-schema.ts';

/** A key that differs from ours in no more letters is taken for a typing mistake. */
const MAX_TYPING_MISTAKES = 2;

const SCHEDULE = Object.keys(optionsSchema.shape.schedule.unwrap().shape);
/** The path of each option, by its plain name. */
const PATHS = new Map([
  ...['accounts', 'fleet', ...Object.keys(stackShape)].map(
    (name) => [toPlain(name), `${CONTEXT_KEY}.${name}`] as const,
  ),
  ...SCHEDULE.map((name) => [toPlain(name), `${CONTEXT_KEY}.schedule.${name}`] as const),
]);

/** A sentence for each context key that was probably meant for this app and would silently do nothing. */
export function findStrayKeys(keys: readonly string[]): readonly string[] {
  return keys.flatMap((key) => {
    if (key === CONTEXT_KEY) return [];
    // Our own messages write a member as tokenRefresh.alarmEmails.
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

/** In lower case, without hyphens and underscores. */
function toPlain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** Whether their Levenshtein distance is at most {@link MAX_TYPING_MISTAKES}. */
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
  return (distances.at(-1) ?? 0) <= MAX_TYPING_MISTAKES;
}
