/** Secrets Manager takes so many writes a second in an account and region. */
export const WRITES_PER_SECOND = 50;

/** Writes of all secrets per second. Like AWS, it rejects writes beyond the quota. */
export class WriteQuota {
  writes = 0;
  throttled = 0;
  peak = 0;
  #second = 0;
  #inSecond = 0;

  take(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1_000);
    if (second !== this.#second) this.#inSecond = 0;
    this.#second = second;
    if (this.#inSecond >= WRITES_PER_SECOND) {
      this.throttled++;
      return false;
    }
    this.writes++;
    this.peak = Math.max(this.peak, ++this.#inSecond);
    return true;
  }
}
