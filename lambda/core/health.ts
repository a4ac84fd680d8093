import type { Action, Health } from '../contract.ts';
import { type Decision, decide, type Situation } from './decide.ts';
import { isTooShort, secondsUntilDue } from './due.ts';
import type { FaultCode } from './fault.ts';
import { type FailureCause, type FailureEntry, leaseEndMs } from './journal.ts';
import { parseRfc3339, toRfc3339 } from './rfc3339.ts';
import { findRoomAtMs } from './version-budget.ts';

/** The one answer to "is this account healthy, and what should a person do?". */
export interface Judgment {
  readonly health: Health;
  readonly action: Action;
  /** One sentence for a person. Nothing depends on its wording. */
  readonly reason: string;
}

/** State of the token secret, compared with `AWSCURRENT`. `unusable`: deleted, denied, or not writable. */
export type TokenSecretHealth = 'in sync' | 'stale' | 'foreign' | 'unusable';

/** Everything that the judgment depends on. */
export interface Evidence {
  readonly situation: Omit<Situation, 'force' | 'mayBeRevoked'>;
  /** Longest time from one tick to the next: interval and flexible window. */
  readonly scheduleSeconds: number;
  /** Recorded end of the last attempt at the current refresh token, if a claim came after it. */
  readonly lastFailure?: FailureEntry | undefined;
  /** The current refresh token was exchanged already; the next run promotes the recorded answer. */
  readonly hasSuccessor?: boolean | undefined;
  /** An answer is in the memory of an execution environment only. */
  readonly hasPendingAnswer?: boolean | undefined;
  /** Creation times of the secret's versions; `unknown` if they were not listed. */
  readonly versionTimes: readonly number[] | 'unknown';
  /** When the version history has room again, if a run has found that it has none. */
  readonly roomAtMs?: number | undefined;
  /** Absent if there is no token secret, or it was not read. `repaired`: it was stale and no longer is. */
  readonly tokenSecret?: TokenSecretHealth | 'repaired' | undefined;
}

/** Number of failed attempts in a row that a temporary fault does not explain. */
const LASTING_ATTEMPTS = 3;
/** Ticks in a row that a due token may miss before something must be wrong with the schedule. */
const MISSED_TICKS = 3;

type Advice = readonly [Action, string];

/**
 * Judges one account whose credentials could be read. A pure function; what matters most comes first. A healthy token
 * outlives the function's next chance to refresh it, however late within the schedule that chance comes.
 */
export function judge(evidence: Evidence): Judgment {
  const decision = decide({ ...evidence.situation, force: false });
  const found =
    judgePendingAnswer(evidence) ??
    judgeFailure(evidence, decision) ??
    judgeBudget(evidence) ??
    judgeTime(evidence, decision) ??
    judgeTokenSecret(evidence);
  if (found !== undefined) return toAttention(found);
  const isQuiet = decision.kind === 'fresh' && evidence.hasSuccessor !== true;
  return isQuiet
    ? { health: 'healthy', action: 'none', reason: 'The access token is valid and not due yet.' }
    : { health: 'healthy', action: 'wait', reason: 'The access token is valid, and the next tick continues.' };
}

/** Judges an account by the error that a run ended with. */
export function judgeFault(code: FaultCode | 'UNEXPECTED', cause?: FailureCause): Judgment {
  return toAttention(isFailureCode(code) ? adviseOnFailure(code, cause) : FAULTS[code]);
}

/** An account whose secret has no value yet. */
export const EMPTY: Judgment = toAttention(['reauthorize', 'The secret has no value yet: authorize the application.']);

function toAttention([action, reason]: Advice): Judgment {
  return { health: 'attention', action, reason };
}

function judgePendingAnswer({ hasPendingAnswer }: Evidence): Advice | undefined {
  if (hasPendingAnswer !== true) return undefined;
  return ['fixStore', 'The new tokens are only in the memory of one execution environment: they could not be stored.'];
}

function judgeFailure(evidence: Evidence, decision: Decision): Advice | undefined {
  const failure = findFailure(evidence);
  if (evidence.hasSuccessor || failure === undefined) return undefined;
  const isLasting = failure.attempt + 1 >= LASTING_ATTEMPTS;
  const isRejected = decision.kind === 'rejected' || failure.code === 'REAUTHORIZATION_PROBABLE';
  return isRejected || isLasting ? adviseOnFailure(failure.code, failure.cause) : undefined;
}

