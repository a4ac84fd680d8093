import { hash } from 'node:crypto';
import { JOURNAL_STAGE } from '../../lambda/contract.ts';
import type { Context } from '../../lambda/core/context.ts';
import { Choices } from '../support/choices.ts';
import { SECRET_ID, Violation } from './invariants.ts';
import type { ProviderKind } from './provider.ts';
import { SimulatedRun } from './simulated-run.ts';
import { Silence, World } from './world.ts';

const STAGES = ['AWSCURRENT', 'AWSPREVIOUS', JOURNAL_STAGE];

const HOUR_MS = 60 * 60 * 1_000;
const HALF_HOUR_MS = HOUR_MS / 2;

/** Conditions of the two runs: the state that they find, or one action of an operator at any moment. */
export const SCENARIOS = [
  'nothing else',
  'after a run that crashed with its claim',
  'after a run that crashed with its answer',
  'an operator adds a member',
  'an operator saves what was read before',
  'an operator puts new credentials',
  'an operator moves AWSCURRENT back',
] as const;
export type Scenario = (typeof SCENARIOS)[number];

export interface Walked {
  /** Distinct states of the store, the provider and both runs. */
  readonly states: number;
  /** Steps from one to the next, each in every order. */
  readonly steps: number;
  /** Ways in which it may end, each followed by two ticks and the questions. */
  readonly ends: number;
  readonly violation: { readonly error: Violation; readonly path: readonly string[] } | undefined;
}

/**
 * Walks every order of the steps of two runs, and of an operator, to the end of both. Each run may crash before or after any
 * step, and its last call may arrive or not. No time passes. States that were seen before are not walked again.
 */
export async function walk(kind: ProviderKind, scenario: Scenario): Promise<Walked> {
  const seen = new Set<string>();
  const walked = { states: 0, steps: 0, ends: 0 };
  const open: number[][] = [[]];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const walker = await Walker.begin(kind, scenario);
    try {
      for (const index of path) await walker.take(index);
      for (;;) {
        const signature = walker.signature();
        if (seen.has(signature)) break;
        seen.add(signature);
        walked.states++;
        const choices = walker.choices();
        if (choices.length === 0) {
          walked.ends++;
          await walker.examine();
          break;
        }
        const [first = 0, ...others] = choices;
        for (const other of others) open.push([...walker.path, other]);
        walked.steps += choices.length;
        await walker.take(first);
      }
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      return { ...walked, violation: { error, path: walker.names } };
    }
  }
  return { ...walked, violation: undefined };
}

/** One secret, two runs and an edit, at the end of one path through their steps. */
class Walker {
  readonly #scenario: Scenario;
  readonly path: number[] = [];
  readonly names: string[] = [];
  readonly #world: World;
  #runs: { readonly run: SimulatedRun; readonly answers: readonly unknown[] }[] = [];
  #outcome = '';

  private constructor(kind: ProviderKind, scenario: Scenario) {
    this.#world = new World(Choices.replay([]), kind);
    const { secretsManager, provider, labels, witness } = this.#world;
    const first = { client_id: 'id', client_secret: 'secret', refresh_token: provider.authorize() };
    secretsManager.createSecret({
      Name: SECRET_ID,
      SecretString: JSON.stringify(first),
      ClientRequestToken: 'first'.padEnd(32, '-'),
    });
    labels.note();
    witness.afterOperator();
    this.#scenario = scenario;
  }

  static async begin(kind: ProviderKind, scenario: Scenario): Promise<Walker> {
    const walker = new Walker(kind, scenario);
    await walker.#begin();
    return walker;
  }

