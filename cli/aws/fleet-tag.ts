/** The secrets of a fleet have this tag; without a value, any will do. */
export interface FleetTag {
  readonly key: string;
  readonly value: string | undefined;
}

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

export function hasTag(tags: ReadonlyMap<string, string>, { key, value }: FleetTag): boolean {
  return value === undefined ? tags.has(key) : tags.get(key) === value;
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
