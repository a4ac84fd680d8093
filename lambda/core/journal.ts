import * as z from 'zod/mini';
import { MAX_LEASE_SECONDS, parseJson } from '../contract.ts';
import { type CredentialsDocument, type Grant, parseDocument, tokenHashOf } from './credentials.ts';
import type { FaultCode } from './fault.ts';
import { sha256 } from './fingerprint.ts';
import { once } from './once.ts';
import type { Version } from './ports.ts';

/**
 * The journal is the secret's own version history. Its ids are computed from a document's content, so anyone who can read
 * a document can find its successor, whatever happened to staging labels.
 */

/** Returns the id of the only version that ever stores the answer to this refresh token, as the complete next document. */
export function successorId(tokenHash: string): string {
  return versionId(`successor ${tokenHash}`);
}

/** Returns the id of the claim on attempt `attempt` (0, 1, 2, …) with the refresh token whose hash is `tokenHash`. */
export function claimId(tokenHash: string, attempt: number): string {
  return versionId(`claim ${tokenHash} ${attempt}`);
}

/** Returns the id of the version that records how that attempt failed. */
export function failureId(tokenHash: string, attempt: number): string {
  return versionId(`failure ${tokenHash} ${attempt}`);
}

/** Returns the id of this text in the token secret. It depends on the content: an edit that keeps the token makes no version. */
export function tokenVersionId(text: string): string {
  return versionId(`token ${text}`);
}

/** Returns the id of the document that combines one version with the tokens of another, which may be in doubt. */
export function mergeId(documentVersionId: string, tokensVersionId: string, doubt?: string): string {
  return versionId(['merge', documentVersionId, tokensVersionId, ...(doubt === undefined ? [] : [doubt])].join(' '));
}

const CLAIM_KIND = 'retently-token-refresh/claim';
const FAILURE_KIND = 'retently-token-refresh/failure';

const toClaimSchema = () =>
  z.object({
    kind: z.literal(CLAIM_KIND),
    /** The token hash. */
    key: z.string(),
    attempt: z.int().check(z.nonnegative()),
    /** Distinguishes two runs: Lambda's retries reuse the request id. */
    nonce: z.string(),
    /** Lease of the run that made this claim: another run's lease may be shorter. */
    lease_seconds: z.int().check(z.positive(), z.maximum(MAX_LEASE_SECONDS)),
  });

const toFailureSchema = () =>
  z.object({
    kind: z.literal(FAILURE_KIND),
    /** The token hash. */
    key: z.string(),
    attempt: z.int().check(z.nonnegative()),
    code: z.enum([
      'PROVIDER_UNAVAILABLE',
      'PROVIDER_AMBIGUOUS',
      'REAUTHORIZATION_PROBABLE',
      'REAUTHORIZATION_REQUIRED',
      'CLIENT_REJECTED',
    ]),
    /** Digest of the credentials that failed; see {@link digestGrant}. */
    digest: z.string(),
    /** Why it failed; absent in entries of earlier versions. */
    cause: z.optional(z.string()),
    /** Pause that the token endpoint asked for. */
    retry_after_seconds: z.optional(z.number()),
    /** Number of rejections of these credentials without a known code. */
    refusals: z.optional(z.int()),
    /** When the first of those rejections was recorded, by the store's clock; absent in that record itself. */
    refused_since_ms: z.optional(z.number()),
  });

const recordSchema = once(() => z.discriminatedUnion('kind', [toClaimSchema(), toFailureSchema()]));
/** Marks a journal record, whole or not: a version with this mark is not a document. */
const kindSchema = once(() => z.object({ kind: z.enum([CLAIM_KIND, FAILURE_KIND]) }));

type ClaimRecord = z.infer<ReturnType<typeof toClaimSchema>>;
type FailureRecord = z.infer<ReturnType<typeof toFailureSchema>>;

export type FailureCode = FailureRecord['code'] & FaultCode;

/** Why an attempt got no token: what the token endpoint did, or the code of a rejection. */
export const FAILURE_CAUSES = [
  'not-sent',
  'throttled',
  'oversized',
  'misdirected',
  'intercepted',
  'unrecognized',
  'ambiguous',
  'REAUTHORIZATION_REQUIRED',
  'CLIENT_REJECTED',
] as const;
export type FailureCause = (typeof FAILURE_CAUSES)[number];

/** A rejection that a retry cannot change. */
export type RefusalCode = Extract<FailureCode, 'REAUTHORIZATION_REQUIRED' | 'CLIENT_REJECTED'>;

interface Entry {
  readonly versionId: string;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly createdAt: number;
  readonly tokenHash: string;
}

export interface ClaimEntry extends Entry {
  readonly kind: 'claim';
  readonly attempt: number;
  readonly leaseSeconds: number;
}

export interface FailureEntry extends Entry {
  readonly kind: 'failure';
  readonly attempt: number;
  readonly code: FailureCode;
  readonly digest: string;
  /** Absent in entries of earlier versions. */
  readonly cause?: FailureCause | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly refusals?: Refusals | undefined;
}

export type RefusalEntry = FailureEntry & { readonly code: RefusalCode };

/** Rejections of the same credentials without a known code. */
export interface Refusals {
  readonly count: number;
  /** Milliseconds since the epoch: the first of them. */
  readonly sinceMs: number;
}

export interface DocumentEntry extends Entry {
  readonly kind: 'document';
  readonly document: CredentialsDocument;
}

export type JournalEntry = ClaimEntry | FailureEntry | DocumentEntry;

