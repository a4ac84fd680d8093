import type { TokenRefreshProps } from './account-props.ts';

/** What of one secret alone makes sense. */
type OfOneSecret = 'secret' | 'tokenSecret' | 'reservedConcurrentExecutions' | 'removalPolicies';

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
   * Runs of the refresh at once: the brake on what the fleet writes, of which AWS allows 50 a second in an account and region.
   * @default 8
   */
  readonly maximumConcurrency?: number;
  /**
   * What happens to stored data when it leaves the stack: `RETAIN` or `DESTROY`. A fleet owns no secret.
   * @default - queues and logs are destroyed
   */
  readonly removalPolicies?: Pick<NonNullable<TokenRefreshProps['removalPolicies']>, 'queues' | 'logs'>;
}
