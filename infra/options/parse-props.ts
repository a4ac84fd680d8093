import { type Duration, Token } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import * as z from 'zod';
import type { TokenRefreshProps } from '../account-props.ts';
import type { TokenRefreshFleetProps } from '../fleet-props.ts';
import type { ExistingSecret } from './existing-secret.ts';
import { type FleetSettings, fleetSchema } from './fleet-schema.ts';
import { explainMistake, findMistakes, OptionsError } from './mistakes.ts';
import { strictObject } from './option-types.ts';
import { optionsSchema, type TokenRefreshSettings } from './schema.ts';

type Props = Partial<TokenRefreshProps & TokenRefreshFleetProps>;

/** What a prop must be, and the option that it becomes. */
interface Row {
  readonly type: z.ZodType;
  /** Path of the option; `undefined` if another prop or the construct itself uses it. */
  readonly option: string | undefined;
  readonly toOption: (value: unknown, props: Props) => unknown;
  /** How an error about the option names the prop. */
  readonly unit?: string;
}

function row<T>(type: z.ZodType<T>, option?: string, toOption: (value: T, props: Props) => unknown = same): Row {
  return { type: type.optional(), option, toOption: toOption as Row['toOption'] };
}

function durationRow(option: string, unit: 'minutes' | 'seconds'): Row {
  const type = having<Duration>('toSeconds', 'a Duration');
  return { ...row(type, option, (length) => toNumber(length, unit === 'minutes' ? 60 : 1)), unit };
}

/**
 * Any object that has `member`. `instanceof` would refuse an object of another copy of aws-cdk-lib.
 */
function having<T extends object>(member: keyof T & string, thing: string) {
  const error = `be ${thing} of CDK`;
  return z.custom<T>((value) => typeof value === 'object' && value !== null && member in value, { error });
}

const same = (value: unknown) => value;
const anything = z.unknown();
const secret = having<ISecret>('secretArn', 'a secret (ISecret)');

/** The props of both constructs. Types that the options check anyway are not checked here. */
const COMMON = {
  encryptionKey: row(having<IKey>('keyArn', 'a KMS key (IKey)'), 'kmsKeyArn', ({ keyArn }) => keyArn),
  interval: durationRow('schedule.everyMinutes', 'minutes'),
  flexibleWindow: durationRow('schedule.flexibleWindowMinutes', 'minutes'),
  tokenLifetime: durationRow('tokenLifetimeSeconds', 'seconds'),
  timeout: durationRow('timeoutSeconds', 'seconds'),
  tokenEndpoint: row(anything, 'tokenEndpoint'),
  eventBus: row(having<IEventBus>('eventBusArn', 'an event bus (IEventBus)'), 'eventBus.existing', (bus, props) =>
    props.publishEvents === false ? undefined : bus.eventBusArn,
  ),
  publishEvents: row(z.boolean({ error: 'be true or false' }), 'eventBus', (isOn) => (isOn ? undefined : 'none')),
  alarmTopic: row(having<ITopic>('topicArn', 'a topic (ITopic)')),
  alarmEmails: row(anything, 'alarmEmails'),
  runbookUrl: row(anything, 'runbookUrl'),
  memorySize: row(anything, 'memoryMegabytes'),
  logRetention: row(anything, 'logRetentionDays'),
  xray: row(anything, 'xray'),
  vpc: row(having<IVpc>('vpcId', 'a VPC (IVpc)'), 'vpc', (vpc, { vpcSubnets, securityGroups = [] }) => ({
    subnetIds: vpc.selectSubnets(vpcSubnets).subnetIds,
    securityGroupIds: securityGroups.map(({ securityGroupId }) => securityGroupId),
  })),
  vpcSubnets: row(z.custom<SubnetSelection>((value) => typeof value === 'object', { error: 'be a SubnetSelection' })),
  securityGroups: row(
    z.array(having<ISecurityGroup>('securityGroupId', 'a security group (ISecurityGroup)'), {
      error: 'be a list of security groups',
    }),
  ),
  dashboard: row(anything, 'dashboard'),
  removalPolicies: row(anything, 'removalPolicies'),
};

const ACCOUNT = {
  ...COMMON,
  secret: row(secret, 'existingSecret', toExisting),
  tokenSecret: row(
    z.union([secret, z.boolean()], { error: 'be a secret (ISecret) of CDK, true or false' }),
    'tokenSecret',
    (value) => (typeof value === 'object' ? { existing: toExisting(value) } : value),
  ),
  reservedConcurrentExecutions: row(anything, 'reservedConcurrency'),
} satisfies Record<keyof TokenRefreshProps, Row>;

