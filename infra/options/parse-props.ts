import { type Duration, Token } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import * as z from 'zod';
import type { TokenRefreshFleetProps } from '../fleet-props.ts';
import type { TokenRefreshProps } from '../token-refresh-props.ts';
import type { ExistingSecret } from './existing-secret.ts';
import { type FleetSettings, fleetSchema } from './fleet-schema.ts';
import { strictObject } from './option-types.ts';
import { complain, findMistakes, OptionsError } from './parse-options.ts';
import { optionsSchema, type TokenRefreshSettings } from './schema.ts';

/**
 * What has `member` is taken for the thing of CDK that is asked for. `instanceof` would refuse an object of another copy of
 * aws-cdk-lib.
 */
const having = <T extends object>(member: keyof T & string, thing: string) =>
  z.custom<T>((value) => typeof value === 'object' && value !== null && member in value, {
    error: `be ${thing} of CDK`,
  });
const duration = () => having<Duration>('toSeconds', 'a Duration');
const anything = () => z.unknown().optional();

/** Only what a translation into options relies on; the options are checked as those of the context are. */
const commonShape = {
  encryptionKey: having<IKey>('keyArn', 'a KMS key (IKey)').optional(),
  interval: duration().optional(),
  flexibleWindow: duration().optional(),
  tokenLifetime: duration().optional(),
  timeout: duration().optional(),
  eventBus: having<IEventBus>('eventBusArn', 'an event bus (IEventBus)').optional(),
  publishEvents: z.boolean({ error: 'be true or false' }).optional(),
  alarmTopic: having<ITopic>('topicArn', 'a topic (ITopic)').optional(),
  vpc: having<IVpc>('vpcId', 'a VPC (IVpc)').optional(),
  vpcSubnets: z
    .custom<SubnetSelection>((value) => typeof value === 'object', { error: 'be a SubnetSelection' })
    .optional(),
  securityGroups: z
    .array(having<ISecurityGroup>('securityGroupId', 'a security group (ISecurityGroup)'), {
      error: 'be a list of security groups',
    })
    .optional(),
  tokenEndpoint: anything(),
  alarmEmails: anything(),
  runbookUrl: anything(),
  memorySize: anything(),
  logRetention: anything(),
  xray: anything(),
  dashboard: anything(),
  removalPolicies: anything(),
};
const propsSchema = strictObject({
  ...commonShape,
  secret: having<ISecret>('secretArn', 'a secret (ISecret)').optional(),
  tokenSecret: z
    .union([having<ISecret>('secretArn', 'a secret'), z.boolean()], {
      error: 'be a secret (ISecret) of CDK, true or false',
    })
    .optional(),
  reservedConcurrentExecutions: anything(),
});
const fleetPropsSchema = strictObject({
  ...commonShape,
  tagKey: anything(),
  tagValue: anything(),
  maximumConcurrency: anything(),
});
type CommonProps = Omit<z.output<typeof propsSchema>, 'secret' | 'tokenSecret' | 'reservedConcurrentExecutions'>;

/** The prop that an option comes from, as a sentence names it. */
const PROPS: Readonly<Record<string, string>> = {
  existingSecret: 'secret',
  'tokenSecret.existing': 'tokenSecret',
  kmsKeyArn: 'encryptionKey',
  'schedule.everyMinutes': 'interval in minutes',
  'schedule.flexibleWindowMinutes': 'flexibleWindow in minutes',
  tokenLifetimeSeconds: 'tokenLifetime in seconds',
  timeoutSeconds: 'timeout in seconds',
  'eventBus.existing': 'eventBus',
  memoryMegabytes: 'memorySize',
  logRetentionDays: 'logRetention',
  reservedConcurrency: 'reservedConcurrentExecutions',
  fleet: 'tagKey',
  'fleet.tagKey': 'tagKey',
  'fleet.tagValue': 'tagValue',
  'fleet.maximumConcurrency': 'maximumConcurrency',
};

/**
 * Translates the props of the construct into the settings that the context gives, by the same rules.
 *
 * @param region of the stack; if that is known, ARNs of another one are refused
 * @throws OptionsError that names every mistake by its prop
 */
export function parseProps(props: TokenRefreshProps, region: string): TokenRefreshSettings {
  return translate(propsSchema, optionsSchema, props, region, (known) => ({
    existingSecret: known.secret && toExisting(known.secret),
    tokenSecret:
      typeof known.tokenSecret === 'object' ? { existing: toExisting(known.tokenSecret) } : known.tokenSecret,
    reservedConcurrency: known.reservedConcurrentExecutions,
  }));
}

