import * as z from 'zod';
import { isSameSecret, parseJson } from '../../lambda/contract.ts';
import { secretIdOf } from './existing-secret.ts';
import { type FleetSettings, fleetSchema } from './fleet-schema.ts';
import { explainMistake, findMistakes, OptionsError, type Place } from './mistakes.ts';
import { replaceOldNames } from './old-names.ts';
import { accountSchema, CONTEXT_KEY, type TokenRefreshSettings, topSchema } from './schema.ts';
import { findStrayKeys } from './stray-context-keys.ts';

const DEFAULT_STACK_NAME = 'RetentlyTokenRefresh';
/** Default stack name of a fleet. With the default of one account, a fleet would take over that stack and remove its secret. */
const DEFAULT_FLEET_NAME = 'RetentlyTokenRefreshFleet';
// The first three dashboards of an AWS account are free.
const FREE_DASHBOARDS = 3;

type Options = Readonly<Record<string, unknown>>;
const envSchema = z.object({ region: z.string().optional(), account: z.string().optional() });

/** Name, AWS account and region of a stack. */
export interface Placed {
  readonly stackName: string;
  readonly account: string | undefined;
  readonly region: string | undefined;
  /** `account` and `region`, or else those of the CDK CLI. Only a link and the comparison of stacks depend on them. */
  readonly likely: Place;
}

export interface StackSettings extends Placed {
  readonly settings: TokenRefreshSettings;
}

export interface FleetStackSettings extends Placed {
  readonly fleet: FleetSettings;
}

interface Surroundings {
  /** Region for stacks without `env.region`, if it is known. */
  readonly cliRegion?: string | undefined;
  /** AWS account for stacks without `env.account`, if it is known. */
  readonly cliAccount?: string | undefined;
  /** All keys of the context. */
  readonly contextKeys?: readonly string[];
}

/**
 * Parses the context key `tokenRefresh`: an object, or JSON from the command line. Common options are at the
 * top. `accounts` lists several Retently accounts, one stack each, and an account's option overrides the common one.
 *
 * @throws OptionsError that names every mistake
 */
