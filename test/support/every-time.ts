/** Replaces `once` of the product where mutants are judged: each call makes the value again. */
export function once<T>(make: () => T): () => T {
  return make;
}
