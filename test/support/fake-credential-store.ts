import { JOURNAL_STAGE } from '../../lambda/contract.ts';
import { Fault } from '../../lambda/core/fault.ts';
import type { CredentialStore, ListedVersion, TokenSecret, Version } from '../../lambda/core/ports.ts';
import { AwsError } from '../sandbox/aws/aws-error.ts';
import type { SecretsManager } from '../sandbox/aws/secrets-manager.ts';
import type { GetSecretValueRequest } from '../sandbox/aws/secrets-manager-api.ts';

export const SECRET_ID = 'RetentlyCredentials';
export const TOKEN_SECRET_ID = 'RetentlyToken';

interface Interception {
  readonly operation: keyof CredentialStore;
  readonly when: 'before' | 'after';
  readonly act: () => unknown;
  times: number;
}

/** The port on the sandbox's Secrets Manager, without HTTP; notes its calls, and lets a test step between two of them. */
export class FakeCredentialStore implements CredentialStore, TokenSecret {
  readonly calls: (keyof CredentialStore)[] = [];
  readonly secretId: string;
  readonly #secretsManager: SecretsManager;
  #interceptions: Interception[] = [];

  constructor(secretsManager: SecretsManager, secretId = SECRET_ID) {
    this.#secretsManager = secretsManager;
    this.secretId = secretId;
  }

  /** `act` runs before (or after) the next `times` calls of `operation` take effect; what it throws, the call throws. */
  intercept(operation: keyof CredentialStore, when: 'before' | 'after', act: () => unknown, times = 1): void {
    this.#interceptions.push({ operation, when, act, times });
  }

  /** Makes the next `times` calls of `operation` fail without an effect. */
  refuse(operation: keyof CredentialStore, times = 1, fault = new Fault('STORE_UNAVAILABLE', 'Rejected by the test.')) {
    this.intercept(operation, 'before', () => Promise.reject(fault), times);
  }

  /** Distinguishes a missing secret from a secret without a value, like the real adapter. */
  readCurrent(): Promise<Version | undefined> {
    return this.#call('readCurrent', () => {
      const current = this.#read({ VersionStage: 'AWSCURRENT' });
      if (current === undefined && !this.#exists()) throw new Fault('SECRET_NOT_FOUND', 'It does not exist.');
      return current;
    });
  }

  readLatestEntry(): Promise<Version | undefined> {
    return this.#call('readLatestEntry', () => this.#read({ VersionStage: JOURNAL_STAGE }));
  }

  readPrevious(): Promise<Version | undefined> {
    return this.#call('readPrevious', () => this.#read({ VersionStage: 'AWSPREVIOUS' }));
  }

  readVersion(versionId: string): Promise<Version | undefined> {
    return this.#call('readVersion', () => this.#read({ VersionId: versionId }));
  }

  putVersion(ClientRequestToken: string, SecretString: string): Promise<'created' | 'exists'> {
    const request = { SecretId: this.secretId, ClientRequestToken, SecretString, VersionStages: [JOURNAL_STAGE] };
    return this.#call('putVersion', () =>
      answerOr(['ResourceExistsException'], 'exists', () => {
        this.#secretsManager.putSecretValue(request);
        return 'created';
      }),
    );
  }

  promote(MoveToVersionId: string, RemoveFromVersionId: string | undefined): Promise<'promoted' | 'refused'> {
    const request = { SecretId: this.secretId, VersionStage: 'AWSCURRENT', MoveToVersionId, RemoveFromVersionId };
    return this.#call('promote', () =>
      answerOr(['InvalidParameterException', 'ResourceNotFoundException'], 'refused', () => {
        this.#secretsManager.updateSecretVersionStage(request);
        return 'promoted';
      }),
    );
  }

  listVersions(): Promise<readonly ListedVersion[]> {
    return this.#call('listVersions', () => {
      const { Versions } = this.#secretsManager.listSecretVersionIds({
        SecretId: this.secretId,
        IncludeDeprecated: true,
      });
      return Versions.map(({ VersionId, CreatedDate }) => ({ versionId: VersionId, createdAt: CreatedDate.getTime() }));
    });
  }

  #exists(): boolean {
    return answerOr(['ResourceNotFoundException'], false, () => {
      this.#secretsManager.describeSecret({ SecretId: this.secretId });
      return true;
    });
  }

  #read(which: Omit<GetSecretValueRequest, 'SecretId'>): Version | undefined {
    return answerOr(['ResourceNotFoundException'], undefined, () => {
      const found = this.#secretsManager.getSecretValue({ SecretId: this.secretId, ...which });
      return { versionId: found.VersionId, createdAt: found.CreatedDate.getTime(), secretString: found.SecretString };
    });
  }

  async #call<Answer>(operation: keyof CredentialStore, carryOut: () => Answer): Promise<Answer> {
    this.calls.push(operation);
    await this.#step(operation, 'before');
    const answer = carryOut();
    await this.#step(operation, 'after');
    return answer;
  }

  async #step(operation: keyof CredentialStore, when: 'before' | 'after'): Promise<void> {
    const interception = this.#interceptions.find((each) => each.operation === operation && each.when === when);
    if (interception === undefined) return;
    interception.times -= 1;
    this.#interceptions = this.#interceptions.filter(({ times }) => times > 0);
    await interception.act();
  }
}

/** An error of AWS that is an answer to the core; every other one is a fault. */
function answerOr<Answer, Other>(errorNames: readonly string[], other: Other, act: () => Answer): Answer | Other {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    if (errorNames.includes(error.name)) return other;
    throw new Fault('STORE_UNAVAILABLE', error.name);
  }
}
