import * as z from 'zod';
import { findMistakes, OptionsError, toSentence } from './parse-options.ts';
import { optionsSchema, strictObject, type TokenRefreshSettings, text } from './schema.ts';

/** The one context key that holds all options. */
export const CONTEXT_KEY = 'tokenRefresh';
const DEFAULT_STACK_NAME = 'RetentlyTokenRefresh';
// CloudWatch asks nothing for the first three dashboards of an AWS account.
const FREE_DASHBOARDS = 3;

const stackShape = {
  ...optionsSchema.shape,
  /**
   * Name of the CloudFormation stack.
   * @default "RetentlyTokenRefresh", and with `accounts` "RetentlyTokenRefresh-<name>"
   */
  stackName: text(
    /^[A-Za-z][A-Za-z0-9-]{0,127}$/,
    'be at most 128 letters, digits and hyphens, beginning with a letter',
  ).optional(),
  /**
   * AWS account and region of the stack.
   * @default - those of the credentials that it is deployed with
   */
  env: strictObject({
    account: text(/^\d{12}$/, 'be twelve digits in quotes').optional(),
    region: text(/^[a-z]{2}(-[a-z]+)+-\d$/, 'be a region such as eu-west-1').optional(),
  }).optional(),
};
const topSchema = strictObject({
  ...stackShape,
  /**
   * Several Retently accounts, a stack each: a `name`, and every option that differs from the common one.
   * @default - one account, without a name
   */
  accounts: z.undefined().optional(),
});
const accountSchema = strictObject({
  ...stackShape,
  /** Names a Retently account and, through `stackName`, its stack. */
  name: text(/^[A-Za-z][A-Za-z0-9-]{0,39}$/, 'be at most 40 letters, digits and hyphens, beginning with a letter'),
});

/** One stack to build. */
export interface StackSettings {
  readonly stackName: string;
  readonly account: string | undefined;
  readonly region: string | undefined;
  readonly settings: TokenRefreshSettings;
}

/**
 * Reads the context key `tokenRefresh`: an object, or its JSON text from the command line. Common options stand at the
 * top; `accounts` lists several Retently accounts, a stack each, and a member of an account replaces the common one.
 *
 * @param cliRegion where a stack without `env.region` goes, if that is known
 * @throws OptionsError that names every mistake
 */
export function parseContext(context: unknown, cliRegion?: string): readonly StackSettings[] {
  const { accounts, ...common } = toObject(context);
  const entries = accounts === undefined ? [{}] : toEntries(accounts);
  const sentences = new Set<string>();
  const stacks = entries.flatMap((own, index): StackSettings[] => {
    const merged = { dashboard: entries.length <= FREE_DASHBOARDS, ...common, ...own };
    const toPath = (member: string) =>
      Object.hasOwn(own, member) || member === 'name'
        ? `${CONTEXT_KEY}.accounts[${index}].${member}`
        : `${CONTEXT_KEY}.${member}`;
    const schema = accounts === undefined ? topSchema : accountSchema;
    for (const sentence of findMistakes(schema, merged, toPath, readRegion(merged) ?? cliRegion)) {
      sentences.add(sentence);
    }
    const parsed = schema.safeParse(merged);
    if (!parsed.success) return [];
    const { stackName, env, name, ...settings } = { name: undefined, ...parsed.data };
    const defaultName = name === undefined ? DEFAULT_STACK_NAME : `${DEFAULT_STACK_NAME}-${name}`;
    return [{ stackName: stackName ?? defaultName, account: env?.account, region: env?.region, settings }];
  });
  for (const sentence of findClashes(entries, stacks)) sentences.add(sentence);
  if (sentences.size > 0) throw new OptionsError([...sentences]);
  return stacks;
}

function* findClashes(
  entries: readonly Readonly<Record<string, unknown>>[],
  stacks: readonly StackSettings[],
): Generator<string> {
  const toPath = (member: string) => `${CONTEXT_KEY}.${member}`;
  const clash = (
    values: readonly string[],
    path: (index: number) => PropertyKey[],
    source: unknown,
    requirement: string,
  ) =>
    values.flatMap((value, index) =>
      values.indexOf(value) === index ? [] : [toSentence({ path: path(index), requirement }, source, toPath)],
    );
  const names = entries.map(({ name }, index) => (typeof name === 'string' ? name.toLowerCase() : `(${index})`));
  const sameNames = clash(
    names,
    (index) => ['accounts', index, 'name'],
    { accounts: entries },
    'differ from the name of every other account, not only in case',
  );
  yield* sameNames;
  // Without a name of its own, or with other mistakes, there is no stack to compare.
  if (sameNames.length > 0 || stacks.length < entries.length) return;
  yield* clash(
    stacks.map(({ stackName }) => stackName.toLowerCase()),
    (index) => ['accounts', index, 'stackName'],
    { accounts: stacks },
    'differ from the name of every other stack, not only in case',
  );
  yield* clash(
    stacks.map(({ settings, account, region }, index) => [settings.existingSecret ?? index, account, region].join()),
    (index) => ['accounts', index, 'existingSecret'],
    { accounts: stacks.map(({ settings }) => settings) },
    "be the secret of one account only: two would spend each other's refresh tokens",
  );
  yield* clash(
    stacks.map(({ settings: { eventBus }, account, region }, index) =>
      [typeof eventBus === 'object' && 'create' in eventBus ? eventBus.create : index, account, region].join(),
    ),
    (index) => ['accounts', index, 'eventBus'],
    { accounts: stacks.map(({ settings }) => settings) },
    'be created by one stack only: use { "existing": … } in the others',
  );
}

function toObject(context: unknown): Readonly<Record<string, unknown>> {
  if (context === undefined) return {};
  const value = typeof context === 'string' ? parseJson(context) : context;
  const parsed = z.record(z.string(), z.unknown()).safeParse(value);
  if (!parsed.success) throw new OptionsError([`${CONTEXT_KEY} must be an object, or the JSON text of one.`]);
  return parsed.data;
}

function toEntries(accounts: unknown): readonly Readonly<Record<string, unknown>>[] {
  const parsed = z.array(z.record(z.string(), z.unknown())).min(1).safeParse(accounts);
  if (parsed.success) return parsed.data;
  throw new OptionsError([`${CONTEXT_KEY}.accounts must be a list of at least one object with a name.`]);
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // No cause: the SyntaxError quotes the text, and somebody may have put a credential there by mistake.
    throw new OptionsError([`${CONTEXT_KEY} is a text that is not JSON; quote it as '{"timeoutSeconds":60}'.`]);
  }
}

function readRegion(options: Readonly<Record<string, unknown>>): string | undefined {
  const parsed = z.object({ env: z.object({ region: z.string() }) }).safeParse(options);
  return parsed.data?.env.region;
}
