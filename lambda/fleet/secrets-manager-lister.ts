import { type Filter, paginateListSecrets, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { describeAwsError } from '../adapters/describe-aws-error.ts';
import { Fault } from '../core/fault.ts';
import type { FleetTag, ListedSecret, SecretLister } from './sweep-secrets.ts';

/** The most that AWS gives. */
const PAGE_SIZE = 100;

/** All of one call, with the SDK's tries; for messages. */
const CALL_SECONDS = 12;

/**
 * Newest change first. A token that falls due was changed half of its life ago, so short lives come before long ones. By
 * age of the secret, a token of an hour can wait behind thousands of others until it is dead (docs/fleet-at-scale.md).
 */
const ORDER = { SortBy: 'last-changed-date', SortOrder: 'desc' } as const;

/** `ListSecrets`, which reads no value. */
export class SecretsManagerLister implements SecretLister {
  readonly #client: SecretsManagerClient;

  constructor(client: SecretsManagerClient) {
    this.#client = client;
  }

  async *list({ key, value }: FleetTag): AsyncIterable<readonly ListedSecret[]> {
    const Filters: Filter[] = [{ Key: 'tag-key', Values: [key] }];
    if (value !== undefined) Filters.push({ Key: 'tag-value', Values: [value] });
    const pages = paginateListSecrets({ client: this.#client, pageSize: PAGE_SIZE }, { Filters, ...ORDER });
    try {
      for await (const { SecretList = [] } of pages) {
        yield SecretList.flatMap(({ ARN, Tags = [], PrimaryRegion }) => {
          if (ARN === undefined) return [];
          const tags = new Map(Tags.map(({ Key = '', Value = '' }) => [Key, Value]));
          return [{ arn: ARN, tags, primaryRegion: PrimaryRegion }];
        });
      }
    } catch (error) {
      throw toListFault(error);
    }
  }
}

function toListFault(error: unknown): Fault {
  const { isDenial, what } = describeAwsError(error, CALL_SECONDS);
  return isDenial
    ? new Fault('STORE_DENIED', `ListSecrets was refused: ${what}. Check the role of the sweep.`)
    : new Fault('STORE_UNAVAILABLE', `ListSecrets failed: ${what}.`);
}
