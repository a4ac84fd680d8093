import {
  FIRST_BACK_OFF_SECONDS,
  JOURNAL_STAGE,
  MAX_BACK_OFF_SECONDS,
  MAX_RECENT_VERSIONS,
  VERSION_RETENTION_SECONDS,
} from '../../lambda/contract.ts';
import { type CredentialsDocument, tokenHashOf } from '../../lambda/core/credentials.ts';
import { sha256 } from '../../lambda/core/fingerprint.ts';
import { successorId } from '../../lambda/core/journal.ts';
import type { SecretVersion } from '../sandbox/aws/secret.ts';
import type { SecretsManager } from '../sandbox/aws/secrets-manager.ts';
import type { Provider } from './provider.ts';

/** Promises that hold whatever happens. I5 (no secret outside the secret) has its own test, on real processes. */
export const INVARIANTS = {
  I1: 'No lost token: once an answer was recorded, every later state leads to it, while the store keeps the chain.',
  I2: 'Single flight: no two runs send the same refresh token within a lease, and none sends one whose answer is recorded.',
  I3: 'AWSCURRENT is always whole, moves only by promotion and ends on a valid token where there is one.',
  I4: 'No lost edit: what an operator writes stays, and new credentials from an operator win.',
  I6: 'A revoked grant is tried once, unless someone forces it.',
  I7: 'Convergence: once faults stop, within an hour the token is fresh or a person has been notified why it cannot be.',
  I8: 'Bounded cost: three reads for a fresh tick, one of them of the token secret. No run is unbounded, and no attempt is made within a back-off or without room for its answer.',
  I9: 'The token secret follows: two quiet ticks later it says what AWSCURRENT says, an older token never replaces the one that AWSCURRENT holds, and nothing else is overwritten.',
} as const;

export type Invariant = keyof typeof INVARIANTS;

export class Violation extends Error {
  readonly invariant: Invariant;

  constructor(invariant: Invariant, detail: string) {
    super(`${invariant} is broken: ${detail}`);
    this.invariant = invariant;
  }
}

export const SECRET_ID = 'simulated';
const CURRENT = { stage: 'AWSCURRENT' };
const HOUR_MS = 60 * 60 * 1_000;
/** The clocks of the store and of a run differ by this much at most. */
const CLOCKS_DIFFER_MS = 60_000;
const MAX_BACK_OFF_MS = MAX_BACK_OFF_SECONDS * 1_000;

/** Members that an answer brings; all others are foreign. It is not the protocol's own list, so a mistake there shows here. */
const TOKEN_MEMBERS = new Set([
  'refresh_token',
  'access_token',
  'token_type',
  'expires_at',
  'refreshed_at',
  'spent_refresh_token_sha256',
  'refresh_token_expires_at',
  'refresh_token_obtained_at',
  'may_be_revoked',
  'reuse_possible_until',
]);

/** A document, with the members of one refresh apart from all others, so that edits can be compared. */
interface SeenDocument {
  readonly refreshToken: string;
  readonly spentTokenHash: string | undefined;
  readonly accessToken: string | undefined;
  /** From `refreshed_at` to `expires_at`; `undefined` if the document is only half refreshed. */
  readonly lifeMs: number | undefined;
  /** 0 if the document does not say. */
  readonly expiresAtMs: number;
  readonly successorId: string;
  /** All members that are not the function's; it has no reason to move them about. */
  readonly rest: string;
}

interface Failure {
  readonly attempt: number;
  readonly atMs: number;
  /** Pause that the server asked for, as far as it is respected. */
  readonly pauseMs: number;
  readonly isRejection: boolean;
}

/** Knowledge of the witness about a run that sends a token. */
interface Sender {
  readonly id: number;
  readonly isForced: boolean;
  /** Digest of the credentials that its server has rejected. */
  readonly refusal: string | undefined;
  /** By token hash: when the put of the last claim began, less the time that reads by id may lag. */
  readonly claims: ReadonlyMap<string, number>;
}

