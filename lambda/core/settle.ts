import type { Context } from './context.ts';
import { renderWithTokens, tokenMembers } from './credentials.ts';
import { type DocumentEntry, mergeId, parseDocumentEntry } from './journal.ts';
import { readSuccessor } from './load.ts';

/**
 * Current holds a spent refresh token: a run crashed before its promotion, an operator's edit crossed a refresh, a
 * label was moved back, or an old document was pasted back. All heal the same way: everything that current says, with
 * the tokens from the end of its chain, becomes current.
 *
 * @returns what was to become current, and whether it did; `refused` where current moved meanwhile
 */
export async function settle(
  context: Context,
  current: DocumentEntry,
  successor: DocumentEntry,
): Promise<{ merged: DocumentEntry; promotion: 'promoted' | 'refused' }> {
  const { store, telemetry } = context;
  const end = await findEnd(context, successor);
  const merged = await mergeDocuments(context, current, end);
  const promotion = await store.promote(merged.versionId, current.versionId);
  if (promotion === 'promoted') {
    telemetry.info('Settled: AWSCURRENT held a spent refresh token and now holds the live one', {
      versionId: merged.versionId,
      previousVersionId: current.versionId,
    });
  }
  return { merged, promotion };
}

async function findEnd(context: Context, first: DocumentEntry): Promise<DocumentEntry> {
  const seen = new Set<string>();
  let end = first;
  for (;;) {
    const next = await readSuccessor(context, end.key);
    // A server that hands out a token for the second time bends the chain into a ring.
    if (next === undefined || seen.has(next.versionId)) return end;
    seen.add(next.versionId);
    end = next;
  }
}

async function mergeDocuments(
  { store, runtime }: Context,
  current: DocumentEntry,
  end: DocumentEntry,
): Promise<DocumentEntry> {
  const tokens = tokenMembers(end.document);
  const secretString = renderWithTokens(current.document, tokens);
  if (secretString === renderWithTokens(end.document, tokens)) return end;
  const versionId = mergeId(current.versionId, end.versionId);
  // Another run may have made the same merge of the same two immutable versions: then it is there, and that is fine.
  await store.putVersion(versionId, secretString);
  return parseDocumentEntry({ versionId, createdAt: runtime.now(), secretString }, 'The merged document');
}
