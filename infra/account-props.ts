import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';

/** Props of {@link TokenRefresh}. Each one has a default. */
export interface TokenRefreshProps {
  /**
   * Existing secret for the credentials. No deployment changes or deletes it.
   * @default - an empty secret is created
   */
  readonly secret?: ISecret;
  /**
   * Existing secret for consumers, which will hold only the access token. `false` turns the token secret off.
   * @default - an empty token secret is created
   */
  readonly tokenSecret?: ISecret | boolean;
  /**
   * Customer managed KMS key for the secrets, the queues, the topic and the logs. The construct adds the required statements to a
   * key of this app. The policy of an imported key must allow `logs.<region>.amazonaws.com` and `cloudwatch.amazonaws.com`.
   * @default - AWS managed keys
   */
  readonly encryptionKey?: IKey;
  /**
   * Customer managed KMS key for the topic and the logs, or `false` for none. Choose a key that differs from the secrets' key:
   * if one key encrypts everything and is disabled, no alarm can be sent.
   * @default - `encryptionKey`, with a warning
   */
  readonly alarmsAndLogsKey?: IKey | false;
  /**
   * Time between two ticks, in whole minutes.
   * @default Duration.minutes(10)
   */
  readonly interval?: Duration;
  /**
   * Window in which each tick starts at a random time, so that many schedules do not tick together. Zero turns it off.
   * @default Duration.minutes(2)
   */
  readonly flexibleWindow?: Duration;
  /**
   * Lifetime of an access token if the response has no `expires_in`. Also the longest lifetime that is accepted.
   * @default Duration.hours(6)
   */
  readonly tokenLifetime?: Duration;
  /**
   * Token endpoint of the authorization server.
   * @default "https://app.retently.com/api/oauth/token"
   */
  readonly tokenEndpoint?: string;
  /**
   * Event bus that receives the events.
   * @default - the default event bus of the AWS account
   */
  readonly eventBus?: IEventBus;
  /**
   * Whether events are published.
   * @default true
   */
  readonly publishEvents?: boolean;
  /**
   * Existing topic for the alarms. Its policy must allow `cloudwatch.amazonaws.com` to publish.
   * @default - a topic is created
   */
  readonly alarmTopic?: ITopic;
  /**
   * Email addresses to notify of alarms. Each recipient must confirm the subscription by the link that AWS sends.
   * @default []
   */
  readonly alarmEmails?: readonly string[];
  /**
   * URL where you publish `docs/runbook.md`. Alarms and the dashboard link to its entries.
   * @default - they mention the file's name
   */
  readonly runbookUrl?: string;
  /**
   * Memory of the function in megabytes.
   * @default 512
   */
  readonly memorySize?: number;
  /**
   * Timeout of the function. The lease of a claim is 30 seconds longer.
   * @default Duration.seconds(60)
   */
  readonly timeout?: Duration;
  /** Retention of the logs. @default RetentionDays.THREE_MONTHS */
  readonly logRetention?: RetentionDays;
  /**
   * Reserved concurrency of the function. The deployment fails if this leaves the AWS account fewer than 100.
   * @default - none is reserved
   */
  readonly reservedConcurrentExecutions?: number;
  /**
   * Whether AWS X-Ray traces the function.
   * @default false
   */
  readonly xray?: boolean;
  /**
   * Whether the function calls AWS through FIPS endpoints. The region must have them for Secrets Manager, EventBridge, SQS and, for a fleet, SNS.
   * @default false
   */
  readonly fips?: boolean;
  /**
   * VPC of the function. Its subnets need a route to AWS and to the token endpoint.
   * @default - the function runs outside of any VPC
   */
  readonly vpc?: IVpc;
  /**
   * Subnets of `vpc`.
   * @default - the subnets that `vpc.selectSubnets()` selects
   */
  readonly vpcSubnets?: SubnetSelection;
  /**
   * Security groups of the function.
   * @default - with a `vpc`, a security group is created that allows outbound traffic only
   */
  readonly securityGroups?: readonly ISecurityGroup[];
  /**
   * Whether to create a dashboard. The first three in an AWS account are free; each further one costs 3 USD a month.
   * @default true
   */
  readonly dashboard?: boolean;
  /**
   * Removal policies of the resources that store data: `RETAIN` or `DESTROY`.
   * @default - the secret is retained, queues and logs are destroyed
   */
  readonly removalPolicies?: {
    readonly secret?: RemovalPolicy;
    readonly queues?: RemovalPolicy;
    readonly logs?: RemovalPolicy;
  };
}
