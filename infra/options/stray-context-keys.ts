import { findNearest, toPlain } from './nearest.ts';
import { NEW_NAMES } from './old-names.ts';
import { CONTEXT_KEY, topSchema } from './schema.ts';

/** The path of each option, by its plain name, and by the one that it had. */
const PATHS = new Map(
  [...NEW_NAMES, ...Object.keys(topSchema.shape).map((name) => [name, name] as const)].map(
    ([written, name]) => [toPlain(written), `${CONTEXT_KEY}.${name}`] as const,
  ),
);

/** Returns a sentence for each context key that was probably meant for this app and would silently do nothing. */
export function findStrayKeys(keys: readonly string[]): readonly string[] {
  return keys.flatMap((key) => {
    if (key === CONTEXT_KEY) return [];
    // Our own messages write a member as tokenRefresh.alarmEmails.
    const [first = '', ...members] = key.split('.');
    const path = PATHS.get(toPlain(members.at(-1) ?? first));
    const isNearlyOurs = findNearest(first, [CONTEXT_KEY]) !== undefined;
    if (path !== undefined && (members.length === 0 || isNearlyOurs)) {
      return [`The context key ${key} has no effect. Write ${path}: a member of the object ${CONTEXT_KEY}.`];
    }
    return isNearlyOurs ? [`The context key ${key} has no effect. Did you mean ${CONTEXT_KEY}?`] : [];
  });
}
