import type { Context, PendingAnswer } from './context.ts';
import { hasRoomFor, renderWithTokens, type TokenMembers } from './credentials.ts';
import { Fault, nameOf } from './fault.ts';
import {
  claimId,
  type DocumentEntry,
  failureId,
  leaseEndMs,
  mayHaveRevoked,
  parseDocumentEntry,
  parseEntry,
  renderClaim,
  successorId,
  UNKNOWN,
} from './journal.ts';
import { readSuccessor } from './load.ts';
import { LOG_EVENTS } from './log-events.ts';
import type { Version } from './ports.ts';
import { parseRfc3339, toRfc3339 } from './rfc3339.ts';
import { STORE_CALL_MAX_MS } from './time-reserves.ts';

/** Members of a document whose tokens may be revoked. */
type Doubt = Pick<TokenMembers, 'may_be_revoked' | 'reuse_possible_until'>;

const FIRST_RETRY_DELAY_MS = 100;
const MAX_RETRY_DELAY_MS = 2_000;

/**
 * Stores an answer under the one id where it belongs. From here on, any run that finds it can finish the work.
 *
 * @param askedAtMs before the POST that was answered
 * @param attempt the one that was answered
 * @returns the document that the answer became
 * @throws Fault `TOKEN_NOT_STORED`; the answer then stays in memory, for the next run in this execution environment
 */
export async function record(
  context: Context,
  parent: DocumentEntry,
  tokens: TokenMembers,
  askedAtMs: number,
  attempt = 0,
): Promise<DocumentEntry> {
  const { memory, telemetry } = context;
  const pendingAnswer = { parent, tokens, askedAtMs, attempt, fault: notStored('the run ended first') };
  memory.pendingAnswer = pendingAnswer;
  try {
    const recorded = (await recordAfter(context, parent, tokens)) ?? (await recordLate(context, pendingAnswer));
    memory.pendingAnswer = undefined;
    return recorded;
  } catch (error) {
    telemetry.countTokenNotStored();
    pendingAnswer.fault = notStored(error instanceof Fault ? `${error.name}: ${error.message}` : nameOf(error));
    throw pendingAnswer.fault;
  }
}

/**
 * Stores the answer that an earlier run in this execution environment could not. If that fails, the answer stays pending.
 *
 * If another run has sent the same token since, a server that treats reuse as theft has revoked the answer. The document that
 * is stored then says so itself, in `may_be_revoked`: any run that finds the document owes it an attempt, after any crash.
 *
 * @returns `may be revoked` if another run had already stored the document, which then does not say so
 */
export async function recordPendingAnswer(context: Context): Promise<'none' | 'stored' | 'may be revoked'> {
  const { pendingAnswer } = context.memory;
  if (pendingAnswer === undefined) return 'none';
  const { parent, askedAtMs } = pendingAnswer;
  try {
    const { doubt, attempt } = await findDoubt(context, pendingAnswer);
    const tokens = { ...pendingAnswer.tokens, ...doubt };
    const { versionId, document } = await record(context, parent, tokens, askedAtMs, attempt);
    context.telemetry.info(LOG_EVENTS.pendingAnswerStored, { versionId });
    const isMarked = doubt === undefined || document.members.may_be_revoked !== undefined;
    return isMarked || document.members.refresh_token !== tokens.refresh_token ? 'stored' : 'may be revoked';
  } catch {
    // The answer stays in memory with its fault, and the run continues: other credentials may have been stored meanwhile.
    return 'none';
  }
}

/**
 * Finds out why the answer may be revoked: the code of the failure, or `UNKNOWN`, also if something cannot be read. There is no
 * doubt if no other run has sent its token, or if the server did not change the token.
 *
 * Without a doubt, a claim of this run keeps others from sending the token from now on. A claim after a rejection would hide it.
 *
 * @returns the doubt, and the last attempt that belongs to this execution environment
 */