/** Returns how the last attempt with these very credentials failed. */
function findFailure({ situation: { latestEntry, current, digest }, lastFailure }: Evidence): FailureEntry | undefined {
  const failure = latestEntry?.kind === 'failure' ? latestEntry : lastFailure;
  return failure?.tokenHash === current.tokenHash && failure.digest === digest ? failure : undefined;
}

function judgeBudget(evidence: Evidence): Advice | undefined {
  const { situation, versionTimes } = evidence;
  const dueAtMs = situation.nowMs + Math.max(0, untilDueSeconds(evidence) * 1000 || 0);
  const listedRoomAtMs = versionTimes === 'unknown' ? undefined : findRoomAtMs(versionTimes, dueAtMs);
  const roomAtMs = evidence.roomAtMs ?? listedRoomAtMs;
  if (roomAtMs === undefined) return undefined;
  return [
    'freeBudget',
    `The secret has too many versions from the last 24 hours: no refresh can be made before ${toRfc3339(roomAtMs)}.`,
  ];
}

function judgeTime(evidence: Evidence, decision: Decision): Advice | undefined {
  const { current, nowMs } = evidence.situation;
  const { access_token, expires_at, may_be_revoked } = current.document.members;
  const seconds = untilDueSeconds(evidence);
  const failure = findFailure(evidence);
  const isFailing = failure !== undefined && evidence.hasSuccessor !== true;
  if (access_token === undefined && isFailing) return adviseOnFailure(failure.code, failure.cause);
  if (access_token === undefined) return ['refresh', 'There is no access token yet.'];
  if (may_be_revoked !== undefined)
    return ['refresh', 'The access token may have been revoked; only an attempt shows it.'];
  if (Number.isNaN(seconds))
    return ['refresh', 'The lifetime of the access token is unknown, or begins in the future.'];

  const expiresAtMs = parseRfc3339(expires_at);
  const lastChanceMs = chanceMs(evidence, decision, nowMs + seconds * 1000) + evidence.scheduleSeconds * 1000;
  if (expiresAtMs <= lastChanceMs) {
    if (failure !== undefined) return adviseOnFailure(failure.code, failure.cause);
    if (isTooShort(evidence.situation.current.document, evidence.scheduleSeconds))
      return ['fixConfiguration', 'Access tokens expire before the schedule can refresh them.'];
    return ['refresh', `The access token expires on ${toRfc3339(expiresAtMs)}, before the next tick is certain.`];
  }
  const isExplained = explains(failure, evidence) || decision.kind === 'busy' || evidence.hasSuccessor === true;
  if (isExplained || seconds >= -MISSED_TICKS * evidence.scheduleSeconds) return undefined;
  return [
    'refresh',
    `The access token has been due for ${Math.round(-seconds / 60)} minutes, and no run refreshed it.`,
  ];
}

/** Returns whether the failure is so recent that no tick since then can have been missed. */
function explains(failure: FailureEntry | undefined, { situation, scheduleSeconds }: Evidence): boolean {
  if (failure === undefined) return false;
  const waitedSeconds = (failure.retryAfterSeconds ?? 0) + MISSED_TICKS * scheduleSeconds;
  return situation.nowMs <= failure.createdAt + waitedSeconds * 1000;
}

/** Returns from when on a tick makes an attempt, or promotes a recorded answer. */
function chanceMs({ situation, hasSuccessor }: Evidence, decision: Decision, dueAtMs: number): number {
  const { nowMs, latestEntry } = situation;
  if (hasSuccessor === true) return nowMs;
  if (decision.kind === 'waiting') return decision.retryAtMs;
  if (decision.kind === 'busy' && latestEntry?.kind === 'claim') {
    return leaseEndMs(latestEntry);
  }
  return decision.kind === 'fresh' ? dueAtMs : nowMs;
}

function untilDueSeconds({ situation: { current, nowMs, longestLifetimeSeconds } }: Evidence): number {
  return secondsUntilDue(current.document, nowMs, longestLifetimeSeconds);
}

