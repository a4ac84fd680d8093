import * as z from 'zod';
import { strictObject, text } from './option-types.ts';
import { optionsSchema } from './schema.ts';

/** The one context key that holds all options. */
export const CONTEXT_KEY = 'tokenRefresh';

/** The options of one stack. */
export const stackShape = {
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
    // Of every partition: eu-west-1, us-gov-east-1, cn-north-1, us-isob-east-1, eusc-de-east-1.
    region: text(/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/, 'be a region such as eu-west-1').optional(),
  }).optional(),
};

/** The options of an app with one Retently account. */
export const topSchema = strictObject({
  ...stackShape,
  /**
   * Several Retently accounts, a stack each: a `name`, and every option that differs from the common one.
   * @default - one account, without a name
   */
  accounts: z.undefined().optional(),
  /**
   * One engine for every secret with a tag, in place of the secret of one account: `{ "tagKey": "…", "tagValue"?: "…" }`.
   * @default - none
   */
  fleet: z.undefined().optional(),
});

/** One of several Retently accounts, with the common options. */
export const accountSchema = strictObject({
  ...stackShape,
  /** Names a Retently account and, through `stackName`, its stack. */
  name: text(/^[A-Za-z][A-Za-z0-9-]{0,39}$/, 'be at most 40 letters, digits and hyphens, beginning with a letter'),
});
