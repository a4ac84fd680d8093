import { hash } from 'node:crypto';
import * as z from 'zod/mini';
import { type CredentialsDocument, documentKey, type Grant, parseDocument } from './credentials.ts';
import { Fault, type FaultCode } from './fault.ts';
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

export function renderClaim(key: string, attempt: number, nonce: string): string {
  return JSON.stringify({ kind: 'retently-token-refresh/claim', key, attempt, nonce } satisfies z.infer<typeof Claim>);
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
  const record = secretString?.startsWith('{"kind":"retently-token-refresh/') ? parseRecord(secretString) : undefined;
  if (record?.kind === 'retently-token-refresh/claim')
    return { kind: 'claim', versionId, createdAt, key: record.key, attempt: record.attempt };
  if (record) {
    const { key, attempt, code, digest, retry_after_seconds: retryAfterSeconds } = record;
    return { kind: 'failure', versionId, createdAt, key, attempt, code, digest, retryAfterSeconds };
  }
  try {
    return parseDocumentEntry(version, '');
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
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
  tokenEndpoint: string,
): string {
  return sha256(JSON.stringify([tokenEndpoint, clientId, clientSecret, refreshToken, redirectUri ?? null]));
}

/** `undefined` for what only begins like one. */
function parseRecord(secretString: string): z.infer<typeof JournalRecord> | undefined {
  try {
    return JournalRecord.safeParse(JSON.parse(secretString)).data;
  } catch {
    return undefined;
  }
}

const VERSION_ID_NAMESPACE = '9f1b5c1e-6a0d-4c53-8a4e-2d8c6f0b7a31';

/** Secrets Manager takes the version id from its caller. */
function versionId(name: string): string {
  return uuidv5(name, VERSION_ID_NAMESPACE);
}

/** RFC 9562 section 5.5. */
export function uuidv5(name: string, namespace: string): string {
  const digest = hash(
    'sha1',
    Buffer.concat([Buffer.from(namespace.replaceAll('-', ''), 'hex'), Buffer.from(name)]),
    'buffer',
  );
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x50, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  return digest.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
