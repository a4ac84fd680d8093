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
  'dead grant',
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
export type Failure = (typeof FAILURES)[number];

/** The token endpoint of one account. */
export class FleetServer implements TokenEndpoint {
  /** When each token was given. */
  readonly grantedAtMs: number[] = [];
  readonly lifeSeconds: number;
  readonly #failure: Failure | undefined;
  readonly #timeline: Timeline;
  readonly #random: (from: number, to: number) => number;
  readonly #spent = new Set<string>();
  #isRevoked = false;

  constructor(
    timeline: Timeline,
    random: (from: number, to: number) => number,
    lifeSeconds: number,
    failure: Failure | undefined,
  ) {
    this.#timeline = timeline;
    this.#random = random;
    this.lifeSeconds = lifeSeconds;
    this.#failure = failure;
  }

  async requestToken({ refreshToken }: { refreshToken: string }, timeoutMs: number): Promise<TokenAnswer> {
    const durationMs = this.#failure === 'slow' ? 30_000 : this.#random(200, 1_500);
    const answer = this.#answer(refreshToken);
    await this.#timeline.wait(Math.min(durationMs, timeoutMs));
    return durationMs > timeoutMs ? AMBIGUOUS : answer;
  }

  #answer(refreshToken: string): TokenAnswer {
    switch (this.#failure) {
      case 'down for hours':
        return this.#timeline.nowMs % (12 * HOUR_MS) < 4 * HOUR_MS ? NOT_SENT : this.#grant(refreshToken);
      case 'asks for a pause':
        return this.#isOneInThree() ? { ...THROTTLED, retryAfterSeconds: 3_600 } : this.#grant(refreshToken);
      case 'dead grant':
        return INVALID_GRANT;
      case 'wrong client secret':
        return INVALID_CLIENT;
      case 'bare 401':
        return UNRECOGNIZED;
      case 'nonsense':
        return AMBIGUOUS;
      case 'lost answers, strict':
      case 'lost answers, grace': {
        const answer = this.#grant(refreshToken);
        return this.#isOneInThree() ? AMBIGUOUS : answer;
      }
      default:
        return this.#grant(refreshToken);
    }
  }

  #grant(refreshToken: string): TokenAnswer {
    if (this.#failure === 'lost answers, strict' && this.#spent.has(refreshToken)) this.#isRevoked = true;
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
