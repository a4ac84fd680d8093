import type { FleetTag } from '../../lambda/contract.ts';

/** A tag that a secret has, or gets. */
export interface SecretTag {
  readonly key: string;
  readonly value: string;
}

/** As AWS's answers have them. */
type AwsTags = readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[];

export function toTagMap(tags: AwsTags = []): ReadonlyMap<string, string> {
  return new Map(tags.map(({ Key = '', Value = '' }) => [Key, Value]));
}

/** Whether a secret can have both tags by having one. */
export function overlaps(one: FleetTag, other: FleetTag): boolean {
  return one.key === other.key && (one.value === undefined || other.value === undefined || one.value === other.value);
}

export function formatTag({ key, value }: FleetTag): string {
  return value === undefined ? `${key} (any value)` : `${key}=${value}`;
}

/** What makes a secret one of the fleet. */
export function toSecretTag({ key, value = '' }: FleetTag): SecretTag {
  return { key, value };
}
