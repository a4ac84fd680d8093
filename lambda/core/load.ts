import type { Context } from './context.ts';
import { type Grant, requireGrant } from './credentials.ts';
import { Fault } from './fault.ts';
import {
  type DocumentEntry,
  isAnswerTo,
  isRecordedAnswer,
  type JournalEntry,
  parseDocumentEntry,
  parseEntry,
  successorId,
} from './journal.ts';
import type { Version } from './ports.ts';

/** The secret as one run sees it at one moment. */
export interface Snapshot {
  readonly current: DocumentEntry;
  readonly head: JournalEntry | undefined;
  /** The document that came of current's refresh token, if that is known to be spent. */
  readonly successor: DocumentEntry | undefined;
}

/**
 * Reads current and head, in parallel; and, only if the head is not current, whether current has a successor. (A
 * document that was never refreshed and has no journal beside it has none.)
 *
 * @returns `undefined` if the secret has no value yet
 * @throws Fault `CREDENTIALS_INVALID` for what holds `AWSCURRENT`
 */
export async function load(context: Context): Promise<Snapshot | undefined> {
  const { store, telemetry } = context;
  const [currentVersion, headVersion] = await Promise.all([store.readCurrent(), store.readHead()]);
  if (currentVersion === undefined) return undefined;
  const current = await parseCurrent(context, currentVersion, headVersion);
  const hasJournal = headVersion !== undefined || current.document.members.spent_refresh_token_sha256 !== undefined;
  if (!hasJournal) return { current, head: undefined, successor: undefined };
  if (headVersion?.versionId === current.versionId) return { current, head: current, successor: undefined };

  const head = headVersion && parseEntry(headVersion);
  if (headVersion && head === undefined) {
    telemetry.warn('The journal label is on a version that is no journal entry; going by version ids alone', {
      versionId: headVersion.versionId,
    });
  }
  const successor = await readSuccessor({ store }, current.key);
  return { current, head, successor: successor ?? (isAnswer(current, head) ? head : undefined) };
}

/** @throws Fault `CREDENTIALS_INVALID`, which also says where the last whole document is */
async function parseCurrent(context: Context, version: Version, head: Version | undefined): Promise<DocumentEntry> {
  try {
    return parseDocumentEntry(version, `Secret ${context.settings.secretId}`);
  } catch (error) {
    throw await withWayBack(context, error, version, head && parseEntry(head));
  }
}

/**
 * Somebody may have written over the tokens.
 *
 * @throws Fault `CREDENTIALS_INCOMPLETE`, which also says where the last whole document is
 */
export async function requireComplete(context: Context, { current, head }: Snapshot): Promise<void> {
  if (isComplete(current)) return;
  try {
    grantOf(context, { current, head });
  } catch (error) {
    throw await withWayBack(context, error, current, head);
  }
}

function isComplete(entry: JournalEntry): entry is DocumentEntry {
  if (entry.kind !== 'document') return false;
  const { client_id, client_secret, refresh_token } = entry.document.members;
  return Boolean(client_id && client_secret && refresh_token);
}

async function withWayBack(
  { store, settings: { secretId } }: Context,
  error: unknown,
  current: Pick<Version, 'versionId'>,
  head: JournalEntry | undefined,
): Promise<unknown> {
  const previous = await store.readPrevious().catch(() => undefined);
  const whole = [head, previous && parseEntry(previous)].find((entry) => entry !== undefined && isComplete(entry));
  if (whole === undefined || !(error instanceof Fault)) return error;
  return new Fault(error.name, `${error.message} ${wayBack(secretId, current, whole)}`);
}

function wayBack(secretId: string, current: Pick<Version, 'versionId'>, whole: Pick<Version, 'versionId'>): string {
  return (
    `The last whole document is version ${whole.versionId}. This makes it current again, with its tokens and without a new consent: ` +
    `aws secretsmanager update-secret-version-stage --secret-id ${secretId} --version-stage AWSCURRENT ` +
    `--move-to-version-id ${whole.versionId} --remove-from-version-id ${current.versionId}`
  );
}

function isAnswer(current: DocumentEntry, head: JournalEntry | undefined): head is DocumentEntry {
  return head?.kind === 'document' && isAnswerTo(current, head);
}

/** The document that came of the refresh token of `key`, if it was traded. */
export async function readSuccessor(
  { store }: Pick<Context, 'store'>,
  key: string,
): Promise<DocumentEntry | undefined> {
  const version = await store.readVersion(successorId(key));
  if (version === undefined) return undefined;
  const where = `Version ${version.versionId}, where the answer to a spent refresh token is kept,`;
  const successor = parseDocumentEntry(version, where);
  if (successor.document.members.refresh_token !== undefined) return successor;
  throw new Fault('CREDENTIALS_INVALID', `${where} has no refresh_token. Put credentials with a new refresh token.`);
}

/** The credentials of `current`. @throws Fault as {@link requireGrant} */
export function grantOf({ settings }: Context, { current, head }: Pick<Snapshot, 'current' | 'head'>): Grant {
  // A journal entry of this token: it was looked at before, or it is the answer that somebody has edited.
  const isOurs = head?.key === current.key || isRecordedAnswer(current);
  return requireGrant(current.document, `Secret ${settings.secretId}`, isOurs ? 'answer' : 'human');
}
