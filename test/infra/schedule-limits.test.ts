import { describe, expect, it } from 'vitest';
import { parseScheduleExpression } from '../../infra/options/schedule-expression.ts';
import {
  ATTEMPTS_PER_TICK,
  findTimingProblems,
  MIN_TIMEOUT_SECONDS,
  mostAttemptsPerDay,
} from '../../infra/options/schedule-limits.ts';
import { Fault } from '../../lambda/core/fault.ts';
import { WAITING } from '../../lambda/core/messages.ts';
import { refresh } from '../../lambda/core/refresh.ts';
import { FakeContext } from '../support/fake-context.ts';
import { TOKEN, UNRECOGNIZED } from '../support/fake-token-endpoint.ts';
import { CREDENTIALS, HOUR_MS, MINUTE_MS } from '../support/secret-documents.ts';

const DAY_MS = 24 * HOUR_MS;
const LIFETIME_SECONDS = 21_600;
const DAYS = 2;

function ticksOf(expression: string) {
  const ticks = parseScheduleExpression(expression);
  if (ticks === undefined) throw new Error(`${expression} is no schedule`);
  return ticks;
}

/** The function itself, on a schedule, with a provider that fails so many times before each of its answers. */
class Days {
  #context = FakeContext.withSecret(CREDENTIALS);
  readonly #startMs = this.#context.world.nowMs;
  readonly #failures: number;
  #posts = 0;
  readonly attemptedAtMs: number[] = [];
  readonly messages = new Set<string>();

  constructor(failures: number) {
    this.#failures = failures;
  }

  async run(intervalMinutes: number, flexibleWindowMinutes: number): Promise<this> {
    for (let tick = 0; tick * intervalMinutes * MINUTE_MS < DAYS * DAY_MS; tick++) {
      // As unevenly as the flexible window allows.
      await this.#tick(tick * intervalMinutes + (tick % 2) * flexibleWindowMinutes);
    }
    return this;
  }

  /** With Lambda's retries after one minute and two more. */
  async #tick(minute: number): Promise<void> {
    for (const after of [0, 1, 3].slice(0, ATTEMPTS_PER_TICK)) {
      if (await this.#runAt(this.#startMs + (minute + after) * MINUTE_MS)) return;
    }
  }

  async #runAt(atMs: number): Promise<boolean> {
    this.#context = this.#context.nextRun({ afterMs: atMs - this.#context.world.nowMs });
    const { tokenEndpoint } = this.#context;
    const isAnswer = this.#posts % (this.#failures + 1) === this.#failures;
    const name = `token-${this.#posts}`;
    tokenEndpoint.willAnswer(isAnswer ? { ...TOKEN, accessToken: name, refreshToken: name } : UNRECOGNIZED);
    try {
      this.messages.add((await refresh(this.#context, { force: false })).message);
      return true;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return false;
    } finally {
      if (tokenEndpoint.grants.length > 0) this.attemptedAtMs.push(atMs);
      this.#posts += tokenEndpoint.grants.length;
    }
  }

  /** The most attempts in any 24 hours. */
  get most(): number {
    const countFrom = (atMs: number) =>
      this.attemptedAtMs.filter((each) => each >= atMs && each < atMs + DAY_MS).length;
    return Math.max(...this.attemptedAtMs.map(countFrom));
  }
}

describe('the write budget', () => {
  it('has room for 45 attempts in a day, as the function counts them', async () => {
    let context = FakeContext.withSecret(CREDENTIALS).nextRun({ afterMs: DAY_MS });
    const outcomes: string[] = [];
    while (outcomes.at(-1) !== 'waiting') {
      const name = `token-${outcomes.length}`;
      context.tokenEndpoint.willAnswer({ ...TOKEN, accessToken: name, refreshToken: name });
      outcomes.push((await refresh(context, { force: true })).outcome);
      context = context.nextRun({ afterMs: MINUTE_MS });
    }
    expect(outcomes.filter((outcome) => outcome === 'refreshed')).toHaveLength(45);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 1_000])(
    'is kept by the default schedule where each success takes %i failures',
    async (failures) => {
      const days = await new Days(failures).run(30, 10);
      expect(days.messages).not.toContain(WAITING['write budget']);
      expect(days.most).toBeLessThanOrEqual(mostAttemptsPerDay(ticksOf('rate(30 minutes)'), 10, LIFETIME_SECONDS));
    },
  );

  it('is nearly spent by a schedule that is refused, and far from it by the default one', async () => {
    const [often, seldom] = await Promise.all([new Days(6).run(5, 0), new Days(6).run(30, 10)]);
    expect(often.most).toBeGreaterThan(40);
    expect(seldom.most).toBeLessThan(35);
  });

  it.each([
    // interval, flexible window, life of a token: attempts
    [30, 10, 21_600, 42],
    [20, 10, 21_600, 45],
    [19, 10, 21_600, 46],
    [60, 0, 21_600, 28],
    [360, 0, 604_800, 7],
    [30, 10, 14_400, 53],
  ])('of a tick every %i minutes, %i late, for tokens of %i seconds: at most %i attempts', (...row) => {
    const [interval, window, lifetime, attempts] = row;
    expect(mostAttemptsPerDay(ticksOf(`rate(${interval} minutes)`), window, lifetime)).toBe(attempts);
  });
});

it('the shortest timeout that is accepted leaves time for a refresh after a slow start', async () => {
  const context = FakeContext.withSecret(CREDENTIALS);
  context.deadlineMs = context.world.nowMs + MIN_TIMEOUT_SECONDS * 1_000;
  context.advance(10_000);
  context.tokenEndpoint.willAnswer(TOKEN);
  expect(await refresh(context, { force: false })).toMatchObject({ outcome: 'refreshed' });
});

describe('tokens of the shortest life that is accepted', () => {
  const problemsOf = (minutes: number, tokenLifetimeSeconds: number) =>
    findTimingProblems({
      schedule: { expression: `rate(${minutes} minutes)`, flexibleWindowMinutes: 0 },
      timeoutSeconds: 60,
      tokenLifetimeSeconds,
    });
  const everyInterval = Array.from({ length: 60 }, (_, index) => index + 1);

  it('have a schedule', () => {
    expect(everyInterval.some((minutes) => problemsOf(minutes, 12_000).length === 0)).toBe(true);
  });

  it('are about as short as a schedule can serve', () => {
    expect(everyInterval.some((minutes) => problemsOf(minutes, 11_400).length === 0)).toBe(false);
  });
});
