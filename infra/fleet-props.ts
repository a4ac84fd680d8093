import type { Duration } from 'aws-cdk-lib';
import type { TokenRefreshProps } from './account-props.ts';

/** Props that make sense only for one secret. */
type OfOneSecret = 'secret' | 'tokenSecret' | 'reservedConcurrentExecutions' | 'flexibleWindow' | 'removalPolicies';

/** The props of {@link TokenRefreshFleet}. All but `tagKey` have a default. */
export interface TokenRefreshFleetProps extends Omit<TokenRefreshProps, OfOneSecret> {
  /** Key of the tag that every secret of the fleet has. */
  readonly tagKey: string;
  /**
   * Value of that tag.
   * @default - any
   */
  readonly tagValue?: string;
  /**
   * Maximum concurrent runs, plus a quarter of that for secrets whose last attempt failed. Stay below the concurrency of the AWS
   * account, which is 10 in new accounts.
   * @default 320
   */
  readonly maximumConcurrency?: number;
  /**
   * Whether each account that needs attention is reported in its own email. Each tick sends at most 20, and only one about a cause
   * that more than a tenth of the accounts share.
   * @default true
   */
  readonly notifyPerAccount?: boolean;
  /**
   * Number of secrets below which an alarm fires: some were deleted, or have lost their tag.
   * @default - no alarm
   */
  readonly minimumSecrets?: number;
  /**
   * Window in which each tick starts at a random time.
   * @default Duration.minutes(0)
   */
  readonly flexibleWindow?: Duration;
  /**
   * Removal policies of the resources that store data: `RETAIN` or `DESTROY`. A fleet owns no secret.
   * @default - queues and logs are destroyed
   */
  readonly removalPolicies?: Pick<NonNullable<TokenRefreshProps['removalPolicies']>, 'queues' | 'logs'>;
}
