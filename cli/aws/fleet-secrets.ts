import { DescribeSecretCommand, type Filter, paginateListSecrets } from '@aws-sdk/client-secrets-manager';
import { type FleetTag, hasTag } from '../../lambda/contract.ts';
import type { FleetSecret } from './deployment.ts';
import { toTagMap } from './fleet-tag.ts';
import type { AwsSession } from './session.ts';

/** Maximum page size of AWS. */
const PAGE_SIZE = 100;

export interface ListedSecrets {
  readonly secrets: readonly FleetSecret[];
  /** Number of replicas from other regions that have the tag. A fleet skips them. */
  readonly replicas: number;
}

/** Existing secret, with any value. */
export interface DescribedSecret extends FleetSecret {
  readonly tags: ReadonlyMap<string, string>;
}

/** Returns the secrets with the tag, as the sweep of a fleet finds them. @throws CommandError if AWS denies it */
export async function listSecrets(session: AwsSession, tag: FleetTag): Promise<ListedSecrets> {
  const client = await session.secretsManager();
  const Filters: Filter[] = [{ Key: 'tag-key', Values: [tag.key] }];
  if (tag.value !== undefined) Filters.push({ Key: 'tag-value', Values: [tag.value] });
  const secrets: FleetSecret[] = [];
  let replicas = 0;
  try {
    for await (const { SecretList = [] } of paginateListSecrets({ client, pageSize: PAGE_SIZE }, { Filters })) {
      for (const { ARN: arn, Name, Tags, PrimaryRegion } of SecretList) {
        // AWS's filters match prefixes, and do not pair key and value.
        if (arn === undefined || !hasTag(toTagMap(Tags), tag)) continue;
        const [, , , region] = arn.split(':');
        if (PrimaryRegion === undefined || PrimaryRegion === region) secrets.push({ name: Name ?? arn, arn });
        else replicas += 1;
      }
    }
    return { secrets, replicas };
  } catch (error) {
    throw session.failure(error, 'list the secrets');
  }
}

/** Describes a secret. @returns `undefined` if it does not exist. @throws CommandError if access is denied */
export async function describeSecret(session: AwsSession, id: string): Promise<DescribedSecret | undefined> {
  const client = await session.secretsManager();
  try {
    const { ARN = id, Name = id, Tags } = await client.send(new DescribeSecretCommand({ SecretId: id }));
    return { name: Name, arn: ARN, tags: toTagMap(Tags) };
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') return undefined;
    throw session.failure(error, `describe secret ${id}`);
  }
}
