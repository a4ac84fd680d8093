import * as z from 'zod/mini';

/**
 * A member that counts as absent if it is of another type.
 *
 * Works like `z.catch` with `undefined`, which would add 10 KB of zod's internals to the bundle.
 */
export function orAbsent<T>(type: z.ZodMiniType<T>) {
  return z.optional(
    z.pipe(
      z.unknown(),
      z.transform((value) => type.safeParse(value).data),
    ),
  );
}
