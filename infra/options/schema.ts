import { RemovalPolicy, Token, Tokenization } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import * as z from 'zod';
import {
  DEFAULTS,
  isTokenEndpoint,
  MAX_TOKEN_LIFETIME_SECONDS,
  MIN_TOKEN_LIFETIME_SECONDS,
} from '../../lambda/contract.ts';
import type { TokenRefreshProps } from '../account-props.ts';
import { existingSecretSchema } from './existing-secret.ts';
import { cdk, duration, flag, number, strictObject, text, whole } from './option-types.ts';
import { MAX_INTERVAL_MINUTES, MIN_INTERVAL_MINUTES, MIN_TIMEOUT_SECONDS } from './schedule-limits.ts';

/** Context key that holds all options. */
export const CONTEXT_KEY = 'tokenRefresh';

const RETENTION_DAYS = Object.values(RetentionDays).filter((days) => typeof days === 'number');
const HTTPS_URL = 'be an https URL without a user name, a fragment or white space';
const HTTPS = 'https://';
// The parser of URLs drops line breaks, but an email or a dashboard would contain them.
const isHttpsUrl = (url: string) => isTokenEndpoint(url) && !/\s/.test(url);
/** Returns whether the text before the first part that is known only at deployment can begin an https URL. */
const mayBecomeHttpsUrl = (url: string) => {
  const [first] = Tokenization.reverseString(url).tokens;
  const start = url.slice(0, url.indexOf(String(first))).toLowerCase();
  return start.startsWith(HTTPS) || HTTPS.startsWith(start);
};
const httpsUrl = () =>
  z
    .string({ error: HTTPS_URL })
    .refine((url) => (Token.isUnresolved(url) ? mayBecomeHttpsUrl(url) : isHttpsUrl(url)), { error: HTTPS_URL });
const REMOVAL = 'be "retain" or "destroy"';
const removal = () =>
  z
    .enum(RemovalPolicy, { error: REMOVAL })
    .refine((policy) => policy === RemovalPolicy.RETAIN || policy === RemovalPolicy.DESTROY, { error: REMOVAL });

const KEY = 'be the ARN of a KMS key (arn:aws:kms:region:account:key/id) or a CDK key (IKey)';
const key = z
  .union(
    [
      text(/^(arn:aws[\w-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)|alias)\/[\w/-]+$/, KEY).transform((keyArn) => ({
        keyArn,
      })),
      cdk<IKey>('keyArn'),
    ],
    { error: KEY },
  )
  .superRefine((given, context) => {
    if (!('aliasName' in given || given.keyArn.includes('alias/'))) return;
    const name = /(?<=^|:)alias\/.*/.exec(given.keyArn)?.[0];
    const alias = name === undefined || Token.isUnresolved(name) ? 'an alias' : name;
    const message = `be a key, not ${alias}: no policy can allow the use of a key by its alias`;
    context.addIssue({ code: 'custom', message });
  });

const EVENT_BUS = 'be the name or the ARN of an event bus, or { "create": "name" } for a new one';
const eventBus = z.union(
  [
    text(/^(arn:aws[\w-]*:events:[a-z0-9-]+:\d{12}:event-bus\/)?[\w./-]{1,256}$/, EVENT_BUS),
    strictObject({
      create: text(
        /^(?!aws\.|default$)[\w.-]{1,256}$/,
        'be a name for a new event bus without a slash, and neither "default" nor a name reserved by AWS',
      ),
    }),
    cdk<IEventBus>('eventBusArn').transform(({ eventBusArn }) => eventBusArn),
  ],
  { error: EVENT_BUS },
);

const TOPIC = 'be the ARN of an SNS topic or a CDK topic (ITopic)';
const VPC = 'be { "subnetIds": […] } or a VPC of CDK (IVpc)';
const GROUP = 'be the id of a security group or a CDK security group (ISecurityGroup)';
/** Maximum number of tags of a resource. */
const MAX_TAGS = 50;
const TAG_NAME = 'have names that do not start with aws: and have at most 128 letters, digits, spaces and _.:/=+@-';