async function findDoubt(
  context: Context,
  pendingAnswer: PendingAnswer,
): Promise<{ readonly doubt?: Doubt; readonly attempt: number }> {
  const { parent, tokens, attempt } = pendingAnswer;
  if (tokens.refresh_token === parent.document.members.refresh_token) return { attempt };
  try {
    const { lastAttempt, reason, lastLeaseEndMs } = await findAttemptsSince(context, pendingAnswer);
    if (reason !== undefined) return { doubt: toDoubt(context, reason, lastLeaseEndMs), attempt };
    const isClaimed = await claimNext(context, parent.tokenHash, lastAttempt + 1);
    // The next run in this execution environment must not doubt the answer because of this claim.
    return isClaimed ? { attempt: lastAttempt + 1 } : { doubt: toDoubt(context), attempt };
  } catch {
    return { doubt: toDoubt(context), attempt };
  }
}

interface AttemptsSince {
  /** Number of the last attempt that is known; the pending answer's own if there was none since. */
  readonly lastAttempt: number;
  /** `undefined` if no attempt can have used the token. */
  readonly reason: string | undefined;
  /** End of the last lease that is known. */
  readonly lastLeaseEndMs: number;
}

async function findAttemptsSince(
  { store }: Context,
  { parent: { tokenHash }, attempt }: PendingAnswer,
): Promise<AttemptsSince> {
  const read = async (version: Promise<Version | undefined>) => {
    const found = await version;
    return found && parseEntry(found);
  };
  const next = attempt + 1;
  const [latest, claimed, failed, claimedAfter] = await Promise.all([
    read(store.readLatestEntry()),
    read(store.readVersion(claimId(tokenHash, next))),
    read(store.readVersion(failureId(tokenHash, next))),
    read(store.readVersion(claimId(tokenHash, next + 1))),
  ]);
  // The label may lag, and so may a read by id: either is enough.
  const attempts = [latest, claimed, failed, claimedAfter].flatMap((entry) =>
    entry === undefined || entry.kind === 'document' || entry.tokenHash !== tokenHash ? [] : [entry],
  );
  const lastAttempt = Math.max(attempt, ...attempts.map((entry) => entry.attempt));
  const lastLeaseEndMs = Math.max(
    0,
    ...attempts.flatMap((entry) => (entry.kind === 'claim' ? [leaseEndMs(entry)] : [])),
  );
  const failures = attempts.filter((entry) => entry.kind === 'failure');
  const failure = failures.find((entry) => mayHaveRevoked(entry, tokenHash));
  // That attempt has ended, and did not use the token.
  const isHarmless = lastAttempt === next && failures.some((entry) => entry.attempt === next);
  const isSent = lastAttempt > attempt && !isHarmless;
  return { lastAttempt, reason: failure?.code ?? (isSent ? UNKNOWN : undefined), lastLeaseEndMs };
}

/** Claims the next attempt, which this run does not make. @returns `false` if another run has claimed it, or no time is left */
async function claimNext({ store, runtime, settings }: Context, tokenHash: string, attempt: number): Promise<boolean> {
  // The answer must be stored, too.
  if (runtime.remainingMs() < 2 * STORE_CALL_MAX_MS) return false;
  const text = renderClaim({ tokenHash, attempt, nonce: runtime.nonce(), leaseSeconds: settings.leaseSeconds });
  return (await store.putVersion(claimId(tokenHash, attempt), text)) === 'created';
}

/**
 * While another run may send the token, even a refresh that succeeds does not end the doubt.
 *
 * @param lastLeaseEndMs end of the last lease that is known. Another run may have claimed the token just now
 */
function toDoubt({ runtime, settings }: Context, may_be_revoked = UNKNOWN, lastLeaseEndMs = 0): Doubt {
  const untilMs = Math.max(lastLeaseEndMs, runtime.now() + settings.leaseSeconds * 1000);
  return { may_be_revoked, reuse_possible_until: toRfc3339(untilMs) };
}

function notStored(reason: string): Fault {
  return new Fault(
    'TOKEN_NOT_STORED',
    `Cannot store the new tokens from Retently in time (${reason}). ` +
      'They are only in the memory of this execution environment, and the next run there stores them first. Do not ' +
      'deploy or change the function now: fix access to the secret or its KMS key, then invoke the function again.',
  );
}

/**
 * Puts a version, and retries until the deadline. A retry is safe, because id and content stay the same.
 *
 * @param reserveMs time that another try leaves
 */
