import type { Grant } from '../../lambda/core/credentials.ts';

/**
 * How an authorization server treats a refresh token that was used: `strict` answers once and revokes the family on
 * reuse, its living bearer token with it; `grace` answers a spent one again for a while, all its answers living side by side; `newest` does the same but
 * lets only its last answer live; `no-rotation` keeps the token as it is.
 */
export const PROVIDER_KINDS = ['strict', 'grace', 'newest', 'no-rotation'] as const;
export type ProviderKind = (typeof PROVIDER_KINDS)[number];

/** What the client of every simulated grant has to send. */
export const CLIENT_SECRET = 'secret';

/** Of every bearer token of the simulated server. */
export const TOKEN_LIFE_MS = 21_600_000;

export type Refusal = 'invalid_grant' | 'invalid_client' | 'unrecognized';

interface Family {
  isRevoked: boolean;
  /** The token whose second use revoked it. */
  revokedBy?: string;
}

interface RefreshToken {
  readonly family: Family;
  /** The token that was traded for it. */
  readonly parent: string | undefined;
  spentAtMs: number | undefined;
  isReplaced: boolean;
}

/** An authorization server's memory, without HTTP. */
export class Provider {
  readonly kind: ProviderKind;
  /** How long a spent token is answered again, where it is at all. */
  graceMs = 60_000;
  /** Until then it refuses everybody, in words of its own. */
  refusesUntilMs = 0;
  readonly #tokens = new Map<string, RefreshToken>();
  /** Of each refresh token, the bearer tokens that came in the same answers. */
  readonly #accessTokens = new Map<string, Set<string>>();
  /** Of each bearer token, its grant and when it was issued. */
  readonly #bearers = new Map<string, { readonly family: Family; readonly issuedAtMs: number }>();
  readonly #sent = new Set<string>();
  #count = 0;

  constructor(kind: ProviderKind) {
    this.kind = kind;
  }

  /** A new grant, as if a human had clicked through the consent screen. */
  authorize(): string {
    return this.#issue({ isRevoked: false }, undefined);
  }

  isLive(refreshToken: string): boolean {
    const token = this.#tokens.get(refreshToken);
    return token !== undefined && !token.family.isRevoked && token.spentAtMs === undefined && !token.isReplaced;
  }

  /** A second use of the token that was traded for this one has revoked it. */
  isRevokedByItsParent(refreshToken: string): boolean {
    const token = this.#tokens.get(refreshToken);
    return token?.parent !== undefined && token.parent === token.family.revokedBy;
  }

  /** A later answer to the same token has taken its place: whoever loses it loses nothing. */
  isReplaced(refreshToken: string): boolean {
    return this.#tokens.get(refreshToken)?.isReplaced === true;
  }

  areOfOneFamily(one: string, other: string): boolean {
    const family = this.#tokens.get(one)?.family;
    return one === other || (family !== undefined && family === this.#tokens.get(other)?.family);
  }

  exchange(
    { refreshToken, clientSecret }: Grant,
    nowMs: number,
  ): { accessToken: string; refreshToken: string | undefined } | Refusal {
    this.#sent.add(refreshToken);
    if (nowMs < this.refusesUntilMs) return 'unrecognized';
    if (clientSecret !== CLIENT_SECRET) return 'invalid_client';
    const token = this.#tokens.get(refreshToken);
    if (token === undefined || token.family.isRevoked || token.isReplaced) return 'invalid_grant';
    const accessToken = `at-${++this.#count}`;
    this.#bearers.set(accessToken, { family: token.family, issuedAtMs: nowMs });
    if (this.kind === 'no-rotation') {
      this.#note(refreshToken, accessToken);
      return { accessToken, refreshToken: undefined };
    }
    if (token.spentAtMs === undefined) token.spentAtMs = nowMs;
    else if (!this.#answersAgain(token.spentAtMs, nowMs)) {
      token.family.isRevoked = true;
      token.family.revokedBy ??= refreshToken;
      return 'invalid_grant';
    }
    if (this.kind === 'newest') this.#replaceAnswersTo(refreshToken);
    const next = this.#issue(token.family, refreshToken);
    this.#note(next, accessToken);
    return { accessToken, refreshToken: next };
  }

  /** They came in one answer. */
  belongTogether(refreshToken: string, accessToken: string): boolean {
    return this.#accessTokens.get(refreshToken)?.has(accessToken) === true;
  }

  /** One grant gave both bearer tokens, and this one first. */
  isOlder(accessToken: string, other: string): boolean {
    const issued = [...this.#bearers.keys()];
    const isOfOneFamily = this.#bearers.get(accessToken)?.family === this.#bearers.get(other)?.family;
    return isOfOneFamily && issued.indexOf(accessToken) < issued.indexOf(other);
  }

  /** A call of a consumer with it would be answered. */
  honours(accessToken: string, nowMs: number): boolean {
    const bearer = this.#bearers.get(accessToken);
    if (bearer === undefined || nowMs >= bearer.issuedAtMs + TOKEN_LIFE_MS) return false;
    return this.kind !== 'strict' || !bearer.family.isRevoked;
  }

  wasSent(refreshToken: string): boolean {
    return this.#sent.has(refreshToken);
  }

  #note(refreshToken: string, accessToken: string): void {
    const noted = this.#accessTokens.get(refreshToken) ?? new Set();
    this.#accessTokens.set(refreshToken, noted.add(accessToken));
  }

  /** All that its future answers depend on. */
  dump(): unknown {
    return [...this.#tokens].map(([token, { family, parent, spentAtMs, isReplaced }]) => [
      token,
      family.isRevoked,
      parent,
      spentAtMs,
      isReplaced,
    ]);
  }

  #answersAgain(spentAtMs: number, nowMs: number): boolean {
    return this.kind !== 'strict' && nowMs - spentAtMs < this.graceMs;
  }

  #replaceAnswersTo(parent: string): void {
    for (const token of this.#tokens.values()) {
      if (token.parent === parent) token.isReplaced = true;
    }
  }

  #issue(family: Family, parent: string | undefined): string {
    const refreshToken = `rt-${++this.#count}`;
    this.#tokens.set(refreshToken, { family, parent, spentAtMs: undefined, isReplaced: false });
    return refreshToken;
  }
}
