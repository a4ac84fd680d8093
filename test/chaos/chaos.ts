import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { ENVIRONMENT } from '../../lambda/contract.ts';
import { type Aws, startAws } from '../sandbox/aws/aws-server.ts';
import { bundleOnce } from '../sandbox/lambda/bundle.ts';
import { type Invocation, type LambdaProcess, startLambdaProcess } from '../sandbox/lambda/lambda-process.ts';
import { startAuthorizationServer } from '../sandbox/oauth/authorization-server.ts';
import { SECRET_ID, TOKEN_SECRET_ID } from '../sandbox/sandbox.ts';
import { Choices } from '../support/choices.ts';

/** Long enough to attempt a refresh; a forced run then waits a second or two for a killed run's claim, not thirty. */
const TIMEOUT_MS = 38_000;

const RECOVERED = new Set(['refreshed', 'fresh', 'adopted']);

const document = z.looseObject({
  refresh_token: z.string(),
  access_token: z.string().optional(),
  token_type: z.string().optional(),
  expires_at: z.string().optional(),
  spent_refresh_token_sha256: z.string().optional(),
  note: z.number().optional(),
});

export interface ChaosReport {
  readonly ticks: number;
  readonly kills: number;
  readonly posts: number;
  /** Rounds with a kill after which the next tick had a valid token without help. */
  readonly recovered: number;
  /** Rounds with a kill between answer and record, after which an admin was notified to authorize again. */
  readonly reauthorizations: number;
  /** Broken promises, each as a sentence. */
  readonly broken: readonly string[];
}

interface ChaosOptions {
  /** @default 4 */
  readonly processes?: number;
  readonly log?: (line: string) => void;
  /** Breaks a rule of the store, to show that this would see it. */
  readonly sabotage?: (aws: Aws) => void;
}

/**
 * Runs the deployed bundle in several overlapping processes, on one secret, against an authorization server that rotates
 * strictly. SIGKILL hits runs at random moments, an operator edits in between, and hours pass between rounds.
 */
export async function runChaos(
  ticks: number,
  seed: number,
  { processes = 4, log = () => {}, sabotage = () => {} }: ChaosOptions = {},
): Promise<ChaosReport> {
  const chaos = await Chaos.start(Choices.fromSeed(seed), processes);
  sabotage(chaos.aws);
  try {
    for (let round = 1; chaos.ticks < ticks; round++) {
      await chaos.playRound();
      if (round % 50 === 0) log(`${chaos.ticks} ticks, ${chaos.kills} kills`);
    }
    return chaos.report();
  } finally {
    await chaos.stop();
  }
}

type Servers = {
  aws: Aws;
  provider: Awaited<ReturnType<typeof startAuthorizationServer>>;
};

class Chaos {
  ticks = 0;
  kills = 0;
  readonly #servers: Servers;
  readonly #choices: Choices;
  readonly #clock: { offsetMs: number };
  readonly #processes: LambdaProcess[] = [];
  readonly #broken: string[] = [];
  readonly #jumpsAtMs: number[] = [];
  #checkedRequests = 0;
  #recovered = 0;
  #reauthorizations = 0;
  #note = 0;
  /** Duration of an undisturbed refresh, so that kills hit every part of it. */
  #refreshMs = 150;

  private constructor(servers: Servers, choices: Choices, clock: { offsetMs: number }) {
    this.#servers = servers;
    this.#choices = choices;
    this.#clock = clock;
  }

  static async start(choices: Choices, processes: number): Promise<Chaos> {
    const clock = { offsetMs: 0 };
    const [aws, provider] = await Promise.all([
      startAws({ now: () => Date.now() + clock.offsetMs }),
      startAuthorizationServer({ kind: 'rotation' }),
    ]);
    const chaos = new Chaos({ aws, provider }, choices, clock);
    aws.secretsManager.createSecret({ Name: SECRET_ID });
    aws.secretsManager.createSecret({ Name: TOKEN_SECRET_ID });
    await chaos.#authorize();
    chaos.#processes.push(...(await Promise.all(Array.from({ length: processes }, () => chaos.#startProcess()))));
    return chaos;
  }