/** Options that are also props of the construct for one account. */
const sharedShape = {
  secret: existingSecretSchema.optional().meta({
    doc: 'Existing secret for the credentials: its name or complete ARN. No deployment changes or deletes it',
    default: 'a new, empty secret',
    example: 'retently/credentials',
    prop: 'ISecret',
  }),
  tokenSecret: z
    .union([z.boolean(), existingSecretSchema], {
      error: 'be true, false, or the name or complete ARN of an existing token secret',
    })
    .prefault(true)
    .meta({
      doc: 'Secret with only the access token, [for consumers](consume.md): `true` creates an empty one, a name or ARN selects an existing one, `false` turns it off',
      example: true,
      prop: 'ISecret or boolean',
    }),
  encryptionKey: key.optional().meta({
    doc: '[Customer managed KMS key](#a-key-of-your-own) for secrets and queues, and for topic and logs unless you set `alarmsAndLogsKey`: an ARN, not an alias',
    default: 'AWS managed keys',
    example: 'arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555',
    prop: 'IKey',
  }),
  alarmsAndLogsKey: z
    .union([key, z.literal(false)], { error: `${KEY}, or false for none` })
    .optional()
    .meta({
      doc: "[Customer managed KMS key for topic and logs](#a-key-for-alarms-and-logs), or `false` for none. Choose a key that differs from the secrets' key",
      default: 'the `encryptionKey`',
      example: 'arn:aws:kms:eu-west-1:123456789012:key/66666666-7777-8888-9999-000000000000',
      prop: 'IKey or false',
    }),
  interval: duration('minutes', MIN_INTERVAL_MINUTES, MAX_INTERVAL_MINUTES, { minutes: 10 }).meta({
    doc: `Time between two ticks: ${MIN_INTERVAL_MINUTES} to ${MAX_INTERVAL_MINUTES} whole minutes. It must leave time for two attempts to refresh a token of \`tokenLifetime\``,
    example: { minutes: 15 },
    prop: 'Duration',
  }),
  flexibleWindow: duration('minutes', 0, 120, { minutes: 2 }).meta({
    doc: 'Window in which each tick starts at a random time, so that schedules do not tick together. Shorter than `interval`; 0 turns it off',
    example: { minutes: 5 },
    prop: 'Duration',
  }),
  tokenLifetime: duration('seconds', MIN_TOKEN_LIFETIME_SECONDS, MAX_TOKEN_LIFETIME_SECONDS, {
    hours: DEFAULTS.defaultTokenLifetimeSeconds / 3_600,
  }).meta({
    doc: 'Lifetime of an access token if the response has no `expires_in`, and the longest accepted lifetime. At least an hour',
    example: { hours: 8 },
    prop: 'Duration',
  }),
  tokenEndpoint: httpsUrl().prefault(DEFAULTS.tokenEndpoint).meta({
    doc: 'Token endpoint of the authorization server; https only',
    example: 'https://auth.example.com/token',
    prop: 'string',
  }),
  eventBus: eventBus.prefault('default').meta({
    doc: 'Name or ARN of the event bus for the events. `{ "create": "name" }` creates one',
    example: { create: 'retently' },
    prop: 'IEventBus',
  }),
  publishEvents: flag().prefault(true).meta({
    doc: 'Whether to publish events. `false` excludes `eventBus`',
    example: false,
    prop: 'boolean',
  }),
  alarmTopic: z
    .union([text(/^arn:aws[\w-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}$/, TOPIC), cdk<ITopic>('topicArn')], {
      error: TOPIC,
    })
    .optional()
    .meta({
      doc: 'ARN of an existing topic for the alarms. Its policy must let `cloudwatch.amazonaws.com` publish. Excludes `alarmEmails`',
      default: 'a new topic',
      example: 'arn:aws:sns:eu-west-1:123456789012:alarms',
      prop: 'ITopic',
    }),
  alarmEmails: z
    .array(
      z
        .string({ error: 'be an email address' })
        .refine((email) => Token.isUnresolved(email) || z.email().safeParse(email).success, {
          error: 'be an email address',
        }),
      { error: 'be a list of email addresses' },
    )
    .refine((emails) => new Set(emails.map((email) => email.toLowerCase())).size === emails.length, {
      error: 'contain each address only once',
    })
    .readonly()
    .prefault([])
    .meta({
      doc: 'Email addresses to notify, also when an alarm clears. Each recipient must confirm the subscription. Synthesis warns if there is none',
      example: ['ops@example.com', 'night@example.com'],
      prop: 'string[]',
    }),
  runbookUrl: httpsUrl()
    .max(256, { error: `${HTTPS_URL}, of at most 256 characters` })
    .optional()
    .meta({
      doc: 'https URL where you publish [the runbook](runbook.md). Alarms and dashboard link to its entries',
      default: "alarms mention the file's name, and synthesis warns",
      example: 'https://wiki.example.com/runbook',
      prop: 'string',
    }),
  memorySize: whole(128, 10_240, ' of megabytes').prefault(512).meta({
    doc: 'Memory of the function in megabytes: 128 to 10240. With 512, a run takes [half the time](performance.md) that it takes with 256',
    example: 1024,
    prop: 'number',
  }),
  timeout: duration('seconds', MIN_TIMEOUT_SECONDS, 900, { seconds: 60 }).meta({
    doc: `Timeout of the function: at least ${MIN_TIMEOUT_SECONDS} seconds. The lease of a claim is 30 seconds longer`,
    example: { seconds: 90 },
    prop: 'Duration',
  }),
  logRetention: number(
    (days) => RETENTION_DAYS.some((known) => known === days),
    `be one of ${RETENTION_DAYS.join(', ')}`,
  )
    .prefault(RetentionDays.THREE_MONTHS)
    .meta({
      doc: `Days to keep the logs: a number that CloudWatch accepts, or ${RetentionDays.INFINITE} to keep them forever`,
      example: 365,
      prop: 'RetentionDays',
    }),
  reservedConcurrentExecutions: whole(1, 1_000, '').optional().meta({
    doc: 'Reserved concurrency of the function: 1 to 1000. The deployment fails if this leaves the AWS account fewer than 100',
    default: 'none',
    example: 2,
    prop: 'number',
  }),
  xray: flag().prefault(false).meta({ doc: 'Whether AWS X-Ray traces the function', example: true, prop: 'boolean' }),
  fips: flag().prefault(false).meta({
    doc: 'Whether the function calls AWS through FIPS endpoints. The region must have them for Secrets Manager, EventBridge, SQS and, for a fleet, SNS. The token endpoint is not affected',
    example: true,
    prop: 'boolean',
  }),
  vpc: z
    .union(
      [
        strictObject({
          subnetIds: z
            .array(text(/^subnet-[0-9a-f]{8,17}$/, 'be the id of a subnet'), { error: 'be a list of subnet ids' })
            .min(1, { error: 'contain at least one subnet id' }),
        }),
        cdk<IVpc>('vpcId'),
      ],
      { error: VPC },
    )
    .optional()
    .meta({
      doc: 'Subnets of the function, with a route to AWS and to the token endpoint. The prop takes a VPC, and the prop `vpcSubnets` selects its subnets',
      default: 'no VPC',
      example: { subnetIds: ['subnet-0123456789abcdef0'] },
      prop: 'IVpc',
    }),
  securityGroups: z
    .array(
      z.union(
        [
          text(/^sg-[0-9a-f]{8,17}$/, GROUP),
          cdk<ISecurityGroup>('securityGroupId').transform(({ securityGroupId }) => securityGroupId),
        ],
        { error: GROUP },
      ),
      { error: 'be a list of security groups' },
    )
    .readonly()
    .optional()
    .meta({
      doc: "Ids of the function's security groups. In `cdk.json`, a `vpc` requires at least one. The construct creates one if the prop is missing",
      default: 'none',
      example: ['sg-0123456789abcdef0'],
      prop: 'ISecurityGroup[]',
    }),
  dashboard: flag().prefault(true).meta({
    doc: 'Whether to create a dashboard. The first three in an AWS account are free. `false` by default if `accounts` has more than three entries',
    example: false,
    prop: 'boolean',
  }),
  removalPolicies: strictObject({
    secret: removal().prefault(RemovalPolicy.RETAIN),
    queues: removal().prefault(RemovalPolicy.DESTROY),
    logs: removal().prefault(RemovalPolicy.DESTROY),
  })
    .prefault({})
    .meta({
      doc: 'Removal policy of each kind of stored data: `"retain"` or `"destroy"`',
      default: '`secret` is retained, `queues` and `logs` are destroyed',
      example: { secret: 'destroy', queues: 'retain', logs: 'retain' },
      prop: '`RemovalPolicy` of each',
    }),
};

