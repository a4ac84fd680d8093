import type { PendingAnswer } from '../core/context.ts';
import { type DocumentEntry, parseEntry, successorId } from '../core/journal.ts';
import type { CredentialStore } from '../core/ports.ts';

/**
 * Returns why a pending answer can never be stored, or is of no use; `undefined` if it may still be stored. A secret that cannot be
 * read is no reason, because that may pass.
 *
 * @param hasLeft returns whether the secret is gone, or the role can no longer see it
 */
export async function findReasonToGiveUp(
  { parent }: PendingAnswer,
  store: Pick<CredentialStore, 'readCurrent' | 'readVersion'>,
  hasLeft: () => Promise<boolean>,
): Promise<string | undefined> {
  if (await hasLeft()) return 'the secret has left the fleet';
  const version = await store.readCurrent().catch(() => undefined);
  const current = version && parseEntry(version);
  if (current?.kind !== 'document' || !isTyped(current, parent)) return undefined;
  return (await isUnused(store, current)) ? 'someone has stored new credentials' : undefined;
}

/** Returns whether a person stored the document: it does not hold the token that was sent, and no refresh wrote it. */
function isTyped({ tokenHash, document }: DocumentEntry, parent: DocumentEntry): boolean {
  return tokenHash !== parent.tokenHash && document.members.spent_refresh_token_sha256 === undefined;
}

/** Returns whether no answer to the token is recorded. If one is, someone restored an earlier document, and the chain leads to `parent`. */
async function isUnused(store: Pick<CredentialStore, 'readVersion'>, { tokenHash }: DocumentEntry): Promise<boolean> {
  try {
    return (await store.readVersion(successorId(tokenHash))) === undefined;
  } catch {
    return false;
  }
}