export async function putUntilDeadline(
  { store, runtime, telemetry }: Context,
  versionId: string,
  secretString: string,
  reserveMs = 0,
): Promise<'created' | 'exists'> {
  for (let delayMs = FIRST_RETRY_DELAY_MS; ; delayMs = Math.min(delayMs * 2, MAX_RETRY_DELAY_MS)) {
    try {
      return await store.putVersion(versionId, secretString);
    } catch (error) {
      if (!(error instanceof Fault) || runtime.remainingMs() < STORE_CALL_MAX_MS + delayMs + reserveMs) throw error;
      telemetry.warn(LOG_EVENTS.writeRetried, { versionId, code: error.name });
      await runtime.sleep(delayMs * (0.5 + runtime.random() / 2));
    }
  }
}

async function recordAfter(
  context: Context,
  parent: DocumentEntry,
  tokens: TokenMembers,
): Promise<DocumentEntry | undefined> {
  const versionId = successorId(parent.tokenHash);
  const secretString = renderWithTokens(parent.document, withinRoom(parent, tokens));
  const put = await putUntilDeadline(context, versionId, secretString);
  return put === 'exists'
    ? undefined
    : parseDocumentEntry({ versionId, createdAt: context.runtime.now(), secretString }, 'The new document');
}

/** Drops the old access token if the new refresh token leaves no room for it. */
function withinRoom({ document }: DocumentEntry, tokens: TokenMembers): TokenMembers {
  if (hasRoomFor(document, tokens)) return tokens;
  return { ...tokens, access_token: undefined, token_type: undefined, expires_at: undefined };
}

/**
 * Stores an answer although another run has recorded its own to the same refresh token. With the same new token, both are one
 * answer. Otherwise the answer to the later request counts, because a server may accept only its last one. Ours is then stored
 * as its successor, unless the other token has been exchanged meanwhile, and so is known to have been valid.
 */
async function recordLate(context: Context, { parent, tokens, askedAtMs }: PendingAnswer): Promise<DocumentEntry> {
  for (let place = parent; ; ) {
    const other = await readExisting(context, place.tokenHash);
    const { refresh_token, spent_refresh_token_sha256: spent } = other.document.members;
    const { refreshed_at, refresh_token_obtained_at } = other.document.members;
    // A third run may have stored a late answer there too. Only another token's answer shows that the one before was valid.
    if (place !== parent && spent !== tokens.spent_refresh_token_sha256) return place;
    // Documents of earlier versions do not say when an answer without an access token was asked for.
    const otherAskedAtMs = parseRfc3339(refreshed_at ?? refresh_token_obtained_at) || other.createdAt;
    if (refresh_token === tokens.refresh_token || otherAskedAtMs > askedAtMs) return other;
    // If Lambda ended the run during a put, the answer in memory would be lost.
    if (context.runtime.remainingMs() < STORE_CALL_MAX_MS)
      throw new Fault('STORE_UNAVAILABLE', 'Cannot store the answer: no time is left.');
    const recorded = await recordAfter(context, other, tokens);
    if (recorded !== undefined) return recorded;
    place = other;
  }
}

/** Reads a version that exists, as the store has just reported; a read by id may lag behind. */
async function readExisting(context: Context, tokenHash: string): Promise<DocumentEntry> {
  const { runtime } = context;
  for (let delayMs = FIRST_RETRY_DELAY_MS; ; delayMs = Math.min(delayMs * 2, MAX_RETRY_DELAY_MS)) {
    const isLast = runtime.remainingMs() < STORE_CALL_MAX_MS + delayMs;
    try {
      const existing = await readSuccessor(context, tokenHash);
      if (existing !== undefined) return existing;
    } catch (error) {
      const isPassing = error instanceof Fault && error.name !== 'CREDENTIALS_INVALID';
      if (!isPassing || isLast) throw error;
    }
    if (isLast)
      throw new Fault(
        'STORE_UNAVAILABLE',
        'Cannot read the stored answer: its version exists, but no read returns it yet. The next run retries.',
      );
    await runtime.sleep(delayMs);
  }
}