  /**
   * Returns the steps that may come next, by their places among the pending ones. A step whose moment no other run can see comes
   * immediately: any other order leads to the same states. (A run that crashes before it equals one that crashed before the
   * preceding step.)
   */
  choices(): number[] {
    const unseen = this.#world.pending.findIndex(
      ({ name }) => this.#matters(name) && / (answer|publish|list)$/.test(name),
    );
    if (unseen >= 0) return [unseen];
    return this.#world.pending.flatMap(({ name }, index) => (this.#matters(name) ? [index] : []));
  }

  /** Returns whether an event is played: of a crashed run, only a call that changes something may still arrive. */
  #matters(name: string): boolean {
    // No time passes here.
    if (name.endsWith(' time-out')) return false;
    const sender = this.#runs.find(({ run }) => isOf(run.id, name));
    return sender === undefined || !sender.run.isDead || / (put|promote|POST) /.test(name);
  }

  async take(index: number): Promise<void> {
    this.path.push(index);
    this.names.push(this.#world.pending[index]?.name ?? '');
    await this.#world.perform(index);
  }

  /**
   * Two states with one signature have the same futures, and are judged alike. The two runs are alike: a
   * state and the one with their parts swapped count as one.
   */
  signature(): string {
    const [one, other] = [this.#describe([1, 2]), swapRuns(this.#describe([2, 1]))];
    return hash('sha1', one < other ? one : other, 'base64');
  }

  #describe(runIds: readonly number[]): string {
    const { secretsManager, provider, witness, pending } = this.#world;
    const versions = secretsManager
      .peekAll(SECRET_ID)
      .map(({ id, value }) => `${id} ${value.SecretString}`)
      .sort();
    const holders = STAGES.map((stage) => secretsManager.peek(SECRET_ID, { stage })?.id);
    const names = pending.map(({ name }) => name).filter((name) => this.#matters(name));
    const runs = runIds.map((runId) => {
      const { run, answers } = this.#runs.find(({ run: { id } }) => id === runId) ?? {};
      return [
        run?.isDead ? 'gone' : answers,
        names
          .filter((name) => isOf(runId, name))
          .map(withoutRun)
          .sort(),
      ];
    });
    const others = names.filter((name) => !runIds.some((runId) => isOf(runId, name)));
    return JSON.stringify([versions, holders, others, runs, provider.dump(), witness.dump()]);
  }

  /** Checks that two ticks after both runs have ended or crashed, the token is fresh, or a run has reported why not. */
  async examine(): Promise<void> {
    const { witness, provider } = this.#world;
    this.#world.dropPending();
    this.#world.nowMs += HALF_HOUR_MS;
    for (const tick of [3, 4]) {
      this.#start(tick);
      await this.#world.play(this.#world.nowMs + HALF_HOUR_MS);
    }
    const token = witness.currentToken() ?? '';
    if (witness.isPassedOver(token))
      throw new Violation(
        'I1',
        `${token} in AWSCURRENT is revoked while the store keeps a live token of the same grant`,
      );
    const isExcused = witness.isLostWithAnswer(token);
    if (this.#outcome === 'REAUTHORIZATION_REQUIRED' && isExcused) return;
    if (this.#outcome !== 'fresh' && this.#outcome !== 'refreshed')
      throw new Violation('I7', `two ticks later the outcome is ${this.#outcome}`);
    if (witness.endOfChain()?.refreshToken !== token)
      throw new Violation('I3', 'AWSCURRENT holds a spent token while the journal holds its answer');
    if (!provider.isLive(token) && !isExcused)
      throw new Violation('I1', 'the refresh token is revoked although no answer was lost');
  }

  async #begin(): Promise<void> {
    // One refresh first, so that there is a document to move back to; then the token is due.
    this.#start(0);
    await this.#world.play(this.#world.nowMs + 4 * HOUR_MS);
    if (this.#scenario === 'after a run that crashed with its claim') await this.#leaveBehind('POST');
    if (this.#scenario === 'after a run that crashed with its answer') await this.#leaveBehind('answer');
    this.#runs = [];
    const read = this.#currentText();
    if (this.#scenario.startsWith('an operator'))
      this.#world.at(this.#world.nowMs, () => this.#operate(read), 'operator');
    this.#start(1);
    this.#start(2);
    await this.#world.finishPending();
  }

  /** A run comes as far as to a step that it does not take; its lease is over. */
  async #leaveBehind(step: string): Promise<void> {
    const run = this.#start(9);
    await this.#world.finishPending();
    while (!this.#world.pending[0]?.name.startsWith(`9 ${step}`)) await this.#world.perform(0);
    run.die();
    this.#world.dropPending();
    this.#world.nowMs += HALF_HOUR_MS;
  }

  #start(id: number): SimulatedRun {
    const run = new SimulatedRun(
      this.#world,
      id,
      { memory: {}, handed: [], isBusy: false, timeoutMs: 60_000 },
      false,
      0,
    );
    const answers: unknown[] = [];
    this.#runs.push({ run, answers });
    void run.play(observed(run.context(new Silence()), answers)).then((outcome) => {
      this.#outcome = outcome;
    });
    return run;
  }

  #operate(read: string): void {
    const { secretsManager, provider, labels, witness } = this.#world;
    const id = 'edited'.padEnd(32, '-');
    const put = (document: object): unknown =>
      secretsManager.putSecretValue({
        SecretId: SECRET_ID,
        ClientRequestToken: id,
        SecretString: JSON.stringify(document),
      });
    if (this.#scenario === 'an operator adds a member') put({ ...JSON.parse(this.#currentText()), note: 'added' });
    if (this.#scenario === 'an operator saves what was read before') put({ ...JSON.parse(read), note: 'added' });
    if (this.#scenario === 'an operator puts new credentials')
      put({ ...JSON.parse(this.#currentText()), refresh_token: provider.authorize() });
    if (this.#scenario === 'an operator moves AWSCURRENT back') {
      secretsManager.updateSecretVersionStage({
        SecretId: SECRET_ID,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: 'first'.padEnd(32, '-'),
        RemoveFromVersionId: witness.currentVersionId(),
      });
    }
    labels.note();
    witness.afterOperator();
  }

  #currentText(): string {
    return this.#world.secretsManager.getSecretValue({ SecretId: SECRET_ID }).SecretString ?? '{}';
  }
}

function isOf(runId: number, name: string): boolean {
  return name.startsWith(`${runId} `);
}

function withoutRun(name: string): string {
  return name.slice(name.indexOf(' '));
}

function swapRuns(text: string): string {
  return text.replaceAll(/(?<=run )[12]/g, (id) => (id === '1' ? '2' : '1'));
}

/** Records every answer that a run gets. The code is the same in all runs, so its state depends only on these answers. */
function observed(context: Context, answers: unknown[]): Context {
  const note = async <T>(what: string, answer: Promise<T>): Promise<T> => {
    const said = await answer;
    answers.push(what, said);
    return said;
  };
  const { store, tokenEndpoint } = context;
  return {
    ...context,
    store: {
      readCurrent: () => note('current', store.readCurrent()),
      readLatestEntry: () => note('latest entry', store.readLatestEntry()),
      readPrevious: () => note('previous', store.readPrevious()),
      readVersion: (versionId) => note(versionId, store.readVersion(versionId)),
      putVersion: (versionId, secretString) => note(`put ${versionId}`, store.putVersion(versionId, secretString)),
      promote: (versionId, expected) => note('promote', store.promote(versionId, expected)),
      // There is room, however many there are: nothing depends on it here.
      listVersions: () => store.listVersions(),
    },
    tokenEndpoint: { requestToken: (grant, timeoutMs) => note('POST', tokenEndpoint.requestToken(grant, timeoutMs)) },
  };
}
