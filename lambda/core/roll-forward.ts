import type { Context } from './context.ts';
import { renderWithTokens, SECRET_STRING_MAX_BYTES, tokenMembers } from './credentials.ts';
import { Fault } from './fault.ts';
import {
  type DocumentEntry,
  type JournalEntry,
  mayHaveRevoked,
  mergeId,
  parseDocumentEntry,
  UNKNOWN,
} from './journal.ts';
import { readFirstClaim, readSuccessor, type Snapshot } from './load.ts';

/**
 * Repairs a current document whose refresh token was used. A run crashed before its promotion, an operator's edit crossed a
 * refresh, a label was moved back, or an old document was pasted back. In each case, everything in the current document, with
 * the tokens from the end of its chain, becomes current.
 *
 * @returns the document to promote, which is stored already
 */
export async function rollForward(
  context: Context,
  { current, latestEntry }: Pick<Snapshot, 'current' | 'latestEntry'>,
  successor: DocumentEntry,
): Promise<DocumentEntry> {
  const end = await findEnd(context, successor);
  return await mergeDocuments(context, current, end, latestEntry);
}

async function findEnd(context: Context, first: DocumentEntry): Promise<DocumentEntry> {
  const seen = new Set<string>();
  for (let end = first; ; ) {
    if (seen.has(end.tokenHash)) throw invalid(context, 'form a cycle: Retently issued the same refresh token twice');
    seen.add(end.tokenHash);
    const next = await readSuccessor(context, end.tokenHash);
    if (next === undefined) return end;
    end = next;
  }
}

function invalid({ settings }: Context, what: string): Fault {
  const advice = 'Store credentials with a new refresh token. AWSCURRENT was not changed.';
  return new Fault('CREDENTIALS_INVALID', `The versions of secret ${settings.secretId} ${what}. ${advice}`);
}

/** Returns whether a document has everything of the current one beside the tokens. A late answer may lack an edit. */
export function hasAllOf(current: DocumentEntry, entry: DocumentEntry): boolean {
  const tokens = tokenMembers(entry.document);
  return renderWithTokens(current.document, tokens) === renderWithTokens(entry.document, tokens);
}

async function mergeDocuments(
  context: Context,
  current: DocumentEntry,
  end: DocumentEntry,
  latestEntry: JournalEntry | undefined,
): Promise<DocumentEntry> {
  const { store, runtime } = context;
  if (hasAllOf(current, end)) return end;
  const doubt = await findDoubt(context, end, latestEntry);
  const tokens = { ...tokenMembers(end.document), ...(doubt !== undefined && { may_be_revoked: doubt }) };
  const secretString = renderWithTokens(current.document, tokens);
  const versionId = mergeId(current.versionId, end.versionId, doubt);
  if (Buffer.byteLength(secretString) > SECRET_STRING_MAX_BYTES) {
    throw new Fault(
      'CREDENTIALS_INVALID',
      `Secret ${context.settings.secretId} has no room for its own valid tokens. Move other data out of the secret.`,
    );
  }
  // If this id exists, another run has merged the same two immutable versions into the same document.
  await store.putVersion(versionId, secretString);
  return parseDocumentEntry({ versionId, createdAt: runtime.now(), secretString }, 'The merged document');
}

/**
 * Returns why the tokens may be revoked: an attempt at them is known that may have used them. The merged document takes the
 * journal's label from that attempt, and so has to say it itself.
 */
async function findDoubt(
  { store }: Context,
  { tokenHash }: DocumentEntry,
  latestEntry: JournalEntry | undefined,
): Promise<string | undefined> {
  const entry = latestEntry?.tokenHash === tokenHash ? latestEntry : await readFirstClaim(store, tokenHash);
  if (entry?.kind === 'claim') return UNKNOWN;
  return entry?.kind === 'failure' && mayHaveRevoked(entry, tokenHash) ? entry.code : undefined;
}
