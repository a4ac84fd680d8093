import { randomUUID } from 'node:crypto';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
  TagResourceCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { CommandError, EXIT } from '../command-error.ts';
import { formatTag, type SecretTag } from './fleet-tag.ts';
import type { AwsSession } from './session.ts';

/**
 * Label of a new value until its promotion. It differs from the journal's label, which may be on the claim of a current
 * run.
 */
const AUTHORIZATION_STAGE = 'TOKEN_AUTHORIZATION';

/** Label of a write that changes nothing, so that no label of the function can move. */
const CHECK_STAGE = 'AUTHORIZE_CHECK';

/** Value of `AWSCURRENT` when it was read. */
export interface SecretValue {
  readonly versionId: string;
  /** Absent if the version holds a SecretBinary. */
  readonly secretString: string | undefined;
}

/** Secret of AWS Secrets Manager, with the operations of an authorization. */
export class Secret {
  readonly id: string;
  /** Complete ARN; `undefined` until AWS has returned it. */
  arn: string | undefined;
  readonly #session: AwsSession;

  constructor(session: AwsSession, id: string) {
    this.#session = session;
    this.id = id;
  }

  /** Reads the value. @returns `undefined` if there is none yet. @throws CommandError if the secret is missing or access is denied */
  async readCurrent(): Promise<SecretValue | undefined> {
    const client = await this.#session.secretsManager();
    try {
      const request = new GetSecretValueCommand({ SecretId: this.id, VersionStage: 'AWSCURRENT' });
      const { ARN, VersionId = '', SecretString } = await client.send(request);
      this.arn = ARN;
      return { versionId: VersionId, secretString: SecretString };
    } catch (error) {
      // AWS returns the same error for "no such secret" and "no value yet". Only DescribeSecret distinguishes them.
      if (nameOf(error) !== 'ResourceNotFoundException') throw this.#failure(error, 'read');
      await this.#requireExistence(client);
      return undefined;
    }
  }

  /**
   * Tests the permissions that {@link replace} needs, without a change. It stores the current version again under its own id,
   * which Secrets Manager ignores, and removes a label that no version has.
   *
   * @throws CommandError if one of them is denied
   */
  async checkWrite({ versionId, secretString }: SecretValue): Promise<void> {
    if (secretString === undefined) return;
    await this.#put(versionId, secretString, CHECK_STAGE);
    const client = await this.#session.secretsManager();
    const label = { SecretId: this.id, VersionStage: CHECK_STAGE, RemoveFromVersionId: versionId };
    try {
      await client.send(new UpdateSecretVersionStageCommand(label));
    } catch (error) {
      if (nameOf(error).startsWith('AccessDenied')) throw this.#failure(error, 'move the labels of');
    }
  }

  /**
   * Stores `secretString` as a new version, and then moves `AWSCURRENT` from the version that was read, by compare-and-swap.
   *
   * @returns the new version's id; `undefined` if `AWSCURRENT` had moved. In that case, it is unchanged
   */
  async replace(expected: SecretValue | undefined, secretString: string): Promise<string | undefined> {
    const versionId = randomUUID();
    await this.#put(versionId, secretString);
    // The first value of a secret always gets AWSCURRENT, unless someone else stored one first.
    const isReplaced =
      expected === undefined ? await this.#isCurrent(versionId) : await this.#promote(versionId, expected.versionId);
    await this.#removeLabel(versionId);
    return isReplaced ? versionId : undefined;
  }

  /** Creates the secret. @returns the version id; `undefined` if someone else created the secret first. Theirs is unchanged */
  async create(secretString: string, { key, value }: SecretTag): Promise<string | undefined> {
    const client = await this.#session.secretsManager();
    const versionId = randomUUID();
    try {
      const request = new CreateSecretCommand({
        Name: this.id,
        ClientRequestToken: versionId,
        SecretString: secretString,
        Tags: [{ Key: key, Value: value }],
      });
      await client.send(request);
      return versionId;
    } catch (error) {
      if (nameOf(error) === 'ResourceExistsException') return undefined;
      throw this.#failure(error, 'create');
    }
  }

