/** Longest Secrets Manager call: the adapter ends each after 7 s, including the SDK's retries. */
export const STORE_CALL_MAX_MS = 8_000;

/** Longest announcement: the publisher ends it after 7 s. */
export const ANNOUNCE_MAX_MS = 8_000;

/** No POST begins with less: a slow server needs time, and an answer that is cut off is lost. */
export const POST_MIN_MS = 10_000;

/** Time that a POST leaves to record its answer, to promote it and to announce it, with every call at its slowest. */
export const SAVE_RESERVE_MS = 2 * STORE_CALL_MAX_MS + ANNOUNCE_MAX_MS;

/** Time to check whether `AWSCURRENT` moved during a failed attempt, and to announce the failure. */
export const LOOK_RESERVE_MS = 2 * STORE_CALL_MAX_MS + ANNOUNCE_MAX_MS;