/** Selection of a VPC's subnets. This prop has no option. */
const vpcSubnets = z
  .custom<SubnetSelection>((value) => typeof value === 'object' && value !== null, { error: 'be a SubnetSelection' })
  .optional();

export const accountProps = { ...sharedShape, vpcSubnets } satisfies Record<keyof TokenRefreshProps, z.ZodType>;

/** Options of one account. Those that are not props have a counterpart in CDK or in the construct's methods. */
export const optionsSchema = strictObject({
  ...sharedShape,
  tokenReaders: z
    .array(
      text(
        /^arn:aws[\w-]*:iam::\d{12}:(root|(role|user)\/[\w+=,.@/-]{1,512})$/,
        'be the ARN of an IAM role, an IAM user, or the root of an AWS account',
      ),
      { error: 'be a list of principal ARNs' },
    )
    .refine((arns) => new Set(arns).size === arns.length, { error: 'contain each principal only once' })
    .prefault([])
    .meta({
      doc: 'ARNs of roles, users or accounts (`…:root`) that may read the token secret. Readers in other AWS accounts need an `encryptionKey`: they cannot use an AWS managed key',
      example: ['arn:aws:iam::210987654321:role/reader', 'arn:aws:iam::123456789012:root'],
    }),
  tags: z
    .record(
      z.string().regex(/^(?!aws:)[\p{L}\p{N} _.:/=+@-]{1,128}$/iu),
      text(/^[\p{L}\p{N} _.:/=+@-]{0,256}$/u, 'be a string of at most 256 letters, digits, spaces and _.:/=+@-'),
      { error: (issue) => (issue.code === 'invalid_key' ? TAG_NAME : 'be an object of strings') },
    )
    .refine((tags) => Object.keys(tags).length <= MAX_TAGS, { error: `be at most ${MAX_TAGS} tags` })
    // IAM does not distinguish the names of a role's tags by case.
    .refine((tags) => new Set(Object.keys(tags).map((name) => name.toLowerCase())).size === Object.keys(tags).length, {
      error: 'have names that differ not only in case',
    })
    .prefault({})
    .meta({ doc: 'Tags for every taggable resource in the stack', example: { team: 'feedback' } }),
  permissionsBoundaryArn: text(/^arn:aws[\w-]*:iam::(\d{12}|aws):policy\/[\w+=,.@/-]+$/, 'be the ARN of an IAM policy')
    .optional()
    .meta({
      doc: 'ARN of the permissions boundary of every role in the stack',
      default: 'none',
      example: 'arn:aws:iam::123456789012:policy/boundary',
    }),
});