const FLEET = {
  ...COMMON,
  tagKey: row(anything, 'fleet.tagKey'),
  tagValue: row(anything, 'fleet.tagValue'),
  maximumConcurrency: row(anything, 'fleet.maximumConcurrency'),
} satisfies Record<keyof TokenRefreshFleetProps, Row>;

/**
 * Translates the props of the construct into the settings that the context gives, by the same rules.
 *
 * @param region of the stack; if that is known, ARNs of another one are refused
 * @throws OptionsError that names every mistake by its prop
 */
export function parseProps(props: TokenRefreshProps, region: string): TokenRefreshSettings {
  return translate(ACCOUNT, optionsSchema, props, region);
}

/** As {@link parseProps}, for a fleet. */
export function parseFleetProps(props: TokenRefreshFleetProps, region: string): FleetSettings {
  return translate(FLEET, fleetSchema, props, region);
}

/** A refusal points at the line that has the mistake, and not at ours. */
export function rethrowFrom<Settings>(caller: new (...args: never[]) => unknown, parse: () => Settings): Settings {
  try {
    return parse();
  } catch (error) {
    if (error instanceof OptionsError) Error.captureStackTrace(error, caller);
    throw error;
  }
}

function translate<Settings>(
  rows: Readonly<Record<string, Row>>,
  schema: z.ZodType<Settings>,
  props: Props,
  region: string,
): Settings {
  const types = Object.fromEntries(Object.entries(rows).map(([name, { type }]) => [name, type]));
  const mistakes = findMistakes(strictObject(types), props, same as (path: string) => string);
  if (mistakes.length > 0) throw new OptionsError(mistakes);
  const options = toOptions(rows, props);
  const sentences = [
    ...findMistakes(schema, options, (path) => toPropName(rows, path), Token.isUnresolved(region) ? {} : { region }),
    ...findPropMistakes(props),
  ];
  if (sentences.length > 0) throw new OptionsError(sentences);
  return schema.parse(options);
}

/** `schedule.everyMinutes` is a member of the option `schedule`. */
function toOptions(rows: Readonly<Record<string, Row>>, props: Props): object {
  // A fleet without a tag has one mistake, in `tagKey`.
  const options: Record<string, unknown> = rows === FLEET ? { fleet: {} } : {};
  const given = new Map<string, unknown>(Object.entries(props));
  for (const [name, { option, toOption }] of Object.entries(rows)) {
    const prop = given.get(name);
    const value = prop === undefined || option === undefined ? undefined : toOption(prop, props);
    if (value === undefined) continue;
    const [outer = '', member] = option?.split('.') ?? [];
    options[outer] = member === undefined ? value : { ...Object(options[outer]), [member]: value };
  }
  return options;
}

/** The prop that an option comes from, as a sentence names it. */
function toPropName(rows: Readonly<Record<string, Row>>, path: string): string {
  const found = Object.entries(rows).find(([, { option }]) => option === path || `${option}.existing` === path);
  if (found === undefined) return path;
  const [name, { unit }] = found;
  return unit === undefined ? name : `${name} in ${unit}`;
}

/** Without its six characters at the end, an ARN names no secret for certain. Then the name does. */
function toExisting({ secretFullArn, secretName }: ISecret): ExistingSecret {
  return secretFullArn === undefined ? secretName : { completeArn: secretFullArn };
}

/** The rules between props that no options have. */
function findPropMistakes(props: Props): readonly string[] {
  const { alarmTopic, alarmEmails, eventBus, publishEvents, vpc, securityGroups, vpcSubnets } = props;
  return [
    ...(alarmTopic !== undefined && alarmEmails !== undefined
      ? [explainMistake('alarmEmails', alarmEmails, 'be left out: subscribe to your alarmTopic')]
      : []),
    ...(eventBus !== undefined && publishEvents === false
      ? [explainMistake('publishEvents', false, 'be true or left out, since there is an eventBus')]
      : []),
    ...(vpc === undefined && (securityGroups ?? vpcSubnets) !== undefined
      ? [explainMistake('vpc', undefined, 'be there, since there are securityGroups or vpcSubnets')]
      : []),
  ];
}

/** A Duration that is only known at deploy time becomes a text, which every rule of a number refuses. */
function toNumber(length: Duration, secondsOfUnit: number): unknown {
  return Token.isUnresolved(length) || length.isUnresolved()
    ? 'known only at deploy time'
    : length.toSeconds({ integral: false }) / secondsOfUnit;
}
