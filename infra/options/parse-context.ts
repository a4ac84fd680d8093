import * as z from 'zod';
import { parseJson } from '../../lambda/contract.ts';
import { secretIdOf } from './existing-secret.ts';
import { type FleetSettings, fleetSchema } from './fleet-schema.ts';
import { explainMistake, findMistakes, OptionsError, type Place } from './mistakes.ts';
import { replaceOldNames } from './old-names.ts';
import { accountSchema, CONTEXT_KEY, type TokenRefreshSettings, topSchema } from './schema.ts';
import { findStrayKeys } from './stray-context-keys.ts';

const DEFAULT_STACK_NAME = 'RetentlyTokenRefresh';
/** Another one: a fleet beside the stack of one account, or in place of it, must not take the secret out of that stack. */
const DEFAULT_FLEET_NAME = 'RetentlyTokenRefreshFleet';
// The first three dashboards of an AWS account are free.
const FREE_DASHBOARDS = 3;

type Options = Readonly<Record<string, unknown>>;
const envSchema = z.object({ region: z.string().optional(), account: z.string().optional() });

/** Where a stack goes, and its name. */
export interface Placed {
  readonly stackName: string;
  readonly account: string | undefined;
  readonly region: string | undefined;
  /** `region`, or else the region of the CDK CLI. Nothing but a link depends on it. */
  readonly likelyRegion: string | undefined;
}

/** The stack of one Retently account. */
export interface StackSettings extends Placed {
  readonly settings: TokenRefreshSettings;
}

/** The stack of a fleet. */
export interface FleetStackSettings extends Placed {
  readonly fleet: FleetSettings;
}

interface Surroundings {
  /** The region of a stack without `env.region`, if that is known. */
  readonly cliRegion?: string | undefined;
  /** The AWS account of a stack without `env.account`, if that is known. */
  readonly cliAccount?: string | undefined;
  /** Every key of the context. */
  readonly contextKeys?: readonly string[];
}

/**
 * Reads the context key `tokenRefresh`: an object, or its JSON text from the command line. Common options stand at the
 * top; `accounts` lists several Retently accounts, a stack each, and a member of an account replaces the common one.
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
          // An account without events has no use for the common event bus.
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
  // Stacks can be compared only if all of them could be made.
  const isComparable = sharedNames.length === 0 && stacks.length === entries.length;
  // Every account repeats a mistake in the common options: a Set names it once.
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

/** Returns whether the options are those of a fleet. */
export function isFleet(context: unknown): boolean {
  return Object.hasOwn(readOptions(context), 'fleet');
}

/**
 * Reads the context key as {@link parseContext} does, if the options have `fleet`: one stack for every secret with a tag.
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
  return { stackName, account, region, likelyRegion: place.region, fleet: { ...settings, ...fleet } };
}

/** Returns the options on the command line or in `cdk.json` as an object; empty if there are none, or none that can be read. */
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
    stack: { stackName: stackName ?? defaultName, account, region, likelyRegion: place.region, settings },
  };
}

function findSharedNames(accounts: readonly Options[]): readonly string[] {
  const names = accounts.map(({ name }, index) => (typeof name === 'string' ? name.toLowerCase() : `(${index})`));
  const requirement = 'differ from the name of every other Retently account, not only in case';
  return findDuplicates(names).map((index) =>
    explainMistake(toPath(index, 'name'), accounts[index]?.['name'], requirement),
  );
}

/** What no two stacks of an AWS account and region may share. */
const UNSHARED: Readonly<Record<string, readonly [(settings: TokenRefreshSettings) => string | undefined, string]>> = {
  secret: [
    ({ secret }) => secret && secretIdOf(secret),
    "be the secret of one Retently account only: two would spend each other's refresh tokens",
  ],
  tokenSecret: [
    ({ tokenSecret }) => (typeof tokenSecret === 'boolean' ? undefined : secretIdOf(tokenSecret)),
    'be the token secret of one Retently account only: two would overwrite each other',
  ],
  eventBus: [
    ({ eventBus }) => (typeof eventBus === 'object' ? eventBus.create : undefined),
    'be created by one stack only: name it in the others',
  ],
};

function findShared(stacks: readonly StackSettings[]): readonly string[] {
  const find = (member: string, values: readonly string[], requirement: string) =>
    findDuplicates(values).map((index) => {
      const { stackName, settings } = stacks[index] ?? {};
      return explainMistake(toPath(index, member), { stackName, ...settings }[member], requirement);
    });
  const names = stacks.map(({ stackName }) => stackName.toLowerCase());
  return [
    ...find('stackName', names, 'differ from the name of every other stack, not only in case'),
    ...Object.entries(UNSHARED).flatMap(([member, [identityOf, requirement]]) => {
      const values = stacks.map(({ settings, account, region }, index) =>
        [identityOf(settings) ?? index, account, region].join(),
      );
      return find(member, values, requirement);
    }),
  ];
}

/** Returns the index of each value that is there already at a lower index. */
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
      ? `${CONTEXT_KEY} is a text that is not JSON; the shell may have taken its quotes away. Put the object into cdk.json: { "context": { "${CONTEXT_KEY}": { … } } }.`
      : `${CONTEXT_KEY} must be an object, or the JSON text of one.`;
  throw new OptionsError([...strayKeys, sentence]);
}

function toEntries(accounts: unknown, strayKeys: readonly string[]): readonly Options[] {
  const parsed = z.array(z.record(z.string(), z.unknown())).min(1).safeParse(accounts);
  if (parsed.success) return parsed.data;
  const sentence = `${CONTEXT_KEY}.accounts must be a list of Retently accounts, at least one, each an object with a name. (The AWS account is env.account.)`;
  throw new OptionsError([...strayKeys, sentence]);
}

/** As far as `env` is well-formed: what is not is named by the schema of the options. */
function toPlace(options: Options, cli: Place): Place {
  const env: Place = z.object({ env: envSchema }).safeParse(options).data?.env ?? {};
  return { region: env.region ?? cli.region, account: env.account ?? cli.account };
}
