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
import { regionOption } from '../core/region-option.ts';
import { describeAwsError } from './describe-aws-error.ts';

/** Limit for one call, including the SDK's retries: the SDK's own timeouts do not end an answer that trickles. */
const CALL_TIMEOUT_MS = 7_000;

const WAITING_DOES_NOT_HELP = 'Waiting does not help.';

/** Advice on Secrets Manager's errors of status 400 for which the usual retry is not the answer. */
const NEXT_STEPS: ReadonlyMap<string, string> = new Map([
  ['InvalidRequestException', `The secret's state does not allow the call. ${WAITING_DOES_NOT_HELP}`],
  ['InvalidParameterException', `AWS does not accept the request. ${WAITING_DOES_NOT_HELP}`],
  [
    'ValidationException',
    `AWS does not accept the request: the value may have more than 65,536 bytes. ${WAITING_DOES_NOT_HELP}`,
  ],
  ['PreconditionNotMetException', `AWS does not accept the request. ${WAITING_DOES_NOT_HELP}`],
  ['LimitExceededException', 'The secret has too many versions or labels. Waiting helps: versions age after 24 hours.'],
  ['ThrottlingException', 'Waiting helps: the next run retries.'],
]);

type CallOptions = { readonly abortSignal: AbortSignal };

export interface StoreOptions {
  /** The environment variable that names the secret. */
  readonly variable?: string;
  readonly callTimeoutMs?: number;
}

/** One secret in AWS Secrets Manager. Failures are recognized by class or name, never by text. */
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
    // AWS answers "no such secret" and "no value yet" alike; only DescribeSecret distinguishes them.
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
          // Name a stage: without one, PutSecretValue promotes immediately and the swap below protects nothing.
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
      // The class is too general to show why, and the version may be gone: the caller reads again.
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

  /** Returns why the secret as a whole cannot be used; `undefined` if it can. */
  async #findStateFault(callOptions: CallOptions): Promise<Fault | undefined> {
    try {
      const { ARN, DeletedDate, PrimaryRegion, OwningService } = await this.#client.send(
        new DescribeSecretCommand({ SecretId: this.secretId }),
        callOptions,
      );
      if (DeletedDate === undefined) return this.#findOwner(ARN, PrimaryRegion, OwningService);
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) return this.#failed(error, 'DescribeSecret');
      return this.#notFound(`does not exist in this account and region. Check ${this.#variable}`);
    }
    return this.#notFound(
      `is scheduled for deletion. To restore it with all its versions: aws secretsmanager restore-secret --secret-id ${this.secretId}${regionOption(this.secretId)}`,
    );
  }

  /** Returns why no one but its owner can write the secret; `undefined` if anyone with the permissions can. */
  #findOwner(
    arn: string | undefined,
    primaryRegion: string | undefined,
    service: string | undefined,
  ): Fault | undefined {
    if (primaryRegion !== undefined && primaryRegion !== arn?.split(':')[3]) {
      const what = `is a replica, which cannot be written. Its primary is in ${primaryRegion}: deploy there, or name a secret of this region in ${this.#variable}`;
      return new Fault('CONFIGURATION_INVALID', `Secret ${this.secretId} ${what}.`);
    }
    if (service === undefined) return undefined;
    const what = `is managed by ${service}, which writes its value. Name another secret in ${this.#variable}`;
    return new Fault('CONFIGURATION_INVALID', `Secret ${this.secretId} ${what}.`);
  }

  async #toFault(error: unknown, operation: string, callOptions: CallOptions): Promise<Fault> {
    if (error instanceof Fault) return error;
    const isOfState = [InvalidRequestException, InvalidParameterException, ResourceNotFoundException];
    if (isOfState.some((each) => error instanceof each)) {
      // Scheduled for deletion, a replica, or another service's: only DescribeSecret shows which.
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
    if (isDenial) return new Fault('STORE_DENIED', `${call} was denied: ${what}. ${advice}`);
    const next = NEXT_STEPS.get(what) ?? 'The next run retries.';
    return new Fault('STORE_UNAVAILABLE', [`${call} failed: ${what}.`, advice, next].filter(Boolean).join(' '));
  }

  /** Requires the date. AWS always sends it, and every age depends on it, so no run can trust a store that omits it. */
  #toMs(date: Date | undefined, operation: string): number {
    if (date !== undefined) return date.getTime();
    const what = `${operation} on secret ${this.secretId} returned no CreatedDate`;
    throw new Fault(
      'STORE_UNAVAILABLE',
      `${what}, which determines every age. Check that the endpoint is AWS Secrets Manager.`,
    );
  }
}
