import { Token } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import * as z from 'zod';
import type { TokenRefreshProps } from '../account-props.ts';
import type { TokenRefreshFleetProps } from '../fleet-props.ts';
import { type FleetSettings, fleetProps } from './fleet-schema.ts';
import { explainMistake, findMistakes, OptionsError } from './mistakes.ts';
import { cdk, strictObject } from './option-types.ts';
import { accountProps, optionsSchema, type TokenRefreshSettings } from './schema.ts';

// Options without a prop: a CDK app calls `grantReadToken`, and CDK's own `Tags.of` and `PermissionsBoundary.of`.
const { tokenReaders, tags, permissionsBoundaryArn } = optionsSchema.shape;
const accountSettings = z.object({ ...accountProps, tokenReaders, tags, permissionsBoundaryArn });
const fleetSettings = z.object({ ...fleetProps, tags, permissionsBoundaryArn });

/** Props that the construct uses as CDK objects, so that a name or an ARN, as in JSON, is not enough. */
const OBJECTS = [
  ['secret', cdk<ISecret>('secretArn'), 'be a CDK secret (ISecret)'],
  ['tokenSecret', z.union([cdk<ISecret>('secretArn'), z.boolean()]), 'be a CDK secret (ISecret), true or false'],
  ['encryptionKey', cdk<IKey>('keyArn'), 'be a CDK key (IKey)'],
  ['alarmsAndLogsKey', z.union([cdk<IKey>('keyArn'), z.literal(false)]), 'be a CDK key (IKey) or false'],
] as const;

/**
 * Validates the props of the construct by the rules of the options, and adds the defaults.
 *
 * @param region of the stack. If it is known, ARNs of other regions are rejected
 * @throws OptionsError that lists every mistake by its prop
 */
export function parseProps(props: TokenRefreshProps, region: string): TokenRefreshSettings {
  check(accountProps, props satisfies z.input<typeof accountSettings>, region);
  return accountSettings.parse(props);
}

/** Validates the props of a fleet like {@link parseProps}. */
export function parseFleetProps(props: TokenRefreshFleetProps, region: string): FleetSettings {
  check(fleetProps, props satisfies z.input<typeof fleetSettings>, region);
  return fleetSettings.parse(props);
}

/** Calls `parse`, and makes the stack trace of an OptionsError start at the line that called `caller`. */
export function rethrowFrom<Settings>(caller: new (...args: never[]) => unknown, parse: () => Settings): Settings {
  try {
    return parse();
  } catch (error) {
    if (error instanceof OptionsError) Error.captureStackTrace(error, caller);
    throw error;
  }
}

function check(shape: z.core.$ZodLooseShape, props: object, region: string): void {
  const given = new Map<string, unknown>(Object.entries(props ?? {}));
  const mistakes = OBJECTS.flatMap(([name, type, requirement]) => {
    const value = given.get(name);
    if (value === undefined || type.safeParse(value).success || !(name in shape)) return [];
    given.delete(name);
    return [explainMistake(name, value, requirement)];
  });
  const place = Token.isUnresolved(region) ? {} : { region };
  const others = props === null ? props : Object.fromEntries(given);
  mistakes.push(...findMistakes(strictObject(shape), others, (path) => path || 'props', place));
  if (mistakes.length > 0) throw new OptionsError(mistakes);
}
