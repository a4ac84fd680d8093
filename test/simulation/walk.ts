import { createHash } from 'node:crypto';
import { refresh } from '../../lambda/core/refresh.ts';
import { Choices } from './choices.ts';
import { SECRET_ID, Violation } from './invariants.ts';
import type { ProviderKind } from './provider.ts';
import { SimulatedRun } from './simulated-run.ts';
import { type Sabotage, SILENCE, World } from './world.ts';

const HALF_HOUR_MS = 30 * 60 * 1_000;

/** What an operator does once, at any moment between two steps of the runs. */
export const EDITS = [
  'none',
  'adds a member',
  'saves what was read before',
  'puts new credentials',
  'moves AWSCURRENT back',
] as const;
export type Edit = (typeof EDITS)[number];

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
 * Every order in which the steps of two runs and one edit can happen, to the end of both, with each run dying before
 * or after any of its steps, and what it had sent arriving or not. States that were seen before are not walked again.
 */
export async function walk(kind: ProviderKind, edit: Edit, sabotage?: Sabotage): Promise<Walked> {
  const seen = new Set<string>();
  const walked = { states: 0, steps: 0, ends: 0 };
  const open: number[][] = [[]];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const stage = await Stage.begin(kind, edit, sabotage);
    try {
      for (const index of path) await stage.take(index);
      for (;;) {
        const signature = stage.signature();
        if (seen.has(signature)) break;
        seen.add(signature);
        walked.states++;
        const choices = stage.choices();
        if (choices.length === 0) {
          walked.ends++;
          await stage.examine();
          break;
        }
        const [first = 0, ...others] = choices;
        for (const other of others) open.push([...stage.path, other]);
        walked.steps += choices.length;
        await stage.take(first);
      }
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      return { ...walked, violation: { error, path: stage.names } };
    }
  }
  return { ...walked, violation: undefined };
}

/** One secret, two runs and an edit, at the end of one path through their steps. */
class Stage {
  readonly path: number[] = [];
  readonly names: string[] = [];
  readonly #world: World;
  readonly #logs: string[] = [];
  readonly #runs: SimulatedRun[] = [];
  #outcome = '';

  private constructor(kind: ProviderKind, edit: Edit, sabotage: Sabotage = (ports) => ports) {
    // Log what each run has seen: with its code the same, that is all that its state can depend on.
    this.#world = new World(Choices.replay([]), kind, (ports, world) => this.#observed(sabotage(ports, world)));
    const { secretsManager, provider, labels } = this.#world;
    const first = { client_id: 'id', client_secret: 'secret', refresh_token: provider.authorize() };
    secretsManager.createSecret({
      Name: SECRET_ID,
      SecretString: JSON.stringify(first),
      ClientRequestToken: 'first'.padEnd(32, '-'),
    });
    labels.note();
    this.#edit = edit;
  }

  readonly #edit: Edit;

  static async begin(kind: ProviderKind, edit: Edit, sabotage?: Sabotage): Promise<Stage> {
    const stage = new Stage(kind, edit, sabotage);
    await stage.#begin();
    return stage;
  }

  /** Steps that may come next, by their places among what is pending. */
  choices(): number[] {
    return this.#world.pending.flatMap(({ name }, index) => (this.#matters(name) ? [index] : []));
  }

