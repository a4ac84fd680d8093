import { Stack, Token, TokenComparison } from 'aws-cdk-lib';
import type { Alarm, Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { METRICS } from '../lambda/contract.ts';
import type { TokenRefreshProps } from './account-props.ts';
import { allowAwsServices, warnAboutImportedTopic } from './constructs/allow-aws-services.ts';
import { functionMetric } from './constructs/function-metric.ts';
import { withSecurityGroup } from './constructs/security-group.ts';
import { warnAboutSharedSecrets } from './constructs/shared-secrets.ts';
import type { TokenSecret } from './constructs/token-secret.ts';
import { createAccount } from './create-account.ts';
import { parseProps, rethrowFrom } from './options/parse-props.ts';
import type { OutputOptions } from './output-options.ts';
import { addConstructOutputs, type StackOutputs } from './stack-outputs.ts';

export type { TokenRefreshProps } from './account-props.ts';

const METRIC_PERIOD_MINUTES = 5;

/**
 * Keeps the bearer token of one Retently account fresh: the secret, the function, its schedule, and the alarms.
 *
 * A new secret is empty. Put `client_id`, `client_secret` and `refresh_token` into it after the deploy; no template holds them.
 */
export class TokenRefresh extends Construct {
  /** The secret of the credentials. */
  readonly secret: ISecret;
  /** The secret that consumers read the bearer token from; `undefined` if there is none. */
  readonly tokenSecret: ISecret | undefined;
  readonly lambdaFunction: IFunction;
  readonly logGroup: ILogGroup;
  /** Everything that needs a person, and nothing else. */
  readonly alarms: readonly Alarm[];
  /** What the alarms publish to. */
  readonly alarmTopic: ITopic;
  /** Ticks that EventBridge Scheduler could not deliver. */
  readonly undeliveredTicks: IQueue;
  /** Events on which the function failed, and failed again when Lambda retried. */
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
    if (props.alarmTopic !== undefined) warnAboutImportedTopic(this, props.alarmTopic);
    warnAboutSharedSecrets(this, this.othersOfTheApp());
  }

  private othersOfTheApp(): readonly TokenRefresh[] {
    const others = this.node.root.node.findAll().filter((each) => each instanceof TokenRefresh);
    return others.filter((other) => other !== this);
  }

  /**
   * Lets a consumer read the token secret: the bearer token, and nothing else. A consumer of another AWS account needs an
   * `encryptionKey`, since no other account can use a key of AWS, and rights of its own there.
   *
   * @throws Error if there is no token secret, or no key for a consumer of another account
   */
  grantReadToken(grantee: IGrantable): Grant {
    if (this.token === undefined)
      throw new Error('There is no token secret to read: leave tokenSecret out of the props.');
    const own = Stack.of(this).account;
    const other = accountsOf(grantee).find((each) => Token.compareStrings(each, own) === TokenComparison.DIFFERENT);
    if (other !== undefined && this.encryptionKey === undefined) {
      throw new Error(
        `A reader of account ${other} needs an encryptionKey: no other account can use a key of AWS, which the token secret has.`,
      );
    }
    this.encryptionKey?.grantDecrypt(grantee);
    return this.token.grantRead(grantee);
  }

  /**
   * Lets a consumer read the secret of the credentials. **It can read the client secret and the refresh token as well**: they are in the same
   * value, and IAM knows no part of a value.
   *
   * @param versionStages labels that the consumer must name in each read, `['AWSCURRENT']` say. @default - any read
   */
  grantRead(grantee: IGrantable, versionStages?: string[]): Grant {
    // CDK's grant of a secret does not reach an imported key, whose policy CDK cannot edit.
    this.encryptionKey?.grantDecrypt(grantee);
    return this.secret.grantRead(grantee, versionStages);
  }

  /** Lets somebody refresh now, force a refresh, or ask for the status. */
  grantInvoke(grantee: IGrantable): Grant {
    return this.lambdaFunction.grantInvoke(grantee);
  }

  /**
   * Adds outputs to the stack: the names and commands that the runbook uses. Each command works as printed in AWS CloudShell.
   *
   * @throws Error if the stack has outputs with this prefix already
   */
  addOutputs(options: OutputOptions = {}): void {
    addConstructOutputs(this, this.operatorOutputs, options);
  }

  /** A metric of the function, of the namespace `RetentlyTokenRefresh`. @default - the sum over 5 minutes */
  metric(metricName: string, options: MetricOptions = {}): Metric {
    return functionMetric(this.lambdaFunction, metricName, Stats.SUM, METRIC_PERIOD_MINUTES).with(options);
  }

  /** Seconds that the bearer token has left. @default - the minimum over 5 minutes */
  metricTokenSecondsRemaining(options: MetricOptions = {}): Metric {
    return this.metric(METRICS.tokenSecondsRemaining, { statistic: Stats.MINIMUM, ...options });
  }

  /** Seconds until the bearer token is due for a refresh; 0: it is due, or there is none. @default - the minimum over 5 minutes */
  metricTokenSecondsUntilDue(options: MetricOptions = {}): Metric {
    return this.metric(METRICS.tokenSecondsUntilDue, { statistic: Stats.MINIMUM, ...options });
  }

  /** 1 if only a person at the consent screen can bring a new refresh token. @default - the maximum over 5 minutes */
  metricReauthorizationRequired(options: MetricOptions = {}): Metric {
    return this.metric(METRICS.reauthorizationRequired, { statistic: Stats.MAXIMUM, ...options });
  }

  /** 1 if a run found the token secret without the bearer token of `AWSCURRENT`. @default - the maximum over 5 minutes */
  metricTokenSecretBehind(options: MetricOptions = {}): Metric {
    return this.metric(METRICS.tokenSecretBehind, { statistic: Stats.MAXIMUM, ...options });
  }

  /** New bearer tokens in `AWSCURRENT`. @default - the sum over 5 minutes */
  metricRefreshed(options: MetricOptions = {}): Metric {
    return this.metric(METRICS.refreshed, options);
  }

  /** Attempts that failed. @default - the sum over 5 minutes */
  metricRefreshFailed(options: MetricOptions = {}): Metric {
    return this.metric(METRICS.refreshFailed, options);
  }
}

/** Those that are known. A principal that is but an ARN does not say its account: the ARN does. */
function accountsOf({ grantPrincipal }: IGrantable): readonly string[] {
  const arns = grantPrincipal.policyFragment.principalJson['AWS'] ?? [];
  const ofArns = arns.flatMap((arn) => /^arn:[\w-]+:iam::(\d{12}):/.exec(arn)?.[1] ?? []);
  return grantPrincipal.principalAccount === undefined ? ofArns : [grantPrincipal.principalAccount, ...ofArns];
}
