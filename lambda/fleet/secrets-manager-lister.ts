import {
  type Filter,
  ListSecretsCommand,
  type ListSecretsResponse,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { describeAwsError } from '../adapters/describe-aws-error.ts';
import type { FleetTag } from '../contract.ts';
import { Fault } from '../core/fault.ts';
import type { ListedSecret, SecretLister } from './sweep-secrets.ts';

/** Maximum page size of `ListSecrets`. */
const PAGE_SIZE = 100;

/** Maximum time of one call, with the SDK's retries. */
const CALL_TIMEOUT_MS = 10_000;

/** Lists secrets with `ListSecrets`, which reads no value. */
export class SecretsManagerLister implements SecretLister {
  readonly #client: SecretsManagerClient;

  constructor(client: SecretsManagerClient) {
    this.#client = client;
  }

  async *list({ key, value }: FleetTag): AsyncIterable<readonly ListedSecret[]> {
    const Filters: Filter[] = [{ Key: 'tag-key', Values: [key] }];
    if (value !== undefined) Filters.push({ Key: 'tag-value', Values: [value] });
    let nextToken: string | undefined;
    do {
      const { SecretList = [], NextToken } = await this.#readPage(Filters, nextToken);
      yield SecretList.flatMap(({ ARN, Tags = [], PrimaryRegion, OwningService }) => {
        if (ARN === undefined) return [];
        const tags = new Map(Tags.map(({ Key = '', Value = '' }) => [Key, Value]));
        return [{ arn: ARN, tags, primaryRegion: PrimaryRegion, owningService: OwningService }];
      });
      nextToken = NextToken;
      // Emulators end with an empty token.
    } while (nextToken);
  }

  async #readPage(Filters: Filter[], NextToken: string | undefined): Promise<ListSecretsResponse> {
    try {
      return await this.#client.send(
        new ListSecretsCommand({ MaxResults: PAGE_SIZE, Filters, NextToken }),
        // The SDK's own paginator has one signal for all pages.
        { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) },
      );
    } catch (error) {
      throw toListFault(error);
    }
  }
}

function toListFault(error: unknown): Fault {
  const { isDenial, what } = describeAwsError(error, CALL_TIMEOUT_MS / 1000);
  return isDenial
    ? new Fault('STORE_DENIED', `ListSecrets was denied: ${what}. Check the role of the sweep.`)
    : new Fault('STORE_UNAVAILABLE', `ListSecrets failed: ${what}.`);
}
