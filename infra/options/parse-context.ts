import * as z from 'zod';
import { parseJson } from '../../lambda/contract.ts';
import { secretIdOf } from './existing-secret.ts';
import { type FleetSettings, fleetSchema } from './fleet-schema.ts';
import { explainMistake, findMistakes, OptionsError, type Place } from './mistakes.ts';
import type { TokenRefreshSettings } from './schema.ts';
import { accountSchema, CONTEXT_KEY, topSchema } from './stack-schema.ts';
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
  const { accounts, ...common } = toObject(context, strayKeys);
  const entries = accounts === undefined ? [{}] : toEntries(accounts, strayKeys);
  const shared = { dashboard: entries.length <= FREE_DASHBOARDS, ...common };
  const parsed = entries.map((own, index) =>
    accounts === undefined
      ? parseStack(topSchema, shared, toCommonPath, cli)
      : parseStack(
          accountSchema,
          { ...shared, ...own },
          (path) => {
            const [member = ''] = path.split(/[.[]/);
            return Object.hasOwn(own, member) || member === 'name' ? toPath(index, path) : toCommonPath(path);
          },
          cli,
        ),
  );
  const stacks = parsed.flatMap((each) => ('stack' in each ? [each.stack] : []));
  const sharedNames = findSharedNames(entries);
  // Stacks can be compared only if all of them could be made.
  const isComparable = sharedNames.length === 0 && stacks.length === entries.length;
  // Every account repeats a mistake in the common options: a Set names it once.
  const mistakes = new Set([
    ...strayKeys,
    ...parsed.flatMap((each) => ('mistakes' in each ? each.mistakes : [])),
    ...sharedNames,
    ...(isComparable ? findShared(stacks) : []),
  ]);
  if (mistakes.size > 0) throw new OptionsError([...mistakes]);
  return stacks;
}

/** Whether the options are those of a fleet. */
export function isFleet(context: unknown): boolean {
  return Object.hasOwn(readOptions(context), 'fleet');
}

/**
 * As {@link parseContext}, if the options have `fleet`: one stack for every secret with a tag.
 *
 * @throws OptionsError that names every mistake
 */
export function parseFleetContext(
  context: unknown,
  { cliRegion, cliAccount, contextKeys = [] }: Surroundings = {},
): FleetStackSettings {
  const options = readOptions(context);
  const place = toPlace(options, { region: cliRegion, account: cliAccount });
  const mistakes = [...findStrayKeys(contextKeys), ...findMistakes(fleetSchema, options, toCommonPath, place)];
  if (mistakes.length > 0) throw new OptionsError(mistakes);
  const { stackName = DEFAULT_FLEET_NAME, env: { account, region } = {}, ...fleet } = fleetSchema.parse(options);
  return { stackName, account, region, likelyRegion: place.region, fleet };
}

/** The options on the command line or in `cdk.json` as an object; empty if there are none, or none that can be read. */
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
  return findDuplicates(names).map((index) =>
    explainMistake(
      toPath(index, 'name'),
      accounts[index]?.['name'],
      'differ from the name of every other Retently account, not only in case',
    ),
  );
}

/** Values that two stacks must not share. */
function findShared(stacks: readonly StackSettings[]): readonly string[] {
  const sentences: string[] = [];
  const stackNames = stacks.map(({ stackName }) => stackName.toLowerCase());
  for (const index of findDuplicates(stackNames)) {
    const requirement = 'differ from the name of every other stack, not only in case';
    sentences.push(explainMistake(toPath(index, 'stackName'), stacks[index]?.stackName, requirement));
  }
  const secrets = stacks.map(({ settings: { existingSecret }, account, region }, index) =>
    [existingSecret === undefined ? index : secretIdOf(existingSecret), account, region].join(),
  );
  for (const index of findDuplicates(secrets)) {
    const requirement = "be the secret of one Retently account only: two would spend each other's refresh tokens";
    sentences.push(
      explainMistake(toPath(index, 'existingSecret'), stacks[index]?.settings.existingSecret, requirement),
    );
  }
  const tokenSecrets = stacks.map(({ settings: { tokenSecret }, account, region }, index) =>
    [typeof tokenSecret === 'object' ? secretIdOf(tokenSecret.existing) : index, account, region].join(),
  );
  for (const index of findDuplicates(tokenSecrets)) {
    const requirement = 'be the token secret of one Retently account only: two would overwrite each other';
    sentences.push(explainMistake(toPath(index, 'tokenSecret'), stacks[index]?.settings.tokenSecret, requirement));
  }
  const createdBuses = stacks.map(({ settings: { eventBus }, account, region }, index) =>
    [typeof eventBus === 'object' && 'create' in eventBus ? eventBus.create : index, account, region].join(),
  );
  for (const index of findDuplicates(createdBuses)) {
    const requirement = 'be created by one stack only: use { "existing": … } in the others';
    sentences.push(explainMistake(toPath(index, 'eventBus'), stacks[index]?.settings.eventBus, requirement));
  }
  return sentences;
}

/** The index of each value that is there already at a lower index. */
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
