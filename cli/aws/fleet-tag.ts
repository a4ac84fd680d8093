import type { FleetTag } from '../../lambda/contract.ts';

export interface SecretTag {
  readonly key: string;
  readonly value: string;
}

/** Tags in the format of AWS responses. */
type AwsTags = readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[];

export function toTagMap(tags: AwsTags = []): ReadonlyMap<string, string> {
  return new Map(tags.map(({ Key = '', Value = '' }) => [Key, Value]));
}

/** Returns whether one tag of a secret can match both fleets. */
export function overlaps(one: FleetTag, other: FleetTag): boolean {
  return one.key === other.key && (one.value === undefined || other.value === undefined || one.value === other.value);
}

export function formatTag({ key, value }: FleetTag): string {
  return value === undefined ? `${key} (any value)` : `${key}=${value}`;
}

/** Returns the tag that adds a secret to the fleet. */
export function toSecretTag({ key, value = '' }: FleetTag): SecretTag {
  return { key, value };
}
