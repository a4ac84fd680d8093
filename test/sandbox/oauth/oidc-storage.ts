import type { Adapter, AdapterPayload } from 'oidc-provider';

/** In-memory storage of `oidc-provider`. With a grace period, a used token still looks unused for a while. */
export class OidcStorage {
  readonly #now: () => number;
  readonly #graceMs: number;
  readonly #payloads = new Map<string, AdapterPayload>();
  readonly #consumedAtMs = new Map<string, number>();

  constructor(options: { now: () => number; graceMs: number }) {
    this.#now = options.now;
    this.#graceMs = options.graceMs;
  }

  adapterFor(model: string): Adapter {
    const keyOf = (id: string) => `${model}:${id}`;
    return {
      upsert: async (id, payload) => void this.#payloads.set(keyOf(id), payload),
      find: async (id) => this.#find(keyOf(id)),
      findByUid: async (uid) => this.#findByUid(model, uid),
      // There is no device flow here, so this is never called.
      findByUserCode: async () => undefined,
      consume: async (id) => this.#consume(keyOf(id)),
      destroy: async (id) => void this.#payloads.delete(keyOf(id)),
      revokeByGrantId: async (grantId) => this.revokeGrant(grantId),
    };
  }

  /** Forgets the grant and every token that hangs on it. */
  revokeGrant(grantId: string): void {
    this.#payloads.delete(`Grant:${grantId}`);
    for (const [key, payload] of this.#payloads) {
      if (payload.grantId === grantId) this.#payloads.delete(key);
    }
  }

  #findByUid(model: string, uid: string): AdapterPayload | undefined {
    const found = [...this.#payloads].find(([key, payload]) => key.startsWith(`${model}:`) && payload.uid === uid);
    return found?.[1];
  }

  #find(key: string): AdapterPayload | undefined {
    const payload = this.#payloads.get(key);
    const consumedAtMs = this.#consumedAtMs.get(key);
    if (payload === undefined || consumedAtMs === undefined) return payload;
    const isInGrace = this.#now() - consumedAtMs < this.#graceMs;
    return isInGrace ? payload : { ...payload, consumed: Math.floor(consumedAtMs / 1000) };
  }

  /** The grace runs from the first use: using the token again does not prolong it. */
  #consume(key: string): void {
    if (!this.#consumedAtMs.has(key)) this.#consumedAtMs.set(key, this.#now());
  }
}
