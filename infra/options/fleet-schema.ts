import * as z from 'zod';
import { strictObject, text, whole } from './option-types.ts';
import { optionsSchema } from './schema.ts';
import { stackShape } from './stack-schema.ts';

/** With these, the writes of 10,000 secrets stay below four fifths of AWS's quota: see docs/fleet-at-scale.md. */
const DEFAULT_MAXIMUM_CONCURRENCY = 8;

const TAG = String.raw`[\p{L}\p{N} _.:/=+@-]`;

const ONE_SECRET = 'be left out: a fleet keeps every secret that has its tag';

/** What is of one secret alone. */
const { existingSecret: _, tokenSecret: __, tokenReaders: ___, reservedConcurrency: ____, ...commonShape } = stackShape;

const { queues, logs } = optionsSchema.shape.removalPolicies.unwrap().shape;

/** The options of a fleet. */
export const fleetSchema = strictObject({
  ...commonShape,
  /** Which secrets it keeps. */
  fleet: strictObject({
    /** Key of the tag that every secret of the fleet has. */
    tagKey: text(
      new RegExp(`^(?!aws:)${TAG}{1,128}$`, 'iu'),
      'be the key of a tag: at most 128 letters, digits, spaces and _.:/=+@-, without aws: at the beginning',
    ),
    /**
     * Value of that tag.
     * @default - any
     */
    tagValue: text(
      new RegExp(`^${TAG}{1,256}$`, 'u'),
      'be the value of a tag: 1 to 256 letters, digits, spaces and _.:/=+@-',
    ).optional(),
    /**
     * Runs of the refresh at once: the brake on what the fleet writes. AWS allows 50 writes a second in an account and
     * region.
     * @default 8
     */
    maximumConcurrency: whole(2, 1_000, '').default(DEFAULT_MAXIMUM_CONCURRENCY),
  }),
  /** What happens to stored data when it leaves the stack: `"retain"` or `"destroy"`. A fleet owns no secret. */
  removalPolicies: strictObject({ queues, logs }).prefault({}),
  existingSecret: z.undefined({ error: ONE_SECRET }).optional(),
  tokenSecret: z.undefined({ error: 'be left out: a fleet has no token secrets. See docs/fleet.md' }).optional(),
  tokenReaders: z.undefined({ error: 'be left out: a fleet has no token secrets. See docs/fleet.md' }).optional(),
  reservedConcurrency: z.undefined({ error: 'be left out: fleet.maximumConcurrency limits the runs' }).optional(),
  accounts: z.undefined({ error: ONE_SECRET }).optional(),
});

/** The options of a fleet as they are used: checked, and with every default. */
export type FleetSettings = Omit<z.output<typeof fleetSchema>, 'stackName' | 'env'>;
