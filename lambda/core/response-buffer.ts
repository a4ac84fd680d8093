/**
 * Maximum size of a token endpoint's response: of its headers, of its body, and of its body once decoded. Larger than any
 * document that Secrets Manager stores, so no answer that can be stored is cut.
 */
export const RESPONSE_MAX_BYTES = 1024 * 1024;

/** Beginning of a response body, so that a body without an end cannot use up the memory. */
export class ResponseBuffer {
  readonly #chunks: Uint8Array[] = [];
  #sizeBytes = 0;

  /** Whether the body was longer than {@link RESPONSE_MAX_BYTES}. The rest is then not worth reading. */
  get isTruncated(): boolean {
    return this.#sizeBytes > RESPONSE_MAX_BYTES;
  }

  add(chunk: Uint8Array): void {
    if (!this.isTruncated) this.#chunks.push(chunk);
    this.#sizeBytes += chunk.length;
  }

  /** Returns the body, or its first {@link RESPONSE_MAX_BYTES}. */
  toBytes(): Uint8Array {
    return Buffer.concat(this.#chunks).subarray(0, RESPONSE_MAX_BYTES);
  }
}
