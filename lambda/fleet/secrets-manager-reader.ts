import {
  type APIErrorType,
  BatchGetSecretValueCommand,
  type BatchGetSecretValueResponse,
  type SecretsManagerClient,
  type SecretValueEntry,
} from '@aws-sdk/client-secrets-manager';
import { describeAwsError } from '../adapters/describe-aws-error.ts';
import { JOURNAL_STAGE } from '../contract.ts';
import { Fault } from '../core/fault.ts';
import type { SecretRead } from './judge-secret.ts';
import type { SecretReader } from './sweep-secrets.ts';

/** Maximum time of one call, with the SDK's retries. */
const CALL_TIMEOUT_MS = 10_000;

/** Maximum number of pages of one batch. AWS may answer with an empty page and a token. */
const MAX_PAGES = 25;

/** Reads the current values of secrets with `BatchGetSecretValue`. */
export class SecretsManagerReader implements SecretReader {
  readonly #client: SecretsManagerClient;

  constructor(client: SecretsManagerClient) {
    this.#client = client;
  }

  async read(arns: readonly string[]): Promise<readonly SecretRead[]> {
    const found = new Map<string, SecretRead>();
    let nextToken: string | undefined;
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const { SecretValues = [], Errors = [], NextToken } = await this.#readPage(arns, nextToken);
      for (const each of [...Errors.map(toRefused), ...SecretValues.map(toRead)]) found.set(each.arn, each);
      // Emulators end with an empty token.
      if (!NextToken) break;
      nextToken = NextToken;
    }
    return arns.map((arn) => found.get(arn) ?? { arn, kind: 'failed' });
  }

  async #readPage(arns: readonly string[], NextToken: string | undefined): Promise<BatchGetSecretValueResponse> {
    try {
      return await this.#client.send(new BatchGetSecretValueCommand({ SecretIdList: [...arns], NextToken }), {
        abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS),
      });
    } catch (error) {
      const { what, isDenial } = describeAwsError(error, CALL_TIMEOUT_MS / 1000);
      const advice = isDenial
        ? ' Check the role of the sweep, service control policies and the VPC endpoint policy.'
        : '';
      throw new Fault('SWEEP_INCOMPLETE', `BatchGetSecretValue failed: ${what}.${advice}`);
    }
  }
}

function toRead({
  ARN = '',
  VersionId = '',
  VersionStages = [],
  CreatedDate,
  SecretString,
}: SecretValueEntry): SecretRead {
  // The age of a version depends on its date.
  if (CreatedDate === undefined) return { arn: ARN, kind: 'failed' };
  const version = { versionId: VersionId, createdAt: CreatedDate.getTime(), secretString: SecretString };
  return { arn: ARN, kind: 'value', version, isAtRest: VersionStages.includes(JOURNAL_STAGE) };
}

/** Returns the reason why a secret was not read. AWS repeats the id from the request in `SecretId`. */
function toRefused({ SecretId: arn = '', ErrorCode = '' }: APIErrorType): SecretRead {
  if (ErrorCode === 'ResourceNotFoundException') return { arn, kind: 'absent' };
  // The state of the secret does not allow the read. If it is scheduled for deletion, the next sweep no longer lists it.
  if (ErrorCode === 'InvalidRequestException') return { arn, kind: 'denied' };
  const { isDenial } = describeAwsError(Object.assign(new Error(), { name: ErrorCode }), CALL_TIMEOUT_MS / 1000);
  return { arn, kind: isDenial ? 'denied' : 'failed' };
}
