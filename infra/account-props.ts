import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';

/** The props of {@link TokenRefresh}; each has a default. */
export interface TokenRefreshProps {
  /**
   * A secret that exists already. It is never changed by a deploy, and never deleted.
   * @default - a secret is created, empty
   */
  readonly secret?: ISecret;
  /**
   * The secret that holds the bearer token alone, for consumers: one that exists already, or `false` for none.
   * @default - a token secret is created, empty
   */
  readonly tokenSecret?: ISecret | boolean;
  /**
   * Customer-managed KMS key for the secrets, the queues, the topic and the logs. A key of this app gets the statements that it
   * needs. The policy of an imported key must admit `logs.<region>.amazonaws.com` and `cloudwatch.amazonaws.com`.
   * @default - keys of AWS
   */
  readonly encryptionKey?: IKey;
  /**
   * Customer-managed KMS key for the topic and the logs, or `false` for none. Choose another key than that of the secrets: if one key
   * encrypts everything and is disabled, no alarm can be sent.
   * @default - `encryptionKey`, with a warning
   */
  readonly alarmsAndLogsKey?: IKey | false;
  /**
   * Time between two ticks, in whole minutes.
   * @default Duration.minutes(10)
   */
  readonly interval?: Duration;
  /**
   * Each tick comes at some moment of this window, so that many schedules do not tick at once; zero: none.
   * @default Duration.minutes(2)
   */
  readonly flexibleWindow?: Duration;
  /**
   * How long a bearer token lives if the answer does not say (`expires_in`), and at most: a longer life is not believed.
   * @default Duration.hours(6)
   */
  readonly tokenLifetime?: Duration;
  /**
   * Token endpoint of the authorization server.
   * @default "https://app.retently.com/api/oauth/token"
   */
  readonly tokenEndpoint?: string;
  /**
   * Where events go.
   * @default - the default event bus of the AWS account
   */
  readonly eventBus?: IEventBus;
  /**
   * Whether there are events.
   * @default true
   */
  readonly publishEvents?: boolean;
  /**
   * A topic that exists already, in place of one of its own. Its policy must let `cloudwatch.amazonaws.com` publish.
   * @default - a topic is created
   */
  readonly alarmTopic?: ITopic;
  /**
   * Who hears of alarms. AWS sends each address a mail with a link that confirms it.
   * @default []
   */
  readonly alarmEmails?: readonly string[];
  /**
   * Where `docs/runbook.md` can be read: alarms and the dashboard lead to its entries.
   * @default - they name the file
   */
  readonly runbookUrl?: string;
  /**
   * Memory of the function in megabytes.
   * @default 512
   */
  readonly memorySize?: number;
  /**
   * Longest run of the function. The lease of a claim is 30 seconds longer.
   * @default Duration.seconds(60)
   */
  readonly timeout?: Duration;
  /** @default RetentionDays.THREE_MONTHS */
  readonly logRetention?: RetentionDays;
  /**
   * Concurrency that is set aside for the function. The deploy fails if the AWS account would keep fewer than 100.
   * @default - none is reserved
   */
  readonly reservedConcurrentExecutions?: number;
  /**
   * Whether AWS X-Ray traces the function.
   * @default false
   */
  readonly xray?: boolean;
  /**
   * Whether the function calls AWS through FIPS endpoints. The region must have them for Secrets Manager, EventBridge and SQS.
   * @default false
   */
  readonly fips?: boolean;
  /**
   * VPC of the function. Its subnets need a way out to AWS and to the token endpoint.
   * @default - the function runs outside of any VPC
   */
  readonly vpc?: IVpc;
  /**
   * Subnets of `vpc`.
   * @default - what `vpc.selectSubnets()` selects
   */
  readonly vpcSubnets?: SubnetSelection;
  /**
   * Security groups of the function.
   * @default - with a `vpc`, a security group is created that allows outbound traffic only
   */
  readonly securityGroups?: readonly ISecurityGroup[];
  /**
   * Whether there is a dashboard. The first three of an AWS account are free; each further one costs 3 USD a month.
   * @default true
   */
  readonly dashboard?: boolean;
  /**
   * What happens to stored data when it leaves the stack: `RETAIN` or `DESTROY`.
   * @default - the secret is retained, queues and logs are destroyed
   */
  readonly removalPolicies?: {
    readonly secret?: RemovalPolicy;
    readonly queues?: RemovalPolicy;
    readonly logs?: RemovalPolicy;
  };
}
