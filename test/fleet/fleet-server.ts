import type { TokenAnswer, TokenEndpoint } from '../../lambda/core/ports.ts';
import {
  AMBIGUOUS,
  INVALID_CLIENT,
  INVALID_GRANT,
  NOT_SENT,
  THROTTLED,
  TOKEN,
  UNRECOGNIZED,
} from '../support/fake-token-endpoint.ts';
import { HOUR_MS } from '../support/secret-documents.ts';
import type { Timeline } from './timeline.ts';

export const FAILURES = [
  'down for hours',
  'asks for a pause',
  'revoked grant',
  'wrong client secret',
  'bare 401',
  'lost answers, strict',
  'lost answers, grace',
  'slow',
  'nonsense',
  'garbage value',
  'denied',
  'deleted',
  'crash',
] as const;
/** Failures that a scenario gives to a share of the accounts, for some time. */
export const TROUBLES = ['hangs', 'slow 12 s', 'slow', 'revoked grant', 'throttled', 'nonsense'] as const;
type Trouble = (typeof TROUBLES)[number];
export type Failure = (typeof FAILURES)[number] | Trouble;

const SLOW_MS: { readonly [failure in Failure]?: number } = {
  'slow 12 s': 12_000,
  slow: 30_000,
  hangs: Number.POSITIVE_INFINITY,
};

/** The token endpoint of one account. */
export class FleetServer implements TokenEndpoint {
  /** When each token was given. */
  readonly grantedAtMs: number[] = [];
  readonly lifeSeconds: number;
  readonly #failureAt: (nowMs: number) => Failure | undefined;
  readonly #timeline: Timeline;
  readonly #random: (from: number, to: number) => number;
  readonly #spent = new Set<string>();
  #isRevoked = false;

  constructor(
    timeline: Timeline,
    random: (from: number, to: number) => number,
    lifeSeconds: number,
    failureAt: (nowMs: number) => Failure | undefined,
  ) {
    this.#timeline = timeline;
    this.#random = random;
    this.lifeSeconds = lifeSeconds;
    this.#failureAt = failureAt;
  }

  async requestToken({ refreshToken }: { refreshToken: string }, timeoutMs: number): Promise<TokenAnswer> {
    const failure = this.#failureAt(this.#timeline.nowMs);
    const durationMs = (failure && SLOW_MS[failure]) ?? this.#random(200, 1_500);
    // A server that never answers has not even read the request.
    const answer = failure === 'hangs' ? AMBIGUOUS : this.#answer(refreshToken, failure);
    await this.#timeline.wait(Math.min(durationMs, timeoutMs));
    return durationMs > timeoutMs ? AMBIGUOUS : answer;
  }

  #answer(refreshToken: string, failure: Failure | undefined): TokenAnswer {
    switch (failure) {
      case 'down for hours':
        return this.#timeline.nowMs % (12 * HOUR_MS) < 4 * HOUR_MS ? NOT_SENT : this.#grant(refreshToken, failure);
      case 'asks for a pause':
        return this.#isOneInThree() ? { ...THROTTLED, retryAfterSeconds: 3_600 } : this.#grant(refreshToken, failure);
      case 'revoked grant':
        return INVALID_GRANT;
      case 'wrong client secret':
        return INVALID_CLIENT;
      case 'throttled':
        return THROTTLED;
      case 'bare 401':
        return UNRECOGNIZED;
      case 'nonsense':
        return AMBIGUOUS;
      case 'lost answers, strict':
      case 'lost answers, grace': {
        const answer = this.#grant(refreshToken, failure);
        return this.#isOneInThree() ? AMBIGUOUS : answer;
      }
      default:
        return this.#grant(refreshToken, failure);
    }
  }

  #grant(refreshToken: string, failure: Failure | undefined): TokenAnswer {
    if (failure === 'lost answers, strict' && this.#spent.has(refreshToken)) this.#isRevoked = true;
    if (this.#isRevoked) return INVALID_GRANT;
    this.#spent.add(refreshToken);
    this.grantedAtMs.push(this.#timeline.nowMs);
    const name = `token-${this.grantedAtMs.length}`;
    return { ...TOKEN, accessToken: name, refreshToken: name, expiresInSeconds: this.lifeSeconds };
  }

  #isOneInThree(): boolean {
    return this.#random(0, 3) < 1;
  }
}
