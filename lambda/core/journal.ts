import { hash } from 'node:crypto';
import * as z from 'zod/mini';
import { MAX_LEASE_SECONDS } from '../contract.ts';
import { type CredentialsDocument, documentKey, type Grant, parseDocument } from './credentials.ts';
import type { FaultCode } from './fault.ts';
import { sha256 } from './fingerprint.ts';
import type { Version } from './ports.ts';

/**
 * The journal is the secret's own version history. Its ids are computed from what a document says, so whoever can read
 * a document can find what became of it, whatever happened to staging labels.
 */

/** The one place where the answer to this document's refresh token is ever stored, as the complete next document. */
export function successorId(key: string): string {
  return versionId(`successor ${key}`);
}

/** Attempt `attempt` (0, 1, 2, …) to spend the refresh token of `key`. */
export function claimId(key: string, attempt: number): string {
  return versionId(`claim ${key} ${attempt}`);
}

/** How that attempt ended, if it failed. */
export function failureId(key: string, attempt: number): string {
  return versionId(`failure ${key} ${attempt}`);
}

/** The document of one version carrying the tokens of another. */
export function mergeId(documentVersionId: string, tokensVersionId: string): string {
  return versionId(`merge ${documentVersionId} ${tokensVersionId}`);
}

const Claim = z.object({
  kind: z.literal('retently-token-refresh/claim'),
  key: z.string(),
  attempt: z.int().check(z.nonnegative()),
  /** Lambda's retries reuse the request id; only something fresh tells two runs apart. */
  nonce: z.string(),
  /** What the run that made it was promised: another run's own lease may be shorter. */
  lease_seconds: z.int().check(z.positive(), z.maximum(MAX_LEASE_SECONDS)),
});

const Failure = z.object({
  kind: z.literal('retently-token-refresh/failure'),
  key: z.string(),
  attempt: z.int().check(z.nonnegative()),
  code: z.enum(['PROVIDER_UNAVAILABLE', 'PROVIDER_AMBIGUOUS', 'REAUTHORIZATION_REQUIRED', 'CLIENT_REJECTED']),
  /** What was refused or failed; see {@link digestGrant}. */
  digest: z.string(),
  /** What the token endpoint asked for, where it did. */
  retry_after_seconds: z.optional(z.number()),
});

const JournalRecord = z.discriminatedUnion('kind', [Claim, Failure]);

export type FailureCode = z.infer<typeof Failure>['code'] & FaultCode;

interface Entry {
  readonly versionId: string;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly createdAt: number;
  readonly key: string;
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
  readonly retryAfterSeconds?: number | undefined;
}

export interface DocumentEntry extends Entry {
  readonly kind: 'document';
  readonly document: CredentialsDocument;
}

export type JournalEntry = ClaimEntry | FailureEntry | DocumentEntry;

export function renderClaim({
  key,
  attempt,
  nonce,
  leaseSeconds,
}: Pick<ClaimEntry, 'key' | 'attempt' | 'leaseSeconds'> & { nonce: string }): string {
  return JSON.stringify({
    kind: 'retently-token-refresh/claim',
    key,
    attempt,
    nonce,
    lease_seconds: leaseSeconds,
  } satisfies z.infer<typeof Claim>);
}

export function renderFailure({
  key,
  attempt,
  code,
  digest,
  retryAfterSeconds,
}: Omit<FailureEntry, keyof Entry | 'kind'> & { key: string }): string {
  const retryAfter = retryAfterSeconds === undefined ? {} : { retry_after_seconds: retryAfterSeconds };
  return JSON.stringify({
    kind: 'retently-token-refresh/failure',
    key,
    attempt,
    code,
    digest,
    ...retryAfter,
  } satisfies z.infer<typeof Failure>);
}

/** `undefined` for a version that this function did not write and that holds no credentials either. */
export function parseEntry(version: Version): JournalEntry | undefined {
  const { versionId, createdAt, secretString } = version;
  const isRecord = secretString?.startsWith('{"kind":"retently-token-refresh/');
  if (!isRecord) return parseCredentialsEntry(version);
  const record = parseRecord(secretString);
  if (record?.kind === 'retently-token-refresh/claim') {
    const { key, attempt, lease_seconds: leaseSeconds } = record;
    return { kind: 'claim', versionId, createdAt, key, attempt, leaseSeconds };
  }
  if (record) {
    const { key, attempt, code, digest, retry_after_seconds: retryAfterSeconds } = record;
    return { kind: 'failure', versionId, createdAt, key, attempt, code, digest, retryAfterSeconds };
  }
  return undefined;
}

/** Any JSON object parses as a document; one that this function can have put there has a refresh token. */
function parseCredentialsEntry(version: Version): DocumentEntry | undefined {
  try {
    const entry = parseDocumentEntry(version, '');
    return entry.document.members.refresh_token === undefined ? undefined : entry;
  } catch {
    return undefined;
  }
}

/** @throws Fault `CREDENTIALS_INVALID` where the version is no whole document; see {@link parseDocument}. */
export function parseDocumentEntry({ versionId, createdAt, secretString }: Version, where: string): DocumentEntry {
  const document = parseDocument(secretString, where);
  return { kind: 'document', versionId, createdAt, document, key: documentKey(document) };
}

/** Tells whether the very credentials that were refused are being used again. Stored in failure entries, never published. */
export function digestGrant(
  { clientId, clientSecret, refreshToken, redirectUri }: Grant,
  tokenEndpointUrl: string,
): string {
  return sha256(JSON.stringify([tokenEndpointUrl, clientId, clientSecret, refreshToken, redirectUri ?? null]));
}

/** `undefined` for what only begins like one. */
function parseRecord(secretString = ''): z.infer<typeof JournalRecord> | undefined {
  try {
    return JournalRecord.safeParse(JSON.parse(secretString)).data;
  } catch {
    return undefined;
  }
}

const VERSION_ID_NAMESPACE = Buffer.from('9f1b5c1e6a0d4c538a4e2d8c6f0b7a31', 'hex');

/** Secrets Manager takes the version id from its caller. */
function versionId(name: string): string {
  return uuidv5(name, VERSION_ID_NAMESPACE);
}

/** RFC 9562 section 5.5. `namespace`: the 16 bytes of a UUID. */
export function uuidv5(name: string, namespace: Uint8Array): string {
  const hex = hash('sha1', Buffer.concat([namespace, Buffer.from(name)]), 'hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
