import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  type GetSecretValueCommandInput,
  InvalidParameterException,
  InvalidRequestException,
  PutSecretValueCommand,
  paginateListSecretVersionIds,
  ResourceExistsException,
  ResourceNotFoundException,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { ENVIRONMENT, JOURNAL_STAGE } from '../contract.ts';
import { Fault } from '../core/fault.ts';
import type { CredentialStore, ListedVersion, TokenSecret, Version } from '../core/ports.ts';
import { describeAwsError } from './describe-aws-error.ts';

/** All of one call, with the SDK's tries: its own time-outs do not end an answer that trickles. */
const CALL_TIMEOUT_MS = 7_000;

const STATE_ADVICE = 'Its state forbids that: is it a replica, or managed by another AWS service?';

type CallOptions = { readonly abortSignal: AbortSignal };

export interface StoreOptions {
  /** The environment variable that names the secret. */
  readonly variable?: string;
  readonly callTimeoutMs?: number;
}

/** One secret of AWS Secrets Manager. Whatever fails is told by its class or name, never by its text. */
export class SecretsManagerCredentialStore implements CredentialStore, TokenSecret {
  readonly secretId: string;
  readonly #client: SecretsManagerClient;
  readonly #variable: string;
  readonly #callTimeoutMs: number;

  constructor(client: SecretsManagerClient, secretId: string, options: StoreOptions = {}) {
    const { variable = ENVIRONMENT.credentialsSecretId, callTimeoutMs = CALL_TIMEOUT_MS } = options;
    this.#client = client;
    this.secretId = secretId;
    this.#variable = variable;
    this.#callTimeoutMs = callTimeoutMs;
  }

  async readCurrent(): Promise<Version | undefined> {
    const callOptions = this.#begin();
    const current = await this.#read({ VersionStage: 'AWSCURRENT' }, callOptions);
    // "No such secret" and "no value yet" are one answer; only DescribeSecret tells which.
    const fault = current === undefined ? await this.#findStateFault(callOptions) : undefined;
    if (fault) throw fault;
    return current;
  }

  readLatestEntry(): Promise<Version | undefined> {
    return this.#read({ VersionStage: JOURNAL_STAGE });
  }

  readPrevious(): Promise<Version | undefined> {
    return this.#read({ VersionStage: 'AWSPREVIOUS' });
  }

  readVersion(versionId: string): Promise<Version | undefined> {
    return this.#read({ VersionId: versionId });
  }

  async putVersion(versionId: string, secretString: string): Promise<'created' | 'exists'> {
    const callOptions = this.#begin();
    try {
      await this.#client.send(
        new PutSecretValueCommand({
          SecretId: this.secretId,
          ClientRequestToken: versionId,
          SecretString: secretString,
          // A stage must be named: without one, PutSecretValue promotes at once and the swap below protects nothing.
          VersionStages: [JOURNAL_STAGE],
        }),
        callOptions,
      );
      return 'created';
    } catch (error) {
      if (error instanceof ResourceExistsException) return 'exists';
      throw await this.#toFault(error, 'PutSecretValue', callOptions);
    }
  }

  async promote(versionId: string, expectedVersionId: string | undefined): Promise<'promoted' | 'refused'> {
    const callOptions = this.#begin();
    try {
      await this.#client.send(
        new UpdateSecretVersionStageCommand({
          SecretId: this.secretId,
          VersionStage: 'AWSCURRENT',
          MoveToVersionId: versionId,
          RemoveFromVersionId: expectedVersionId,
        }),
        callOptions,
      );
      return 'promoted';
    } catch (error) {
      // A general class, and the version may be gone: the caller reads again instead of asking why.
      if (error instanceof InvalidParameterException || error instanceof ResourceNotFoundException) return 'refused';
      throw await this.#toFault(error, 'UpdateSecretVersionStage', callOptions);
    }
  }

  async listVersions(): Promise<readonly ListedVersion[]> {
    const callOptions = this.#begin();
    const versions: ListedVersion[] = [];
    try {
      const pages = paginateListSecretVersionIds(
        { client: this.#client, pageSize: 100 },
        { SecretId: this.secretId, IncludeDeprecated: true },
        callOptions,
      );
      for await (const { Versions = [] } of pages) {
        for (const { VersionId = '', CreatedDate } of Versions) {
          versions.push({ versionId: VersionId, createdAt: this.#toMs(CreatedDate, 'ListSecretVersionIds') });
        }
      }
    } catch (error) {
      throw await this.#toFault(error, 'ListSecretVersionIds', callOptions);
    }
    return versions;
  }

  async #read(
    which: Pick<GetSecretValueCommandInput, 'VersionId' | 'VersionStage'>,
    callOptions: CallOptions = this.#begin(),
  ): Promise<Version | undefined> {
    try {
      const { VersionId, CreatedDate, SecretString } = await this.#client.send(
        new GetSecretValueCommand({ SecretId: this.secretId, ...which }),
        callOptions,
      );
      return {
        versionId: VersionId ?? '',
        createdAt: this.#toMs(CreatedDate, 'GetSecretValue'),
        secretString: SecretString,
      };
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw await this.#toFault(error, 'GetSecretValue', callOptions);
    }
  }

  /** What is wrong with the secret as a whole; `undefined` if it exists and is in use. */
  async #findStateFault(callOptions: CallOptions): Promise<Fault | undefined> {
    try {
      const { DeletedDate } = await this.#client.send(
        new DescribeSecretCommand({ SecretId: this.secretId }),
        callOptions,
      );
      if (DeletedDate === undefined) return undefined;
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) return this.#failed(error, 'DescribeSecret');
      return this.#notFound(`does not exist in this account and region. Check ${this.#variable}`);
    }
    return this.#notFound(
      `is scheduled for deletion. 'aws secretsmanager restore-secret' brings it back with all its versions`,
    );
  }

  async #toFault(error: unknown, operation: string, callOptions: CallOptions): Promise<Fault> {
    if (error instanceof Fault) return error;
    if (error instanceof InvalidRequestException || error instanceof ResourceNotFoundException) {
      // The state of the secret forbids it: mostly, it is scheduled for deletion.
      return (await this.#findStateFault(callOptions)) ?? this.#failed(error, operation);
    }
    return this.#failed(error, operation);
  }

  #begin(): CallOptions {
    return { abortSignal: AbortSignal.timeout(this.#callTimeoutMs) };
  }

  #notFound(what: string): Fault {
    return new Fault('SECRET_NOT_FOUND', `Secret ${this.secretId} ${what}.`);
  }

  #failed(error: unknown, operation: string): Fault {
    const { isDenial, what, advice } = describeAwsError(error, this.#callTimeoutMs / 1000);
    const call = `${operation} on secret ${this.secretId}`;
    if (isDenial) return new Fault('STORE_DENIED', `${call} was refused: ${what}. ${advice}`);
    const isOfState = error instanceof InvalidRequestException;
    const next = isOfState ? STATE_ADVICE : 'The next run tries again.';
    return new Fault('STORE_UNAVAILABLE', [`${call} failed: ${what}.`, advice, next].filter(Boolean).join(' '));
  }

  /** AWS sends it always, and every age is judged by it: a store without it is none that a run could trust. */
  #toMs(date: Date | undefined, operation: string): number {
    if (date !== undefined) return date.getTime();
    const what = `${operation} on secret ${this.secretId} answered without CreatedDate`;
    throw new Fault('STORE_UNAVAILABLE', `${what}, by which every age is judged. Is this AWS Secrets Manager?`);
  }
}
