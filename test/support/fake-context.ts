import { JOURNAL_STAGE } from '../../lambda/contract.ts';
import type { Context, Memory } from '../../lambda/core/context.ts';
import type { Announcement, EventPublisher, Runtime } from '../../lambda/core/ports.ts';
import { SecretsManager } from '../sandbox/aws/secrets-manager.ts';
import { FakeCredentialStore, SECRET_ID, TOKEN_SECRET_ID } from './fake-credential-store.ts';
import { FakeTelemetry } from './fake-telemetry.ts';
import { FakeTokenEndpoint } from './fake-token-endpoint.ts';
import { NOW_MS, versionIdOf } from './secret-documents.ts';

/** Where several runs meet: one secret, one clock. */
class World {
  nowMs = NOW_MS;
  numbers = 0;
  hasTokenSecret = false;
  readonly secretsManager = new SecretsManager({ now: () => this.nowMs, arnSuffix: () => 'AbCdEf' });
}

/** All that one run works with, on a clock that only the test and the run's own sleep move. */
export class FakeContext implements Context {
  readonly world: World;
  readonly settings = {
    secretId: SECRET_ID,
    tokenEndpointUrl: 'https://retently.invalid/api/oauth/token',
    defaultTokenLifetimeSeconds: 21_600,
    leaseSeconds: 90,
    scheduleSeconds: 600,
    forceEvent: 'the event that forces a refresh',
  };
  readonly store: FakeCredentialStore;
  tokenSecret: FakeCredentialStore | undefined;
  readonly tokenEndpoint = new FakeTokenEndpoint();
  readonly telemetry = new FakeTelemetry();
  readonly announcements: (readonly Announcement[])[] = [];
  readonly events: EventPublisher = { publish: async (announcements) => void this.announcements.push(announcements) };
  readonly memory: Memory = {};
  readonly sleepsMs: number[] = [];
  /** The function's timeout is 60 s, and so less than the lease. */
  deadlineMs: number;
  random = 0.5;
  /** Callback for other writers, which runs while this run sleeps. */
  whileAsleep: () => unknown = () => undefined;
  readonly runtime: Runtime = {
    now: () => this.world.nowMs,
    remainingMs: () => this.deadlineMs - this.world.nowMs,
    sleep: async (milliseconds) => {
      this.sleepsMs.push(milliseconds);
      this.world.nowMs += milliseconds;
      await this.whileAsleep();
    },
    random: () => this.random,
    nonce: () => `nonce-${++this.world.numbers}`,
  };

  constructor(world = new World()) {
    this.world = world;
    this.store = new FakeCredentialStore(world.secretsManager);
    this.tokenSecret = world.hasTokenSecret
      ? new FakeCredentialStore(world.secretsManager, TOKEN_SECRET_ID)
      : undefined;
    this.deadlineMs = world.nowMs + 60_000;
  }

  /** The secret exists and its first version is `document`. */
  static withSecret(document: object): FakeContext {
    const context = new FakeContext();
    const SecretString = JSON.stringify(document);
    const first = { Name: SECRET_ID, ClientRequestToken: versionIdOf('first'), SecretString };
    context.world.secretsManager.createSecret(first);
    return context;
  }

  /** The deployment has a token secret: empty, or with this text. */
  giveTokenSecret(text?: string): FakeCredentialStore {
    const value = text === undefined ? {} : { SecretString: text, ClientRequestToken: versionIdOf('first-token') };
    this.world.secretsManager.createSecret({ Name: TOKEN_SECRET_ID, ...value });
    return this.knowTokenSecret();
  }

  /** Its name is configured, whether it is there or not. */
  knowTokenSecret(secretId = TOKEN_SECRET_ID): FakeCredentialStore {
    this.world.hasTokenSecret = true;
    this.tokenSecret = new FakeCredentialStore(this.world.secretsManager, secretId);
    return this.tokenSecret;
  }

  /** Writes to the token secret, as an operator would. */
  writeTokenSecret(SecretString: string): void {
    this.world.secretsManager.putSecretValue({ SecretId: TOKEN_SECRET_ID, SecretString });
  }

  /** Returns the value of the token secret; `undefined` if it is empty. */
  get tokenSecretText(): string | undefined {
    return this.world.secretsManager.peek(TOKEN_SECRET_ID, { stage: 'AWSCURRENT' })?.value.SecretString;
  }

  /** The next run of this function, in another execution environment, and so without this one's memory. */
  nextRun({ afterMs = 0 } = {}): FakeContext {
    this.advance(afterMs);
    return new FakeContext(this.world);
  }

  advance(milliseconds: number): void {
    this.world.nowMs += milliseconds;
  }

  /** An operator's `put-secret-value`: it moves `AWSCURRENT` and nothing else. */
  write(document: object): string {
    return this.writeText(JSON.stringify(document));
  }

  writeText(SecretString: string, stages = ['AWSCURRENT'], versionId = versionIdOf(`written-${++this.world.numbers}`)) {
    this.world.secretsManager.putSecretValue({
      SecretId: SECRET_ID,
      ClientRequestToken: versionId,
      SecretString,
      VersionStages: stages,
    });
    return versionId;
  }

  /** Moves or removes a label, as an operator would. */
  moveStage(stage: 'AWSCURRENT' | typeof JOURNAL_STAGE, MoveToVersionId: string | undefined): void {
    const RemoveFromVersionId = this.#version({ VersionStage: stage }).VersionId;
    const request = { SecretId: SECRET_ID, VersionStage: stage, MoveToVersionId, RemoveFromVersionId };
    this.world.secretsManager.updateSecretVersionStage(request);
  }

  loseLabel(): void {
    this.moveStage(JOURNAL_STAGE, undefined);
  }

  get currentVersionId(): string {
    return this.#version({ VersionStage: 'AWSCURRENT' }).VersionId;
  }

  get latestEntryVersionId(): string {
    return this.#version({ VersionStage: JOURNAL_STAGE }).VersionId;
  }

  /** Returns the document that consumers read. */
  get currentDocument(): unknown {
    return JSON.parse(this.textOf('AWSCURRENT'));
  }

  textOf(VersionStage: string): string {
    return this.#version({ VersionStage }).SecretString ?? '';
  }

  /** Ids of every version, the oldest first. */
  get versionIds(): string[] {
    const request = { SecretId: SECRET_ID, IncludeDeprecated: true };
    return this.world.secretsManager.listSecretVersionIds(request).Versions.map(({ VersionId }) => VersionId);
  }

  /** Every announcement, in order. */
  get announced(): Announcement[] {
    return this.announcements.flat();
  }

  #version(which: { VersionStage: string }) {
    return this.world.secretsManager.getSecretValue({ SecretId: SECRET_ID, ...which });
  }
}
