import * as z from 'zod';
import { ENVIRONMENT } from '../../lambda/contract.ts';
import { Fault } from '../../lambda/core/fault.ts';
import type { TokenAnswer, TokenStates } from '../../lambda/core/ports.ts';
import { refresh } from '../../lambda/core/refresh.ts';
import { type Action, parseEvent } from '../../lambda/runtime/event.ts';
import { Choices } from '../support/choices.ts';
import { FakeContext } from '../support/fake-context.ts';
import { SECRET_ID } from '../support/fake-credential-store.ts';
import { TOKEN } from '../support/fake-token-endpoint.ts';
import { CREDENTIALS, HOUR_MS, MINUTE_MS } from '../support/secret-documents.ts';
import { resourceOf, type SynthesisedTemplate } from './synthesise.ts';

export const DAY_MS = 24 * HOUR_MS;
/** A cold start and the reads before the POST, and then a slow answer. */
const START_MS = 2_000;
const ANSWER_MS = 3_000;
/** Lambda's first retry of an asynchronous event, and its second. */
const RETRY_AFTER_MINUTES = [1, 3];

const scheduleSchema = z.object({
  ScheduleExpression: z.string().regex(/^rate\(\d+ minutes\)$/),
  FlexibleTimeWindow: z.object({ MaximumWindowInMinutes: z.int().default(0) }),
  Target: z.object({ Input: z.string() }),
});
const retriesSchema = z.object({ MaximumRetryAttempts: z.int() });
const environmentSchema = z.object({
  Variables: z.object({
    [ENVIRONMENT.defaultTokenLifetimeSeconds]: z.coerce.number(),
    [ENVIRONMENT.scheduleSeconds]: z.coerce.number(),
  }),
});

/** Returns the failure of the token endpoint at a time; `undefined` if it answers with a token. */
export type Refusal = (atMs: number) => TokenAnswer | undefined;

/** Sets up one run, at the time since the start. @returns `false` if there is no run, since no event reaches the function */
export type Prepare = (context: FakeContext, afterMs: number) => boolean;

/** The function on the schedule of a template, with a provider that gives every token the same life. */
export class DeployedDays {
  readonly startMs: number;
  readonly states: { readonly atMs: number; readonly states: TokenStates }[] = [];
  readonly warnings = new Set<string>();
  /** Log lines other than the last line of each run. */
  lines = 0;
  /** When each version of the secret was made. */
  readonly #madeAtMs = new Map<string, number>();
  readonly #event: Action;
  readonly #intervalMs: number;
  readonly #windowMs: number;
  readonly #retries: readonly number[];
  readonly #configured: { readonly defaultTokenLifetimeSeconds: number; readonly scheduleSeconds: number };
  readonly #lifetimeSeconds: number;
  readonly #refusal: Refusal;
  readonly #prepare: Prepare;
  readonly #choices: Choices;
  #context = FakeContext.withSecret(CREDENTIALS);
  #posts = 0;
  #liveUntilMs: number | undefined;
  /** When a run ended, and whether Lambda counts an error. */
  readonly runs: { readonly atMs: number; readonly isError: boolean }[] = [];
  /** When the last attempt at a tick failed. */
  readonly failedTicksMs: number[] = [];
  /** Calls of Secrets Manager. */
  calls = 0;
  /** Time during which AWSCURRENT had no valid access token, after its first one. */
  deadMs = 0;