/** Returns when no run can use the claim any more: Lambda has ended the run behind it, because its lease is longer than its timeout. */
export function leaseEndMs({ createdAt, leaseSeconds }: ClaimEntry): number {
  return createdAt + leaseSeconds * 1000;
}

export function isRefusalCode(code: FailureCode): code is RefusalCode {
  return code === 'REAUTHORIZATION_REQUIRED' || code === 'CLIENT_REJECTED';
}

export function renderClaim({
  tokenHash,
  attempt,
  nonce,
  leaseSeconds,
}: Pick<ClaimEntry, 'tokenHash' | 'attempt' | 'leaseSeconds'> & { nonce: string }): string {
  return JSON.stringify({
    kind: CLAIM_KIND,
    key: tokenHash,
    attempt,
    nonce,
    lease_seconds: leaseSeconds,
  } satisfies ClaimRecord);
}

export function renderFailure({
  tokenHash,
  attempt,
  code,
  digest,
  cause,
  retryAfterSeconds,
  refusals,
}: Omit<FailureEntry, keyof Entry | 'kind'> & { tokenHash: string }): string {
  return JSON.stringify({
    kind: FAILURE_KIND,
    key: tokenHash,
    attempt,
    code,
    digest,
    cause,
    retry_after_seconds: retryAfterSeconds,
    ...(refusals && { refusals: refusals.count }),
    // Ages are judged by the store's clock: the first record has its own date.
    ...(refusals && refusals.count > 1 && { refused_since_ms: refusals.sinceMs }),
  } satisfies FailureRecord);
}

/** Parses a version; `undefined` if this function did not write it and it holds no credentials either. */
export function parseEntry(version: Version): JournalEntry | undefined {
  const { versionId, createdAt, secretString } = version;
  const json = parseJson(secretString ?? '');
  if (!kindSchema().safeParse(json).success) return parseCredentialsEntry(version);
  const record = recordSchema().safeParse(json).data;
  if (record === undefined) return undefined;
  if (record.kind === CLAIM_KIND) {
    const { key: tokenHash, attempt, lease_seconds: leaseSeconds } = record;
    return { kind: 'claim', versionId, createdAt, tokenHash, attempt, leaseSeconds };
  }
  const { key: tokenHash, attempt, code, digest, retry_after_seconds: retryAfterSeconds, refusals: count } = record;
  // A later version may have stored a cause that this one does not know.
  const cause = FAILURE_CAUSES.find((each) => each === record.cause);
  const refusals = count === undefined ? undefined : { count, sinceMs: record.refused_since_ms ?? createdAt };
  return {
    kind: 'failure',
    versionId,
    createdAt,
    tokenHash,
    attempt,
    code,
    digest,
    cause,
    retryAfterSeconds,
    refusals,
  };
}

/** Parses a document. Any JSON object is one, but those that this function stores have a refresh token. */
function parseCredentialsEntry(version: Version): DocumentEntry | undefined {
  try {
    const entry = parseDocumentEntry(version, '');
    return entry.document.members.refresh_token === undefined ? undefined : entry;
  } catch {
    return undefined;
  }
}

/** @throws Fault `CREDENTIALS_INVALID` if the version is no whole document; see {@link parseDocument}. */
export function parseDocumentEntry({ versionId, createdAt, secretString }: Version, where: string): DocumentEntry {
  const document = parseDocument(secretString, where);
  return { kind: 'document', versionId, createdAt, document, tokenHash: tokenHashOf(document) };
}

/**
 * Returns whether a document is the answer to the refresh token of `parent` by its content, whatever its id. So a secret that
 * was restored or moved, whose copies have other ids, is repaired too. The answer to a recorded answer is found only by its id:
 * an operator may have put a new refresh token beside the hash of a used one.
 */
export function isAnswerTo(parent: DocumentEntry, { tokenHash, document }: DocumentEntry): boolean {
  const isSpent = document.members.spent_refresh_token_sha256 === parent.tokenHash;
  return isSpent && tokenHash !== parent.tokenHash && !isRecordedAnswer(parent);
}

/** Reason to doubt tokens if it is not known how another run with the same refresh token ended. */
export const UNKNOWN = 'UNKNOWN';

/**
 * Returns whether the server may have revoked the answer to the parent's refresh token. It may if that token was sent again and
 * was rejected, or if the result was lost: a server that treats reuse as theft revokes the whole grant. Only an attempt shows it.
 */
export function mayHaveRevoked(latestEntry: JournalEntry | undefined, parentTokenHash: string): boolean {
  if (latestEntry?.kind !== 'failure' || latestEntry.tokenHash !== parentTokenHash) return false;
  return latestEntry.code !== 'PROVIDER_UNAVAILABLE' || latestEntry.refusals !== undefined;
}

/** Returns whether a document's refresh token came in an answer, or was accepted by the server: no one has typed it since. */
export function isRecordedAnswer({ versionId, document }: DocumentEntry): boolean {
  const { refresh_token = '', spent_refresh_token_sha256: spent } = document.members;
  return spent !== undefined && (versionId === successorId(spent) || spent === sha256(refresh_token));
}

/** Returns a digest that shows whether rejected credentials are used again. Stored in failure entries, never published. */
export function digestGrant(
  { clientId, clientSecret, refreshToken, redirectUri }: Grant,
  tokenEndpointUrl: string,
): string {
  return sha256(JSON.stringify([tokenEndpointUrl, clientId, clientSecret, refreshToken, redirectUri ?? null]));
}

/** Returns a version id. Secrets Manager accepts any 32 to 64 characters: 64 of hex, so one hash function serves for everything. */
function versionId(name: string): string {
  return sha256(`retently-token-refresh ${name}`);
}
