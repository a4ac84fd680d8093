import type { Grant } from '../../lambda/core/credentials.ts';
import type { TokenAnswer, TokenEndpoint } from '../../lambda/core/ports.ts';

type Token = Extract<TokenAnswer, { kind: 'token' }>;

/** An answer, or what happens during the POST and then answers. */
type ScriptedAnswer = TokenAnswer | (() => TokenAnswer | Promise<TokenAnswer>);

export const TOKEN: Token = {
  kind: 'token',
  accessToken: 'access-2',
  tokenType: 'Bearer',
  expiresInSeconds: 21_600,
  refreshToken: 'refresh-2',
};

export const NOT_SENT = {
  kind: 'not-sent',
  reason: 'The token endpoint could not be reached',
} as const satisfies TokenAnswer;
export const THROTTLED = {
  kind: 'throttled',
  retryAfterSeconds: undefined,
  reason: 'HTTP 503',
} as const satisfies TokenAnswer;
export const MISDIRECTED = { kind: 'misdirected', reason: 'HTTP 302' } as const satisfies TokenAnswer;
export const UNRECOGNIZED = { kind: 'unrecognized', reason: 'HTTP 403' } as const satisfies TokenAnswer;
export const AMBIGUOUS = { kind: 'ambiguous', reason: 'HTTP 502' } as const satisfies TokenAnswer;
export const INVALID_GRANT = {
  kind: 'refused',
  error: 'invalid_grant',
  reason: 'HTTP 400, invalid_grant',
} as const satisfies TokenAnswer;
export const INVALID_CLIENT = {
  kind: 'refused',
  error: 'invalid_client',
  reason: 'HTTP 401',
} as const satisfies TokenAnswer;
export const REFRESH_TOKEN_ONLY = {
  kind: 'refresh-token-only',
  refreshToken: 'refresh-2',
  reason: 'HTTP 200 without a bearer token',
} as const satisfies TokenAnswer;

/** Plays a script; a POST beyond its end is a POST that must not happen. */
export class FakeTokenEndpoint implements TokenEndpoint {
  readonly grants: Grant[] = [];
  readonly timeoutsMs: number[] = [];
  readonly #script: ScriptedAnswer[] = [];

  willAnswer(...answers: ScriptedAnswer[]): void {
    this.#script.push(...answers);
  }

  async requestToken(grant: Grant, timeoutMs: number): Promise<TokenAnswer> {
    this.grants.push(grant);
    this.timeoutsMs.push(timeoutMs);
    const answer = this.#script.shift();
    if (answer === undefined) throw new Error('A POST that this test does not expect.');
    return typeof answer === 'function' ? await answer() : answer;
  }
}
