import { Token } from 'aws-cdk-lib';
import * as z from 'zod';

// All checks of a member share one message, which completes the sentence "… is X, but must …".

/** What CDK only knows at deploy time is accepted: its own objects have it, and it is right by construction. */
export const text = (pattern: RegExp, requirement: string) =>
  z
    .string({ error: requirement })
    .refine((value) => Token.isUnresolved(value) || pattern.test(value), { error: requirement });
export const whole = (from: number, to: number, unit: string) => {
  const error = `be a whole number${unit} from ${from} to ${to}`;
  return z.int({ error }).min(from, { error }).max(to, { error });
};
export const flag = () => z.boolean({ error: 'be true or false' });
export const strictObject = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `be left out: the members here are ${Object.keys(shape).sort().join(', ')}`
        : 'be an object',
  });
