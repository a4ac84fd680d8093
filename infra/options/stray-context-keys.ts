import { findNearest, toPlain } from './nearest.ts';
import { NEW_NAMES } from './old-names.ts';
import { CONTEXT_KEY, topSchema } from './schema.ts';

/** Path of each option, by its plain current and former name. */
const PATHS = new Map(
  [...NEW_NAMES, ...Object.keys(topSchema.shape).map((name) => [name, name] as const)].map(
    ([written, name]) => [toPlain(written), `${CONTEXT_KEY}.${name}`] as const,
  ),
);

/** Returns a sentence for each context key that was probably meant for this app and would silently have no effect. */
export function findStrayKeys(keys: readonly string[]): readonly string[] {
  return keys.flatMap((key) => {
    if (key === CONTEXT_KEY) return [];
    // The messages of this app write an option as tokenRefresh.alarmEmails.
    const [first = '', ...members] = key.split('.');
    const path = PATHS.get(toPlain(members.at(-1) ?? first));
    const isNearlyOurs = findNearest(first, [CONTEXT_KEY]) !== undefined;
    if (path !== undefined && (members.length === 0 || isNearlyOurs)) {
      return [`${key} is not a valid context key. Set ${path} instead: a member of the object ${CONTEXT_KEY}.`];
    }
    return isNearlyOurs ? [`${key} is not a valid context key. Did you mean ${CONTEXT_KEY}?`] : [];
  });
}
