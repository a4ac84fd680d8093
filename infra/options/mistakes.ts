import { Duration, Token } from 'aws-cdk-lib';
import * as z from 'zod';
import { secretIdOf } from './existing-secret.ts';
import { flexibleWindow as sweepWindow } from './fleet-schema.ts';
import { findSweepProblems, findTimingProblems, type Problem } from './schedule-limits.ts';
import { optionsSchema } from './schema.ts';
import { findTokenSecretProblems } from './token-secret-problems.ts';

/** Error that lists every mistake in the options, one per line. */
export class OptionsError extends Error {
  override readonly name = 'OptionsError';

  constructor(sentences: readonly string[]) {
    super(
      `The options of the token refresh are not valid:\n${sentences.map((sentence) => `- ${sentence}`).join('\n')}`,
    );
  }
}

/** Region and AWS account of the stack, if they are known. */
export interface Place {
  /** Region of the stack. ARNs of other regions are rejected. */
  readonly region?: string | undefined;
  readonly account?: string | undefined;
}

/**
 * Returns a sentence for every mistake in the options of one stack or in the props of a construct.
 *
 * @param toPath formats the path of an option for a sentence: `interval`, `alarmEmails[1]`
 */
export function findMistakes(
  schema: z.ZodType,
  options: unknown,
  toPath: (path: string) => string,
  { region, account }: Place = {},
): readonly string[] {
  const parsed = schema.safeParse(options);
  // The rules between options are checked separately, so that an invalid option elsewhere does not hide their findings.
  const members = toMembers(options);
  const isFleet = members['fleet'] !== undefined || members['tagKey'] !== undefined;
  const timing = (isFleet ? sweepTimingSchema : timingSchema).safeParse(options);
  const regional = regionalSchema.safeParse(options);
  const reading = readingSchema.safeParse(options);
  const problems = [
    ...(parsed.error?.issues ?? []).flatMap(toProblems),
    ...(timing.success ? findTimingProblems(timing.data) : []),
    ...(timing.success && isFleet ? findSweepProblems(timing.data) : []),
    ...(regional.success && region !== undefined ? findRegionProblems(regional.data, region) : []),
    ...(reading.success ? findTokenSecretProblems(reading.data, account) : []),
    ...findContradictions(members),
  ];
  return problems.map(({ path, value, requirement, advice }) => {
    const where = toPath(toText(path));
    if (advice !== undefined) return `${where} is not a valid option. ${advice}`;
    // A default can break a rule, too.
    const given = value ?? path.reduce(readMember, options);
    return explainMistake(where, given === undefined ? path.reduce(readMember, timing.data) : given, requirement);
  });
}

const { interval, flexibleWindow, timeout, tokenLifetime, secret, encryptionKey, eventBus } = optionsSchema.shape;
const { tokenSecret, tokenReaders, alarmTopic, alarmsAndLogsKey } = optionsSchema.shape;
const timingSchema = z.object({ interval, flexibleWindow, timeout, tokenLifetime });
const sweepTimingSchema = z.object({ ...timingSchema.shape, flexibleWindow: sweepWindow });
const regionalSchema = z.object({ secret, tokenSecret, encryptionKey, alarmsAndLogsKey, eventBus, alarmTopic });
const readingSchema = z.object({ secret, tokenSecret, tokenReaders, encryptionKey });

function findRegionProblems(named: z.output<typeof regionalSchema>, regionOfStack: string): readonly Problem[] {
  const requirement = `be in ${regionOfStack}, the region of the stack (env.region, or else the region of the AWS CLI)`;
  const arns = {
    secret: named.secret && secretIdOf(named.secret),
    tokenSecret: typeof named.tokenSecret === 'boolean' ? undefined : secretIdOf(named.tokenSecret),
    encryptionKey: named.encryptionKey?.keyArn,
    alarmsAndLogsKey: named.alarmsAndLogsKey ? named.alarmsAndLogsKey.keyArn : undefined,
    eventBus: typeof named.eventBus === 'string' ? named.eventBus : undefined,
    alarmTopic: typeof named.alarmTopic === 'string' ? named.alarmTopic : named.alarmTopic?.topicArn,
  };
  return Object.entries(arns).flatMap(([member, arn]) => {
    const region = arn?.startsWith('arn:') ? arn.split(':')[3] : undefined;
    const isElsewhere = region !== undefined && !Token.isUnresolved(region) && region !== regionOfStack;
    return isElsewhere ? [{ path: [member], value: arn, requirement }] : [];
  });
}

