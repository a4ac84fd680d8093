import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import * as z from 'zod';
import {
  DEFAULTS,
  isTokenEndpoint,
  MAX_TOKEN_LIFETIME_SECONDS,
  MIN_TOKEN_LIFETIME_SECONDS,
} from '../../lambda/contract.ts';
import { existingSecretSchema } from './existing-secret.ts';
import { flag, strictObject, text, whole } from './option-types.ts';
import { MAX_INTERVAL_MINUTES, MIN_INTERVAL_MINUTES, MIN_TIMEOUT_SECONDS } from './schedule-limits.ts';

const RETENTION_DAYS = Object.values(RetentionDays).filter(
  (days): days is RetentionDays => typeof days === 'number' && days !== RetentionDays.INFINITE,
);
const removal = () => z.enum(['retain', 'destroy'], { error: 'be "retain" or "destroy"' });
const TAG_NAME = 'be named without aws: at the beginning, by at most 128 letters, digits and _.:/=+@-';
const HTTPS_URL = 'be an https URL without user name and fragment';
const httpsUrl = () => z.string({ error: HTTPS_URL }).refine((url) => isTokenEndpoint(url), { error: HTTPS_URL });

const schedule = strictObject({
  /**
   * Minutes between two ticks.
   * @default 10
   */
  everyMinutes: whole(MIN_INTERVAL_MINUTES, MAX_INTERVAL_MINUTES, ' of minutes').default(10),
  /**
   * EventBridge Scheduler ticks at any moment of this window, so that many schedules do not tick at once; 0: none.
   * @default 2
   */
  flexibleWindowMinutes: whole(0, 120, ' of minutes').default(2),
});

const EVENT_BUS =
  'be "default", "none", { "create": "name" } for a new event bus, or { "existing": "name or ARN" } for one that is there';
const eventBus = z.union(
  [
    z.enum(['default', 'none']),
    strictObject({
      create: text(
        /^(?!aws\.|default$)[\w./-]{1,256}$/,
        'be a name for an event bus, neither "default" nor one of AWS',
      ),
    }),
    strictObject({
      existing: text(
        /^(arn:aws[\w-]*:events:[a-z0-9-]+:\d{12}:event-bus\/)?[\w./-]{1,256}$/,
        'be the name or the ARN of an event bus',
      ),
    }),
  ],
  { error: EVENT_BUS },
);

const TOKEN_SECRET = 'be true, false, or { "existing": "name or ARN" } for a token secret that is there already';
const PRINCIPAL = 'be the ARN of an IAM role, of a user, or of the root of an AWS account';

