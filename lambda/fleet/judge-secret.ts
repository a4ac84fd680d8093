import type { Settings } from '../core/context.ts';
import { type Decision, decide } from '../core/decide.ts';
import { reportedSecondsUntilDue } from '../core/due.ts';
import { findLastFailure } from '../core/failed-attempt.ts';
import { Fault, type FaultCode } from '../core/fault.ts';
import {
  type DocumentEntry,
  digestGrant,
  type FailureEntry,
  parseDocumentEntry,
  tokenVersionId,
} from '../core/journal.ts';
import { grantOf, type Snapshot, toSnapshot } from '../core/load.ts';
import type { CredentialStore, Telemetry, Version } from '../core/ports.ts';
import { parseRfc3339 } from '../core/rfc3339.ts';

/** Reads of one secret beside its current value, which the sweep reads in batches. */
export type HistoryReader = Pick<CredentialStore, 'readLatestEntry' | 'readVersion'>;

/** Answer of Secrets Manager about one secret of a batch. */
export type SecretRead = { readonly arn: string } & (
  | {
      readonly kind: 'value';
      readonly version: Version;
      /** The journal's label is on the current version, so no attempt is under way and none has failed since. */
      readonly isAtRest: boolean;
    }
  /** The secret has no value, or was deleted after it was listed. */
  | { readonly kind: 'absent' }
  /** Someone has to act: access is denied, or the state of the secret or of its key does not allow the read. */
  | { readonly kind: 'denied' }
  /** The read failed for a reason that may pass. */
  | { readonly kind: 'failed' }
);

/** Why no run can refresh a secret. */
const UNUSABLE_CODES = [
  'CREDENTIALS_INVALID',
  'CREDENTIALS_INCOMPLETE',
  'STORE_DENIED',
  'STORE_UNAVAILABLE',
  'not-configured',
] as const;
type UnusableCode = (typeof UNUSABLE_CODES)[number];

/** Why a secret needs a person. */
export const TROUBLE_CODES = ['REAUTHORIZATION_REQUIRED', 'REAUTHORIZATION_PROBABLE', ...UNUSABLE_CODES] as const;
export type TroubleCode = (typeof TROUBLE_CODES)[number];

/** State of one secret, and what the sweep does about it. */
export interface SecretJudgment {
  readonly arn: string;
  /**
   * - `refresh`: a run may have something to do;
   * - `retry`: the same, and the last attempt failed;
   * - `none`: no run is needed;
   * - `skip`: the secret is not one of the fleet, whatever its tag says.
   */
  readonly turn: 'refresh' | 'retry' | 'none' | 'skip';
  /** Milliseconds since the epoch: the end of a back-off, or of the last attempt. The retry that waits longest comes first. */
  readonly fromMs: number;
  /** Milliseconds since the epoch; `-Infinity` if no access token is known to be valid, `Infinity` if nothing is known. */
  readonly expiresAtMs: number;
  /** Negative if overdue; `undefined` if the secret could not be read. */
  readonly secondsUntilDue: number | undefined;
  readonly trouble: TroubleCode | undefined;
}

export interface JudgeContext {
  readonly settings: Pick<Settings, 'tokenEndpointUrl' | 'defaultTokenLifetimeSeconds' | 'scheduleSeconds'>;
  readonly telemetry: Pick<Telemetry, 'warn'>;
  readonly now: () => number;
  readonly open: (arn: string) => HistoryReader;
}

/** Judges one secret by what was read, and by the rules of the core. Reads the journal only if an attempt may be open. */
export async function judgeSecret(context: JudgeContext, read: SecretRead): Promise<SecretJudgment> {
  const { arn } = read;
  switch (read.kind) {
    case 'absent':
      return unusable(arn, 'not-configured');
    case 'denied':
      return unusable(arn, 'STORE_DENIED');
    case 'failed':
      return unread(arn);
    case 'value':
      return isTokenSecret(read.version) ? outside(arn) : await judgeValue(context, arn, read.version, read.isAtRest);
  }
}

/** Returns the judgment of a secret that could not be read: a run decides. */
export function unread(arn: string): SecretJudgment {
  return { ...unusable(arn, 'STORE_UNAVAILABLE'), turn: 'refresh', expiresAtMs: Number.POSITIVE_INFINITY };
}

function unusable(arn: string, trouble: UnusableCode): SecretJudgment {
  const expiresAtMs = Number.NEGATIVE_INFINITY;
  return { arn, turn: 'none', fromMs: 0, expiresAtMs, secondsUntilDue: undefined, trouble };
}