  /** Of a run that is gone, only what it had sent to change something may still arrive. */
  #matters(name: string): boolean {
    const run = this.#runs.find(({ id }) => name.startsWith(`${id} `));
    return run === undefined || !run.isDead || / (put|promote|POST) /.test(name);
  }

  async take(index: number): Promise<void> {
    this.path.push(index);
    this.names.push(this.#world.pending[index]?.name ?? '');
    await this.#world.perform(index);
  }

  /** Two states with one signature have the same futures. */
  signature(): string {
    const { secretsManager, provider } = this.#world;
    const { Versions = [] } = secretsManager.listSecretVersionIds({ SecretId: SECRET_ID, IncludeDeprecated: true });
    const versions = Versions.map(({ VersionId, VersionStages }) => {
      const { SecretString } = secretsManager.getSecretValue({ SecretId: SECRET_ID, VersionId });
      return [VersionId, VersionStages, SecretString];
    }).sort();
    const pending = this.#world.pending
      .map(({ name }) => name)
      .filter((name) => this.#matters(name))
      .sort();
    const runs = this.#runs.map(({ isDead, id }) => (isDead ? 'gone' : this.#logs[id]));
    return createHash('sha1')
      .update(JSON.stringify([versions, pending, runs, provider.dump()]))
      .digest('base64');
  }

  /** Both runs have ended or died: two ticks later the token is fresh, or somebody has been told. */
  async examine(): Promise<void> {
    const { witness, provider } = this.#world;
    this.#world.dropPending();
    for (const tick of [3, 4]) {
      this.#world.nowMs += HALF_HOUR_MS;
      this.#start(tick);
      await this.#world.play(this.#world.nowMs + HALF_HOUR_MS);
    }
    const token = witness.currentToken() ?? '';
    const isExcused = witness.hasLostAnswer(token);
    if (this.#outcome === 'REAUTHORIZATION_REQUIRED' && isExcused) return;
    if (this.#outcome !== 'fresh' && this.#outcome !== 'refreshed')
      throw new Violation('I7', `two ticks later the outcome is ${this.#outcome}`);
    if (witness.endOfChain()?.refreshToken !== token)
      throw new Violation('I3', 'AWSCURRENT holds a spent token while the journal holds its answer');
    if (!provider.isLive(token) && !isExcused)
      throw new Violation('I1', 'the refresh token is dead although no answer was lost');
  }

  async #begin(): Promise<void> {
    // One refresh first, so that there is a document to move back to; then the token is due.
    this.#start(0);
    await this.#world.play(this.#world.nowMs + 4 * 60 * 60 * 1_000);
    this.#logs.length = 0;
    this.#runs.length = 0;
    const read = this.#currentText();
    if (this.#edit !== 'none') this.#world.at(this.#world.nowMs, () => this.#operate(read), 'edit');
    this.#start(1);
    this.#start(2);
    await this.#world.settleDown();
  }

  #start(id: number): void {
    const run = new SimulatedRun(this.#world, id, { memory: {}, isBusy: false }, false, 0);
    this.#runs.push(run);
    const end = (outcome: string): void => {
      this.#outcome = outcome;
      run.end();
    };
    refresh(run.context(SILENCE), { force: false }).then(
      ({ outcome }) => end(outcome),
      (error: unknown) =>
        error instanceof Violation ? this.#world.fail(error) : end(error instanceof Error ? error.name : 'unknown'),
    );
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
    if (this.#edit === 'adds a member') put({ ...JSON.parse(this.#currentText()), note: 'added' });
    if (this.#edit === 'saves what was read before') put({ ...JSON.parse(read), note: 'added' });
    if (this.#edit === 'puts new credentials')
      put({ ...JSON.parse(this.#currentText()), refresh_token: provider.authorize() });
    if (this.#edit === 'moves AWSCURRENT back') {
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

  #observed(ports: ReturnType<Sabotage>): ReturnType<Sabotage> {
    const id = this.#runs.length === 0 && this.#logs.length === 0 ? 0 : this.#runs.length + 1;
    const log = async <T>(what: string, answer: Promise<T>): Promise<T> => {
      const said = await answer;
      this.#logs[id] = `${this.#logs[id] ?? ''} ${what} ${JSON.stringify(said)}`;
      return said;
    };
    const { store, tokenEndpoint } = ports;
    return {
      ...ports,
      store: {
        readCurrent: () => log('current', store.readCurrent()),
        readHead: () => log('head', store.readHead()),
        readVersion: (versionId) => log(versionId, store.readVersion(versionId)),
        putVersion: (versionId, secretString) => log(`put ${versionId}`, store.putVersion(versionId, secretString)),
        promote: (versionId, expected) => log('promote', store.promote(versionId, expected)),
        listVersionTimes: () => log('list', store.listVersionTimes()),
      },
      tokenEndpoint: { requestToken: (grant, timeoutMs) => log('POST', tokenEndpoint.requestToken(grant, timeoutMs)) },
    };
  }
}