interface Writer {
  readonly id: number;
  readonly isForced: boolean;
  readonly isLate?: boolean;
  readonly lateTokenHash?: string | undefined;
}

/**
 * Sees every commit in the store and every POST, as an all-knowing bystander, and throws a {@link Violation} at the
 * first that should not be. It judges states, not code: it knows nothing of how the protocol gets there.
 */
export class Witness {
  readonly #secretsManager: SecretsManager;
  readonly #provider: Provider;
  /** Tokens in the order in which answers with them were recorded. */
  readonly #recordedTokens: string[] = [];
  /** Hashes of refresh tokens whose answer is recorded, and where and when it was first. */
  readonly #answers = new Map<
    string,
    { readonly versionId: string; readonly atMs: number; readonly refreshToken: string }
  >();
  /** Digests of credentials that are known to be rejected. */
  readonly #refused = new Set<string>();
  /** By token hash: the last attempt that someone forced, until the failure of that attempt or of a later one is recorded. */
  readonly #forced = new Map<string, number>();
  /** Runs that have sent a token and not yet recorded the result. */
  readonly #sending = new Map<string, number>();
  /** The version that held AWSCURRENT when someone last had a right to move it. */
  #holder = '';
  /** All versions that held AWSCURRENT. */
  readonly #holders = new Set<string>();
  /** Content of each version, which never changes. */
  readonly #seen = new Map<SecretVersion, SeenDocument | undefined>();
  /** By the digest of credentials: when an attempt with them failed, and its number. */
  readonly #failures = new Map<string, Failure>();
  /** Digest of the credentials that were sent last. */
  #lastSent: string | undefined;
  /** Tokens of answers that waited in memory, and that the server had revoked by the time they were recorded. */
  readonly #recordedDead = new Set<string>();
  /** Last recorded failure of each token, and whether the server asked for a pause. */
  readonly #lastFailures = new Map<string, { readonly atMs: number; readonly isPaused: boolean }>();
  /** Answers on their way: given by the provider, not recorded yet. */
  readonly #unrecorded = new Set<string>();

  constructor(secretsManager: SecretsManager, provider: Provider) {
    this.#secretsManager = secretsManager;
    this.#provider = provider;
  }

  currentVersionId(): string {
    return this.#secretsManager.peek(SECRET_ID, CURRENT)?.id ?? '';
  }

  currentToken(): string | undefined {
    return this.#document(this.currentVersionId())?.refreshToken;
  }

