import type { Action, Health } from '../contract.ts';
import type { Grant } from './credentials.ts';
import type { LogEvent } from './log-events.ts';

/** One immutable version of the secret. */
export interface Version {
  readonly versionId: string;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly createdAt: number;
  /** Absent if the version holds a SecretBinary. */
  readonly secretString: string | undefined;
}

/** Version as a list shows it: without its value. */
export type ListedVersion = Pick<Version, 'versionId' | 'createdAt'>;

/**
 * The secret and its version history. Every method throws a `Fault` `STORE_DENIED` or `STORE_UNAVAILABLE` if the
 * store denies access or fails, and `SECRET_NOT_FOUND` if the secret is gone.
 */
export interface CredentialStore {
  /** The version that holds `AWSCURRENT`; `undefined` if the secret exists and has no value yet. */
  readCurrent(): Promise<Version | undefined>;
  /** The version that holds the journal's label. The label is a hint: it may lag, and anyone may move it. */
  readLatestEntry(): Promise<Version | undefined>;
  /** The version that held `AWSCURRENT` before: where to look if current cannot be read. */
  readPrevious(): Promise<Version | undefined>;
  readVersion(versionId: string): Promise<Version | undefined>;
  /**
   * Create-if-absent, and the journal's label moves to what was created; never `AWSCURRENT`. The same id with the same
   * content is `created` again, so a call whose answer was lost may be repeated.
   */
  putVersion(versionId: string, secretString: string): Promise<'created' | 'exists'>;
  /** Compare-and-swap of `AWSCURRENT`; `undefined` expects it on no version, or on this one already. */
  promote(versionId: string, expectedVersionId: string | undefined): Promise<'promoted' | 'refused'>;
  /** Every version that is still kept, with or without a label, in no particular order. */
  listVersions(): Promise<readonly ListedVersion[]>;
}

/**
 * The secret that holds the access token and nothing else, for consumers. Its methods behave, and throw, like those of
 * {@link CredentialStore}.
 */
export interface TokenSecret extends Pick<CredentialStore, 'readCurrent' | 'putVersion' | 'promote'> {
  /** ARN or name, for messages. */
  readonly secretId: string;
}

/** Result of a token request. `reason` is safe to log: it quotes nothing that was received. */
export type TokenAnswer = (
  | {
      readonly kind: 'token';
      readonly accessToken: string;
      readonly tokenType: string;
      /** Absent if the answer gave none that makes sense. */
      readonly expiresInSeconds: number | undefined;
      /** Absent if the server did not rotate (RFC 6749 section 6: the old one stays valid). */
      readonly refreshToken: string | undefined;
      /** Lifetime of the refresh token; absent if the server does not state it. */
      readonly refreshTokenExpiresInSeconds?: number | undefined;
    }
  /** A success without an access token but with a refresh token, which must not be lost. */
  | {
      readonly kind: 'refresh-token-only';
      readonly refreshToken: string;
      readonly refreshTokenExpiresInSeconds?: number | undefined;
      readonly reason: string;
    }
  /** No byte of the request was sent. */
  | { readonly kind: 'not-sent'; readonly reason: string }
  /** 429, 503 and other requests for a pause. */
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number | undefined; readonly reason: string }
  /** A 3xx, 404, 405 or 410: the URL is probably not the token endpoint. */
  | { readonly kind: 'misdirected'; readonly reason: string }
  /** A page of something between the function and the server: a firewall, a proxy or a login page. */
  | { readonly kind: 'intercepted'; readonly reason: string }
  /** Any other 4xx, or a success whose body reports an error: a rejection without a code of RFC 6749. */
  | { readonly kind: 'unrecognized'; readonly reason: string }
  /** The token may have been used. */
  | { readonly kind: 'ambiguous'; readonly reason: string }
  /** An error code of RFC 6749 section 5.2. */
  | { readonly kind: 'refused'; readonly error: OAuthErrorCode; readonly reason: string }
) & {
  /** A limit of ours cut the response. The same response would be cut again, so this run sends no second request. */
  readonly isTruncated?: boolean | undefined;
};

export const OAUTH_ERROR_CODES = [
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
] as const;
export type OAuthErrorCode = (typeof OAUTH_ERROR_CODES)[number];

