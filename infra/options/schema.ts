import { RemovalPolicy, Token } from 'aws-cdk-lib';
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

/** The one context key that holds all options. */
export const CONTEXT_KEY = 'tokenRefresh';

const RETENTION_DAYS = Object.values(RetentionDays).filter((days) => typeof days === 'number');
const HTTPS_URL = 'be an https URL without user name and fragment';
const httpsUrl = () =>
  z.string({ error: HTTPS_URL }).refine((url) => Token.isUnresolved(url) || isTokenEndpoint(url), { error: HTTPS_URL });
const REMOVAL = 'be "retain" or "destroy"';
const removal = () =>
  z
    .enum(RemovalPolicy, { error: REMOVAL })
    .refine((policy) => policy === RemovalPolicy.RETAIN || policy === RemovalPolicy.DESTROY, { error: REMOVAL });

const KEY = 'be the ARN of a KMS key (arn:aws:kms:region:account:key/id) or a key of CDK (IKey)';
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
    const alias = /(?<=^|:)alias\/.*/.exec(given.keyArn)?.[0] ?? 'an alias';
    const message = `be a key and not ${alias}: no policy can allow the use of a key by its alias`;
    context.addIssue({ code: 'custom', message });
  });

const EVENT_BUS = 'be the name or the ARN of an event bus, or { "create": "name" } for a new one';
const eventBus = z.union(
  [
    text(/^(arn:aws[\w-]*:events:[a-z0-9-]+:\d{12}:event-bus\/)?[\w./-]{1,256}$/, EVENT_BUS),
    strictObject({
      create: text(
        /^(?!aws\.|default$)[\w./-]{1,256}$/,
        'be a name for an event bus, neither "default" nor one of AWS',
      ),
    }),
    cdk<IEventBus>('eventBusArn').transform(({ eventBusArn }) => eventBusArn),
  ],
  { error: EVENT_BUS },
);

const TOPIC = 'be the ARN of an SNS topic or a topic of CDK (ITopic)';
const VPC = 'be { "subnetIds": […] } or a VPC of CDK (IVpc)';
const GROUP = 'be the id of a security group or a security group of CDK (ISecurityGroup)';
const TAG_NAME = 'be named without aws: at the beginning, by at most 128 letters, digits and _.:/=+@-';

