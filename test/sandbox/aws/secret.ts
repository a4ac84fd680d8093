import { AwsError, toInvalidParameter } from './aws-error.ts';
import type { SecretIdentity, SecretValue } from './secrets-manager-api.ts';

/** Maximum number of staging labels on one version. */
export const MAX_STAGES_PER_VERSION = 20;

/** Number of versions that a secret keeps, and the time for which a version without labels is safe. */
export interface VersionLimits {
  maxVersions: number;
  retentionMs: number;
}

export interface SecretVersion {
  readonly id: string;
  readonly value: SecretValue;
  readonly createdAtMs: number;
}

/** One secret: its immutable versions in the order of their creation, and the staging labels, each on one version. */
export class Secret {
  readonly identity: SecretIdentity;
  readonly createdAtMs: number;
  changedAtMs: number;
  deletionAtMs: number | undefined;
  /** The region of the original, if this is a replica. */
  primaryRegion: string | undefined;
  readonly versions = new Map<string, SecretVersion>();
  /** The tags since each change, oldest first. */
  readonly #tags: { readonly sinceMs: number; readonly tags: ReadonlyMap<string, string> }[] = [];
  /** Versions by label, so that a label cannot be on two versions. */
  readonly holders = new Map<string, SecretVersion>();

  constructor(identity: SecretIdentity, createdAtMs: number) {
    this.identity = identity;
    this.createdAtMs = createdAtMs;
    this.changedAtMs = createdAtMs;
  }

  /** Returns the tags that `ListSecrets` may still show: those at `ms`; `undefined` if the secret did not exist then. */
  tagsAt(ms: number): ReadonlyMap<string, string> | undefined {
    if (ms < this.createdAtMs) return undefined;
    return this.#tags.findLast(({ sinceMs }) => sinceMs <= ms)?.tags ?? new Map();
  }

  setTags(tags: ReadonlyMap<string, string>, nowMs: number): void {
    this.#tags.push({ sinceMs: nowMs, tags });
  }

  stagesOf(version: SecretVersion): string[] {
    const stages: string[] = [];
    for (const [stage, holder] of this.holders) {
      if (holder === version) stages.push(stage);
    }
    return stages;
  }

  /** Puts `stage` on `version`, wherever it was. `AWSPREVIOUS` follows `AWSCURRENT` by itself. */
  moveStage(stage: string, version: SecretVersion): void {
    const holder = this.holders.get(stage);
    if (holder === version) return;
    if (this.stagesOf(version).length >= MAX_STAGES_PER_VERSION) {
      throw new AwsError('LimitExceededException', `A version can't have more than ${MAX_STAGES_PER_VERSION} labels.`);
    }
    this.holders.set(stage, version);
    if (stage !== 'AWSCURRENT') return;
    if (this.holders.get('AWSPREVIOUS') === version) this.holders.delete('AWSPREVIOUS');
    if (holder !== undefined) this.holders.set('AWSPREVIOUS', holder);
  }

  removeStage(stage: string): void {
    if (stage === 'AWSCURRENT') throw toInvalidParameter('AWSCURRENT can be moved, never removed.');
    this.holders.delete(stage);
  }

  /**
   * The compare of compare-and-swap: throws unless version `from` holds the label now. `from` may be absent where no
   * version but `target` has it.
   */
  requireHolder(stage: string, from: string | undefined, target: SecretVersion | undefined): void {
    if (from === undefined && target === undefined) {
      throw toInvalidParameter('Either RemoveFromVersionId or MoveToVersionId is required.');
    }
    const holder = this.holders.get(stage);
    const isNobodyElses = holder === undefined || holder === target;
    if (from === holder?.id || (from === undefined && isNobodyElses)) return;
    const where = holder === undefined ? 'attached to no version' : `attached to version ${holder.id}`;
    throw toInvalidParameter(`RemoveFromVersionId doesn't match: staging label ${stage} is ${where}.`);
  }

  /** Throws where all the places are taken by versions that are too young to be removed. */
  requireRoom({ maxVersions, retentionMs }: VersionLimits, nowMs: number): void {
    if (this.versions.size < maxVersions) return;
    let young = 0;
    for (const version of this.versions.values()) {
      if (nowMs - version.createdAtMs < retentionMs) young += 1;
    }
    if (young < maxVersions) return;
    throw new AwsError('LimitExceededException', `The secret has ${maxVersions} versions that are still kept.`);
  }

  /** Removes the oldest versions without a label until no more than `maxVersions` are left, but no young one. */
  purge({ maxVersions, retentionMs }: VersionLimits, nowMs: number): void {
    if (this.versions.size <= maxVersions) return;
    const labelled = new Set(this.holders.values());
    for (const version of this.versions.values()) {
      if (this.versions.size <= maxVersions || nowMs - version.createdAtMs < retentionMs) return;
      if (!labelled.has(version)) this.versions.delete(version.id);
    }
  }
}