function judgeTokenSecret({ tokenSecret }: Evidence): Advice | undefined {
  return tokenSecret && TOKEN_SECRETS[tokenSecret];
}

const TOKEN_SECRETS: { readonly [state in NonNullable<Evidence['tokenSecret']>]: Advice | undefined } = {
  'in sync': undefined,
  repaired: undefined,
  stale: ['refresh', 'The token secret does not hold the current access token; the next run copies it.'],
  foreign: ['fixTokenSecret', 'The token secret holds something else, which was not overwritten.'],
  unusable: [
    'fixTokenSecret',
    'The token secret cannot be read or written: it was deleted, access is denied, or it is a replica.',
  ],
};

type FailureCode = FailureEntry['code'];

const UNEXPLAINED: Advice = [
  'fixClientOrReauthorize',
  'Retently rejects the request without saying why: the grant was revoked, or the client secret is wrong. The refresh token may be used up, so correcting the secret may not be enough.',
];

const CAUSES: { readonly [cause in FailureCause]: Advice } = {
  'not-sent': ['fixNetwork', 'The token endpoint cannot be reached.'],
  throttled: ['askProvider', 'Retently keeps asking for pauses. A rate limit this long may hide a revoked grant.'],
  oversized: ['fixConfiguration', 'The secret has no room for the new tokens: move other data out of it.'],
  misdirected: ['fixConfiguration', 'TOKEN_ENDPOINT does not name a token endpoint: it may have moved.'],
  intercepted: [
    'fixNetwork',
    'Something between the function and Retently rejects the request: a firewall or a proxy.',
  ],
  unrecognized: UNEXPLAINED,
  ambiguous: ['askProvider', 'Retently gives no usable answer. The refresh token may be used up.'],
  REAUTHORIZATION_REQUIRED: [
    'reauthorize',
    'Retently rejects the refresh token: the grant was revoked or has expired.',
  ],
  CLIENT_REJECTED: ['fixClient', 'Retently rejects the client id, the client secret or the redirect URI.'],
};

/** Causes for counted rejections, and for entries of earlier versions, which recorded only the code. */
const CAUSE_BY_CODE: { readonly [code in FailureCode]: FailureCause } = {
  PROVIDER_UNAVAILABLE: 'not-sent',
  PROVIDER_AMBIGUOUS: 'ambiguous',
  REAUTHORIZATION_PROBABLE: 'unrecognized',
  REAUTHORIZATION_REQUIRED: 'REAUTHORIZATION_REQUIRED',
  CLIENT_REJECTED: 'CLIENT_REJECTED',
};

function isFailureCode(code: FaultCode | 'UNEXPECTED'): code is FailureCode {
  return code in CAUSE_BY_CODE;
}

function adviseOnFailure(code: FailureCode, cause?: FailureCause): Advice {
  // Rejections that were counted outweigh how the last of the attempts happened to fail.
  const lastCause = code === 'REAUTHORIZATION_PROBABLE' ? undefined : cause;
  return CAUSES[lastCause ?? CAUSE_BY_CODE[code]];
}

const FAULTS: { readonly [code in Exclude<FaultCode, FailureCode> | 'UNEXPECTED']: Advice } = {
  CONFIGURATION_INVALID: ['fixConfiguration', "The function's configuration is invalid."],
  EVENT_INVALID: ['fixConfiguration', 'The invocation is invalid.'],
  CREDENTIALS_INVALID: ['restoreSecret', 'The secret does not hold credentials.'],
  CREDENTIALS_INCOMPLETE: ['restoreSecret', 'Credentials are missing from the secret.'],
  SECRET_NOT_FOUND: ['restoreSecret', 'The secret does not exist or is scheduled for deletion.'],
  STORE_DENIED: ['fixStore', 'Access to the secret or to its KMS key is denied.'],
  STORE_UNAVAILABLE: ['wait', 'Secrets Manager failed. The next run retries.'],
  TOKEN_NOT_STORED: ['fixStore', 'The new tokens could not be stored.'],
  SWEEP_INCOMPLETE: ['fixStore', 'The sweep could not read or queue every secret.'],
  UNEXPECTED: ['report', 'The function has a bug.'],
};
