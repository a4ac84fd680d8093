import { Token } from 'aws-cdk-lib';
import * as z from 'zod';
import type { TokenRefreshFleetProps } from '../fleet-props.ts';
import { duration, flag, strictObject, text, whole } from './option-types.ts';
import { accountProps, optionsSchema, stackShape, type TokenRefreshSettings } from './schema.ts';

/** Default number of runs: even if 90 % of 10,000 accounts hang, the others do not wait. See docs/fleet-at-scale.md. */
const DEFAULT_MAXIMUM_CONCURRENCY = 320;

/** Off by default: a fleet has one schedule, and evenly spaced sweeps leave more time for evenly spaced runs. */
export const flexibleWindow = duration('minutes', 0, 120, { minutes: 0 }).meta({
  doc: 'Window in which each tick starts at a random time. At least six minutes shorter than `interval`; 0 turns it off',
  example: { minutes: 2 },
  prop: 'Duration',
});

/** A filter of `ListSecrets` accepts fewer characters than a tag may have. */
const tag = (maximum: number, what: string) =>
  text(
    new RegExp(`^(?! )[a-zA-Z0-9 _.:/=+@-]{1,${maximum}}(?<! )$`),
    `be a tag ${what} of 1 to ${maximum} ASCII letters, digits, spaces and _.:/=+@-, without a space at either end`,
  );

const ONE_SECRET = 'be left out: a fleet refreshes every secret that has its tag';
const NO_TOKEN_SECRET = 'be left out: a fleet has no token secrets. See docs/fleet.md';

const { queues, logs } = optionsSchema.shape.removalPolicies.unwrap().shape;

/** Options that only a fleet has, or has in another form. */
const fleetShape = {
  tagKey: tag(128, 'key')
    // CloudFormation cannot compute the key of a condition.
    .refine((key) => !Token.isUnresolved(key) && !/^aws:/i.test(key), {
      error: 'be a tag key that does not start with aws:',
    })
    .meta({
      doc: 'Key of the tag that every secret of the fleet has',
      default: 'required',
      example: 'retently',
      prop: 'string',
    }),
  tagValue: tag(256, 'value').optional().meta({
    doc: 'Value of that tag. Key and value accept only characters by which AWS can filter secrets',
    default: 'any',
    example: 'live',
    prop: 'string',
  }),
  maximumConcurrency: whole(2, 1_000, '').prefault(DEFAULT_MAXIMUM_CONCURRENCY).meta({
    doc: "Maximum concurrent runs: 2 to 1000, plus a quarter of that for secrets whose last attempt failed. Stay below the AWS account's concurrency, which is 10 in new accounts",
    example: 20,
    prop: 'number',
  }),
  notifyPerAccount: flag().prefault(true).meta({
    doc: 'Whether each account that needs attention is reported in its own email. Each tick sends at most 20, and only one about a cause that more than a tenth of the accounts share',
    example: false,
    prop: 'boolean',
  }),
  minimumSecrets: whole(1, 100_000, '').optional().meta({
    doc: 'Number of secrets below which an alarm fires: some were deleted, or have lost their tag',
    default: 'no alarm',
    example: 200,
    prop: 'number',
  }),
};

const removalPolicies = strictObject({ queues, logs })
  .prefault({})
  .meta({
    doc: 'Removal policies of stored data: `"retain"` or `"destroy"`. A fleet owns no secret',
    default: '`queues` and `logs` are destroyed',
    example: { queues: 'retain', logs: 'retain' },
  });

export const fleetSchema = strictObject({
  ...stackShape,
  flexibleWindow,
  removalPolicies,
  fleet: strictObject(fleetShape),
  secret: z.undefined({ error: ONE_SECRET }).optional(),
  tokenSecret: z.undefined({ error: NO_TOKEN_SECRET }).optional(),
  tokenReaders: z.undefined({ error: NO_TOKEN_SECRET }).optional(),
  reservedConcurrentExecutions: z
    .undefined({ error: 'be left out: fleet.maximumConcurrency limits the runs' })
    .optional(),
  accounts: z.undefined({ error: ONE_SECRET }).optional(),
});

const { secret: _, tokenSecret: __, reservedConcurrentExecutions: ___, ...commonProps } = accountProps;
export const fleetProps = { ...commonProps, flexibleWindow, removalPolicies, ...fleetShape } satisfies Record<
  keyof TokenRefreshFleetProps,
  z.ZodType
>;

/** The options or props of a fleet as they are used: checked, and with every default. */
export type FleetSettings = Pick<
  TokenRefreshSettings,
  Exclude<keyof typeof commonProps, 'removalPolicies'> | 'tags' | 'permissionsBoundaryArn'
> &
  z.output<typeof fleetSchema>['fleet'] & {
    readonly removalPolicies: z.output<typeof removalPolicies>;
  };