  constructor(
    template: SynthesisedTemplate,
    lifetimeSeconds: number,
    { seed = 1, refusal = (() => undefined) as Refusal, prepare = (() => true) as Prepare } = {},
  ) {
    const propertiesOf = (type: string) => resourceOf(template, type).Properties;
    const schedule = scheduleSchema.parse(propertiesOf('AWS::Scheduler::Schedule'));
    const { ScheduleExpression, FlexibleTimeWindow, Target } = schedule;
    this.#event = parseEvent(JSON.parse(Target.Input));
    this.#intervalMs = Number(/\d+/.exec(ScheduleExpression)) * MINUTE_MS;
    this.#windowMs = FlexibleTimeWindow.MaximumWindowInMinutes * MINUTE_MS;
    const { MaximumRetryAttempts } = retriesSchema.parse(propertiesOf('AWS::Lambda::EventInvokeConfig'));
    this.#retries = RETRY_AFTER_MINUTES.slice(0, MaximumRetryAttempts);
    const { Variables } = environmentSchema.parse(propertiesOf('AWS::Lambda::Function')['Environment']);
    this.#configured = {
      defaultTokenLifetimeSeconds: Variables[ENVIRONMENT.defaultTokenLifetimeSeconds],
      scheduleSeconds: Variables[ENVIRONMENT.scheduleSeconds],
    };
    this.#lifetimeSeconds = lifetimeSeconds;
    this.#refusal = refusal;
    this.#prepare = prepare;
    this.#choices = Choices.fromSeed(seed);
    this.startMs = this.#context.world.nowMs;
  }

  async run(days: number): Promise<this> {
    for (let tickMs = 0; tickMs < days * DAY_MS; tickMs += this.#intervalMs) {
      await this.#tick(this.startMs + tickMs + this.#choices.next(this.#windowMs + 1));
    }
    return this;
  }

  async #tick(atMs: number): Promise<void> {
    for (const afterMinutes of [0, ...this.#retries]) {
      if (await this.#runAt(atMs + afterMinutes * MINUTE_MS)) return;
    }
    this.failedTicksMs.push(atMs + (this.#retries.at(-1) ?? 0) * MINUTE_MS);
  }

  async #runAt(atMs: number): Promise<boolean> {
    const { world } = this.#context;
    this.#context = this.#context.nextRun({ afterMs: Math.max(0, atMs + START_MS - world.nowMs) });
    if (!this.#prepare(this.#context, atMs - this.startMs)) return true;
    const { settings, telemetry, tokenEndpoint } = this.#context;
    let isError = false;
    let gaveAtMs: number | undefined;
    tokenEndpoint.willAnswer(
      ...Array.from({ length: 4 }, () => () => {
        const sentAtMs = world.nowMs;
        this.#context.advance(ANSWER_MS);
        const refusal = this.#refusal(sentAtMs);
        if (refusal !== undefined) return refusal;
        gaveAtMs = sentAtMs;
        const name = `token-${this.#posts++}`;
        return { ...TOKEN, accessToken: name, refreshToken: name, expiresInSeconds: this.#lifetimeSeconds };
      }),
    );
    try {
      await refresh(
        { ...this.#context, settings: { ...settings, ...this.#configured } },
        { force: false, isScheduled: this.#event.action === 'refresh' && this.#event.isScheduled === true },
      );
      return true;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      isError = true;
      return false;
    } finally {
      this.runs.push({ atMs, isError });
      if (gaveAtMs !== undefined) this.#replaceToken(gaveAtMs);
      this.lines += telemetry.lines.length;
      for (const { level, message } of telemetry.lines) if (level === 'warn') this.warnings.add(message);
      this.states.push(...telemetry.states.map((states) => ({ atMs, states })));
      const { calls } = this.#context.store;
      if (calls.includes('putVersion')) this.#countVersions();
      this.calls += calls.length;
    }
  }

  #replaceToken(gaveAtMs: number): void {
    this.deadMs += Math.max(0, this.#context.world.nowMs - (this.#liveUntilMs ?? Number.POSITIVE_INFINITY));
    this.#liveUntilMs = gaveAtMs + this.#lifetimeSeconds * 1_000;
  }

  #countVersions(): void {
    const { Versions } = this.#context.world.secretsManager.listSecretVersionIds({
      SecretId: SECRET_ID,
      IncludeDeprecated: true,
    });
    for (const { VersionId, CreatedDate } of Versions) this.#madeAtMs.set(VersionId, CreatedDate.getTime());
  }

  /** The most versions that were made in any 24 hours. */
  get mostVersions(): number {
    const times = [...this.#madeAtMs.values()].sort((a, b) => a - b);
    return Math.max(...times.map((from, index) => times.findLastIndex((at) => at < from + DAY_MS) - index + 1));
  }

  /** Whether the access token is valid beyond the end of the simulated days. */
  get isLive(): boolean {
    return this.#context.world.nowMs < (this.#liveUntilMs ?? 0);
  }
}
