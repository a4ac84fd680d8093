import * as z from 'zod';
import { secretIdOf } from './existing-secret.ts';
import { findTimingProblems, type Problem } from './schedule-limits.ts';
import { optionsSchema } from './schema.ts';
import { findTokenSecretProblems } from './token-secret-problems.ts';

/** Names every mistake in the options, one a line. */
export class OptionsError extends Error {
  override readonly name = 'OptionsError';

  constructor(sentences: readonly string[]) {
    super(`The options of the token refresh were refused:\n${sentences.map((sentence) => `- ${sentence}`).join('\n')}`);
  }
}

/** Where the stack goes, as far as that is known. */
export interface Place {
  /** ARNs of another region are refused. */
  readonly region?: string | undefined;
  readonly account?: string | undefined;
}

/**
 * Every mistake in the options of one stack, as sentences.
 *
 * @param schema the options of the construct, or those of a stack, which has more
 * @param toPath how a sentence names a member, by its path: `schedule.everyMinutes`, `alarmEmails[1]`
 */
export function findMistakes(
  schema: z.ZodType,
  options: unknown,
  toPath: (path: string) => string,
  { region, account }: Place = {},
): readonly string[] {
  const parsed = schema.safeParse(options);
  // The rules between members are checked separately, so that a bad member elsewhere does not hide what they find.
  const timing = timingSchema.safeParse(options);
  const regional = regionalSchema.safeParse(options);
  const reading = readingSchema.safeParse(options);
  const problems = [
    ...(parsed.error?.issues ?? []).flatMap(toProblems),
    ...(timing.success ? findTimingProblems(timing.data) : []),
    ...(regional.success && region !== undefined ? findRegionProblems(regional.data, region) : []),
    ...(reading.success ? findTokenSecretProblems(reading.data, account) : []),
  ];
  // The defaults are part of it: one of them can break a rule.
  const got = { ...toMembers(options), ...timing.data };
  return problems.map((problem) => toSentence(problem, got, toPath));
}

const { schedule, timeoutSeconds, tokenLifetimeSeconds, existingSecret, kmsKeyArn, eventBus } = optionsSchema.shape;
const { tokenSecret, tokenReaders } = optionsSchema.shape;
const timingSchema = z.object({ schedule, timeoutSeconds, tokenLifetimeSeconds });
const regionalSchema = z.object({ existingSecret, tokenSecret, kmsKeyArn, eventBus });
const readingSchema = z.object({ existingSecret, tokenSecret, tokenReaders, kmsKeyArn });

function findRegionProblems(arns: z.output<typeof regionalSchema>, regionOfStack: string): readonly Problem[] {
  const requirement = `lie in ${regionOfStack}, where the stack goes (env.region, else the region that the AWS CLI is set to)`;
  const bus = typeof arns.eventBus === 'object' && 'existing' in arns.eventBus ? arns.eventBus.existing : undefined;
  const candidates: readonly (readonly [string | undefined, readonly string[]])[] = [
    [arns.existingSecret && secretIdOf(arns.existingSecret), ['existingSecret']],
    [
      typeof arns.tokenSecret === 'object' ? secretIdOf(arns.tokenSecret.existing) : undefined,
      ['tokenSecret', 'existing'],
    ],
    [arns.kmsKeyArn, ['kmsKeyArn']],
    [bus, ['eventBus', 'existing']],
  ];
  return candidates.flatMap(([arn, path]) => {
    const region = arn?.startsWith('arn:') ? arn.split(':')[3] : undefined;
    return region === undefined || region === regionOfStack ? [] : [{ path, requirement }];
  });
}

/** Options of earlier versions, and what to write instead. */
const REPLACED: Readonly<Record<string, string>> = {
  'schedule.expression':
    'be left out: write { "everyMinutes": 10 } for rate(10 minutes). There is no cron: a token has no office hours',
  'schedule.timeZone': 'be left out: { "everyMinutes": 10 } ticks the same in every time zone',
};

function toProblems(issue: z.core.$ZodIssue): readonly Problem[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, requirement: issue.message }];
  return issue.keys.map((key) => {
    const path = [...issue.path, key];
    return { path, requirement: REPLACED[path.join('.')] ?? issue.message, hidesValue: true };
  });
}

/** "`tokenRefresh.timeoutSeconds` is 5, but must be a whole number of seconds from 45 to 900." */
function toSentence(
  { path, requirement, hidesValue }: Problem,
  options: unknown,
  toPath: (path: string) => string,
): string {
  const [member, ...rest] = path.map(String);
  const inside = rest.map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`)).join('');
  const where = toPath(`${member ?? ''}${inside}`);
  if (hidesValue) return `${where} is there, but must ${requirement}.`;
  return explainMistake(where, path.reduce(readMember, options), requirement);
}

/** "`path` is `value`, but must …." */
export function explainMistake(path: string, value: unknown, requirement: string): string {
  return `${path} is ${describe(value)}, but must ${requirement}.`;
}

function toMembers(options: unknown): object {
  return typeof options === 'object' && options !== null ? options : {};
}

function readMember(value: unknown, member: PropertyKey): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, member) : undefined;
}

/** A password in a URL, a query, or a member of RetentlyCredentials in the wrong place. */
const CREDENTIAL = /(client_secret|refresh_token|access_token|password)\W{0,4}[=:]|\/\/[^/]*@|[?&]\w+=/i;

function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  const json = toJson(value);
  if (json === undefined) return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
  if (CREDENTIAL.test(json)) return 'a value that is not shown, since it may hold a credential';
  return json.length <= 200 ? json : `${json.slice(0, 200)}…`;
}

/** `undefined` for what is no JSON: an object of CDK, which leads back to itself, or a function. */
function toJson(value: unknown): string | undefined {
  try {
    return isPlain(value) ? JSON.stringify(value) : undefined;
  } catch {
    return undefined;
  }
}

function isPlain(value: unknown): boolean {
  return (
    typeof value !== 'object' ||
    value === null ||
    [Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value))
  );
}
