import { Stack, Token, TokenComparison } from 'aws-cdk-lib';
import type { Alarm, Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Grant, IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { METRICS } from '../lambda/contract.ts';
import type { TokenRefreshProps } from './account-props.ts';
import { allowAwsServices } from './constructs/allow-aws-services.ts';
import { functionMetric } from './constructs/function-metric.ts';
import { withSecurityGroup } from './constructs/security-group.ts';
import { warnAboutSharedSecrets } from './constructs/shared-secrets.ts';
import { allowKeyThrough } from './constructs/statements.ts';
import type { TokenSecret } from './constructs/token-secret.ts';
import { createAccount } from './create-account.ts';
import { parseProps, rethrowFrom } from './options/parse-props.ts';
import type { OutputOptions } from './output-options.ts';
import { addConstructOutputs, type StackOutputs } from './stack-outputs.ts';

export type { TokenRefreshProps } from './account-props.ts';

const METRIC_PERIOD_MINUTES = 5;

/**
 * Keeps the access token of one Retently account valid: the secret, the function, its schedule, and the alarms.
 *
 * A new secret is empty. After the deployment, store `client_id`, `client_secret` and `refresh_token` in it. No template has them.
 */
export class TokenRefresh extends Construct {
  /** Secret that holds the credentials. */
  readonly secret: ISecret;
  /** Secret from which consumers read the access token; `undefined` if there is none. */
  readonly tokenSecret: ISecret | undefined;
  readonly lambdaFunction: IFunction;
  readonly logGroup: ILogGroup;
  /** One alarm for each situation in which someone has to act. */
  readonly alarms: readonly Alarm[];
  /** Topic to which the alarms publish. */
  readonly alarmTopic: ITopic;
  /** Ticks that EventBridge Scheduler could not deliver. */
  readonly undeliveredTicks: IQueue;
  /** Events on which the function failed, and failed again on Lambda's retry. */
  readonly failedRuns: IQueue;
  private readonly encryptionKey: IKey | undefined;
  private readonly token: TokenSecret | undefined;
  private readonly operatorOutputs: StackOutputs;

  /** @throws Error that names every mistake in `props` */
  constructor(scope: Construct, id: string, props: TokenRefreshProps = {}) {
    super(scope, id);
    const { region } = Stack.of(this);
    const settings = rethrowFrom(new.target, () => parseProps(withSecurityGroup(this, props), region));
    const resources = createAccount(this, settings);
    this.encryptionKey = props.encryptionKey;
    allowAwsServices(this, props);
    for (const statement of allowKeysOfSecrets(this, props)) resources.role.addToPolicy(statement);
    this.lambdaFunction = resources.lambdaFunction;
    this.logGroup = resources.logGroup;
    this.alarms = resources.alarms.alarms;
    this.alarmTopic = resources.alarmTopic;
    this.undeliveredTicks = resources.undeliveredTicks;
    this.failedRuns = resources.failedRuns;
    this.secret = props.secret ?? resources.secret;
    this.token = resources.tokenSecret;
    this.operatorOutputs = resources;
    this.tokenSecret = typeof props.tokenSecret === 'object' ? props.tokenSecret : this.token?.created;
    warnAboutSharedSecrets(this, this.othersOfTheApp());
  }

  private othersOfTheApp(): readonly TokenRefresh[] {
    const others = this.node.root.node.findAll().filter((each) => each instanceof TokenRefresh);
    return others.filter((other) => other !== this);
  }

  /**
   * Allows a consumer to read the token secret, which holds only the access token. A consumer in another AWS account needs an
   * `encryptionKey`, because no other account can use an AWS managed key. It also needs IAM permissions in its own account.
   *
   * @throws Error if there is no token secret, or no key for a consumer in another account
   */
  grantReadToken(grantee: IGrantable): Grant {
    if (this.token === undefined)
      throw new Error('Cannot grant access to the token secret: `tokenSecret` is false. Remove it from the props.');
    const own = Stack.of(this).account;
    const other = accountsOf(grantee).find((each) => Token.compareStrings(each, own) === TokenComparison.DIFFERENT);
    if (other !== undefined && this.encryptionKey === undefined) {
      throw new Error(
        `Cannot grant account ${other} access to the token secret: no other account can use its AWS managed key. Set \`encryptionKey\`.`,
      );
    }
    this.encryptionKey?.grantDecrypt(grantee);
    return this.token.grantRead(grantee);
  }

  /**
   * Allows a consumer to read the credentials. **This also exposes the client secret and the refresh token**: all are in one
   * value, and IAM cannot restrict access to a part of it.
   *
   * @param versionStages labels that the consumer must pass in each read, for example `['AWSCURRENT']`. @default - any read
   */
  grantRead(grantee: IGrantable, versionStages?: string[]): Grant {
    // CDK's grant on a secret does not cover an imported key, because CDK cannot edit that key's policy.
    this.encryptionKey?.grantDecrypt(grantee);
    return this.secret.grantRead(grantee, versionStages);
  }

  /** Allows a principal to invoke the function: to refresh, to force a refresh, or to read the status. */
  grantInvoke(grantee: IGrantable): Grant {
    return this.lambdaFunction.grantInvoke(grantee);
  }

  /**
   * Adds outputs to the stack: the names and commands that the runbook uses. Each command works as printed in AWS CloudShell.
   *
   * @throws Error if the stack already has outputs with this prefix
   */
  addOutputs(options: OutputOptions = {}): void {
    addConstructOutputs(this, this.operatorOutputs, options);
  }

  /** Returns a metric of the function, in the namespace `RetentlyTokenRefresh`. @default - the sum over 5 minutes */
  metric(metricName: string, options: MetricOptions = {}): Metric {
    return functionMetric(this.lambdaFunction, metricName, Stats.SUM, METRIC_PERIOD_MINUTES).with(options);
  }

  /** Returns the metric of the seconds until the access token expires. @default - the minimum over 5 minutes */
  metricTokenSecondsRemaining(options: MetricOptions = {}): Metric {
    return this.metric(METRICS.tokenSecondsRemaining, { statistic: Stats.MINIMUM, ...options });
  }

  /** Returns the metric of the seconds until the token is due; 0 if it is due or missing. @default - the minimum over 5 minutes */
  metricTokenSecondsUntilDue(options: MetricOptions = {}): Metric {
    return this.metric(METRICS.tokenSecondsUntilDue, { statistic: Stats.MINIMUM, ...options });
  }

  /** Returns the metric that is 1 if someone has to authorize the application again. @default - the maximum over 5 minutes */
  metricReauthorizationRequired(options: MetricOptions = {}): Metric {
    return this.metric(METRICS.reauthorizationRequired, { statistic: Stats.MAXIMUM, ...options });
  }

  /** Returns the metric that is 1 if a run found a stale token secret. @default - the maximum over 5 minutes */
  metricTokenSecretBehind(options: MetricOptions = {}): Metric {
    return this.metric(METRICS.tokenSecretBehind, { statistic: Stats.MAXIMUM, ...options });
  }

  /** Returns the metric of new access tokens in `AWSCURRENT`. @default - the sum over 5 minutes */
  metricRefreshed(options: MetricOptions = {}): Metric {
    return this.metric(METRICS.refreshed, options);
  }

  /** Returns the metric of failed attempts. @default - the sum over 5 minutes */
  metricRefreshFailed(options: MetricOptions = {}): Metric {
    return this.metric(METRICS.refreshFailed, options);
  }
}

/** Returns the known AWS accounts of a grantee. A principal given as an ARN has no account of its own, but the ARN contains it. */
function accountsOf({ grantPrincipal }: IGrantable): readonly string[] {
  const arns = grantPrincipal.policyFragment.principalJson['AWS'] ?? [];
  const ofArns = arns.flatMap((arn) => /^arn:[\w-]+:iam::(\d{12}):/.exec(arn)?.[1] ?? []);
  return grantPrincipal.principalAccount === undefined ? ofArns : [grantPrincipal.principalAccount, ...ofArns];
}

/** Returns statements for the keys of the app's own secrets. Their policies allow what IAM allows in the key's AWS account. */
function allowKeysOfSecrets(
  scope: Construct,
  { secret, tokenSecret, encryptionKey }: TokenRefreshProps,
): readonly PolicyStatement[] {
  const existing = typeof tokenSecret === 'object' ? tokenSecret : undefined;
  const keyOf = (each: ISecret | undefined) =>
    each?.encryptionKey === encryptionKey ? undefined : each?.encryptionKey;
  return [
    ...allowKeyThrough(scope, 'EncryptExistingSecret', 'secretsmanager', keyOf(secret)),
    ...allowKeyThrough(scope, 'EncryptExistingTokenSecret', 'secretsmanager', keyOf(existing)),
  ];
}
