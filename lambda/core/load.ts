import type { Context } from './context.ts';
import { type Grant, requireGrant } from './credentials.ts';
import { Fault } from './fault.ts';
import {
  type ClaimEntry,
  claimId,
  type DocumentEntry,
  isAnswerTo,
  isRecordedAnswer,
  type JournalEntry,
  parseDocumentEntry,
  parseEntry,
  successorId,
} from './journal.ts';
import { LOG_EVENTS } from './log-events.ts';
import type { CredentialStore, Telemetry, Version } from './ports.ts';
import { regionOption } from './region-option.ts';

/** Number of versions that the search for a whole document reads in parallel. */
const READS_AT_ONCE = 10;
/** Time that the search leaves, so that the run can still report the problem. */
const SEARCH_MIN_MS = 5_000;

/** The secret as one run sees it at one moment. */
export interface Snapshot {
  readonly current: DocumentEntry;
  readonly latestEntry: JournalEntry | undefined;
  /** The document that holds the answer to current's refresh token, if that token is known to be used. */
  readonly successor: DocumentEntry | undefined;
}

/**
 * Reads the current document and the latest journal entry in parallel and, only if they differ, the current document's
 * successor. (A document that was never refreshed and has no journal has no successor.)
 *
 * @returns `undefined` if the secret has no value yet
 * @throws Fault `CREDENTIALS_INVALID` if the version that holds `AWSCURRENT` is no document
 */
export async function load(context: Context): Promise<Snapshot | undefined> {
  const { store } = context;
  const [currentVersion, latestVersion] = await Promise.all([store.readCurrent(), store.readLatestEntry()]);
  if (currentVersion === undefined) return undefined;
  const current = await parseCurrent(context, currentVersion, latestVersion);
  return await toSnapshot(context, current, latestVersion);
}

/** Completes a snapshot from the current document and the version that has the journal's label. */
export async function toSnapshot(
  {
    store,
    telemetry,
  }: { readonly store: Pick<CredentialStore, 'readVersion'>; readonly telemetry: Pick<Telemetry, 'warn'> },
  current: DocumentEntry,
  latestVersion: Version | undefined,
): Promise<Snapshot> {
  const hasJournal = latestVersion !== undefined || current.document.members.spent_refresh_token_sha256 !== undefined;
  if (!hasJournal) return { current, latestEntry: undefined, successor: undefined };
  if (latestVersion?.versionId === current.versionId) return { current, latestEntry: current, successor: undefined };

  const latestEntry = latestVersion && parseEntry(latestVersion);
  if (latestVersion && latestEntry === undefined) {
    telemetry.warn(LOG_EVENTS.labelMisplaced, {
      versionId: latestVersion.versionId,
    });
  }
  const [recorded, firstClaim] = await Promise.all([
    readSuccessor({ store }, current.tokenHash),
    latestEntry?.tokenHash === current.tokenHash ? undefined : readFirstClaim(store, current.tokenHash),
  ]);
  const successor = recorded ?? (isAnswer(current, latestEntry) ? latestEntry : undefined);
  // The claim says nothing new about a used token. The latest entry may be about the tokens at the end of the chain.
  return { current, latestEntry: (successor === undefined && firstClaim) || latestEntry, successor };
}

/**
 * Returns the first claim on a refresh token. The label does not show it if someone moved the label, or if an answer to another
 * grant was stored late. Without this look, a token that was sent and has no answer would seem unused until it is due.
 */
export async function readFirstClaim(
  store: Pick<CredentialStore, 'readVersion'>,
  tokenHash: string,
): Promise<ClaimEntry | undefined> {
  const version = await store.readVersion(claimId(tokenHash, 0));
  const claim = version && parseEntry(version);
  return claim?.kind === 'claim' ? claim : undefined;
}

/** @throws Fault `CREDENTIALS_INVALID`, which also says where the last whole document is */
async function parseCurrent(
  context: Context,
  version: Version,
  latestVersion: Version | undefined,
): Promise<DocumentEntry> {
  try {
    return parseDocumentEntry(version, `Secret ${context.settings.secretId}`);
  } catch (error) {
    throw await withWayBack(context, error, version, latestVersion && parseEntry(latestVersion));
  }
}

/**
 * Requires all three credentials: someone may have overwritten the tokens.
 *
 * @throws Fault `CREDENTIALS_INCOMPLETE`, which also says where the last whole document is
 */