  afterPut(
    { id, isForced, isLate = false, lateTokenHash }: Writer,
    versionId: string,
    secretString: string,
    nowMs: number,
  ): void {
    if (this.currentVersionId() !== this.#holder)
      throw new Violation('I3', 'AWSCURRENT moved, and neither by a promotion nor by an operator');
    const document = this.#document(versionId);
    if (document === undefined) {
      this.#noteRecord({ id, isForced, lateTokenHash }, secretString, nowMs);
      return;
    }
    this.senderEnded(id);
    // After a recorded answer, the back-off starts again, and rejections of a token that the server keeps count no longer.
    this.#failures.clear();
    if (this.#provider.kind === 'no-rotation') this.#refused.clear();
    const { refreshToken, spentTokenHash } = document;
    if (!this.#recordedTokens.includes(refreshToken)) {
      this.#recordedTokens.push(refreshToken);
      if (isLate && this.#provider.isRevokedByItsParent(refreshToken)) this.#recordedDead.add(refreshToken);
    }
    // Recorded too late, where a strict server was asked again meanwhile and has revoked it: that is a lost answer too.
    // Or while another run's POST of the same token is on its way: the one moment that the claim does not cover.
    const isSentBeside = [...this.#sending.keys()].some((token) => sha256(token) === spentTokenHash);
    if (this.#provider.isLive(refreshToken) && !isSentBeside) this.#unrecorded.delete(refreshToken);
    if (spentTokenHash !== undefined && !this.#answers.has(spentTokenHash))
      this.#answers.set(spentTokenHash, { versionId, atMs: nowMs, refreshToken });
    this.#leadsToRecorded();
  }

  afterPromote(): void {
    const then = this.#document(this.#holder);
    this.#noteHolder();
    const now = this.#document(this.#holder);
    if (now === undefined || now.refreshToken === '')
      throw new Violation('I3', 'what was promoted is no document with a refresh token');
    if (then?.accessToken !== undefined && now.accessToken === undefined)
      throw new Violation('I3', 'a promotion took the bearer token away');
    this.#areOfOneAnswer(now);
    if (then !== undefined && then.rest !== now.rest)
      throw new Violation('I4', `an edit was overwritten: ${then.rest} became ${now.rest}`);
    if (then !== undefined && !this.#provider.areOfOneFamily(then.refreshToken, now.refreshToken)) {
      throw new Violation('I4', "an operator's new credentials were overwritten");
    }
    this.#leadsToRecorded();
  }

  afterOperator(): void {
    // Credentials that were changed and changed back are also tried immediately.
    this.#failures.clear();
    this.#noteHolder();
    this.#leadsToRecorded();
  }

  /** A run has ended with a result. */
  afterResult(outcome: string, versionId: string): void {
    if (outcome === 'refreshed' && !this.#holders.has(versionId))
      throw new Violation('I3', `a run says that it refreshed, and ${versionId} never held AWSCURRENT`);
  }

  /** Credentials that are changed and changed back are tried once more: only the last rejection is the latest journal entry. */
  clientChanged(): void {
    this.#refused.clear();
  }

  beforePost(
    { id: runId, isForced, refusal, claims }: Sender,
    refreshToken: string,
    digest: string,
    nowMs: number,
  ): void {
    const other = this.#sending.get(refreshToken);
    const answered = this.#answers.get(sha256(refreshToken));
    const isAnswered = answered !== undefined;
    // A token that the server keeps is the next document's, too: once its answer is recorded late, two claims cover it.
    const isKept = this.#provider.kind === 'no-rotation' && isAnswered;
    if (other !== undefined && other !== runId && !isKept)
      throw new Violation('I2', `runs ${other} and ${runId} send the same refresh token at the same time`);
    // No promise reaches further than the store's memory.
    if (isAnswered && this.#provider.kind !== 'no-rotation' && !this.isPurged(refreshToken)) {
      // An answer may be recorded late, while another run has a claim and looks no more. What came before the claim must be seen.
      const claimedAtMs = claims.get(sha256(refreshToken));
      if (claimedAtMs === undefined || answered.atMs < claimedAtMs)
        throw new Violation('I2', 'a refresh token was sent whose answer is recorded');
      this.#unrecorded.add(answered.refreshToken);
    }
    // A run that finishes what someone forced may need several tries, and may crash before it records how that ended.
    const isRetry = other === runId;
    // The key of a claim is not the hash of the token if the server keeps it.
    const isOfForced = isForced || isRetry || [...claims.keys()].some((tokenHash) => this.#forced.has(tokenHash));
    if (!isOfForced && this.#refused.has(digest))
      throw new Violation('I6', 'credentials were sent again after a run had ended with their rejection');
    if (digest === refusal) throw new Violation('I6', 'a run sent again what it knows to be rejected');
    if (!isOfForced && !isKept) this.#waitedFor(digest, nowMs);
    // Only the last attempt is the latest journal entry. An attempt with other credentials hides how these failed.
    for (const known of [...this.#failures.keys(), ...this.#refused]) {
      if (known === digest) continue;
      this.#failures.delete(known);
      this.#refused.delete(known);
    }
    this.#lastSent = digest;
    this.#sending.set(refreshToken, runId);
  }

  /** Notes that a run crashed or ended. */
  senderEnded(runId: number): void {
    for (const [refreshToken, sender] of this.#sending) if (sender === runId) this.#sending.delete(refreshToken);
  }

  /** Notes a rejection when the run that got it has ended: from then on it is known, recorded or not. */
  refused(digest: string): void {
    // Another run may have made an attempt meanwhile: with other credentials, or forced and with a temporary failure.
    const isOvertaken = this.#lastSent !== digest || this.#failures.get(digest)?.isRejection === false;
    if (!isOvertaken) this.#refused.add(digest);
  }

  answerGiven(refreshToken: string | undefined): void {
    if (refreshToken !== undefined) this.#unrecorded.add(refreshToken);
  }

  /** Whether `token` cannot be used because an answer was given and is recorded nowhere: the one window that is left. */
  isLostWithAnswer(token: string): boolean {
    return [...this.#unrecorded].some((lost) => this.#provider.isEffectOf(lost, token));
  }

  /** Whether the answer to `parent` is recorded, or another answer to `parent` is, which it has not replaced at the server. */
  isSettled(parent: string, refreshToken: string): boolean {
    if (this.#recordedTokens.includes(refreshToken)) return true;
    const other = this.#answers.get(sha256(parent))?.refreshToken;
    return other !== undefined && !(this.#provider.isLive(refreshToken) && this.#provider.isReplaced(other));
  }

  /** Returns whether the token is the recorded answer to another one. */
  isAnswer(token: string): boolean {
    return this.#recordedTokens.includes(token);
  }

  /** Its answer was recorded after a second use of the token before it had revoked the grant. */
  wasDeadWhenRecorded(token: string): boolean {
    return this.#recordedDead.has(token);
  }

  /** Returns whether the token is revoked while the store keeps a live one of the same grant, which no lost answer excuses. */
  isPassedOver(token: string): boolean {
    if (this.#provider.isLive(token)) return false;
    return this.#secretsManager.peekAll(SECRET_ID).some(({ id }) => {
      const kept = this.#document(id)?.refreshToken;
      return kept !== undefined && this.#provider.areOfOneFamily(kept, token) && this.#provider.isLive(kept);
    });
  }

  /** A run has ended by itself, and the answer that it received is valid and recorded nowhere. */
  hasThrownAway(refreshToken: string): boolean {
    return this.#unrecorded.has(refreshToken) && this.#provider.isLive(refreshToken);
  }

  /** The store no longer keeps what this token was traded for. No promise reaches further than the store's memory. */
  isPurged(token: string): boolean {
    const versionId = this.#answers.get(sha256(token))?.versionId;
    return versionId !== undefined && readVersion(this.#secretsManager, versionId) === undefined;
  }

  /** Returns whether the token is not spent, or its answer is still kept: once the chain is purged, no one knows. */
  isTraceable(versionId: string): boolean {
    const document = this.#document(versionId);
    if (document === undefined) return false;
    return !this.#answers.has(sha256(document.refreshToken)) || this.#document(document.successorId) !== undefined;
  }

  /** Returns whether the server rejects the access token that a consumer reads in AWSCURRENT now. */
  isBearerDead(nowMs: number): boolean {
    const bearer = this.#document(this.currentVersionId())?.accessToken;
    return bearer !== undefined && !this.#provider.honours(bearer, nowMs);
  }

  /** An operator has put both labels on a document whose successor exists. */
  isSpentInBothLabels(): boolean {
    // Where the server does not rotate, the refresh token is the same in both.
    const current = this.#document(this.currentVersionId());
    return this.areBothLabelsOnOne() && this.endOfChain()?.successorId !== current?.successorId;
  }

  /** Returns whether the journal's label is on a document with this token: it looks as if nothing were left to do. */
  isLabelOn(token: string): boolean {
    const holder = this.#secretsManager.peek(SECRET_ID, { stage: JOURNAL_STAGE });
    return holder !== undefined && this.#document(holder.id)?.refreshToken === token;
  }

  /** Returns whether the journal's label is on the current document, or on a copy of it before an edit. */
  isLabelOnCurrentToken(): boolean {
    const holder = this.#secretsManager.peek(SECRET_ID, { stage: JOURNAL_STAGE });
    const shown = holder && this.#document(holder.id)?.successorId;
    return shown !== undefined && shown === this.#document(this.currentVersionId())?.successorId;
  }

  areBothLabelsOnOne(): boolean {
    return this.#secretsManager.peek(SECRET_ID, { stage: JOURNAL_STAGE })?.id === this.currentVersionId();
  }

  /** Everything that future verdicts depend on, in addition to the store. */
  dump(): unknown {
    const sending = [...this.#sending].map(([refreshToken, id]) => `${refreshToken} by run ${id}`);
    const answers = [...this.#answers].map(([hash, { versionId }]) => `${hash} ${versionId}`);
    const failures = [...this.#failures].map(([digest, { attempt }]) => `${digest} ${attempt}`);
    const sets = [answers, this.#refused, this.#forced, sending, this.#unrecorded, failures];
    return [this.#holder, this.#recordedTokens, ...sets.map((set) => [...set].sort())];
  }

  /** The end of the chain that starts with what holds AWSCURRENT. */
  endOfChain(): SeenDocument | undefined {
    let end = this.#document(this.currentVersionId());
    for (let hops = 0; end !== undefined && hops < 1_000; hops++) {
      const next = this.#document(end.successorId);
      if (next === undefined) return end;
      end = next;
    }
    return end;
  }

  #noteHolder(): void {
    this.#holder = this.currentVersionId();
    this.#holders.add(this.#holder);
  }

  #noteRecord({ id, isForced, lateTokenHash }: Writer, secretString: string, nowMs: number): void {
    if (secretString.includes('"retently-token-refresh/failure"')) {
      this.senderEnded(id);
      const {
        key: tokenHash,
        digest,
        attempt,
        code,
        retry_after_seconds: retryAfterSeconds = 0,
      } = JSON.parse(secretString);
      const pauseMs = Math.min(retryAfterSeconds * 1_000, this.#longestPauseMs(nowMs, [this.currentVersionId()]));
      const isRejection = code === 'REAUTHORIZATION_REQUIRED' || code === 'CLIENT_REJECTED';
      this.#failures.set(digest, { attempt, atMs: nowMs, pauseMs, isRejection });
      this.#lastFailures.set(tokenHash, { atMs: nowMs, isPaused: retryAfterSeconds > 0 });
      if (attempt >= (this.#forced.get(tokenHash) ?? Infinity)) this.#forced.delete(tokenHash);
      // Later runs finish what someone forced and what failed for a temporary reason.
      if (!isRejection) this.#refused.delete(digest);
    }
    if (!secretString.includes('"retently-token-refresh/claim"')) return;
    this.#leavesRoom(nowMs);
    const { key: tokenHash, attempt } = JSON.parse(secretString);
    // A run that crashes before it stores a late answer leaves a claim, which the next run takes over without a pause.
    if (isForced || tokenHash === lateTokenHash) this.#forced.set(tokenHash, attempt);
  }

  #waitedFor(digest: string, nowMs: number): void {
    const failure = this.#failures.get(digest);
    if (failure === undefined) return;
    const backOffSeconds = Math.min(MAX_BACK_OFF_SECONDS, FIRST_BACK_OFF_SECONDS * 2 ** failure.attempt);
    const pauseMs = Math.max(backOffSeconds * 1_000, failure.pauseMs);
    if (nowMs + CLOCKS_DIFFER_MS < failure.atMs + pauseMs)
      throw new Violation('I8', `credentials were sent again within the pause after attempt ${failure.attempt}`);
  }

  /** A server that asks for a longer pause gets another request in the last hour of the access token. */
  #longestPauseMs(nowMs: number, versionIds: readonly string[]): number {
    const expiries = versionIds.map((versionId) => this.#document(versionId)?.expiresAtMs ?? 0);
    return Math.max(MAX_BACK_OFF_MS, Math.max(0, ...expiries) - HOUR_MS - nowMs);
  }

  /** Versions that have held AWSCURRENT with this token. A run may have read one before an operator moved the label. */
  #holdersOf(tokenHash: string): readonly string[] {
    return [...this.#holders].filter((versionId) => this.#document(versionId)?.successorId === successorId(tokenHash));
  }

  /** A run has ended with `waiting`, and not because the secret has too many versions. */
  afterWait(retryAtMs: number): void {
    // An attempt with an earlier grant may be recorded after one with the current grant, and must not hide it.
    const longestMs = [...this.#lastFailures].map(
      ([tokenHash, { atMs, isPaused }]) =>
        atMs + (isPaused ? this.#longestPauseMs(atMs, this.#holdersOf(tokenHash)) : MAX_BACK_OFF_MS),
    );
    if (retryAtMs > Math.max(0, ...longestMs) + CLOCKS_DIFFER_MS)
      throw new Violation('I7', 'a run waits for longer than the longest back-off, or than the server may ask for');
  }

  /** A claim that takes the last place leaves none for the answer. */
  #leavesRoom(nowMs: number): void {
    const sinceMs = nowMs - VERSION_RETENTION_SECONDS * 1_000;
    const recent = this.#secretsManager.peekAll(SECRET_ID).filter(({ createdAtMs }) => createdAtMs > sinceMs).length;
    if (recent > MAX_RECENT_VERSIONS - 2) throw new Violation('I8', `a claim was put as version ${recent} of a day`);
  }

  #areOfOneAnswer({ refreshToken, accessToken, lifeMs }: SeenDocument): void {
    if (lifeMs === undefined) return;
    if (accessToken === undefined) throw new Violation('I3', `${refreshToken} was promoted without its access token`);
    // One millisecond less if two answers of a server that does not rotate would have had one instant.
    const isOne = [lifeMs, lifeMs + 1].some((life) => this.#provider.isOneAnswer(refreshToken, accessToken, life));
    if (!isOne)
      throw new Violation('I3', `what was promoted is of no one answer: ${refreshToken}, ${accessToken}, ${lifeMs} ms`);
  }

  #leadsToRecorded(): void {
    const token = this.endOfChain()?.refreshToken;
    if (token === undefined) return;
    const last = this.#recordedTokens.findLast((recorded) => this.#provider.areOfOneFamily(recorded, token));
    if (last !== undefined && last !== token && !this.isPurged(token))
      throw new Violation('I1', `AWSCURRENT leads to ${token}, but ${last} was recorded last`);
  }

  #document(versionId: string): SeenDocument | undefined {
    const version = this.#secretsManager.peek(SECRET_ID, { versionId });
    if (version?.value.SecretString === undefined) return undefined;
    if (!this.#seen.has(version)) this.#seen.set(version, see(version.value.SecretString));
    return this.#seen.get(version);
  }
}

/** `undefined` if the value is not a document with a refresh token. */
function see(secretString: string): SeenDocument | undefined {
  if (!secretString.includes('"refresh_token"')) return undefined;
  const json = parseObject(secretString);
  const { refresh_token: refreshToken, spent_refresh_token_sha256: spentTokenHash } = json;
  if (typeof refreshToken !== 'string' || refreshToken === '') return undefined;
  let rest = '';
  for (const [name, value] of Object.entries(json)) if (!TOKEN_MEMBERS.has(name)) rest += `${name}: ${value}\n`;
  return {
    refreshToken,
    spentTokenHash,
    accessToken: json.access_token,
    lifeMs: json.refreshed_at ? Date.parse(json.expires_at ?? '') - Date.parse(json.refreshed_at) : undefined,
    expiresAtMs: Date.parse(json.expires_at ?? '') || 0,
    successorId: successorId(tokenHashOf({ members: json })),
    rest,
  };
}

function parseObject(text: string): CredentialsDocument['members'] {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

/** `undefined` where there is no such version. */
export function readVersion(secretsManager: SecretsManager, versionId: string): string | undefined {
  return secretsManager.peek(SECRET_ID, { versionId })?.value.SecretString;
}
