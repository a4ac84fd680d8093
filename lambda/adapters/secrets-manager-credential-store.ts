import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  type GetSecretValueCommandInput,
  InvalidParameterException,
  InvalidRequestException,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { JOURNAL_STAGE } from '../contract.ts';
import { Fault, nameOf } from '../core/fault.ts';
import type { CredentialStore, Version } from '../core/ports.ts';

/** What AWS and KMS call a refusal, mostly with `Exception` behind it. They have no modelled class, hence names. */
const DENIALS = new Set([
  'AccessDenied',
  'DecryptionFailure',
  'EncryptionFailure',
  'ExpiredToken',
  'IncompleteSignature',
  'InvalidClientTokenId',
  'InvalidSignature',
  'MissingAuthenticationToken',
  'NotAuthorized',
  'SignatureDoesNotMatch',
  'UnrecognizedClient',
]);

/** All of one call, with the SDK's tries: its own time-outs do not end an answer that trickles. */
const CALL_TIMEOUT_MS = 7_000;

type Within = { readonly abortSignal: AbortSignal };

/** One secret of AWS Secrets Manager. Whatever fails is told by its class or name, never by its text. */
export class SecretsManagerCredentialStore implements CredentialStore {
  readonly #client: SecretsManagerClient;
  readonly #secretId: string;
  readonly #callTimeoutMs: number;

  constructor(client: SecretsManagerClient, secretId: string, callTimeoutMs = CALL_TIMEOUT_MS) {
    this.#client = client;
    this.#secretId = secretId;
    this.#callTimeoutMs = callTimeoutMs;
  }

  async readCurrent(): Promise<Version | undefined> {
    const within = this.#begin();
    const current = await this.#read({ VersionStage: 'AWSCURRENT' }, within);
    // "No such secret" and "no value yet" are one answer; only DescribeSecret tells which.
    const fault = current === undefined ? await this.#findStateFault(within) : undefined;
    if (fault) throw fault;
    return current;
  }

  readHead(): Promise<Version | undefined> {
    return this.#read({ VersionStage: JOURNAL_STAGE });
  }

  readVersion(versionId: string): Promise<Version | undefined> {
    return this.#read({ VersionId: versionId });
  }

  async putVersion(versionId: string, secretString: string): Promise<'created' | 'exists'> {
    const within = this.#begin();
    try {
      await this.#client.send(
        new PutSecretValueCommand({
          SecretId: this.#secretId,
          ClientRequestToken: versionId,
          SecretString: secretString,
          // A stage must be named: without one, PutSecretValue promotes at once and the swap below protects nothing.
          VersionStages: [JOURNAL_STAGE],
        }),
        within,
      );
      return 'created';
    } catch (error) {
      if (error instanceof ResourceExistsException) return 'exists';
      throw await this.#toFault(error, 'PutSecretValue', within);
    }
  }

  async promote(versionId: string, expectedVersionId: string): Promise<'promoted' | 'refused'> {
    const within = this.#begin();
    try {
      await this.#client.send(
        new UpdateSecretVersionStageCommand({
          SecretId: this.#secretId,
          VersionStage: 'AWSCURRENT',
          MoveToVersionId: versionId,
          RemoveFromVersionId: expectedVersionId,
        }),
        within,
      );
      return 'promoted';
    } catch (error) {
      // A general class, and the version may be gone: the caller reads again instead of asking why.
      if (error instanceof InvalidParameterException || error instanceof ResourceNotFoundException) return 'refused';
      throw await this.#toFault(error, 'UpdateSecretVersionStage', within);
    }
  }

  async listVersionTimes(): Promise<readonly number[]> {
    const within = this.#begin();
    const times: number[] = [];
    let nextToken: string | undefined;
    do {
      const page = await this.#listPage(nextToken, within);
      for (const { CreatedDate } of page.Versions ?? []) times.push(toMs(CreatedDate));
      nextToken = page.NextToken;
    } while (nextToken !== undefined);
    return times;
  }

  async #listPage(nextToken: string | undefined, within: Within) {
    try {
      return await this.#client.send(
        new ListSecretVersionIdsCommand({
          SecretId: this.#secretId,
          IncludeDeprecated: true,
          MaxResults: 100,
          NextToken: nextToken,
        }),
        within,
      );
    } catch (error) {
      throw await this.#toFault(error, 'ListSecretVersionIds', within);
    }
  }

  async #read(
    which: Pick<GetSecretValueCommandInput, 'VersionId' | 'VersionStage'>,
    within: Within = this.#begin(),
  ): Promise<Version | undefined> {
    try {
      const { VersionId, CreatedDate, SecretString } = await this.#client.send(
        new GetSecretValueCommand({ SecretId: this.#secretId, ...which }),
        within,
      );
      return { versionId: VersionId ?? '', createdAt: toMs(CreatedDate), secretString: SecretString };
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw await this.#toFault(error, 'GetSecretValue', within);
    }
  }

  /** What is wrong with the secret as a whole; `undefined` where it exists and is in use. */
  async #findStateFault(within: Within): Promise<Fault | undefined> {
    try {
      const { DeletedDate } = await this.#client.send(new DescribeSecretCommand({ SecretId: this.#secretId }), within);
      if (DeletedDate === undefined) return undefined;
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) return this.#failed(error, 'DescribeSecret');
      return this.#notFound('does not exist in this account and region. Check CREDENTIALS_SECRET_ID');
    }
    return this.#notFound(
      `is scheduled for deletion. 'aws secretsmanager restore-secret' brings it back with all its versions`,
    );
  }

  async #toFault(error: unknown, operation: string, within: Within): Promise<Fault> {
    if (error instanceof InvalidRequestException || error instanceof ResourceNotFoundException) {
      // The state of the secret forbids it: mostly, it is scheduled for deletion.
      return (await this.#findStateFault(within)) ?? this.#failed(error, operation);
    }
    return this.#failed(error, operation);
  }

  #begin(): Within {
    return { abortSignal: AbortSignal.timeout(this.#callTimeoutMs) };
  }

  #notFound(what: string): Fault {
    return new Fault('SECRET_NOT_FOUND', `Secret ${this.#secretId} ${what}.`);
  }

  #failed(error: unknown, operation: string): Fault {
    const name = nameOf(error);
    if (DENIALS.has(name.replace(/Exception$/, '')) || name.startsWith('KMS')) {
      return new Fault(
        'STORE_DENIED',
        `${operation} on secret ${this.#secretId} was refused: ${name}. Check the function's role, the secret's resource policy and, for a customer-managed KMS key, its key policy and state.`,
      );
    }
    const advice =
      error instanceof InvalidRequestException
        ? 'Its state forbids that: is it a replica, or managed by another AWS service?'
        : 'The next run tries again.';
    return new Fault('STORE_UNAVAILABLE', `${operation} on secret ${this.#secretId} failed: ${name}. ${advice}`);
  }
}

/** What has no date counts as made just now: a claim as live, a version as one of today. */
function toMs(date: Date | undefined): number {
  return date?.getTime() ?? Number.POSITIVE_INFINITY;
}
