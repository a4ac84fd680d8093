import type { Grant } from './credentials.ts';
import type { FailureCause, FailureCode, RefusalCode } from './journal.ts';
import { LOG_EVENTS } from './log-events.ts';
import type { OAuthErrorCode, Runtime, Telemetry, TokenAnswer, TokenEndpoint } from './ports.ts';
import { POST_MIN_MS, SAVE_RESERVE_MS } from './time-reserves.ts';

const MAX_REPLAYS = 2;
const MAX_RETRIES = 3;
const FIRST_RETRY_DELAY_MS = 500;

type Answered = Extract<TokenAnswer, { kind: 'token' | 'refresh-token-only' }>;

export type Exchanged = Answered & {
  /** Time just before the POST that was answered: the token's lifetime counts from here. */
  readonly startedAtMs: number;
};

export interface NotExchanged {
  readonly kind: 'failed';
  readonly code: FailureCode;
  readonly cause: FailureCause;
  readonly reason: string;
  readonly retryAfterSeconds?: number | undefined;
}

/**
 * Sends the refresh token in one POST, which may take all of the time that saving its answer does not need. Another POST
 * follows if the answer shows that the token was not used. It also follows if the token may be used up, because a server with
 * a grace period for reuse answers again now, and not later. (A strict server revokes the grant at the second use, sooner or
 * later: `npm run simulate -- --replays` counts what each moment costs consumers.)
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
    cause: 'not-sent',
    reason: 'Cannot request a token: too little time is left',
  };

  for (;;) {
    const timeoutMs = runtime.remainingMs() - SAVE_RESERVE_MS;
    if (timeoutMs < POST_MIN_MS) return failed;
    const startedAtMs = runtime.now();
    const answer = await tokenEndpoint.requestToken(grant, timeoutMs);
    telemetry.recordExchangeMilliseconds(runtime.now() - startedAtMs);
    if (answer.kind === 'token' || answer.kind === 'refresh-token-only') return { ...answer, startedAtMs };

    failed = toFailure(answer, replays > 0);
    telemetry.warn(LOG_EVENTS.tokenRequestFailed, { code: failed.code, reason: answer.reason });
    if (answer.isTruncated) return failed;
    if (answer.kind === 'ambiguous') {
      if (replays++ === MAX_REPLAYS) return failed;
    } else if (answer.kind === 'not-sent' || answer.kind === 'throttled') {
      if (retries++ === MAX_RETRIES) return failed;
      const delayMs = retryDelayMs(retries, failed.retryAfterSeconds, runtime.random());
      if (delayMs > runtime.remainingMs() - POST_MIN_MS - SAVE_RESERVE_MS) return failed;
      await runtime.sleep(delayMs);
    } else {
      return failed;
    }
  }
}

function toFailure(answer: Exclude<TokenAnswer, Answered>, isReplay: boolean): NotExchanged {
  const { reason } = answer;
  if (answer.kind === 'refused') {
    const code = toRefusalCode(answer.error);
    return { kind: 'failed', code, cause: code, reason };
  }
  const { kind: cause } = answer;
  const code = cause === 'ambiguous' || isReplay ? 'PROVIDER_AMBIGUOUS' : 'PROVIDER_UNAVAILABLE';
  const retryAfterSeconds = answer.kind === 'throttled' ? answer.retryAfterSeconds : undefined;
  return { kind: 'failed', code, cause, reason, retryAfterSeconds };
}

function toRefusalCode(error: OAuthErrorCode): RefusalCode {
  return error === 'invalid_grant' ? 'REAUTHORIZATION_REQUIRED' : 'CLIENT_REJECTED';
}

/** A doubling delay, jittered over its upper half; never before the instant that the server named. */
function retryDelayMs(retry: number, retryAfterSeconds: number | undefined, random: number): number {
  const jitteredMs = FIRST_RETRY_DELAY_MS * 2 ** (retry - 1) * (0.5 + random / 2);
  return Math.max(jitteredMs, (retryAfterSeconds ?? 0) * 1000);
}
