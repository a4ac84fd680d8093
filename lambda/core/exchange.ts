import type { Grant } from './credentials.ts';
import type { FailureCode } from './journal.ts';
import type { OAuthErrorCode, Runtime, Telemetry, TokenAnswer, TokenEndpoint } from './ports.ts';

/** One POST, connecting included. */
const EXCHANGE_TIMEOUT_MS = 10_000;

/** What must be left after a POST to save its answer, even where the store needs several tries. */
const SAVE_RESERVE_MS = 15_000;

/** A server with a reuse grace answers the same token again; a strict one has nothing left to lose. */
const MAX_REPLAYS = 2;

const MAX_RETRIES = 3;
const FIRST_RETRY_DELAY_MS = 500;

export type Exchanged = Extract<TokenAnswer, { kind: 'token' | 'refresh-token-only' }> & {
  /** Before the POST that was answered: the token's life is counted from here. */
  readonly startedAtMs: number;
};

export interface NotExchanged {
  readonly kind: 'failed';
  readonly code: FailureCode;
  readonly reason: string;
  readonly retryAfterSeconds?: number | undefined;
}

/**
 * Spends the refresh token: one POST, and more of them only where the last answer leaves no doubt that they are safe
 * or nothing to lose, never into the time that saving an answer needs.
 */
export async function exchange(
  tokenEndpoint: TokenEndpoint,
  grant: Grant,
  runtime: Runtime,
  telemetry: Telemetry,
): Promise<Exchanged | NotExchanged> {
  let replays = 0;
  let retries = 0;
  let failed: NotExchanged = {
    kind: 'failed',
    code: 'PROVIDER_UNAVAILABLE',
    reason: 'too little time was left to ask',
  };

  while (runtime.remainingMs() >= EXCHANGE_TIMEOUT_MS + SAVE_RESERVE_MS) {
    const startedAtMs = runtime.now();
    const answer = await tokenEndpoint.requestToken(grant, EXCHANGE_TIMEOUT_MS);
    telemetry.recordExchangeMilliseconds(runtime.now() - startedAtMs);
    if (answer.kind === 'token' || answer.kind === 'refresh-token-only') return { ...answer, startedAtMs };

    failed = toFailure(answer, replays > 0);
    telemetry.warn('The token endpoint gave no token', { code: failed.code, reason: answer.reason });
    if (answer.kind === 'unclassified' || answer.kind === 'refused') return failed;
    if (answer.kind === 'ambiguous') {
      if (replays++ === MAX_REPLAYS) return failed;
    } else {
      if (retries++ === MAX_RETRIES) return failed;
      const delayMs = retryDelayMs(retries, failed.retryAfterSeconds, runtime.random());
      if (delayMs > runtime.remainingMs() - EXCHANGE_TIMEOUT_MS - SAVE_RESERVE_MS) return failed;
      await runtime.sleep(delayMs);
    }
  }
  return failed;
}

function toFailure(
  answer: Exclude<TokenAnswer, { kind: 'token' | 'refresh-token-only' }>,
  isReplay: boolean,
): NotExchanged {
  const { kind, reason } = answer;
  if (kind === 'refused') return { kind: 'failed', code: refusalCode(answer.error), reason };
  const code = kind === 'ambiguous' || isReplay ? 'PROVIDER_AMBIGUOUS' : 'PROVIDER_UNAVAILABLE';
  const retryAfterSeconds = kind === 'throttled' ? answer.retryAfterSeconds : undefined;
  return { kind: 'failed', code, reason, retryAfterSeconds };
}

function refusalCode(error: OAuthErrorCode): FailureCode {
  return error === 'invalid_grant' ? 'REAUTHORIZATION_REQUIRED' : 'CLIENT_REJECTED';
}

/** A doubling delay, jittered over its upper half; never before the instant that the server named. */
function retryDelayMs(retry: number, retryAfterSeconds: number | undefined, random: number): number {
  const jitteredMs = FIRST_RETRY_DELAY_MS * 2 ** (retry - 1) * (0.5 + random / 2);
  return Math.max(jitteredMs, (retryAfterSeconds ?? 0) * 1000);
}