/** Options or props of one account after validation, with every default. */
export type TokenRefreshSettings = z.output<typeof optionsSchema> & {
  readonly vpcSubnets?: SubnetSelection | undefined;
};

export const stackShape = {
  ...optionsSchema.shape,
  stackName: text(
    /^[A-Za-z][A-Za-z0-9-]{0,127}$/,
    'have at most 128 letters, digits and hyphens, and start with a letter',
  )
    .optional()
    .meta({
      doc: 'Name of the CloudFormation stack. Keep it if one account [becomes several](#several-retently-accounts)',
      default: '`RetentlyTokenRefresh`, or `RetentlyTokenRefresh-<name>`',
      example: 'Everything',
    }),
  env: strictObject({
    account: text(/^\d{12}$/, 'be a string of twelve digits').optional(),
    // Regions of every partition: eu-west-1, us-gov-east-1, cn-north-1, us-isob-east-1, eusc-de-east-1.
    region: text(/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/, 'be a region such as eu-west-1').optional(),
  })
    .optional()
    .meta({
      doc: 'AWS account and region of the stack',
      default: 'the account and region of your credentials',
      example: { account: '123456789012', region: 'eu-west-1' },
    }),
};

/** Options of an app with one Retently account. */
export const topSchema = strictObject({
  ...stackShape,
  accounts: z.undefined().optional().meta({
    doc: '[Several Retently accounts](#several-retently-accounts), one stack each: `[{ "name": …, … }]`',
    default: 'one account, without a name',
  }),
  fleet: z.undefined().optional().meta({
    doc: '[One deployment](#a-fleet) for every secret with a tag, instead of the secret of one account: `{ "tagKey": …, … }`',
    default: 'none',
  }),
});

/** Options of one of several Retently accounts, including the common options. */
export const accountSchema = strictObject({
  ...stackShape,
  /** Name of a Retently account and, through `stackName`, of its stack. */
  name: text(/^[A-Za-z][A-Za-z0-9-]{0,39}$/, 'have at most 40 letters, digits and hyphens, and start with a letter'),
});
