/**
 * Returns a function that makes a value on its first call and then returns the same value. Most runs find a fresh token and
 * need few schemas, and each schema that is made at import slows every cold start.
 */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