  async addTag(tag: SecretTag): Promise<void> {
    const client = await this.#session.secretsManager();
    try {
      const Tags = [{ Key: tag.key, Value: tag.value }];
      await client.send(new TagResourceCommand({ SecretId: this.id, Tags }));
    } catch (error) {
      throw this.#failure(error, `add the tag ${formatTag(tag)} to`);
    }
  }

  async #put(versionId: string, secretString: string, stage = AUTHORIZATION_STAGE): Promise<void> {
    const client = await this.#session.secretsManager();
    try {
      const request = new PutSecretValueCommand({
        SecretId: this.id,
        ClientRequestToken: versionId,
        SecretString: secretString,
        VersionStages: [stage],
      });
      await client.send(request);
    } catch (error) {
      if (nameOf(error) === 'InvalidRequestException') {
        const described = await client.send(new DescribeSecretCommand({ SecretId: this.id })).catch(() => undefined);
        await this.#requirePrimary(described?.PrimaryRegion);
      }
      throw this.#failure(error, 'write');
    }
  }

  async #promote(versionId: string, expectedVersionId: string): Promise<boolean> {
    const client = await this.#session.secretsManager();
    try {
      const request = new UpdateSecretVersionStageCommand({
        SecretId: this.id,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: versionId,
        RemoveFromVersionId: expectedVersionId,
      });
      await client.send(request);
      return true;
    } catch (error) {
      if (nameOf(error) !== 'InvalidParameterException') throw this.#failure(error, 'write');
      // AWS rejected the move, unless this was the SDK's second try of a call whose first response was lost.
      return await this.#isCurrent(versionId);
    }
  }

  async #isCurrent(versionId: string): Promise<boolean> {
    const current = await this.readCurrent();
    return current?.versionId === versionId;
  }

  /** Removes the label, as a best effort. A version with the label is harmless, but Secrets Manager never deletes it. */
  async #removeLabel(versionId: string): Promise<void> {
    const client = await this.#session.secretsManager();
    const label = { SecretId: this.id, VersionStage: AUTHORIZATION_STAGE, RemoveFromVersionId: versionId };
    await client.send(new UpdateSecretVersionStageCommand(label)).catch(() => undefined);
  }

  async #requireExistence(client: SecretsManagerClient): Promise<void> {
    try {
      const { ARN, PrimaryRegion } = await client.send(new DescribeSecretCommand({ SecretId: this.id }));
      this.arn = ARN;
      await this.#requirePrimary(PrimaryRegion);
    } catch (error) {
      if (nameOf(error) !== 'ResourceNotFoundException') throw this.#failure(error, 'describe');
      const region = await this.#session.region();
      const message = `There is no secret ${this.id} in ${region}. Check --secret-id and --region, deploy the stack first, or create a secret for a fleet with --tag.`;
      throw new CommandError(EXIT.unable, message);
    }
  }

  /** @param primaryRegion `undefined` if the secret has no replica @throws CommandError if this secret is a replica */
  async #requirePrimary(primaryRegion: string | undefined): Promise<void> {
    if (primaryRegion === undefined || primaryRegion === (await this.#session.region())) return;
    const message = `Cannot write secret ${this.id}: it is a replica. Pass --region ${primaryRegion}, where its primary secret is.`;
    throw new CommandError(EXIT.unable, message);
  }

  #failure(error: unknown, doing: string): CommandError {
    if (error instanceof CommandError) return error;
    if (nameOf(error) === 'InvalidRequestException') {
      const restore = this.#session.awsCommand('secretsmanager restore-secret --secret-id', this.id);
      const message = `Cannot use secret ${this.id}: it is scheduled for deletion, or its state does not allow it. To restore it, run '${restore}'.`;
      return new CommandError(EXIT.unable, message);
    }
    return this.#session.failure(error, `${doing} secret ${this.id}`);
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}
