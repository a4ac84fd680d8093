import * as z from 'zod/mini';

/**
 * A member that counts as absent if it is of another type.
 *
 * As `z.catch` with `undefined`, which would bring all that zod keeps for itself into the bundle: 10 KB.
 */
export function orAbsent<T>(type: z.ZodMiniType<T>) {
  return z.optional(
    z.pipe(
      z.unknown(),
      z.transform((value) => type.safeParse(value).data),
    ),
  );
}