export const optionsSchema = strictObject({
  /**
   * Name or complete ARN of a secret that exists already. The stack never changes or deletes it. An ARN that may lack the
   * six characters of AWS at its end is refused, unless it is written as `{ "completeArn": "arn:…" }`.
   * @default - a secret is created, empty
   */
  existingSecret: existingSecretSchema.optional(),
  /**
   * The token secret, which holds the bearer token alone, for consumers: `true` creates one, `{ "existing": "name or ARN" }`
   * is one that exists already, `false` is none.
   * @default true
   */
  tokenSecret: z
    .union([z.boolean(), strictObject({ existing: existingSecretSchema })], { error: TOKEN_SECRET })
    .default(true),
  /**
   * Who may read the token secret, by its resource policy: ARNs of IAM roles, users or accounts (`…:root`), of other AWS accounts
   * too; those need a `kmsKeyArn`, since no other account can use a key of AWS.
   * @default []
   */
  tokenReaders: z
    .array(text(/^arn:aws[\w-]*:iam::\d{12}:(root|(role|user)\/[\w+=,.@/-]{1,512})$/, PRINCIPAL), {
      error: 'be a list of ARNs of principals',
    })
    .refine((arns) => new Set(arns).size === arns.length, { error: 'name each principal once' })
    .default([]),
  /**
   * Customer-managed KMS key for the secrets, the queues, the topic and the logs. Its key policy must admit
   * `logs.<region>.amazonaws.com` and `cloudwatch.amazonaws.com`.
   * @default - keys of AWS
   */
  kmsKeyArn: text(
    /^arn:aws[\w-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/,
    'be the ARN of a KMS key (arn:aws:kms:region:account:key/id; no alias)',
  ).optional(),
  /** When the function runs. */
  schedule: schedule.prefault({}),
  /**
   * How long a bearer token lives if the answer does not say (`expires_in`), and at most: a longer life is not believed.
   * The schedule must leave a token of this life two chances.
   * @default 21600
   */
  tokenLifetimeSeconds: whole(MIN_TOKEN_LIFETIME_SECONDS, MAX_TOKEN_LIFETIME_SECONDS, ' of seconds').default(
    DEFAULTS.defaultTokenLifetimeSeconds,
  ),
  /**
   * Token endpoint of the authorization server.
   * @default "https://app.retently.com/api/oauth/token"
   */
  tokenEndpoint: httpsUrl().default(DEFAULTS.tokenEndpoint),
  /**
   * The event bus: `"default"`, `"none"`, `{ "create": "name" }` or `{ "existing": "name or ARN" }`.
   * @default "default"
   */
  eventBus: eventBus.default('default'),
  /**
   * Who hears of alarms. AWS sends each address a mail with a link that confirms it.
   * @default []
   */
  alarmEmails: z
    .array(z.email({ error: 'be an e-mail address' }), { error: 'be a list of e-mail addresses' })
    .refine((emails) => new Set(emails.map((email) => email.toLowerCase())).size === emails.length, {
      error: 'name each address once',
    })
    .default([]),
  /**
   * Where `docs/runbook.md` can be read, of at most 256 characters: alarms and the dashboard lead to its entries.
   * @default - they name the file
   */
  runbookUrl: httpsUrl()
    .max(256, { error: `${HTTPS_URL}, of at most 256 characters` })
    .optional(),
  /**
   * Lambda gives CPU by memory: 512 take half of the time of 256, for a twentieth of a cent a month (docs/performance.md).
   * @default 512
   */
  memoryMegabytes: whole(128, 10_240, ' of megabytes').default(512),
  /**
   * Longest run of the function. The lease of a claim is 30 seconds longer.
   * @default 60
   */
  timeoutSeconds: whole(MIN_TIMEOUT_SECONDS, 900, ' of seconds').default(60),
  /** @default 90 */
  logRetentionDays: z
    .int({ error: `be one of ${RETENTION_DAYS.join(', ')}` })
    .refine((days) => RETENTION_DAYS.includes(days), { error: `be one of ${RETENTION_DAYS.join(', ')}` })
    .default(90),
  /**
   * Concurrency that is set aside for the function. The deploy fails if the AWS account would keep fewer than 100.
   * @default - none is reserved
   */
  reservedConcurrency: whole(1, 1_000, '').optional(),
  /** @default false */
  xray: flag().default(false),
  /**
   * Subnets (with a way out to AWS and to the token endpoint) and security groups for the function.
   * @default - the function runs outside of any VPC
   */
  vpc: strictObject({
    subnetIds: z
      .array(text(/^subnet-[0-9a-f]{8,17}$/, 'be the id of a subnet'), { error: 'be a list of ids of subnets' })
      .min(1, { error: 'name at least one subnet' }),
    securityGroupIds: z
      .array(text(/^sg-[0-9a-f]{8,17}$/, 'be the id of a security group'), {
        error: 'be a list of ids of security groups',
      })
      .min(1, { error: 'name at least one security group' }),
  }).optional(),
  /**
   * One dashboard. The first three of an AWS account are free; each further one costs 3 USD a month.
   * @default - true, but false if the app has more than three Retently accounts
   */
  dashboard: flag().default(true),
  /** What happens to stored data when it leaves the stack: `"retain"` or `"destroy"`. */
  removalPolicies: strictObject({
    /** @default "retain" */
    secret: removal().default('retain'),
    /** @default "destroy" */
    queues: removal().default('destroy'),
    /** @default "destroy" */
    logs: removal().default('destroy'),
  }).prefault({}),
  /**
   * Tags on everything that takes tags.
   * @default {}
   */
  tags: z
    .record(
      z.string().regex(/^(?!aws:)[\p{L}\p{N} _.:/=+@-]{1,128}$/iu),
      text(/^[\p{L}\p{N} _.:/=+@-]{0,256}$/u, 'be a text of at most 256 letters, digits and _.:/=+@-'),
      { error: (issue) => (issue.code === 'invalid_key' ? TAG_NAME : 'be an object of texts') },
    )
    .default({}),
  /**
   * IAM policy that bounds every role of the stack.
   * @default - none
   */
  permissionsBoundaryArn: text(
    /^arn:aws[\w-]*:iam::(\d{12}|aws):policy\/[\w+=,.@/-]+$/,
    'be the ARN of an IAM policy',
  ).optional(),
});

/** The options as they are used: checked, and with every default. */
export type TokenRefreshSettings = z.output<typeof optionsSchema>;