export interface TokenEndpoint {
  /** One POST of the refresh grant, ended after `timeoutMs` whatever happens. Never throws. */
  requestToken(grant: Grant, timeoutMs: number): Promise<TokenAnswer>;
}

/** An event that is published once per change, after `AWSCURRENT` has moved. */
export interface Announcement {
  readonly type: 'refreshed' | 'recovered' | 'failed' | 'reauthorizationRequired';
  /** ARN or name. */
  readonly secretId: string;
  readonly versionId: string;
  readonly expiresAt?: string | undefined;
  readonly rotated?: boolean | undefined;
  readonly attempt?: number | undefined;
  readonly code?: string | undefined;
  /** Judgment of health after a failure. Never quotes anything that was received. */
  readonly health?: Health | undefined;
  readonly action?: Action | undefined;
  readonly reason?: string | undefined;
  /** Set on `reauthorizationRequired` if no answer said so, but it looks like it. */
  readonly probable?: boolean | undefined;
  /** 12 hex characters each. */
  readonly fingerprints?: {
    readonly [token in 'accessToken' | 'refreshToken' | 'spentRefreshToken']?: string | undefined;
  };
}

export interface EventPublisher {
  /** Publishes on a best-effort basis: throws nothing, and logs events that were not accepted. */
  publish(announcements: readonly Announcement[]): Promise<void>;
}

/** The only members that a log line may have: none of them can hold a secret. */
export interface LogMembers {
  /** Outcome, or `failed`. Only in the last line of a run. */
  readonly outcome?: string;
  /** Decision that `status` foresees. */
  readonly decision?: string | undefined;
  /** Judgment of health. Only in the last line of a run. */
  readonly health?: Health | undefined;
  readonly action?: Action | undefined;
  readonly code?: string;
  readonly reason?: string;
  readonly attempt?: number;
  readonly versionId?: string | undefined;
  readonly previousVersionId?: string;
  /** When the access token in `AWSCURRENT` expires. */
  readonly expiresAt?: string | undefined;
  /** When the next attempt may be made. */
  readonly retryAt?: string | undefined;
  readonly durationMs?: number;
  /** Secrets Manager calls that read, and that write. */
  readonly reads?: number;
  readonly writes?: number;
  /** Entry of the runbook that says what to do. */
  readonly runbook?: string;
  /** Secrets that a sweep found, and those that it put into the queue. */
  readonly listed?: number;
  readonly queued?: number;
  /** ARNs of secrets that a sweep skipped. */
  readonly secretIds?: readonly string[];
  /** Fingerprints. */
  readonly refreshToken?: string;
  readonly spentRefreshToken?: string;
}

/** States that a run reports if it could read the secret. */
export interface TokenStates {
  /** 0 if the token has expired, or if there is none. */
  readonly tokenSecondsRemaining: number;
  /** Negative if the token is overdue; without a token of known lifetime, credentials are overdue from when they were stored. 0 if there are none. */
  readonly tokenSecondsUntilDue: number;
  /** `undefined` while another run's claim hides what was known of the grant: the alarm stays as it is. */
  readonly isReauthorizationRequired: boolean | undefined;
  /** The run found the token secret stale; `undefined` if there is none, or if it was not looked at. */
  readonly isTokenSecretStale?: boolean | undefined;
  /** The token secret was deleted, or access to it is denied; `undefined` as above. */
  readonly isTokenSecretUnreadable?: boolean | undefined;
}

export interface Telemetry {
  info(event: LogEvent, members?: LogMembers): void;
  warn(event: LogEvent, members?: LogMembers): void;
  error(message: string, members?: LogMembers): void;
  /** Adds members to the last line of the run, and replaces those noted before under the same name. */
  note(members: LogMembers): void;
  recordStates(states: TokenStates): void;
  countRefreshed(): void;
  countFailed(code: string): void;
  countTokenNotStored(): void;
  countClaimTakenOver(): void;
  recordExchangeMilliseconds(milliseconds: number): void;
}

/** Time and randomness, so that tests control both. */
export interface Runtime {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Until the platform ends this run. */
  remainingMs(): number;
  sleep(milliseconds: number): Promise<void>;
  /** 0 ≤ x < 1. */
  random(): number;
  /** Never the same twice, in any run anywhere. */
  nonce(): string;
}