export async function requireComplete(context: Context, { current, latestEntry }: Snapshot): Promise<void> {
  if (isComplete(current)) return;
  try {
    grantOf(context, { current, latestEntry });
  } catch (error) {
    throw await withWayBack(context, error, current, latestEntry);
  }
}

function isComplete(entry: JournalEntry): entry is DocumentEntry {
  if (entry.kind !== 'document') return false;
  const { client_id, client_secret, refresh_token } = entry.document.members;
  return Boolean(client_id && client_secret && refresh_token);
}

async function withWayBack(
  context: Context,
  error: unknown,
  current: Pick<Version, 'versionId'>,
  latestEntry: JournalEntry | undefined,
): Promise<unknown> {
  const whole = await findWholeDocument(context, current, latestEntry).catch(() => undefined);
  const { secretId } = context.settings;
  if (whole === undefined || !(error instanceof Fault)) return error;
  return new Fault(error.name, `${error.message} ${wayBack(secretId, current, whole)}`);
}

/**
 * Returns the last document with all three credentials. Labels lead to it unless AWSCURRENT was overwritten twice, or an outage
 * came in between; then it is the newest version that holds one. If its refresh token was used, the next run rolls forward.
 */
async function findWholeDocument(
  { store, runtime }: Context,
  current: Pick<Version, 'versionId'>,
  latestEntry: JournalEntry | undefined,
): Promise<DocumentEntry | undefined> {
  if (latestEntry !== undefined && isComplete(latestEntry)) return latestEntry;
  const previous = await readEntry(store.readPrevious());
  if (previous !== undefined && isComplete(previous)) return previous;
  const versions = (await store.listVersions()).filter(({ versionId }) => versionId !== current.versionId);
  const newestFirst = versions.toSorted((a, b) => b.createdAt - a.createdAt);
  while (newestFirst.length > 0 && runtime.remainingMs() > SEARCH_MIN_MS) {
    const some = newestFirst.splice(0, READS_AT_ONCE);
    const entries = await Promise.all(some.map(({ versionId }) => readEntry(store.readVersion(versionId))));
    const whole = entries.find((entry) => entry !== undefined && isComplete(entry));
    if (whole !== undefined) return whole;
  }
  return undefined;
}

async function readEntry(version: Promise<Version | undefined>): Promise<JournalEntry | undefined> {
  const read = await version;
  return read && parseEntry(read);
}

function wayBack(secretId: string, current: Pick<Version, 'versionId'>, whole: Pick<Version, 'versionId'>): string {
  return (
    `The last complete document is version ${whole.versionId}. To make it current again, with its tokens and without a new consent: ` +
    `aws secretsmanager update-secret-version-stage --secret-id ${secretId}${regionOption(secretId)} --version-stage AWSCURRENT ` +
    `--move-to-version-id ${whole.versionId} --remove-from-version-id ${current.versionId}`
  );
}

function isAnswer(current: DocumentEntry, latestEntry: JournalEntry | undefined): latestEntry is DocumentEntry {
  return latestEntry?.kind === 'document' && isAnswerTo(current, latestEntry);
}

/** Returns the document that holds the answer to the refresh token with this hash; `undefined` if there is none. */
export async function readSuccessor(
  { store }: { readonly store: Pick<CredentialStore, 'readVersion'> },
  tokenHash: string,
): Promise<DocumentEntry | undefined> {
  const version = await store.readVersion(successorId(tokenHash));
  if (version === undefined) return undefined;
  const where = `Version ${version.versionId}, which holds the answer to a used refresh token,`;
  const successor = parseDocumentEntry(version, where);
  if (successor.document.members.refresh_token !== undefined) return successor;
  throw new Fault('CREDENTIALS_INVALID', `${where} has no refresh_token. Store credentials with a new refresh token.`);
}

/** The credentials of `current`. @throws Fault as {@link requireGrant} */
export function grantOf(
  { settings }: { readonly settings: Pick<Context['settings'], 'secretId'> },
  { current, latestEntry }: Pick<Snapshot, 'current' | 'latestEntry'>,
): Grant {
  // The journal knows this token: a run has read the document before, or it is an answer that someone has edited.
  const isOurs = latestEntry?.tokenHash === current.tokenHash || isRecordedAnswer(current);
  return requireGrant(current.document, `Secret ${settings.secretId}`, isOurs ? 'answer' : 'human');
}
