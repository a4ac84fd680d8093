import { CfnResource, Duration, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import {
  Architecture,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { ENVIRONMENT, EVENT_SOURCE, LEASE_OVER_TIMEOUT_SECONDS } from '../../lambda/contract.ts';
import { bundledCode } from '../bundle/bundled-code.ts';
import { ATTEMPTS_PER_TICK } from '../options/schedule-limits.ts';
import type { TokenRefreshSettings } from '../options/schema.ts';
import { acknowledge } from './acknowledge.ts';
import type { EventDestination } from './event-destination.ts';
import type { SecretNames } from './secret-names.ts';
import { allow, allowDecryptOf, allowKeyThrough } from './statements.ts';

export interface RefreshFunctionProps {
  readonly settings: TokenRefreshSettings;
  readonly credentials: SecretNames;
  readonly tokenSecret: SecretNames | undefined;
  readonly eventDestination: EventDestination;
  readonly failedRuns: IQueue;
  /** How long Lambda keeps an event for a run and its retry. */
  readonly eventAge: Duration;
}

/** The function, its log group, and a role that allows its calls and nothing else. */
export class RefreshFunction extends Construct {
  readonly lambdaFunction: LambdaFunction;
  readonly logGroup: LogGroup;
  readonly role: Role;

  constructor(scope: Construct, id: string, props: RefreshFunctionProps) {
    super(scope, id);
    this.logGroup = this.createLogGroup(props.settings);
    this.role = this.createRole(props);
    this.lambdaFunction = this.createFunction(props);
  }

  private createLogGroup({ kmsKeyArn, logRetentionDays, removalPolicies }: TokenRefreshSettings): LogGroup {
    return new LogGroup(this, 'LogGroup', {
      retention: logRetentionDays,
      removalPolicy: removalPolicies.logs === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      ...(kmsKeyArn === undefined ? {} : { encryptionKey: Key.fromKeyArn(this, 'LogKey', kmsKeyArn) }),
    });
  }

  /** The managed policies of AWS and the grants of CDK would allow more than the function calls. */
  private createRole({ settings, credentials, tokenSecret, eventDestination, failedRuns }: RefreshFunctionProps): Role {
    const role = new Role(this, 'Role', {
      description: 'Refreshes the Retently bearer token in its secret',
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    });
    role.addToPolicy(
      allow(
        'KeepCredentials',
        [
          'secretsmanager:DescribeSecret',
          'secretsmanager:GetSecretValue',
          'secretsmanager:ListSecretVersionIds',
          'secretsmanager:PutSecretValue',
          'secretsmanager:UpdateSecretVersionStage',
        ],
        [credentials.policyArn],
      ),
    );
    if (tokenSecret !== undefined) {
      role.addToPolicy(allow('KeepTokenSecret', TOKEN_SECRET_ACTIONS, [tokenSecret.policyArn]));
    }
    if (eventDestination.policyArn !== undefined) {
      const asOurselves = { StringEquals: { 'events:source': EVENT_SOURCE } };
      role.addToPolicy(allow('PublishEvents', ['events:PutEvents'], [eventDestination.policyArn], asOurselves));
    }
    role.addToPolicy(allow('WriteLogs', ['logs:CreateLogStream', 'logs:PutLogEvents'], [this.logGroup.logGroupArn]));
    role.addToPolicy(allow('KeepFailedRuns', ['sqs:SendMessage'], [failedRuns.queueArn]));
    const { region, account } = Stack.of(this);
    // Whatever key the secret has now: it may have had another one until a day ago.
    const tokenSecretArns = tokenSecret === undefined ? [] : [tokenSecret.policyArn];
    role.addToPolicy(allowDecryptOf(this, 'ReadUnderOlderKeys', [credentials.policyArn, ...tokenSecretArns]));
    acknowledge(
      role,
      `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:kms:${orName(region, 'AWS::Region')}:${orName(account, 'AWS::AccountId')}:key/*]`,
      "Bound to the secrets of this stack by the encryption context: nothing else of the account's keys can be read with it.",
    );
    if (settings.kmsKeyArn !== undefined) {
      role.addToPolicy(allowKeyThrough(this, 'EncryptCredentials', 'secretsmanager', settings.kmsKeyArn));
      role.addToPolicy(allowKeyThrough(this, 'EncryptFailedRuns', 'sqs', settings.kmsKeyArn));
    }
    if (settings.xray) {
      role.addToPolicy(allow('Trace', ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'], ['*']));
    }
    if (settings.vpc !== undefined) role.addToPolicy(allow('AttachToVpc', NETWORK_INTERFACE_ACTIONS, ['*']));
    if (settings.xray || settings.vpc !== undefined) {
      acknowledge(
        role,
        'AwsSolutions-IAM5[Resource::*]',
        'AWS accepts these actions, of X-Ray and of network interfaces, on * only.',
      );
    }
    return role;
  }

  private createFunction(props: RefreshFunctionProps) {
    const { settings, credentials, tokenSecret, eventDestination, failedRuns, eventAge } = props;
    const lambdaFunction = new LambdaFunction(this, 'Function', {
      description: 'Keeps the Retently bearer token fresh',
      code: bundledCode(),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: settings.memoryMegabytes,
      timeout: Duration.seconds(settings.timeoutSeconds),
      environment: {
        [ENVIRONMENT.credentialsSecretId]: credentials.secretId,
        [ENVIRONMENT.tokenEndpoint]: settings.tokenEndpoint,
        [ENVIRONMENT.eventBusName]: eventDestination.eventBusName,
        [ENVIRONMENT.defaultTokenLifetimeSeconds]: String(settings.tokenLifetimeSeconds),
        [ENVIRONMENT.leaseSeconds]: String(settings.timeoutSeconds + LEASE_OVER_TIMEOUT_SECONDS),
        ...(tokenSecret === undefined ? {} : { [ENVIRONMENT.tokenSecretId]: tokenSecret.secretId }),
      },
      // CDK adds statements of its own to a role, unless it is told not to.
      role: this.role.withoutPolicyUpdates(),
      logGroup: this.logGroup,
      loggingFormat: LoggingFormat.JSON,
      // Lambda's own lines about each run would triple the log; one that times out or crashes is a warning.
      systemLogLevelV2: SystemLogLevel.WARN,
      tracing: settings.xray ? Tracing.ACTIVE : Tracing.DISABLED,
      retryAttempts: ATTEMPTS_PER_TICK - 1,
      maxEventAge: eventAge,
      onFailure: { bind: () => ({ destination: failedRuns.queueArn }) },
      ...(settings.reservedConcurrency === undefined
        ? {}
        : { reservedConcurrentExecutions: settings.reservedConcurrency }),
    });
    const resource = lambdaFunction.node.defaultChild;
    if (settings.vpc !== undefined && CfnResource.isCfnResource(resource)) {
      // By ids: a Vpc construct needs the availability zones, and so a lookup in the AWS account.
      resource.addPropertyOverride('VpcConfig', {
        SubnetIds: settings.vpc.subnetIds,
        SecurityGroupIds: settings.vpc.securityGroupIds,
      });
    }
    return lambdaFunction;
  }
}

const TOKEN_SECRET_ACTIONS = [
  'secretsmanager:DescribeSecret',
  'secretsmanager:GetSecretValue',
  'secretsmanager:PutSecretValue',
  'secretsmanager:UpdateSecretVersionStage',
];

const NETWORK_INTERFACE_ACTIONS = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
];

/** As cdk-nag writes what is known at deployment only. */
function orName(value: string, name: string): string {
  return Token.isUnresolved(value) ? `<${name}>` : value;
}
