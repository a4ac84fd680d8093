import { JOURNAL_STAGE } from '../../lambda/contract.ts';
import type { Context, Memory } from '../../lambda/core/context.ts';
import type { Grant } from '../../lambda/core/credentials.ts';
import { Fault } from '../../lambda/core/fault.ts';
import { digestGrant } from '../../lambda/core/journal.ts';
import type {
  CredentialStore,
  EventPublisher,
  ListedVersion,
  Runtime,
  Telemetry,
  TokenAnswer,
  TokenEndpoint,
  Version,
} from '../../lambda/core/ports.ts';
import { refresh } from '../../lambda/core/refresh.ts';
import { AwsError } from '../sandbox/aws/aws-error.ts';
import { SECRET_ID, Violation } from './invariants.ts';
import type { Refusal } from './provider.ts';
import { SimulatedTokenSecret } from './simulated-token-secret.ts';
import { NOBODY_GOES_ON, type World } from './world.ts';

export const SETTINGS = {
  secretId: SECRET_ID,
  tokenEndpointUrl: 'https://simulated.invalid/api/oauth/token',
  defaultTokenLifetimeSeconds: 21_600,
  leaseSeconds: 90,
  scheduleSeconds: 600,
  forceEvent: '{"action":"refresh","force":true}',
};

/** A call of the store takes so long at the most. */
const CALL_MS = 4_000;

/** Time that must be left after a POST to record, promote and announce its answer. */
const SAVE_MS = 24_000;

/**
 * Maximum calls of a run:
 * - for a whole refresh with its troubles;
 * - in addition, each time that someone else moves a label or a label lags, which may make the run start over;
 * - for each earlier attempt, where the label does not say how many there were;
 * - per second, to check another run's claim.
 */
const MAX_CALLS = 30;
const MAX_CALLS_PER_MOVE = 14;
const MAX_CALLS_PER_ATTEMPT = 4;
const MAX_CALLS_PER_SECOND = 4;
/** To sync the token secret after two promotions, and once more while its label lags. */
const MAX_CALLS_FOR_TOKEN_SECRET = 15;

/** Tokens of an answer that a run was given, and the token that the answer was for. */
interface Handed {
  readonly parent: string;
  readonly refreshToken: string;
}

/** An execution environment of one deployment: one run at a time, and the memory that outlives it. */
export interface Environment {
  memory: Memory;
  /** Answers with a new refresh token that its runs were given since it began. */
  handed: readonly Handed[];
  isBusy: boolean;
  /** Lambda ends a run here; the lease of its claims is half a minute longer. */
  readonly timeoutMs: number;
}

/**
 * Ports of one run. Each call reaches the world after a latency. It may be rejected, may lose its answer after it was carried
 * out, and may be where the run crashes.
 */
export class SimulatedRun implements CredentialStore, TokenEndpoint, EventPublisher, Runtime {
  readonly id: number;
  readonly isForced: boolean;
  /** It began with an earlier run's answer in memory. */
  isLate = false;
  /** Hash of the refresh token that this answer is for. */
  lateTokenHash: string | undefined;
  calls = 0;
  posts = 0;
  /** It found an earlier run's answer in memory, and stored it. */
  hasStoredPendingAnswer = false;
  /** If it ended by waiting: until when. */
  retryAtMs: number | undefined;
  /** Digest of the credentials that its server has rejected. */
  refusal: string | undefined;
  /** By token hash: when the put of the last claim began, less the time that reads by id may lag. */
  readonly claims = new Map<string, number>();
  #nonces = 0;
  /** Whether its last put was rejected, or is not answered. */
  #lastPutFailed = false;
  /** Refresh tokens in the answers that it was given. */
  readonly #handed: string[] = [];
  /** An answer came, and no put has begun since. */
  #holdsAnswer = false;
  /** Moves of labels since this run began, without its own. */
  #movesBefore: number;
  #staleReads = 0;
  #attemptsFound = 0;
  /** Whether the run has ended. */
  isDead = false;
  readonly tokenSecret: SimulatedTokenSecret | undefined;
  readonly #world: World;
  readonly #environment: Environment;
  readonly #skewMs: number;
  readonly #deadlineMs: number;

