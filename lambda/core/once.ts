/**
 * Makes a value at its first use. Most runs find a fresh token and need few schemas, and each schema that is made at the
 * import of its module takes time from every cold start.
 */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
