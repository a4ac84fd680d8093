import type { Grant } from '../../lambda/core/credentials.ts';

/**
 * Ways in which an authorization server treats a used refresh token. `strict` answers once; on reuse it revokes the grant,
 * with its valid access token. `grace` answers a used token again for a while, and all its answers stay valid. `newest` does the
 * same, but only its last answer stays valid. `no-rotation` keeps the token as it is.
 */
export const PROVIDER_KINDS = ['strict', 'grace', 'newest', 'no-rotation'] as const;
export type ProviderKind = (typeof PROVIDER_KINDS)[number];

/** Client credentials of every simulated grant. */
export const CLIENT_SECRET = 'secret';

/** Lifetime of an access token, unless a history has another one. */
export const TOKEN_LIFE_MS = 21_600_000;

export type Refusal = 'invalid_grant' | 'invalid_client' | 'unrecognized';

interface Family {
  isRevoked: boolean;
  /** The token whose second use revoked it. */
  revokedBy?: string;
}

interface Bearer {
  readonly family: Family;
  readonly issuedAtMs: number;
  readonly lifeMs: number;
}

interface Answer {
  readonly accessToken: string;
  /** Absent if the server does not rotate. */
  readonly refreshToken: string | undefined;
  readonly expiresInSeconds: number;
}

/** Failure of the whole server: it rejects everyone in its own words, asks for a pause, or never answers. */
export interface Trouble {
  readonly kind: 'unrecognized' | 'throttled' | 'hangs-before';
  readonly untilMs: number;
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
  /** Time in which a used token is answered again, where it is at all. */
  graceMs = 60_000;
  lifeMs = TOKEN_LIFE_MS;
  /** Whether an access token is sent again, with the rest of its life, until three quarters of that life are over. */
  repeatsBearer = false;
  /** Pause that a throttled answer asks for. */
  retryAfterSeconds: number | undefined;
  trouble: Trouble | undefined;
  readonly #tokens = new Map<string, RefreshToken>();
  /** All answers: refresh token, access token, and the lifetime that was sent with it. */
  readonly #answers = new Set<string>();
  readonly #bearers = new Map<string, Bearer>();
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

  /** Returns whether a second use of the token that was traded for this one has revoked it. */
  isRevokedByItsParent(refreshToken: string): boolean {
    const token = this.#tokens.get(refreshToken);
    return token?.parent !== undefined && token.parent === token.family.revokedBy;
  }

  /**
   * Returns whether `token` cannot be used because the answer `lost` never arrived. Either `token` was traded for it, or `lost` took
   * the place of `token`, or a second use of the same parent revoked the grant.
   */
  isEffectOf(lost: string, token: string): boolean {
    const parent = this.#tokens.get(lost)?.parent;
    if (parent === undefined) return false;
    const { family, parent: sameParent, isReplaced } = this.#tokens.get(token) ?? {};
    return parent === token || parent === family?.revokedBy || (isReplaced === true && sameParent === parent);
  }

  /** Whether a later answer to the same token has replaced it, so that its loss is harmless. */
  isReplaced(refreshToken: string): boolean {
    return this.#tokens.get(refreshToken)?.isReplaced === true;
  }

  areOfOneFamily(one: string, other: string): boolean {
    const family = this.#tokens.get(one)?.family;
    return one === other || (family !== undefined && family === this.#tokens.get(other)?.family);
  }

  exchange({ refreshToken, clientSecret }: Grant, nowMs: number): Answer | Refusal {
    this.#sent.add(refreshToken);
    if (clientSecret !== CLIENT_SECRET) return 'invalid_client';
    const token = this.#tokens.get(refreshToken);
    if (token === undefined || token.family.isRevoked || token.isReplaced) return 'invalid_grant';
    if (this.kind === 'no-rotation') return this.#answer(token.family, refreshToken, undefined, nowMs);
    if (token.spentAtMs === undefined) token.spentAtMs = nowMs;
    else if (!this.#answersAgain(token.spentAtMs, nowMs)) {
      token.family.isRevoked = true;
      token.family.revokedBy ??= refreshToken;
      return 'invalid_grant';
    }
    if (this.kind === 'newest') this.#replaceAnswersTo(refreshToken);
    const next = this.#issue(token.family, refreshToken);
    return this.#answer(token.family, next, next, nowMs);
  }

  /** Returns whether one answer had all three. */
  isOneAnswer(refreshToken: string, accessToken: string, lifeMs: number): boolean {
    return this.#answers.has(`${refreshToken} ${accessToken} ${lifeMs}`);
  }

  /** One grant gave both access tokens, and this one first. */
  isOlder(accessToken: string, other: string): boolean {
    const issued = [...this.#bearers.keys()];
    const isOfOneFamily = this.#bearers.get(accessToken)?.family === this.#bearers.get(other)?.family;
    return isOfOneFamily && issued.indexOf(accessToken) < issued.indexOf(other);
  }

  /** A call of a consumer with it would be answered. */
  honours(accessToken: string, nowMs: number): boolean {
    const bearer = this.#bearers.get(accessToken);
    if (bearer === undefined || nowMs >= bearer.issuedAtMs + bearer.lifeMs) return false;
    return this.kind !== 'strict' || !bearer.family.isRevoked;
  }

  wasSent(refreshToken: string): boolean {
    return this.#sent.has(refreshToken);
  }

  #answer(family: Family, holder: string, refreshToken: string | undefined, nowMs: number): Answer {
    const repeated = this.repeatsBearer ? this.#findYoungBearer(family, nowMs) : undefined;
    const accessToken = repeated ?? `at-${++this.#count}`;
    const { issuedAtMs, lifeMs } = this.#bearers.get(accessToken) ?? { issuedAtMs: nowMs, lifeMs: this.lifeMs };
    this.#bearers.set(accessToken, { family, issuedAtMs, lifeMs });
    const expiresInSeconds = Math.floor((issuedAtMs + lifeMs - nowMs) / 1000);
    this.#answers.add(`${holder} ${accessToken} ${expiresInSeconds * 1000}`);
    return { accessToken, refreshToken, expiresInSeconds };
  }

  #findYoungBearer(family: Family, nowMs: number): string | undefined {
    const isYoung = ([, bearer]: readonly [string, Bearer]) =>
      bearer.family === family && nowMs < bearer.issuedAtMs + (bearer.lifeMs * 3) / 4;
    return [...this.#bearers].findLast(isYoung)?.[0];
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
