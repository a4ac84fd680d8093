import { randomUUID } from 'node:crypto';
import { AwsError, toInvalidParameter } from './aws-error.ts';
import { MAX_STAGES_PER_VERSION, Secret, type SecretVersion, type VersionLimits } from './secret.ts';
import { hasValue, isSameValue, requireValidValue, requireValidVersionId } from './secret-value.ts';
import type * as Api from './secrets-manager-api.ts';

const DAY_MS = 86_400_000;
const MAX_PAGE = 100;
const MAX_BATCH = 20;
const ARN_PREFIX = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:';

export interface SecretsManagerOptions extends Partial<VersionLimits> {
  /** Clock of the service, in ms since 1970. */
  now: () => number;
  /** Six characters for the end of an ARN. @default random */
  arnSuffix?: () => string;
  /** Lag of `ListSecrets`; on AWS, up to five minutes. @default 0 */
  listLagMs?: number;
  /** `BatchGetSecretValue` answers with so many secrets per page; 0: the first page is empty. @default all */
  batchPage?: number;
}

/**
 * AWS Secrets Manager in memory: one account, one Region, every rule that AWS documents for versions, staging labels,
 * idempotency and quotas. Synchronous and without copies, so that a simulation can drive it hundreds of thousands of
 * times a second; hence a caller must not change what it gets. Throws `AwsError`, with the codes of the real service.
 */
export class SecretsManager {
  readonly #now: () => number;
  readonly #limits: VersionLimits;
  readonly #arnSuffix: () => string;
  readonly #listLagMs: number;
  readonly #batchPage: number;
  /** Each secret under its name, its ARN, and its ARN without the suffix. */
  readonly #secrets = new Map<string, Secret>();

  constructor(options: SecretsManagerOptions) {
    const { now, maxVersions = 100, retentionMs = DAY_MS, arnSuffix = randomArnSuffix, listLagMs = 0 } = options;
    this.#batchPage = options.batchPage ?? MAX_BATCH;
    this.#now = now;
    this.#limits = { maxVersions, retentionMs };
    this.#arnSuffix = arnSuffix;
    this.#listLagMs = listLagMs;
  }

  /** ARN of a secret by name or ARN; without the suffix where there is no such secret. */
  arnOf(secretId: string): string {
    const arn = secretId.startsWith('arn:') ? secretId : ARN_PREFIX + secretId;
    return this.#secrets.get(secretId)?.identity.ARN ?? arn;
  }