  constructor(world: World, id: number, environment: Environment, isForced: boolean, skewMs: number) {
    this.#world = world;
    this.id = id;
    this.isForced = isForced;
    this.#environment = environment;
    this.#skewMs = skewMs;
    this.#deadlineMs = world.nowMs + environment.timeoutMs;
    this.#movesBefore = world.labels.moves;
    const call = <Answer>(name: string, carryOut: () => Answer) => this.#call(name, carryOut);
    this.tokenSecret = world.hasTokenSecret ? new SimulatedTokenSecret(world, call) : undefined;
    environment.isBusy = true;
    world.at(this.#deadlineMs, () => this.die(), `${id} crashes`);
  }

  context(telemetry: Telemetry): Context {
    const leaseSeconds = this.#environment.timeoutMs / 1_000 + 30;
    const { tokenSecret } = this;
    const settings = { ...SETTINGS, leaseSeconds };
    const ports = this.#world.policy({ store: this, tokenSecret, tokenEndpoint: this, runtime: this, settings });
    return { ...ports, events: this, telemetry, memory: this.#environment.memory };
  }

  /** @returns an outcome or the code of a fault; nothing ever, if the run crashes */
  async play(context: Context): Promise<string> {
    const { pendingAnswer } = context.memory;
    this.isLate = pendingAnswer !== undefined;
    this.lateTokenHash = pendingAnswer?.parent.tokenHash;
    try {
      const { outcome, retryAt, versionId } = await refresh(context, { force: this.isForced });
      if (retryAt !== undefined) this.retryAtMs = Date.parse(retryAt);
      this.#expectNothingThrownAway();
      this.#world.judge(() => this.#world.witness.afterResult(outcome, versionId ?? ''));
      return outcome;
    } catch (error) {
      if (!(error instanceof Fault)) {
        this.#world.fail(
          error instanceof Violation ? error : new Violation('I7', `a run failed unexpectedly: ${error}`),
        );
        return 'unknown';
      }
      if (this.refusal !== undefined && !this.#lastPutFailed) this.#world.witness.refused(this.refusal);
      // It may give up the save when its time is over, and reports that.
      const hasTriedAll = error.name === 'TOKEN_NOT_STORED' && this.remainingMs() < SAVE_MS;
      if (!hasTriedAll) this.#expectNothingThrownAway();
      return error.name;
    } finally {
      this.hasStoredPendingAnswer = pendingAnswer !== undefined && context.memory.pendingAnswer === undefined;
      this.#end();
    }
  }

  /** A crash, or the end of the function's timeout: the run stops, and its memory is lost. */
  die(): typeof NOBODY_GOES_ON {
    if (!this.isDead) {
      this.#end();
      this.#environment.memory = {};
      this.#environment.handed = [];
    }
    return NOBODY_GOES_ON;
  }

  #end(): void {
    this.isDead = true;
    this.#world.witness.senderEnded(this.id);
    this.#environment.isBusy = false;
  }

  now(): number {
    return this.#world.nowMs + this.#skewMs;
  }

  remainingMs(): number {
    return this.#deadlineMs - this.#world.nowMs;
  }

  /** Whether someone else moved a label of the secret during this run, or a label lagged. */
  get isDisturbed(): boolean {
    return this.#world.labels.moves !== this.#movesBefore || this.#staleReads > 0;
  }

  /** A tick that finds a fresh token reads three times, and the token secret once, unless something moved meanwhile. */
  judgeFreshTick(): void {
    // A run that had to repair the token secret looks again.
    if (this.isDisturbed || this.tokenSecret?.hasSeenStale) return;
    // If the label shows nothing of the current token, the run looks for a claim by its id.
    const forClaim = this.#world.witness.isLabelOnCurrentToken() ? 0 : 1;
    const maxCalls = (this.tokenSecret === undefined ? 3 : 4) + forClaim;
    // A run that was rejected, and then found what someone else had stored, was no fresh tick.
    if (this.calls > maxCalls && this.posts === 0)
      this.#world.fail(new Violation('I8', `a fresh tick made ${this.calls} calls`));
  }

  sleep(milliseconds: number): Promise<void> {
    if (this.#holdsAnswer) this.#world.fail(new Violation('I1', `run ${this.id} waits before it stores an answer`));
    return new Promise((resolve) => this.#world.at(this.#world.nowMs + milliseconds, () => this.isDead || resolve()));
  }

  random(): number {
    return 0.5;
  }

  nonce(): string {
    return `nonce of run ${this.id}, ${++this.#nonces}`;
  }

  publish(): Promise<void> {
    return this.#call('publish', () => undefined).catch(() => undefined);
  }

  readCurrent(): Promise<Version | undefined> {
    return this.#call('read current', () => this.#readStage('AWSCURRENT'));
  }

  readLatestEntry(): Promise<Version | undefined> {
    return this.#call('read latest entry', () => this.#readStage(JOURNAL_STAGE));
  }

  readPrevious(): Promise<Version | undefined> {
    return this.#call('read previous', () => this.#read({ stage: 'AWSPREVIOUS' }));
  }

  readVersion(versionId: string): Promise<Version | undefined> {
    return this.#call(`read ${versionId}`, () => {
      const version = this.#read({ versionId });
      // A read by id may lag behind a put, which is rejected immediately.
      return version && this.#world.lags(version.createdAt) ? undefined : version;
    });
  }

  async putVersion(versionId: string, secretString: string): Promise<'created' | 'exists'> {
    this.#lastPutFailed = true;
    this.#holdsAnswer = false;
    if (secretString.startsWith('{"kind":"retently-token-refresh/claim"'))
      this.claims.set(JSON.parse(secretString).key, this.#world.nowMs - this.#world.idLagMs);
    const put = await this.#call(`put ${versionId} ${secretString}`, () => this.#put(versionId, secretString));
    this.#lastPutFailed = false;
    return put;
  }

  promote(versionId: string, expectedVersionId: string): Promise<'promoted' | 'refused'> {
    return this.#call(`promote ${versionId} ${expectedVersionId}`, () => this.#promote(versionId, expectedVersionId));
  }

  listVersions(): Promise<readonly ListedVersion[]> {
    return this.#call('list', () =>
      this.#world.secretsManager
        .peekAll(SECRET_ID)
        .map(({ id, createdAtMs }) => ({ versionId: id, createdAt: createdAtMs })),
    );
  }

  #read(which: { stage: string } | { versionId: string }): Version | undefined {
    const version = this.#world.secretsManager.peek(SECRET_ID, which);
    return (
      version && { versionId: version.id, createdAt: version.createdAtMs, secretString: version.value.SecretString }
    );
  }

