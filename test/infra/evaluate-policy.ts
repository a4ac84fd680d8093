import * as z from 'zod';
import { type Attributes, resolveText } from './resolve-intrinsics.ts';

/** One action on one resource, as one statement allows or denies it. */
export interface Permission {
  readonly sid: string;
  readonly effect: 'Allow' | 'Deny';
  /** May have wildcards, like `resource`. */
  readonly action: string;
  readonly resource: string;
  /** ARNs that a resource policy names, `*` for everyone; `undefined` in an identity-based policy. */
  readonly principals: readonly string[] | undefined;
  /** Values that `StringEquals` or `Bool` accepts, by condition key in lower case. */
  readonly stringEquals: ReadonlyMap<string, readonly string[]>;
  /** Values that `ForAllValues:StringEquals` accepts; a request without the key passes. */
  readonly forAllValues: ReadonlyMap<string, readonly string[]>;
  /** Patterns that `StringLike` accepts, by condition key in lower case. */
  readonly stringLike: ReadonlyMap<string, readonly string[]>;
  /** Condition keys that `Null` wants to be there, in lower case. */
  readonly present: readonly string[];
}

export interface AccessRequest {
  readonly action: string;
  readonly resource: string;
  /** ARN of who asks. Only a resource policy looks at it. */
  readonly principal?: string;
  /** Condition keys of the request, in lower case. */
  readonly keys?: Readonly<Record<string, string>>;
}

const oneOrMany = <Item extends z.ZodType>(item: Item) =>
  z.union([z.array(item), item.transform((only) => [only])], { error: 'must be a text or a list' });
// Strict, so that a member or an operator that is not evaluated here (NotAction, ArnLike) is an error, not a gap.
const statementSchema = z.strictObject({
  // CDK's own grants have none.
  Sid: z.string().default(''),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: z.strictObject({ AWS: z.unknown() }).optional(),
  Action: oneOrMany(z.string()),
  Resource: z.unknown(),
  Condition: z
    .strictObject({
      StringEquals: z.record(z.string(), z.unknown()).default({}),
      Bool: z.record(z.string(), z.enum(['true', 'false'])).default({}),
      'ForAllValues:StringEquals': z.record(z.string(), z.unknown()).default({}),
      // Of a key that has one value in each request, it is the same.
      'ForAnyValue:StringEquals': z.record(z.string(), z.unknown()).default({}),
      StringLike: z.record(z.string(), z.unknown()).default({}),
      Null: z.record(z.string(), z.literal('false')).default({}),
    })
    .prefault({}),
});
const policySchema = z.strictObject({ Version: z.literal('2012-10-17'), Statement: z.array(statementSchema) });

/**
 * Reads a policy of a template, identity-based or of a resource, its intrinsic functions resolved.
 *
 * @throws Error for whatever `evaluatePolicy` does not evaluate
 */
export function parsePolicy(document: unknown, attributes: Attributes): readonly Permission[] {
  const resolve = (value: unknown) =>
    (Array.isArray(value) ? value : [value]).map((each) => resolveText(each, attributes));
  return policySchema.parse(document).Statement.flatMap(({ Sid, Effect, Principal, Action, Resource, Condition }) => {
    const toMap = (conditions: object) =>
      new Map(Object.entries(conditions).map(([key, values]) => [key.toLowerCase(), resolve(values)]));
    const stringEquals = toMap({
      ...Condition.StringEquals,
      ...Condition['ForAnyValue:StringEquals'],
      ...Condition.Bool,
    });
    const forAllValues = toMap(Condition['ForAllValues:StringEquals']);
    const principals = Principal && resolve(Principal.AWS);
    const stringLike = toMap(Condition.StringLike);
    const present = Object.keys(Condition.Null).map((key) => key.toLowerCase());
    return Action.flatMap((action) =>
      resolve(Resource).map((resource) => ({
        sid: Sid,
        effect: Effect,
        action,
        resource,
        principals,
        stringEquals,
        forAllValues,
        stringLike,
        present,
      })),
    );
  });
}

/**
 * The permission by which IAM would allow the request; `undefined`: denied, by default or by a statement.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export function evaluatePolicy(permissions: readonly Permission[], request: AccessRequest): Permission | undefined {
  const matching = permissions.filter((permission) => matches(permission, request));
  if (matching.some(({ effect }) => effect === 'Deny')) return undefined;
  return matching[0];
}

function matches(permission: Permission, request: AccessRequest): boolean {
  const { action, resource, principals, stringEquals, forAllValues, stringLike, present } = permission;
  const isPrincipal = principals?.some((arn) => arn === '*' || arn === request.principal) ?? true;
  const isAction = toPattern(action, 'i').test(request.action);
  const isResource = toPattern(resource).test(request.resource);
  const isMet = [...stringEquals].every(([key, accepted]) => {
    const value = request.keys?.[key];
    return value !== undefined && accepted.includes(value);
  });
  const isWithin = [...forAllValues].every(([key, accepted]) => {
    const value = request.keys?.[key];
    return value === undefined || accepted.includes(value);
  });
  const isAlike = [...stringLike].every(([key, patterns]) => {
    const value = request.keys?.[key];
    return value !== undefined && patterns.some((pattern) => toPattern(pattern).test(value));
  });
  const isThere = present.every((key) => request.keys?.[key] !== undefined);
  return isPrincipal && isAction && isResource && isMet && isWithin && isAlike && isThere;
}

function toPattern(text: string, flags = ''): RegExp {
  const source = text
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, flags);
}