function outside(arn: string): SecretJudgment {
  return { ...unusable(arn, 'not-configured'), turn: 'skip', trouble: undefined };
}

/** Returns whether this is a token secret. Its version id is derived from its text, which no other secret can have. */
function isTokenSecret({ versionId, secretString }: Version): boolean {
  return secretString !== undefined && versionId === tokenVersionId(secretString);
}

async function judgeValue(
  context: JudgeContext,
  arn: string,
  version: Version,
  isAtRest: boolean,
): Promise<SecretJudgment> {
  try {
    const current = parseDocumentEntry(version, `Secret ${arn}`);
    const fresh = isAtRest ? judgeAtRest(context, arn, current) : undefined;
    if (fresh) return fresh;
    const store = context.open(arn);
    const latestVersion = isAtRest ? version : await store.readLatestEntry();
    const snapshot = await toSnapshot({ store, telemetry: context.telemetry }, current, latestVersion);
    if (snapshot.successor) return { ...describe(context, arn, current), turn: 'refresh' };
    return await judgeSnapshot(context, arn, store, snapshot);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return isUnusable(error.name) ? unusable(arn, error.name) : unread(arn);
  }
}

/** Judgment of a secret whose document could be read. */
type KnownSecretJudgment = SecretJudgment & { readonly secondsUntilDue: number };

/** Returns `undefined` if the token may be due. A secret at rest that is not due needs nothing: this judges most secrets. */
function judgeAtRest(context: JudgeContext, arn: string, current: DocumentEntry): SecretJudgment | undefined {
  const judgment = describe(context, arn, current);
  return judgment.secondsUntilDue > 0 ? judgment : undefined;
}

/** @throws Fault for credentials that no run can use */
async function judgeSnapshot(
  context: JudgeContext,
  secretId: string,
  store: HistoryReader,
  snapshot: Snapshot,
): Promise<SecretJudgment> {
  const { current, latestEntry } = snapshot;
  const { tokenEndpointUrl, defaultTokenLifetimeSeconds: longestLifetimeSeconds } = context.settings;
  const digest = digestGrant(grantOf({ settings: { secretId } }, snapshot), tokenEndpointUrl);
  const nowMs = context.now();
  const decision = decide({ current, latestEntry, digest, nowMs, longestLifetimeSeconds, force: false });
  const last = await findLastFailure({ store }, current.tokenHash, latestEntry);
  const failure = last?.tokenHash === current.tokenHash && last.digest === digest ? last : undefined;
  return {
    ...describe(context, secretId, current),
    ...toTurn(decision, failure),
    trouble: toTrouble(failure?.code ?? current.document.members.may_be_revoked),
  };
}

function describe({ settings, now }: JudgeContext, arn: string, current: DocumentEntry): KnownSecretJudgment {
  const { access_token, expires_at } = current.document.members;
  const { defaultTokenLifetimeSeconds, scheduleSeconds } = settings;
  const expiresAtMs = parseRfc3339(expires_at);
  const isKnown = access_token !== undefined && !Number.isNaN(expiresAtMs);
  return {
    arn,
    turn: 'none',
    fromMs: 0,
    expiresAtMs: isKnown ? expiresAtMs : Number.NEGATIVE_INFINITY,
    secondsUntilDue: reportedSecondsUntilDue(current, now(), defaultTokenLifetimeSeconds, scheduleSeconds),
    trouble: undefined,
  };
}

/** Returns the turn. A run that would only wait, or repeat a known rejection, shows nothing that the sweep has not seen. */
function toTurn(decision: Decision, failure: FailureEntry | undefined): Pick<SecretJudgment, 'turn' | 'fromMs'> {
  switch (decision.kind) {
    case 'waiting':
      return { turn: 'retry', fromMs: decision.retryAtMs };
    case 'attempt':
      return failure === undefined && !decision.takesOverClaim
        ? { turn: 'refresh', fromMs: 0 }
        : { turn: 'retry', fromMs: failure?.createdAt ?? 0 };
    default:
      return { turn: 'none', fromMs: 0 };
  }
}

function isUnusable(code: FaultCode): code is FaultCode & UnusableCode {
  return code === 'CREDENTIALS_INVALID' || code === 'CREDENTIALS_INCOMPLETE' || code === 'STORE_DENIED';
}

/** @param code of the last attempt with these credentials, or of the reason why their token may be revoked */
function toTrouble(code: string | undefined): TroubleCode | undefined {
  return code === 'REAUTHORIZATION_REQUIRED' || code === 'REAUTHORIZATION_PROBABLE' ? code : undefined;
}