  get aws(): Aws {
    return this.#servers.aws;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.kill()));
    await Promise.all([this.#servers.aws.close(), this.#servers.provider.close()]);
  }

  /** Starts overlapping runs and kills some. Then time passes, and one undisturbed tick follows. */
  async playRound(): Promise<void> {
    this.#passMinutes(this.#choices.pick([4 * 60, 4 * 60, 4 * 60, 20]));
    const running = this.#processes.slice(0, 1 + this.#choices.next(this.#processes.length));
    const killed = (await Promise.all(running.map((each, index) => this.#runOne(each, index)))).filter(Boolean).length;
    if (this.#choices.happens(4)) this.#edit();
    // Longer than the lease, so that a killed run's claim is taken over.
    this.#passMinutes(2);
    await this.#calmTick(killed > 0);
    this.#checkRequests();
  }

  report(): ChaosReport {
    const { requests } = this.#servers.provider;
    const counts = { recovered: this.#recovered, reauthorizations: this.#reauthorizations };
    return { ticks: this.ticks, kills: this.kills, posts: requests.length, ...counts, broken: this.#broken };
  }

  /** @returns whether it was killed */
  async #runOne(lambda: LambdaProcess, index: number): Promise<boolean> {
    this.ticks++;
    const isForced = this.#choices.next(3) === 2;
    const isKilled = this.#choices.next(2) === 1;
    const killAfterMs = (this.#choices.next(1_000) / 1_000) * this.#refreshMs * 1.2;
    const ended = this.#invoke(lambda, isForced ? { action: 'refresh', force: true } : {});
    if (!isKilled) {
      this.#expectAnswer(await ended);
      return false;
    }
    await sleep(killAfterMs);
    await lambda.kill();
    await ended;
    this.kills++;
    this.#processes[index] = await this.#startProcess();
    return true;
  }

  async #calmTick(afterKill: boolean): Promise<void> {
    const [lambda] = this.#processes;
    if (lambda === undefined) return;
    this.ticks++;
    const startMs = performance.now();
    const invocation = await this.#invoke(lambda, {});
    if (invocation.kind === 'result' && this.#outcome(invocation) === 'refreshed')
      this.#refreshMs = performance.now() - startMs;
    if (invocation.kind === 'error' && invocation.errorType === 'REAUTHORIZATION_REQUIRED') {
      this.#reauthorizations++;
      if (!this.#isAnswerLost())
        this.#broken.push('a recorded token was lost: reauthorization required although every answer is recorded');
      await this.#authorize();
      return;
    }
    this.#expectAnswer(invocation);
    const current = this.#current();
    if (!(await this.#servers.provider.isLive(current.refresh_token)))
      this.#broken.push('silence: AWSCURRENT holds a revoked refresh token and no one was notified');
    if (current.note !== this.#note) this.#broken.push(`an edit was lost: note ${this.#note} is ${current.note}`);
    const outcome = invocation.kind === 'result' ? this.#outcome(invocation) : invocation.kind;
    this.#checkTokenSecret(current);
    if (RECOVERED.has(outcome)) {
      if (afterKill) this.#recovered++;
      const expiresAtMs = Date.parse(current.expires_at ?? '');
      if (current.access_token === undefined || !(expiresAtMs > Date.now() + this.#clock.offsetMs))
        this.#broken.push(`a quiet tick ended with ${outcome} and left no live bearer token`);
    } else if (outcome !== 'waiting') {
      // Many forced runs may have used up the write budget; nothing else may keep it from the token.
      this.#broken.push(`a quiet tick ended with ${outcome}`);
    }
  }

  /** One quiet tick is enough. */
  #checkTokenSecret({ access_token, token_type, expires_at }: z.infer<typeof document>): void {
    if (access_token === undefined) return;
    const held = this.aws.secretsManager.peek(TOKEN_SECRET_ID, { stage: 'AWSCURRENT' })?.value.SecretString;
    if (held !== JSON.stringify({ access_token, token_type, expires_at }))
      this.#broken.push('a quiet tick left the token secret stale');
  }

  #outcome({ result }: Extract<Invocation, { kind: 'result' }>): string {
    return z.looseObject({ outcome: z.string() }).parse(result).outcome;
  }

  /** Checks that a run which was not killed ends with a documented outcome. */
  #expectAnswer(invocation: Invocation): void {
    const isExpected =
      invocation.kind === 'result' ||
      (invocation.kind === 'error' && invocation.errorType === 'REAUTHORIZATION_REQUIRED');
    if (!isExpected)
      this.#broken.push(
        `a run failed: ${invocation.kind === 'error' ? `${invocation.errorType} ${invocation.errorMessage}` : 'it ended'}`,
      );
  }

  /** Returns whether the token in AWSCURRENT was exchanged, and no version of the secret has the answer. */
  #isAnswerLost(): boolean {
    const spent = createHash('sha256').update(this.#current().refresh_token).digest('hex');
    const isAnswered = this.#servers.provider.requests.some(
      ({ status, refreshTokenSha256 }) => status === 200 && refreshTokenSha256 === spent,
    );
    return isAnswered && !this.#isRecorded(spent);
  }

  /** Checks the last round's tokens: no two runs sent one at the same time, and none was sent again after it was used. */
  #checkRequests(): void {
    const { requests } = this.#servers.provider;
    const recent = requests.slice(this.#checkedRequests);
    this.#checkedRequests = requests.length;
    for (const token of new Set(recent.map(({ refreshTokenSha256 }) => refreshTokenSha256))) {
      const posts = requests.filter(({ refreshTokenSha256 }) => refreshTokenSha256 === token);
      const answered = posts.find(({ status }) => status === 200);
      const isOverlapping = posts.some((post, index) =>
        posts.slice(index + 1).some(({ beganAtMs }) => beganAtMs < post.endedAtMs),
      );
      if (isOverlapping) this.#broken.push('two runs sent a refresh token at the same time');
      if (answered === undefined) continue;
      const later = posts.filter(({ endedAtMs }) => endedAtMs > answered.endedAtMs);
      if (later.some((post) => this.#leaseOf(post) === this.#leaseOf(answered)))
        this.#broken.push('a refresh token was sent again while the claim of the run that spent it was live');
      if (later.length > 0 && this.#isRecorded(token))
        this.#broken.push('a refresh token was sent again although its answer is recorded');
    }
  }

  /** Moments between which no lease ends: only there does the clock jump. */
  #leaseOf({ beganAtMs }: { beganAtMs: number }): number {
    return this.#jumpsAtMs.filter((atMs) => atMs < beganAtMs).length;
  }

  #isRecorded(spent: string | undefined): boolean {
    return this.#documents().some(({ spent_refresh_token_sha256 }) => spent_refresh_token_sha256 === spent);
  }

  #passMinutes(minutes: number): void {
    this.#clock.offsetMs += minutes * 60_000;
    this.#jumpsAtMs.push(performance.now());
  }

  #edit(): void {
    this.#put({ ...this.#current(), note: ++this.#note });
  }

  /** A human clicks through the consent screen. */
  async #authorize(): Promise<void> {
    const { provider } = this.#servers;
    const refreshToken = await provider.mintRefreshToken();
    this.#put({
      client_id: provider.clientId,
      client_secret: provider.clientSecret,
      refresh_token: refreshToken,
      note: this.#note,
    });
  }

  #put(secret: object): void {
    this.aws.secretsManager.putSecretValue({ SecretId: SECRET_ID, SecretString: JSON.stringify(secret) });
  }

  #current(): z.infer<typeof document> {
    return document.parse(
      JSON.parse(this.aws.secretsManager.getSecretValue({ SecretId: SECRET_ID }).SecretString ?? 'null'),
    );
  }

  /** Every document of the history that is still kept. */
  #documents(): z.infer<typeof document>[] {
    const { secretsManager } = this.aws;
    const { Versions = [] } = secretsManager.listSecretVersionIds({
      SecretId: SECRET_ID,
      IncludeDeprecated: true,
      MaxResults: 10_000,
    });
    return Versions.flatMap(({ VersionId }) => {
      const { SecretString = '' } = secretsManager.getSecretValue({ SecretId: SECRET_ID, VersionId });
      const parsed = document.safeParse(JSON.parse(SecretString));
      return parsed.success ? [parsed.data] : [];
    });
  }

  #invoke(lambda: LambdaProcess, event: unknown): Promise<Invocation> {
    return lambda.invoke(event, { timeoutMs: TIMEOUT_MS, clockOffsetMs: this.#clock.offsetMs });
  }

  #startProcess(): Promise<LambdaProcess> {
    const { aws, provider } = this.#servers;
    return startLambdaProcess({
      bundlePath: bundleOnce(),
      environment: {
        AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
        AWS_ENDPOINT_URL_EVENTBRIDGE: aws.url,
        [ENVIRONMENT.credentialsSecretId]: SECRET_ID,
        [ENVIRONMENT.tokenSecretId]: TOKEN_SECRET_ID,
        [ENVIRONMENT.tokenEndpoint]: provider.url,
      },
    });
  }
}