export function parseContext(
  context: unknown,
  { cliRegion, cliAccount, contextKeys = [] }: Surroundings = {},
): readonly StackSettings[] {
  const strayKeys = findStrayKeys(contextKeys);
  const cli = { region: cliRegion, account: cliAccount };
  const { accounts, ...given } = toObject(context, strayKeys);
  const common = replaceOldNames(given, toCommonPath);
  const entries = (accounts === undefined ? [{}] : toEntries(accounts, strayKeys)).map((entry, index) =>
    replaceOldNames(entry, (path) => toPath(index, path)),
  );
  const shared = { dashboard: entries.length <= FREE_DASHBOARDS, ...common.current };
  const parsed = entries.map(({ current: own }, index) =>
    accounts === undefined
      ? parseStack(topSchema, shared, toCommonPath, cli)
      : parseStack(
          accountSchema,
          // An account without events does not use the common event bus.
          { ...shared, ...(own['publishEvents'] === false && { eventBus: undefined }), ...own },
          (path) => {
            const [member = ''] = path.split(/[.[]/);
            return Object.hasOwn(own, member) || member === 'name' ? toPath(index, path) : toCommonPath(path);
          },
          cli,
        ),
  );
  const stacks = parsed.flatMap((each) => ('stack' in each ? [each.stack] : []));
  const sharedNames = findSharedNames(entries.map(({ current }) => current));
  // Stacks can be compared only if all of them are valid.
  const isComparable = sharedNames.length === 0 && stacks.length === entries.length;
  // Every account repeats a mistake in the common options. The Set removes the duplicates.
  const mistakes = new Set([
    ...strayKeys,
    ...[common, ...entries].flatMap(({ sentences }) => sentences),
    ...parsed.flatMap((each) => ('mistakes' in each ? each.mistakes : [])),
    ...sharedNames,
    ...(isComparable ? findShared(stacks) : []),
  ]);
  if (mistakes.size > 0) throw new OptionsError([...mistakes]);
  return stacks;
}

export function isFleet(context: unknown): boolean {
  return Object.hasOwn(readOptions(context), 'fleet');
}

/**
 * Parses the context key like {@link parseContext}, but for options with `fleet`: one stack for all secrets with a tag.
 *
 * @throws OptionsError that names every mistake
 */
export function parseFleetContext(
  context: unknown,
  { cliRegion, cliAccount, contextKeys = [] }: Surroundings = {},
): FleetStackSettings {
  const { current, sentences } = replaceOldNames(readOptions(context), toCommonPath);
  const place = toPlace(current, { region: cliRegion, account: cliAccount });
  const mistakes = [
    ...findStrayKeys(contextKeys),
    ...sentences,
    ...findMistakes(fleetSchema, current, toCommonPath, place),
  ];
  if (mistakes.length > 0) throw new OptionsError(mistakes);
  const { stackName = DEFAULT_FLEET_NAME, env = {}, fleet, ...settings } = fleetSchema.parse(current);
  const { account, region } = env;
  return { stackName, account, region, likely: place, fleet: { ...settings, ...fleet } };
}

/** Returns the options of the command line or of `cdk.json`; an empty object if there are none or they cannot be parsed. */
export function readOptions(context: unknown): Options {
  const parsed = z
    .record(z.string(), z.unknown())
    .safeParse(typeof context === 'string' ? parseJson(context) : context);
  return parsed.data ?? {};
}

function parseStack(
  schema: typeof topSchema | typeof accountSchema,
  options: Options,
  memberPath: (path: string) => string,
  cli: Place,
): { readonly stack: StackSettings } | { readonly mistakes: readonly string[] } {
  const place = toPlace(options, cli);
  const mistakes = findMistakes(schema, options, memberPath, place);
  if (mistakes.length > 0) return { mistakes };
  const { stackName, env, name, ...settings } = { name: undefined, ...schema.parse(options) };
  const defaultName = name === undefined ? DEFAULT_STACK_NAME : `${DEFAULT_STACK_NAME}-${name}`;
  const { account, region } = env ?? {};
  return {
    stack: { stackName: stackName ?? defaultName, account, region, likely: place, settings },
  };
}

function findSharedNames(accounts: readonly Options[]): readonly string[] {
  const names = accounts.map(({ name }, index) => (typeof name === 'string' ? name.toLowerCase() : `(${index})`));
  const requirement = 'differ from the names of all other Retently accounts, and not only in case';
  return findDuplicates(names).map((index) =>
    explainMistake(toPath(index, 'name'), accounts[index]?.['name'], requirement),
  );
}

function findShared(stacks: readonly StackSettings[]): readonly string[] {
  const explain = (index: number, member: string, requirement: string) => {
    const { stackName, settings } = stacks[index] ?? {};
    return explainMistake(toPath(index, member), { stackName, ...settings }[member], requirement);
  };
  const names = stacks.map(({ stackName }) => stackName.toLowerCase());
  const buses = stacks.map(({ settings: { eventBus }, likely }, index) =>
    [typeof eventBus === 'object' ? eventBus.create : index, likely.account, likely.region].join(),
  );
  return [
    ...findDuplicates(names).map((index) =>
      explain(index, 'stackName', 'differ from the names of all other stacks, and not only in case'),
    ),
    ...findSharedSecrets(stacks).map(({ index, member, requirement }) => explain(index, member, requirement)),
    ...findDuplicates(buses).map((index) =>
      explain(index, 'eventBus', 'be created by only one stack: in the other stacks, set its name'),
    ),
  ];
}

interface UsedSecret {
  readonly index: number;
  readonly member: 'secret' | 'tokenSecret';
  readonly id: string;
  readonly likely: Place;
}

/** Finds secrets that an earlier account already uses, in either role, by name or by ARN. */
function findSharedSecrets(stacks: readonly StackSettings[]) {
  const used = stacks.flatMap(({ settings: { secret, tokenSecret }, likely }, index): readonly UsedSecret[] => [
    ...(secret === undefined ? [] : [{ index, member: 'secret', id: secretIdOf(secret), likely } as const]),
    ...(typeof tokenSecret === 'boolean'
      ? []
      : [{ index, member: 'tokenSecret', id: secretIdOf(tokenSecret), likely } as const]),
  ]);
  return used.flatMap((later) => {
    const earlier = used.find((each) => each.index < later.index && isSameUse(each, later));
    return earlier === undefined ? [] : [{ ...later, requirement: explainSharing(earlier, later) }];
  });
}

function isSameUse(one: UsedSecret, other: UsedSecret): boolean {
  const isSamePlace = one.likely.account === other.likely.account && one.likely.region === other.likely.region;
  return one.id === other.id ? isSamePlace || one.id.startsWith('arn:') : isSamePlace && isSameSecret(one.id, other.id);
}

function explainSharing(earlier: UsedSecret, later: UsedSecret): string {
  if (earlier.member !== later.member) {
    return `be used by only one Retently account, and in one role: it is also ${toPath(earlier.index, earlier.member)}`;
  }
  return later.member === 'secret'
    ? "be the secret of only one Retently account: two would use each other's refresh token"
    : "be the token secret of only one Retently account: two would overwrite each other's access token";
}

/** Returns the index of each value that also occurs at a lower index. */
function findDuplicates(values: readonly string[]): readonly number[] {
  return values.flatMap((value, index) => (values.indexOf(value) === index ? [] : [index]));
}

function toCommonPath(path: string): string {
  return `${CONTEXT_KEY}.${path}`;
}

function toPath(index: number, path: string): string {
  return `${CONTEXT_KEY}.accounts[${index}].${path}`;
}

function toObject(context: unknown = {}, strayKeys: readonly string[]): Options {
  const value = typeof context === 'string' ? parseJson(context) : context;
  const parsed = z.record(z.string(), z.unknown()).safeParse(value);
  if (parsed.success) return parsed.data;
  const sentence =
    value === undefined
      ? `${CONTEXT_KEY} is a string that is not valid JSON: the shell may have removed its quotes. Put the object into cdk.json: { "context": { "${CONTEXT_KEY}": { … } } }.`
      : `${CONTEXT_KEY} must be an object, or a string that contains one as JSON.`;
  throw new OptionsError([...strayKeys, sentence]);
}

function toEntries(accounts: unknown, strayKeys: readonly string[]): readonly Options[] {
  const parsed = z.array(z.record(z.string(), z.unknown())).min(1).safeParse(accounts);
  if (parsed.success) return parsed.data;
  const sentence = `${CONTEXT_KEY}.accounts must be a list of at least one Retently account, each an object with a name. The AWS account is env.account.`;
  throw new OptionsError([...strayKeys, sentence]);
}

/** Returns the valid parts of `env`. The schema reports the others. */
function toPlace(options: Options, cli: Place): Place {
  const env: Place = z.object({ env: envSchema }).safeParse(options).data?.env ?? {};
  return { region: env.region ?? cli.region, account: env.account ?? cli.account };
}