/** Finds options that contradict or require each other. */
function findContradictions(options: Readonly<Record<string, unknown>>): readonly Problem[] {
  const has = (member: string) => options[member] !== undefined;
  const groups = options['securityGroups'] ?? [];
  const problems: readonly (readonly [boolean, string, string])[] = [
    [has('alarmTopic') && has('alarmEmails'), 'alarmEmails', 'be left out: subscribe to your alarmTopic'],
    [
      has('eventBus') && options['publishEvents'] === false,
      'publishEvents',
      'be true or left out, because eventBus is set',
    ],
    [
      !has('vpc') && (has('securityGroups') || has('vpcSubnets')),
      'vpc',
      'be set, because securityGroups or vpcSubnets is set',
    ],
    [
      has('vpc') && Array.isArray(groups) && groups.length === 0,
      'securityGroups',
      'contain at least one security group, because vpc is set',
    ],
  ];
  return problems.flatMap(([isMistake, member, requirement]) => (isMistake ? [{ path: [member], requirement }] : []));
}

function toProblems(issue: z.core.$ZodIssue): readonly Problem[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, requirement: issue.message }];
  const advice = issue.message.split('\n');
  return issue.keys.map((key, index) => ({ path: [...issue.path, key], requirement: '', advice: advice[index] }));
}

/** Returns a path as text: `alarmEmails[1]`, `removalPolicies.logs`. */
function toText(path: readonly PropertyKey[]): string {
  const [member = '', ...rest] = path.map(String);
  return member + rest.map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`)).join('');
}

/** Returns "`path` is `value`, but must …." */
export function explainMistake(path: string, value: unknown, requirement: string): string {
  return `${path} is ${describe(value)}, but must ${requirement}.`;
}

function toMembers(options: unknown): Readonly<Record<string, unknown>> {
  return typeof options === 'object' && options !== null ? { ...options } : {};
}

function readMember(value: unknown, member: PropertyKey): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, member) : undefined;
}

/** Matches a password in a URL or a query, and a misplaced member of RetentlyCredentials. */
const CREDENTIAL = /(client_secret|refresh_token|access_token|password)\W{0,4}[=:]|\/\/[^/]*@|[?&]\w+=/i;

/** Returns a value in the form in which a message shows it. */
export function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (isKnownAtDeployTime(value)) return 'known only at deployment';
  if (value instanceof Duration) return value.toHumanString();
  const json = toJson(value);
  if (json === undefined) return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
  if (CREDENTIAL.test(json)) return 'a value that is not shown, because it may contain a credential';
  return json.length <= 200 ? json : `${json.slice(0, 200)}…`;
}

function isKnownAtDeployTime(value: unknown): boolean {
  // A CDK token for a list is recognized only within a list.
  return (
    Token.isUnresolved(value) || Token.isUnresolved([value]) || (value instanceof Duration && value.isUnresolved())
  );
}

/** Returns the value as JSON; `undefined` for a function, or for a CDK object, which contains itself. */
function toJson(value: unknown): string | undefined {
  try {
    return isPlain(value) ? toSpaced(JSON.parse(JSON.stringify(value))) : undefined;
  } catch {
    return undefined;
  }
}

/** Returns JSON in one line, with spaces: `{ "seconds": 60 }`. */
export function toSpaced(json: unknown): string {
  if (Array.isArray(json)) return `[${json.map(toSpaced).join(', ')}]`;
  if (typeof json !== 'object' || json === null || Object.keys(json).length === 0) return JSON.stringify(json);
  const members = Object.entries(json).map(([name, value]) => `${JSON.stringify(name)}: ${toSpaced(value)}`);
  return `{ ${members.join(', ')} }`;
}

function isPlain(value: unknown): boolean {
  return (
    typeof value !== 'object' ||
    value === null ||
    [Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value))
  );
}
