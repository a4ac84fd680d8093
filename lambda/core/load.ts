import type { Context } from './context.ts';
import { type Grant, requireGrant } from './credentials.ts';
import { Fault } from './fault.ts';
import { type DocumentEntry, type JournalEntry, parseDocumentEntry, parseEntry, successorId } from './journal.ts';

/** The secret as one run sees it at one moment. */
export interface Snapshot {
  readonly current: DocumentEntry;
  readonly head: JournalEntry | undefined;
  /** Where current's refresh token is known to be spent: the document that came of it. */
  readonly successor: DocumentEntry | undefined;
}

/**
 * Reads current and head, in parallel; and, only where the head is not current, whether current has a successor. (A
 * document that was never refreshed and has no journal beside it has none.)
 *
 * @returns `undefined` where the secret has no value yet
 * @throws Fault `CREDENTIALS_INVALID` for what holds `AWSCURRENT`
 */
export async function load({ store, settings, telemetry }: Context): Promise<Snapshot | undefined> {
  const [currentVersion, headVersion] = await Promise.all([store.readCurrent(), store.readHead()]);
  if (currentVersion === undefined) return undefined;
  const current = parseDocumentEntry(currentVersion, `Secret ${settings.secretId}`);
  const hasJournal = headVersion !== undefined || current.document.members.spent_refresh_token_sha256 !== undefined;
  if (!hasJournal) return { current, head: undefined, successor: undefined };
  if (headVersion?.versionId === current.versionId) return { current, head: current, successor: undefined };

  const head = headVersion && parseEntry(headVersion);
  if (headVersion && head === undefined) {
    telemetry.warn('The journal label is on a version that is no journal entry; going by version ids alone', {
      versionId: headVersion.versionId,
    });
  }
  return { current, head, successor: await readSuccessor({ store }, current.key) };
}

/** The document that came of the refresh token of `key`, where it was traded. */
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
export function grantOf({ settings }: Context, { document }: DocumentEntry): Grant {
  return requireGrant(document, `Secret ${settings.secretId}`);
}
