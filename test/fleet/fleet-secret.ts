import { Fault } from '../../lambda/core/fault.ts';
import type { CredentialStore, ListedVersion, Version } from '../../lambda/core/ports.ts';
import type { HistoryReader } from '../../lambda/fleet/judge-secret.ts';
import { DAY_MS } from '../infra/deployed-days.ts';
import { CREDENTIALS } from '../support/secret-documents.ts';
import type { Failure } from './fleet-server.ts';
import type { Timeline } from './timeline.ts';
import type { WriteQuota } from './write-quota.ts';

/** Unlabelled versions older than a day are purged once there are more than this. */
const KEPT_VERSIONS = 100;
const MAX_VALUE_BYTES = 65_536;

/** One secret in memory: versions, labels and the purge, with the latency of each call. */
export class FleetSecret implements CredentialStore {
  calls = 0;
  /** Called before each step of a run; a run that crashes never comes back from it. */
  beforeCall: () => Promise<void> = async () => undefined;
  readonly #timeline: Timeline;
  readonly #quota: WriteQuota;
  readonly #random: (from: number, to: number) => number;
  readonly #failureAt: (nowMs: number) => Failure | undefined;
  readonly #versions = new Map<string, Version>();
  #current: string;
  #previous = '';
  #latestEntry = '';

  constructor(
    timeline: Timeline,
    quota: WriteQuota,
    random: (from: number, to: number) => number,
    failureAt: (nowMs: number) => Failure | undefined,
    secretString = JSON.stringify(CREDENTIALS),
  ) {
    this.#timeline = timeline;
    this.#quota = quota;
    this.#random = random;
    this.#failureAt = failureAt;
    this.#current = 'first'.padEnd(36, '0');
    this.#versions.set(this.#current, { versionId: this.#current, createdAt: timeline.nowMs, secretString });
  }

  /** Error with which every call is rejected. */
  get refusal(): Fault | undefined {
    const failure = this.#failureAt(this.#timeline.nowMs);
    if (failure === 'denied') return new Fault('STORE_DENIED', 'Denied.');
    return failure === 'deleted' ? new Fault('SECRET_NOT_FOUND', 'Deleted.') : undefined;
  }

  async readCurrent(): Promise<Version | undefined> {
    await this.#call(10, 30);
    return this.#currentVersion;
  }

  async readLatestEntry(): Promise<Version | undefined> {
    return await this.#read(() => this.#latestEntry);
  }

  async readPrevious(): Promise<Version | undefined> {
    return await this.#read(() => this.#previous);
  }

  async readVersion(versionId: string): Promise<Version | undefined> {
    return await this.#read(() => versionId);
  }

  async putVersion(versionId: string, secretString: string): Promise<'created' | 'exists'> {
    await this.#write();
    const existing = this.#versions.get(versionId);
    if (existing !== undefined) return existing.secretString === secretString ? 'created' : 'exists';
    if (Buffer.byteLength(secretString) > MAX_VALUE_BYTES) throw new Fault('STORE_UNAVAILABLE', 'ValidationException');
    this.#purge(KEPT_VERSIONS - 1);
    if (this.#versions.size >= KEPT_VERSIONS) throw new Fault('STORE_UNAVAILABLE', 'LimitExceededException');
    this.#versions.set(versionId, { versionId, createdAt: this.#timeline.nowMs, secretString });
    this.#latestEntry = versionId;
    return 'created';
  }

  async promote(versionId: string, expectedVersionId: string | undefined): Promise<'promoted' | 'refused'> {
    await this.#write();
    if (!this.#versions.has(versionId) || this.#current !== (expectedVersionId ?? versionId)) return 'refused';
    if (this.#current === versionId) return 'promoted';
    this.#previous = this.#current;
    this.#current = versionId;
    return 'promoted';
  }

  async listVersions(): Promise<readonly ListedVersion[]> {
    await this.#call(10, 30);
    return [...this.#versions.values()].map(({ versionId, createdAt }) => ({ versionId, createdAt }));
  }

  /** Reads of the sweep, which no crash of a run ends. */
  get reader(): HistoryReader {
    const read = async (versionId: string) => {
      this.calls++;
      await this.#timeline.wait(this.#random(10, 30));
      this.#refuse();
      return this.#versions.get(versionId);
    };
    return {
      readLatestEntry: () => read(this.#latestEntry),
      readVersion: read,
    };
  }

  /** Returns the result of `BatchGetSecretValue`. */
  peek(): { readonly version: Version | undefined; readonly isAtRest: boolean } {
    return { version: this.#currentVersion, isAtRest: this.#latestEntry === this.#current };
  }

  /** Someone pastes text, and later moves the label back. */
  get #currentVersion(): Version | undefined {
    const version = this.#versions.get(this.#current);
    const isPasted = this.#failureAt(this.#timeline.nowMs) === 'garbage value';
    return version && isPasted
      ? { ...version, versionId: 'pasted'.padEnd(36, '0'), secretString: 'not JSON' }
      : version;
  }

  async #read(idOf: () => string): Promise<Version | undefined> {
    await this.#call(10, 30);
    return this.#versions.get(idOf());
  }

  /** Three tries, as the SDK makes them if it is throttled, with up to half a second and up to a second between them. */
  async #write(): Promise<void> {
    for (let backOffMs = 500; ; backOffMs *= 2) {
      await this.#call(30, 80);
      if (this.#quota.take(this.#timeline.nowMs)) return;
      if (backOffMs === 2_000) throw new Fault('STORE_UNAVAILABLE', 'ThrottlingException');
      await this.#timeline.wait(this.#random(0, backOffMs));
    }
  }

  async #call(fromMs: number, toMs: number): Promise<void> {
    await this.beforeCall();
    this.calls++;
    await this.#timeline.wait(this.#random(fromMs, toMs));
    this.#refuse();
  }

  #refuse(): void {
    const { refusal } = this;
    if (refusal !== undefined) throw refusal;
  }

  #purge(most: number): void {
    const labelled = new Set([this.#current, this.#previous, this.#latestEntry]);
    for (const { versionId, createdAt } of this.#versions.values()) {
      if (this.#versions.size <= most || createdAt > this.#timeline.nowMs - DAY_MS) return;
      if (!labelled.has(versionId)) this.#versions.delete(versionId);
    }
  }
}