  createSecret(request: Api.CreateSecretRequest): Api.CreateSecretResponse {
    const existing = this.#secrets.get(request.Name);
    if (existing !== undefined) return this.#recreate(existing, request);
    if (hasValue(request)) requireValidValue(request);
    const arn = `${ARN_PREFIX}${request.Name}-${this.#arnSuffix()}`;
    const secret = new Secret({ ARN: arn, Name: request.Name }, this.#now());
    if (request.Tags !== undefined) secret.setTags(toTagMap(request.Tags), this.#now());
    const version = hasValue(request) ? this.#addVersion(secret, request, []) : undefined;
    for (const key of keysOf(secret)) this.#secrets.set(key, secret);
    return version === undefined ? secret.identity : { ...secret.identity, VersionId: version.id };
  }

  describeSecret({ SecretId }: Api.SecretReference): Api.DescribeSecretResponse {
    const secret = this.#find(SecretId);
    const versionIdsToStages: Record<string, string[]> = {};
    for (const [stage, { id }] of secret.holders) {
      const stages = versionIdsToStages[id];
      if (stages === undefined) versionIdsToStages[id] = [stage];
      else stages.push(stage);
    }
    return {
      ...secret.identity,
      CreatedDate: new Date(secret.createdAtMs),
      LastChangedDate: new Date(secret.changedAtMs),
      ...(secret.deletionAtMs === undefined ? {} : { DeletedDate: new Date(secret.deletionAtMs) }),
      ...(secret.holders.size === 0 ? {} : { VersionIdsToStages: versionIdsToStages }),
      ...(secret.primaryRegion && { PrimaryRegion: secret.primaryRegion }),
      Tags: toTags(secret.tagsAt(this.#now())),
    };
  }

  /** The filters are as loose as AWS's: they match prefixes, and a key and a value need not be of one tag. */
  listSecrets(request: Api.ListSecretsRequest): Api.ListSecretsResponse {
    const { Filters = [], MaxResults = MAX_PAGE, NextToken, SortBy = 'created-date', SortOrder = 'desc' } = request;
    const atMs = this.#now() - this.#listLagMs;
    const sign = SortOrder === 'asc' ? 1 : -1;
    const sorted = [...new Set(this.#secrets.values())].sort((one, other) =>
      SortBy === 'created-date'
        ? sign * (one.createdAtMs - other.createdAtMs)
        : sign * (one.changedAtMs - other.changedAtMs),
    );
    const listed = sorted.flatMap((secret) => {
      const tags = secret.tagsAt(atMs);
      if (tags === undefined || secret.deletionAtMs !== undefined) return [];
      const isWanted = Filters.every(({ Key, Values }) => {
        const texts = [...(Key === 'tag-key' ? tags.keys() : tags.values())];
        return texts.some((text) => Values.some((value) => text.startsWith(value)));
      });
      const { primaryRegion: PrimaryRegion } = secret;
      const entry = { ...secret.identity, Tags: toTags(tags), ...(PrimaryRegion && { PrimaryRegion }) };
      return isWanted ? [entry] : [];
    });
    const start = toStart(NextToken);
    const end = start + MaxResults;
    const page = { SecretList: listed.slice(start, end) };
    return end < listed.length ? { ...page, NextToken: String(end) } : page;
  }

  tagResource({ SecretId, Tags }: Api.TagResourceRequest): object {
    const secret = this.#find(SecretId);
    secret.setTags(new Map([...(secret.tagsAt(this.#now()) ?? []), ...toTagMap(Tags)]), this.#now());
    return {};
  }

  untagResource({ SecretId, TagKeys }: Api.UntagResourceRequest): object {
    const secret = this.#find(SecretId);
    const kept = [...(secret.tagsAt(this.#now()) ?? [])].filter(([key]) => !TagKeys.includes(key));
    secret.setTags(new Map(kept), this.#now());
    return {};
  }

  /** The secret is a replica of one in `region`: it cannot be written here. */
  makeReplica(secretId: string, region: string): void {
    this.#find(secretId).primaryRegion = region;
  }

  getSecretValue({ SecretId, VersionId, VersionStage }: Api.GetSecretValueRequest): Api.GetSecretValueResponse {
    if (VersionId !== undefined) requireValidVersionId('versionId', VersionId);
    const secret = this.#findUsable(SecretId);
    const stage = VersionStage ?? 'AWSCURRENT';
    const version = VersionId === undefined ? secret.holders.get(stage) : secret.versions.get(VersionId);
    if (version === undefined) {
      const wanted = VersionId === undefined ? `staging label: ${stage}` : `VersionId: ${VersionId}`;
      throw toNotFound(`the specified secret value for ${wanted}`);
    }
    if (VersionId !== undefined && VersionStage !== undefined && secret.holders.get(VersionStage) !== version) {
      const message = 'You provided a VersionStage that is not associated to the provided VersionId.';
      throw new AwsError('InvalidRequestException', message);
    }
    const { ARN, Name } = secret.identity;
    const { SecretString, SecretBinary } = version.value;
    const CreatedDate = new Date(version.createdAtMs);
    const VersionStages = toVersionStages(secret, version);
    return { ARN, Name, VersionId: version.id, VersionStages, CreatedDate, SecretString, SecretBinary };
  }

  /**
   * Answers with the current value of each secret, in no order that could be relied on. What cannot be read is among the errors.
   *
   * @param refuse why one of them must not be read
   */
  batchGetSecretValue(
    { SecretIdList, NextToken }: Api.BatchGetSecretValueRequest,
    refuse: (secretId: string) => AwsError | undefined = () => undefined,
  ): Api.BatchGetSecretValueResponse {
    if (SecretIdList.length > MAX_BATCH) throw toInvalidParameter(`A batch has at most ${MAX_BATCH} secrets.`);
    const start = toStart(NextToken);
    const isEmpty = this.#batchPage === 0 && NextToken === undefined;
    const end = isEmpty ? 0 : start + (this.#batchPage || MAX_BATCH);
    const answer: Api.BatchGetSecretValueResponse = { SecretValues: [], Errors: [] };
    for (const SecretId of [...SecretIdList].reverse().slice(start, end)) {
      try {
        const refused = refuse(SecretId);
        if (refused !== undefined) throw refused;
        answer.SecretValues.push(this.getSecretValue({ SecretId }));
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        answer.Errors.push({ SecretId, ErrorCode: error.name, Message: error.message });
      }
    }
    // A page without a secret does not end a batch, so its token leads on.
    return end < SecretIdList.length ? { ...answer, NextToken: String(end === 0 ? EMPTY_PAGE : end) } : answer;
  }

  /** Returns the version with a label or an id, without an API call. */
  peek(secretId: string, which: { stage: string } | { versionId: string }): SecretVersion | undefined {
    const secret = this.#secrets.get(secretId);
    return 'stage' in which ? secret?.holders.get(which.stage) : secret?.versions.get(which.versionId);
  }

  /** Every version that is kept, oldest first, as a bystander sees it; compare {@link peek}. */
  peekAll(secretId: string): SecretVersion[] {
    return [...(this.#secrets.get(secretId)?.versions.values() ?? [])];
  }

  putSecretValue(request: Api.PutSecretValueRequest): Api.PutSecretValueResponse {
    requireValidValue(request);
    const secret = this.#findOriginal(request.SecretId);
    const version = this.#addVersion(secret, request, request.VersionStages ?? ['AWSCURRENT']);
    const { ARN, Name } = secret.identity;
    return { ARN, Name, VersionId: version.id, VersionStages: toVersionStages(secret, version) };
  }

  updateSecretVersionStage(request: Api.UpdateSecretVersionStageRequest): Api.SecretIdentity {
    const { VersionStage: stage, RemoveFromVersionId: from, MoveToVersionId: to } = request;
    const secret = this.#findOriginal(request.SecretId);
    const target = to === undefined ? undefined : secret.versions.get(to);
    if (to !== undefined && target === undefined) throw toNotFound(`the specified secret version: ${to}`);
    secret.requireHolder(stage, from, target);
    if (target !== undefined) secret.moveStage(stage, target);
    else secret.removeStage(stage);
    secret.changedAtMs = this.#now();
    return secret.identity;
  }

  listSecretVersionIds(request: Api.ListSecretVersionIdsRequest): Api.ListSecretVersionIdsResponse {
    const secret = this.#find(request.SecretId);
    const entries: Api.SecretVersionsListEntry[] = [];
    for (const version of secret.versions.values()) {
      const entry = toVersionEntry(secret, version);
      if (entry.VersionStages !== undefined || request.IncludeDeprecated === true) entries.push(entry);
    }
    const start = toStart(request.NextToken);
    const end = start + (request.MaxResults ?? MAX_PAGE);
    const page = { ...secret.identity, Versions: entries.slice(start, end) };
    return end < entries.length ? { ...page, NextToken: String(end) } : page;
  }

  deleteSecret(request: Api.DeleteSecretRequest): Api.DeleteSecretResponse {
    const { SecretId, RecoveryWindowInDays, ForceDeleteWithoutRecovery: force = false } = request;
    if (force && RecoveryWindowInDays !== undefined) {
      throw toInvalidParameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.");
    }
    const days = RecoveryWindowInDays ?? 30;
    if (days < 7 || days > 30) throw toInvalidParameter('RecoveryWindowInDays must be between 7 and 30 days.');
    if (!force) {
      const secret = this.#findUsable(SecretId);
      secret.deletionAtMs = this.#now() + days * DAY_MS;
      return { ...secret.identity, DeletionDate: new Date(secret.deletionAtMs) };
    }
    const secret = this.#secrets.get(SecretId);
    for (const key of secret === undefined ? [] : keysOf(secret)) this.#secrets.delete(key);
    // AWS: forcing the deletion of a secret that does not exist is no error.
    return {
      ...(secret?.identity ?? { ARN: this.arnOf(SecretId), Name: SecretId }),
      DeletionDate: new Date(this.#now()),
    };
  }

  restoreSecret({ SecretId }: Api.SecretReference): Api.SecretIdentity {
    const secret = this.#find(SecretId);
    secret.deletionAtMs = undefined;
    return secret.identity;
  }

  #find(secretId: string): Secret {
    const secret = this.#secrets.get(secretId);
    if (secret === undefined) throw toNotFound('the specified secret.');
    return secret;
  }

  #findUsable(secretId: string): Secret {
    const secret = this.#find(secretId);
    if (secret.deletionAtMs === undefined) return secret;
    const message = "You can't perform this operation on the secret because it was marked for deletion.";
    throw new AwsError('InvalidRequestException', message);
  }

  #findOriginal(secretId: string): Secret {
    const secret = this.#findUsable(secretId);
    if (secret.primaryRegion === undefined) return secret;
    throw new AwsError('InvalidRequestException', 'Operation not permitted on a replica secret.');
  }

  /** CreateSecret for a name that is taken: fine only where it repeats the call that made the secret. */
  #recreate(secret: Secret, request: Api.CreateSecretRequest): Api.CreateSecretResponse {
    if (secret.deletionAtMs !== undefined) {
      const message = "You can't create this secret because a secret with this name is already scheduled for deletion.";
      throw new AwsError('InvalidRequestException', message);
    }
    const version = secret.versions.get(request.ClientRequestToken ?? '');
    if (version !== undefined && isSameValue(version.value, request))
      return { ...secret.identity, VersionId: version.id };
    const message = `The operation failed because the secret ${request.Name} already exists.`;
    throw new AwsError('ResourceExistsException', message);
  }

  #addVersion(
    secret: Secret,
    request: Omit<Api.PutSecretValueRequest, 'SecretId'>,
    stages: readonly string[],
  ): SecretVersion {
    const { ClientRequestToken: id = randomUUID(), SecretString, SecretBinary } = request;
    requireValidVersionId('clientRequestToken', id);
    const existing = secret.versions.get(id);
    if (existing !== undefined) {
      // The labels do not change, whatever the request asks for: AWS "ignores" the request.
      if (isSameValue(existing.value, request)) return existing;
      const message = `You can't use ClientRequestToken ${id} because that value is already in use for a version of secret ${secret.identity.ARN}.`;
      throw new AwsError('ResourceExistsException', message);
    }
    const needsCurrent = secret.versions.size === 0 && !stages.includes('AWSCURRENT');
    const labels = needsCurrent ? [...stages, 'AWSCURRENT'] : stages;
    if (labels.length > MAX_STAGES_PER_VERSION) throw toInvalidParameter('Too many staging labels for one version.');
    const nowMs = this.#now();
    secret.requireRoom(this.#limits, nowMs);
    const value = SecretString === undefined ? { SecretBinary } : { SecretString };
    const version: SecretVersion = { id, value, createdAtMs: nowMs };
    secret.versions.set(id, version);
    for (const label of labels) secret.moveStage(label, version);
    secret.changedAtMs = nowMs;
    secret.purge(this.#limits, nowMs);
    return version;
  }
}

function toVersionEntry(secret: Secret, version: SecretVersion): Api.SecretVersionsListEntry {
  const CreatedDate = new Date(version.createdAtMs);
  return { VersionId: version.id, VersionStages: toVersionStages(secret, version), CreatedDate };
}

/** AWS has no empty list: a version without labels has no `VersionStages`. */
function toVersionStages(secret: Secret, version: SecretVersion): string[] | undefined {
  const stages = secret.stagesOf(version);
  return stages.length === 0 ? undefined : stages;
}

/** Token of the page after an empty one: from the first secret on. */
const EMPTY_PAGE = 'empty';

function toStart(nextToken: string | undefined): number {
  if (nextToken === EMPTY_PAGE) return 0;
  const start = nextToken === undefined ? 0 : Number(nextToken);
  if (!Number.isSafeInteger(start)) throw new AwsError('InvalidNextTokenException', 'The NextToken is invalid.');
  return start;
}

function toTagMap(tags: readonly Api.Tag[]): ReadonlyMap<string, string> {
  return new Map(tags.map(({ Key, Value }) => [Key, Value]));
}

function toTags(tags: ReadonlyMap<string, string> = new Map()): Api.Tag[] {
  return [...tags].map(([Key, Value]) => ({ Key, Value }));
}

function keysOf({ identity: { ARN, Name } }: Secret): string[] {
  return [Name, ARN, ARN_PREFIX + Name];
}

function randomArnSuffix(): string {
  return randomUUID().slice(0, 6);
}

function toNotFound(what: string): AwsError {
  return new AwsError('ResourceNotFoundException', `Secrets Manager can't find ${what}`);
}
