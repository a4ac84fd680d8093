import type { PendingAnswer } from '../core/context.ts';
import { type DocumentEntry, parseEntry } from '../core/journal.ts';
import type { CredentialStore } from '../core/ports.ts';

/**
 * Returns why a pending answer can never be stored, or is of no use; `undefined` if it may still be stored. A secret that cannot be
 * read is no reason, because that may pass.
 *
 * @param hasLeft returns whether the secret is gone, or the role can no longer see it
 */
export async function findReasonToGiveUp(
  { parent }: PendingAnswer,
  store: Pick<CredentialStore, 'readCurrent'>,
  hasLeft: () => Promise<boolean>,
): Promise<string | undefined> {
  if (await hasLeft()) return 'the secret has left the fleet';
  const version = await store.readCurrent().catch(() => undefined);
  const current = version && parseEntry(version);
  return current?.kind === 'document' && isNewGrant(current, parent) ? 'someone has stored new credentials' : undefined;
}

/** Returns whether someone authorized again: the document does not hold the token that was sent, and no refresh wrote it. */
function isNewGrant({ tokenHash, document }: DocumentEntry, parent: DocumentEntry): boolean {
  return tokenHash !== parent.tokenHash && document.members.spent_refresh_token_sha256 === undefined;
}