/** The options that the construct of one account has as props, too. */
const sharedShape = {
  secret: existingSecretSchema.optional().meta({
    doc: 'An existing secret: its name or complete ARN; `{ "completeArn": … }` for an ARN that ends like a name. No deployment changes or deletes it',
    default: 'a new, empty secret',
    example: 'retently/credentials',
    prop: 'ISecret',
  }),
  tokenSecret: z
    .union([z.boolean(), existingSecretSchema], {
      error: 'be true, false, or the name or the complete ARN of an existing token secret',
    })
    .prefault(true)
    .meta({
      doc: 'The secret that holds only the access token, [for consumers](consume.md): `true` creates an empty one, a name or ARN uses an existing one, `false` turns it off',
      example: true,
      prop: 'ISecret or boolean',
    }),
  encryptionKey: key.optional().meta({
    doc: 'Customer managed KMS key for secrets and queues, and for topic and logs unless `alarmsAndLogsKey` says otherwise: its ARN, not an alias. See [A key of your own](#a-key-of-your-own)',
    default: 'keys of AWS',
    example: 'arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555',
    prop: 'IKey',
  }),
  alarmsAndLogsKey: z
    .union([key, z.literal(false)], { error: `${KEY}, or false for none` })
    .optional()
    .meta({
      doc: 'Customer managed KMS key for topic and logs, or `false` for none. Choose another key than the secrets have: [Alarms and logs](#a-key-for-alarms-and-logs)',
      default: 'the `encryptionKey`',
      example: 'arn:aws:kms:eu-west-1:123456789012:key/66666666-7777-8888-9999-000000000000',
      prop: 'IKey or false',
    }),
  interval: duration('minutes', MIN_INTERVAL_MINUTES, MAX_INTERVAL_MINUTES, { minutes: 10 }).meta({
    doc: `Time between two ticks: ${MIN_INTERVAL_MINUTES} to ${MAX_INTERVAL_MINUTES} whole minutes. It must leave a token of \`tokenLifetime\` two chances`,
    example: { minutes: 15 },
    prop: 'Duration',
  }),
  flexibleWindow: duration('minutes', 0, 120, { minutes: 2 }).meta({
    doc: 'Each tick comes at some moment of this time, so that many schedules do not tick together. Shorter than `interval`; 0 turns it off',
    example: { minutes: 5 },
    prop: 'Duration',
  }),
  tokenLifetime: duration('seconds', MIN_TOKEN_LIFETIME_SECONDS, MAX_TOKEN_LIFETIME_SECONDS, {
    hours: DEFAULTS.defaultTokenLifetimeSeconds / 3_600,
  }).meta({
    doc: 'Lifetime of an access token if the response has no `expires_in`, and the longest one that is believed. At least an hour',
    example: { hours: 8 },
    prop: 'Duration',
  }),
  tokenEndpoint: httpsUrl().prefault(DEFAULTS.tokenEndpoint).meta({
    doc: 'Token endpoint of the authorization server; https only',
    example: 'https://auth.example.com/token',
    prop: 'string',
  }),
  eventBus: eventBus.prefault('default').meta({
    doc: 'Name or ARN of the event bus that receives the events. `{ "create": "name" }` creates one',
    example: { create: 'retently' },
    prop: 'IEventBus',
  }),
  publishEvents: flag().prefault(true).meta({
    doc: 'Whether events are published. `false` excludes `eventBus`',
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
        .string({ error: 'be an e-mail address' })
        .refine((email) => Token.isUnresolved(email) || z.email().safeParse(email).success, {
          error: 'be an e-mail address',
        }),
      { error: 'be a list of e-mail addresses' },
    )
    .refine((emails) => new Set(emails.map((email) => email.toLowerCase())).size === emails.length, {
      error: 'name each address once',
    })
    .readonly()
    .prefault([])
    .meta({
      doc: 'Email addresses to notify. Each recipient must confirm the subscription, and is also notified when an alarm clears. Synthesis warns if there is none',
      example: ['ops@example.com', 'night@example.com'],
      prop: 'string[]',
    }),
  runbookUrl: httpsUrl()
    .max(256, { error: `${HTTPS_URL}, of at most 256 characters` })
    .optional()
    .meta({
      doc: 'https URL of [the runbook](runbook.md); alarms and dashboard lead to its entries',
      default: 'they name the file, and synthesis warns',
      example: 'https://wiki.example.com/runbook',
      prop: 'string',
    }),
  memorySize: whole(128, 10_240, ' of megabytes').prefault(512).meta({
    doc: 'Memory of the function in megabytes: 128 to 10240. 512 take half of the time of 256: [performance](performance.md)',
    example: 1024,
    prop: 'number',
  }),
  timeout: duration('seconds', MIN_TIMEOUT_SECONDS, 900, { seconds: 60 }).meta({
    doc: `Longest run of the function: at least ${MIN_TIMEOUT_SECONDS} seconds. The lease of a claim is 30 seconds longer`,
    example: { seconds: 90 },
    prop: 'Duration',
  }),
  logRetention: number(
    (days) => RETENTION_DAYS.some((known) => known === days),
    `be one of ${RETENTION_DAYS.join(', ')}`,
  )
    .prefault(RetentionDays.THREE_MONTHS)
    .meta({
      doc: `Days that log lines are kept: a number that CloudWatch accepts, or ${RetentionDays.INFINITE} for ever`,
      example: 365,
      prop: 'RetentionDays',
    }),
  reservedConcurrentExecutions: whole(1, 1_000, '').optional().meta({
    doc: 'Concurrency that is set aside for the function: 1 to 1000. The deployment fails if the AWS account would keep fewer than 100',
    default: 'none',
    example: 2,
    prop: 'number',
  }),
  xray: flag().prefault(false).meta({ doc: 'Whether AWS X-Ray traces the function', example: true, prop: 'boolean' }),
  fips: flag().prefault(false).meta({
    doc: 'Whether the function calls AWS through FIPS endpoints, where the region has them for Secrets Manager, EventBridge and SQS. The token endpoint is not concerned',
    example: true,
    prop: 'boolean',
  }),
  vpc: z
    .union(
      [
        strictObject({
          subnetIds: z
            .array(text(/^subnet-[0-9a-f]{8,17}$/, 'be the id of a subnet'), { error: 'be a list of ids of subnets' })
            .min(1, { error: 'name at least one subnet' }),
        }),
        cdk<IVpc>('vpcId'),
      ],
      { error: VPC },
    )
    .optional()
    .meta({
      doc: 'Subnets for the function. They need a way out to AWS and to the token endpoint. A prop takes a VPC, and `vpcSubnets` selects of its subnets',
      default: 'outside of any VPC',
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
      doc: 'Ids of the security groups of the function; in `cdk.json`, at least one if there is a `vpc`. The construct creates one if the prop is missing',
      default: 'none',
      example: ['sg-0123456789abcdef0'],
      prop: 'ISecurityGroup[]',
    }),
  dashboard: flag().prefault(true).meta({
    doc: 'Whether there is a dashboard. Three per AWS account are free. `false` by default if `accounts` has more than three entries',
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
      doc: 'What happens to stored data when it leaves the stack: `"retain"` or `"destroy"`, for each of `secret`, `queues` and `logs`',
      default: '`secret` is retained, `queues` and `logs` are destroyed',
      example: { secret: 'destroy', queues: 'retain', logs: 'retain' },
      prop: '`RemovalPolicy` of each',
    }),
};

/** Selects subnets of a VPC of CDK: a prop without an option. */
const vpcSubnets = z
  .custom<SubnetSelection>((value) => typeof value === 'object' && value !== null, { error: 'be a SubnetSelection' })
  .optional();

/** The props of the construct of one account. */
export const accountProps = { ...sharedShape, vpcSubnets } satisfies Record<keyof TokenRefreshProps, z.ZodType>;

/** The options of one account. For what only they have, a CDK app has methods of CDK and of the construct. */
export const optionsSchema = strictObject({
  ...sharedShape,
  tokenReaders: z
    .array(
      text(
        /^arn:aws[\w-]*:iam::\d{12}:(root|(role|user)\/[\w+=,.@/-]{1,512})$/,
        'be the ARN of an IAM role, of a user, or of the root of an AWS account',
      ),
      { error: 'be a list of ARNs of principals' },
    )
    .refine((arns) => new Set(arns).size === arns.length, { error: 'name each principal once' })
    .prefault([])
    .meta({
      doc: 'ARNs of roles, users or accounts (`…:root`) that the policy of the token secret lets read. Those of other AWS accounts need an `encryptionKey`, because no other account can use a key of AWS',
      example: ['arn:aws:iam::210987654321:role/reader', 'arn:aws:iam::123456789012:root'],
    }),
  tags: z
    .record(
      z.string().regex(/^(?!aws:)[\p{L}\p{N} _.:/=+@-]{1,128}$/iu),
      text(/^[\p{L}\p{N} _.:/=+@-]{0,256}$/u, 'be a text of at most 256 letters, digits and _.:/=+@-'),
      { error: (issue) => (issue.code === 'invalid_key' ? TAG_NAME : 'be an object of texts') },
    )
    .prefault({})
    .meta({ doc: 'Tags of everything in the stack that takes tags', example: { team: 'feedback' } }),
  permissionsBoundaryArn: text(/^arn:aws[\w-]*:iam::(\d{12}|aws):policy\/[\w+=,.@/-]+$/, 'be the ARN of an IAM policy')
    .optional()
    .meta({
      doc: 'IAM policy that bounds every role of the stack',
      default: 'none',
      example: 'arn:aws:iam::123456789012:policy/boundary',
    }),
});

/** The options or props of one account as they are used: checked, and with every default. */
export type TokenRefreshSettings = z.output<typeof optionsSchema> & {
  readonly vpcSubnets?: SubnetSelection | undefined;
};

/** The options of one stack. */
export const stackShape = {
  ...optionsSchema.shape,
  stackName: text(
    /^[A-Za-z][A-Za-z0-9-]{0,127}$/,
    'be at most 128 letters, digits and hyphens, beginning with a letter',
  )
    .optional()
    .meta({
      doc: 'Name of the CloudFormation stack. To go from one account to several, keep the old name for one of them, and so its secret',
      default: '`RetentlyTokenRefresh`, or `RetentlyTokenRefresh-<name>`',
      example: 'Everything',
    }),
  env: strictObject({
    account: text(/^\d{12}$/, 'be twelve digits in quotes').optional(),
    // Of every partition: eu-west-1, us-gov-east-1, cn-north-1, us-isob-east-1, eusc-de-east-1.
    region: text(/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/, 'be a region such as eu-west-1').optional(),
  })
    .optional()
    .meta({
      doc: 'AWS account and region of the stack',
      default: 'those of your credentials',
      example: { account: '123456789012', region: 'eu-west-1' },
    }),
};

/** The options of an app with one Retently account. */
export const topSchema = strictObject({
  ...stackShape,
  accounts: z.undefined().optional().meta({
    doc: '[Several Retently accounts](#several-retently-accounts), one stack each: `[{ "name": …, … }]`. A member of an entry replaces the common option',
    default: 'one, without a name',
  }),
  fleet: z.undefined().optional().meta({
    doc: '[One engine](#a-fleet) for every secret with a tag, instead of the secret of one account: `{ "tagKey", "tagValue"?, "maximumConcurrency"? }`',
    default: 'none',
  }),
});

/** One of several Retently accounts, with the common options. */
export const accountSchema = strictObject({
  ...stackShape,
  /** Names a Retently account and, through `stackName`, its stack. */
  name: text(/^[A-Za-z][A-Za-z0-9-]{0,39}$/, 'be at most 40 letters, digits and hyphens, beginning with a letter'),
});