  #put(versionId: string, secretString: string): 'created' | 'exists' {
    const { secretsManager, witness } = this.#world;
    try {
      secretsManager.putSecretValue({
        SecretId: SECRET_ID,
        ClientRequestToken: versionId,
        SecretString: secretString,
        VersionStages: [JOURNAL_STAGE],
      });
    } catch (error) {
      if (!(error instanceof AwsError) || error.name !== 'ResourceExistsException') throw error;
      if (secretString.startsWith('{"kind"')) this.#attemptsFound++;
      else this.#world.faults.count('late answer');
      return 'exists';
    }
    this.#noteOwnMove();
    witness.afterPut(this, versionId, secretString, this.#world.nowMs);
    return 'created';
  }

  #promote(versionId: string, expectedVersionId: string): 'promoted' | 'refused' {
    const { secretsManager, witness } = this.#world;
    try {
      secretsManager.updateSecretVersionStage({
        SecretId: SECRET_ID,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: versionId,
        RemoveFromVersionId: expectedVersionId,
      });
    } catch {
      return 'refused';
    }
    this.#noteOwnMove();
    witness.afterPromote();
    return 'promoted';
  }

  /** Labels may lag: a read by label can return a value that is a second old. */
  #readStage(stage: 'AWSCURRENT' | typeof JOURNAL_STAGE): Version | undefined {
    const stale = this.#world.labels.before(stage);
    if (stale === undefined || !this.#world.faults.isStaleRead()) return this.#read({ stage });
    this.#staleReads++;
    return this.#read({ versionId: stale });
  }

  /** Unlike a store call, a POST takes effect at one moment and is answered at another, if it is by then. */
  requestToken(grant: Grant, timeoutMs: number): Promise<TokenAnswer> {
    const { provider, witness, faults, nowMs } = this.#world;
    this.#count();
    this.posts++;
    if (this.remainingMs() - timeoutMs < SAVE_MS)
      this.#world.fail(new Violation('I1', `run ${this.id} sends a token with no time left to save the answer`));
    const digest = digestGrant(grant, SETTINGS.tokenEndpointUrl);
    const isInMemory = this.#environment.handed.some(
      ({ parent, refreshToken }) => parent === grant.refreshToken && !witness.isSettled(parent, refreshToken),
    );
    if (isInMemory)
      this.#world.fail(new Violation('I2', `run ${this.id} sends a token whose answer waits in its environment`));
    this.#world.judge(() => witness.beforePost(this, grant.refreshToken, digest, nowMs));
    return new Promise((resolve) => {
      const answerWith = (answer: TokenAnswer): void => {
        this.#later('answer', timeoutMs / 4, () => {
          if (this.isDead) return;
          // The client has hung up.
          if (this.#world.nowMs >= nowMs + timeoutMs) return;
          if (answer.kind === 'refused') this.refusal = digest;
          if ('refreshToken' in answer && answer.refreshToken !== undefined) {
            const handed = { parent: grant.refreshToken, refreshToken: answer.refreshToken };
            this.#environment.handed = [...this.#environment.handed, handed];
            this.#handed.push(answer.refreshToken);
            this.#holdsAnswer = true;
          }
          if (answer.kind === 'token' && faults.breaksOnAnswer()) this.#world.breakStore(70_000, true);
          resolve(answer);
        });
      };
      const hangUp = () => this.isDead || resolve(answerFor['ambiguous-after']);
      this.#world.at(nowMs + timeoutMs, hangUp, `${this.id} time-out`);
      const arrivesAtMs = nowMs + faults.postLatencyMs(timeoutMs);
      const arrive = () => {
        const fault = this.isDead ? 'none' : faults.ofPost();
        if (fault === 'crash-before' || (this.isDead && faults.isLostOnItsWay())) return this.die();
        const trouble = (provider.trouble?.untilMs ?? 0) > this.#world.nowMs ? provider.trouble?.kind : undefined;
        if (fault === 'hangs-before' || trouble === 'hangs-before') return undefined;
        const unanswered = trouble ?? (isUnanswered(fault) ? fault : undefined);
        const { retryAfterSeconds } = provider;
        if (unanswered === 'throttled') return answerWith({ ...answerFor.throttled, retryAfterSeconds });
        if (unanswered !== undefined) return answerWith(answerFor[unanswered]);
        const answer = provider.exchange(grant, this.#world.nowMs);
        if (typeof answer !== 'string') witness.answerGiven(answer.refreshToken);
        if (fault === 'crash-after' || this.isDead) return this.die();
        if (fault === 'hangs-after') return undefined;
        if (fault === 'ambiguous-after') return answerWith(answerFor[fault]);
        return answerWith(typeof answer === 'string' ? answerFor[answer] : toAnswer(answer, fault));
      };
      this.#world.at(arrivesAtMs, arrive, `${this.id} POST ${grant.refreshToken}`);
    });
  }

  #expectNothingThrownAway(): void {
    const thrownAway = this.#handed.find((refreshToken) => this.#world.witness.hasThrownAway(refreshToken));
    if (thrownAway !== undefined)
      this.#world.fail(new Violation('I1', `run ${this.id} was given ${thrownAway} and ended without recording it`));
  }

  #noteOwnMove(): void {
    const { labels } = this.#world;
    const { moves } = labels;
    labels.note();
    this.#movesBefore += labels.moves - moves;
  }

  #count(): void {
    const seconds = (this.#environment.timeoutMs - this.remainingMs()) / 1_000;
    const moves = this.#world.labels.moves - this.#movesBefore + this.#staleReads;
    this.calls++;
    const found = this.#attemptsFound * MAX_CALLS_PER_ATTEMPT;
    const forReaders = this.tokenSecret === undefined ? 0 : MAX_CALLS_FOR_TOKEN_SECRET;
    const maxCalls = MAX_CALLS + forReaders + found + moves * MAX_CALLS_PER_MOVE + seconds * MAX_CALLS_PER_SECOND;
    if (this.calls > maxCalls)
      this.#world.fail(new Violation('I8', `run ${this.id} makes its call number ${this.calls}`));
  }

  #later(name: string, maxMs: number, act: () => unknown): void {
    this.#world.at(this.#world.nowMs + this.#world.faults.latencyMs(maxMs), act, `${this.id} ${name}`);
  }

  #call<T>(name: string, carryOut: () => T): Promise<T> {
    const { faults } = this.#world;
    this.#count();
    return new Promise((resolve, reject) => {
      this.#later(name, CALL_MS, () => {
        // A call that was on its way when its sender crashed may still arrive.
        if (this.isDead && faults.isLostOnItsWay()) return NOBODY_GOES_ON;
        const fault = this.isDead ? undefined : faults.ofCall();
        if (fault === 'crash-before') return this.die();
        if (fault === 'refused' || (this.#world.isBroken(name) && !name.startsWith('publish')))
          return reject(new Fault('STORE_UNAVAILABLE', 'simulated'));
        try {
          const answer = carryOut();
          if (fault === 'crash-after') return this.die();
          if (fault === 'answer-lost') return reject(new Fault('STORE_UNAVAILABLE', 'simulated'));
          if (!this.isDead) resolve(answer);
        } catch (error) {
          if (error instanceof Violation) return this.#world.fail(error);
          reject(error instanceof AwsError ? new Fault('STORE_UNAVAILABLE', error.name) : error);
        }
      });
    });
  }
}