/** As {@link parseProps}, for a fleet. */
export function parseFleetProps(props: TokenRefreshFleetProps, region: string): FleetSettings {
  return translate(fleetPropsSchema, fleetSchema, props, region, ({ tagKey, tagValue, maximumConcurrency }) => ({
    fleet: withoutUndefined({ tagKey, tagValue, maximumConcurrency }),
  }));
}

/** A refusal points at the line that has the mistake, and not at ours. */
export function refuseAt<Settings>(caller: new (...args: never[]) => unknown, parse: () => Settings): Settings {
  try {
    return parse();
  } catch (error) {
    if (error instanceof OptionsError) Error.captureStackTrace(error, caller);
    throw error;
  }
}

function translate<Known extends CommonProps, Settings>(
  schema: z.ZodType<Known>,
  settingsSchema: z.ZodType<Settings>,
  props: unknown,
  region: string,
  toOwnOptions: (known: Known) => Readonly<Record<string, unknown>>,
): Settings {
  const mistakes = findMistakes(schema, props, (path) => path);
  if (mistakes.length > 0) throw new OptionsError(mistakes);
  const known = schema.parse(props);
  const options = withoutUndefined({ ...toCommonOptions(known), ...toOwnOptions(known) });
  const place = Token.isUnresolved(region) ? {} : { region };
  const sentences = [
    ...findMistakes(settingsSchema, options, (path) => PROPS[path] ?? path, place),
    ...findPropMistakes(known),
  ];
  if (sentences.length > 0) throw new OptionsError(sentences);
  return settingsSchema.parse(options);
}

function toCommonOptions(props: CommonProps): Readonly<Record<string, unknown>> {
  const { eventBus, vpc, vpcSubnets, securityGroups = [] } = props;
  return {
    kmsKeyArn: props.encryptionKey?.keyArn,
    schedule: withoutUndefined({
      everyMinutes: toNumber(props.interval, 60),
      flexibleWindowMinutes: toNumber(props.flexibleWindow, 60),
    }),
    tokenLifetimeSeconds: toNumber(props.tokenLifetime, 1),
    timeoutSeconds: toNumber(props.timeout, 1),
    eventBus: props.publishEvents === false ? 'none' : eventBus && { existing: eventBus.eventBusArn },
    vpc: vpc && {
      subnetIds: vpc.selectSubnets(vpcSubnets).subnetIds,
      securityGroupIds: securityGroups.map(({ securityGroupId }) => securityGroupId),
    },
    tokenEndpoint: props.tokenEndpoint,
    alarmEmails: props.alarmEmails,
    runbookUrl: props.runbookUrl,
    memoryMegabytes: props.memorySize,
    logRetentionDays: props.logRetention,
    xray: props.xray,
    dashboard: props.dashboard,
    removalPolicies: props.removalPolicies,
  };
}

/** Without its six characters at the end, an ARN names no secret for certain. Then the name does. */
function toExisting({ secretFullArn, secretName }: ISecret): ExistingSecret {
  return secretFullArn === undefined ? secretName : { completeArn: secretFullArn };
}

/** The rules between props that no options have. */
function findPropMistakes({
  alarmTopic,
  alarmEmails,
  eventBus,
  publishEvents,
  vpc,
  securityGroups,
  vpcSubnets,
}: CommonProps) {
  return [
    ...(alarmTopic !== undefined && alarmEmails !== undefined
      ? [complain('alarmEmails', alarmEmails, 'be left out: subscribe to your alarmTopic')]
      : []),
    ...(eventBus !== undefined && publishEvents === false
      ? [complain('publishEvents', false, 'be true or left out, since there is an eventBus')]
      : []),
    ...(vpc === undefined && (securityGroups ?? vpcSubnets) !== undefined
      ? [complain('vpc', undefined, 'be there, since there are securityGroups or vpcSubnets')]
      : []),
  ];
}

/** A Duration that is only known at deploy time becomes a text, which every rule of a number refuses. */
function toNumber(length: Duration | undefined, secondsOfUnit: number): unknown {
  if (length === undefined) return undefined;
  return Token.isUnresolved(length) || length.isUnresolved()
    ? 'known only at deploy time'
    : length.toSeconds({ integral: false }) / secondsOfUnit;
}

function withoutUndefined(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
