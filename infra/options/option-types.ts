import { Duration, Token } from 'aws-cdk-lib';
import * as z from 'zod';
import { findNearest } from './nearest.ts';

declare module 'zod' {
  interface GlobalMeta {
    /** Meaning of the option, for the tables in the documents. */
    doc?: string;
    /** Text for the default, if an omitted option has no value. */
    default?: string;
    /** Example value in `cdk.json`. */
    example?: unknown;
    /** Type of the construct's prop. Absent if only `cdk.json` has the option. */
    prop?: string;
  }
}

// All checks of a member share one message, which completes the sentence "… is X, but must …".

/** Returns a schema for strings. A value known only at deployment passes, because no pattern can check it. */
export const text = (pattern: RegExp, requirement: string) =>
  z
    .string({ error: requirement })
    .refine((value) => Token.isUnresolved(value) || pattern.test(value), { error: requirement });

/** Returns a schema for numbers. A value known only at deployment passes, because no limit can check it. */
export const number = (isValid: (value: number) => boolean, error: string) =>
  z.number({ error }).refine((value) => Token.isUnresolved(value) || isValid(value), { error });

export const whole = (from: number, to: number, unit: string) =>
  number(
    (value) => Number.isInteger(value) && value >= from && value <= to,
    `be a whole number${unit} from ${from} to ${to}`,
  );

export const flag = () => z.boolean({ error: 'be true or false' });

/**
 * Returns whether `value` is a CDK object with `member`, not JSON in the shape of one. `instanceof` would reject objects of another
 * copy of aws-cdk-lib.
 */
export function isCdkObject(value: unknown, member: string): boolean {
  if (typeof value !== 'object' || value === null || !(member in value)) return false;
  return ![Object.prototype, null].includes(Object.getPrototypeOf(value));
}

/** Returns a schema for CDK objects with `member`. */
export const cdk = <T extends object>(member: keyof T & string) => z.custom<T>((value) => isCdkObject(value, member));

const SECONDS_IN = { seconds: 1, minutes: 60, hours: 3_600, days: 86_400 };
const jsonDuration = z
  .partialRecord(z.enum(['seconds', 'minutes', 'hours', 'days']), z.number().min(0))
  .refine((amounts) => Object.keys(amounts).length === 1)
  .transform((amounts) => {
    const units = ['seconds', 'minutes', 'hours', 'days'] as const;
    return units.reduce((total, unit) => total + (amounts[unit] ?? 0) * SECONDS_IN[unit], 0);
  });

/**
 * Returns a schema for a duration: a CDK Duration, or an object with one unit.
 *
 * @param from minimum, in whole `unit`s
 * @param standard the default
 */
export const duration = (
  unit: 'seconds' | 'minutes',
  from: number,
  to: number,
  standard: z.input<typeof jsonDuration>,
) => {
  const [[name, amount] = []] = Object.entries(standard);
  const inUnit = (seconds: number) => seconds / SECONDS_IN[unit];
  return z
    .union(
      [
        // Every duration has limits, so a value known only at deployment is not valid.
        cdk<Duration>('toSeconds').transform((value) =>
          value.isUnresolved() ? Number.NaN : value.toSeconds({ integral: false }),
        ),
        jsonDuration,
      ],
      { error: `be a duration, such as { "${name}": ${amount} } or Duration.${name}(${amount})` },
    )
    .refine((seconds) => Number.isInteger(inUnit(seconds)) && inUnit(seconds) >= from && inUnit(seconds) <= to, {
      error: `be a whole number of ${unit} from ${from} to ${to}`,
    })
    .transform((seconds) => Duration.seconds(seconds))
    .prefault(standard);
};

/** Returns a schema for an object without other members. Its error has one line per unknown member, with a suggestion. */
export const strictObject = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return 'be an object';
      const names = Object.keys(shape).sort();
      return issue.keys.map((key) => adviseOn(key, names)).join('\n');
    },
  });

function adviseOn(key: string, names: readonly string[]): string {
  const nearest = findNearest(key, names);
  return nearest === undefined ? `Valid options: ${names.join(', ')}.` : `Did you mean ${nearest}?`;
}