const answerFor = {
  'not-sent': { kind: 'not-sent', reason: 'simulated' },
  throttled: { kind: 'throttled', retryAfterSeconds: undefined, reason: 'simulated' },
  unrecognized: { kind: 'unrecognized', reason: 'simulated' },
  misdirected: { kind: 'misdirected', reason: 'simulated' },
  'ambiguous-before': { kind: 'ambiguous', reason: 'simulated' },
  'ambiguous-after': { kind: 'ambiguous', reason: 'simulated' },
  invalid_grant: { kind: 'refused', error: 'invalid_grant', reason: 'simulated' },
  invalid_client: { kind: 'refused', error: 'invalid_client', reason: 'simulated' },
} as const satisfies { [fault: string]: TokenAnswer } & { [refusal in Refusal]: TokenAnswer };

/** The provider never saw the request, or did nothing. */
function isUnanswered(
  fault: string,
): fault is Exclude<keyof typeof answerFor, 'ambiguous-after' | 'invalid_grant' | 'invalid_client'> {
  return fault in answerFor && fault !== 'ambiguous-after';
}

function toAnswer(
  {
    accessToken,
    refreshToken,
    expiresInSeconds,
  }: { accessToken: string; refreshToken: string | undefined; expiresInSeconds: number },
  fault: string,
): TokenAnswer {
  if (fault === 'refresh-token-only' && refreshToken !== undefined)
    return { kind: 'refresh-token-only', refreshToken, reason: 'simulated' };
  return { kind: 'token', accessToken, tokenType: 'Bearer', expiresInSeconds, refreshToken };
}
