import { CfnResource, type Duration, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import {
  Architecture,
  type Code,
  type FunctionOptions,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { ENVIRONMENT, EVENT_SOURCE, LEASE_OVER_TIMEOUT_SECONDS } from '../../lambda/contract.ts';
import type { TokenRefreshSettings } from '../options/schema.ts';
import { acknowledge } from './acknowledge.ts';
import type { EventDestination } from './event-destination.ts';
import { allow } from './statements.ts';

/** What every function of ours takes from the options. */
export type FunctionSettings = Pick<
  TokenRefreshSettings,
  'kmsKeyArn' | 'logRetentionDays' | 'memoryMegabytes' | 'xray' | 'vpc'
> & { readonly removalPolicies: Pick<TokenRefreshSettings['removalPolicies'], 'logs'> };

/** @param scope gets it under the id `LogGroup` */
export function createLogGroup(
  scope: Construct,
  { kmsKeyArn, logRetentionDays, removalPolicies }: FunctionSettings,
): LogGroup {
  return new LogGroup(scope, 'LogGroup', {
    retention: logRetentionDays,
    removalPolicy: removalPolicies.logs === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    ...(kmsKeyArn === undefined ? {} : { encryptionKey: Key.fromKeyArn(scope, 'LogKey', kmsKeyArn) }),
  });
}

/**
 * The managed policies of AWS and the grants of CDK would allow more than a function calls.
 *
 * @param scope gets it under the id `Role`
 */
export function createRole(scope: Construct, description: string): Role {
  return new Role(scope, 'Role', { description, assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
}

export function allowLogs(role: Role, { logGroupArn }: LogGroup): void {
  role.addToPolicy(allow('WriteLogs', ['logs:CreateLogStream', 'logs:PutLogEvents'], [logGroupArn]));
}

/** What Lambda does under the role of a function if the options want it. */
export function allowOptions(role: Role, { xray, vpc }: FunctionSettings): void {
  if (xray) role.addToPolicy(allow('Trace', ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'], ['*']));
  if (vpc !== undefined) role.addToPolicy(allow('AttachToVpc', NETWORK_INTERFACE_ACTIONS, ['*']));
  if (!xray && vpc === undefined) return;
  const reason = 'AWS accepts these actions, of X-Ray and of network interfaces, on * only.';
  acknowledge(role, 'AwsSolutions-IAM5[Resource::*]', reason);
}

export interface FunctionProps {
  readonly description: string;
  readonly code: Code;
  readonly timeout: Duration;
  readonly environment: Readonly<Record<string, string>>;
  readonly role: Role;
  readonly logGroup: LogGroup;
  /** How Lambda deals with events that nobody waits for, and what it sets aside. */
  readonly running: Pick<
    FunctionOptions,
    'retryAttempts' | 'maxEventAge' | 'onFailure' | 'reservedConcurrentExecutions'
  >;
}

/** @param scope gets it under the id `Function` */
export function createFunction(scope: Construct, settings: FunctionSettings, props: FunctionProps): LambdaFunction {
  const { role, logGroup, running, ...rest } = props;
  const lambdaFunction = new LambdaFunction(scope, 'Function', {
    ...rest,
    ...running,
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: settings.memoryMegabytes,
    // CDK adds statements of its own to a role, unless it is told not to.
    role: role.withoutPolicyUpdates(),
    logGroup,
    loggingFormat: LoggingFormat.JSON,
    // Lambda's own lines about each run would triple the log; one that times out or crashes is a warning.
    systemLogLevelV2: SystemLogLevel.WARN,
    tracing: settings.xray ? Tracing.ACTIVE : Tracing.DISABLED,
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

/** What a function that refreshes is told, whichever secrets it refreshes. */
export function refreshEnvironment(
  settings: Pick<TokenRefreshSettings, 'tokenEndpoint' | 'tokenLifetimeSeconds' | 'timeoutSeconds'>,
  { eventBusName }: EventDestination,
): Readonly<Record<string, string>> {
  return {
    [ENVIRONMENT.tokenEndpoint]: settings.tokenEndpoint,
    [ENVIRONMENT.eventBusName]: eventBusName,
    [ENVIRONMENT.defaultTokenLifetimeSeconds]: String(settings.tokenLifetimeSeconds),
    [ENVIRONMENT.leaseSeconds]: String(settings.timeoutSeconds + LEASE_OVER_TIMEOUT_SECONDS),
  };
}

export function allowEvents(role: Role, { policyArn }: EventDestination): void {
  if (policyArn === undefined) return;
  role.addToPolicy(
    allow('PublishEvents', ['events:PutEvents'], [policyArn], { StringEquals: { 'events:source': EVENT_SOURCE } }),
  );
}

/** The finding of cdk-nag on keys or secrets that are bound by a condition and not by their ARN. */
export function acknowledgeWildcard(role: Role, service: string, resource: string, reason: string): void {
  const { region, account } = Stack.of(role);
  const arn = `arn:<AWS::Partition>:${service}:${orName(region, 'AWS::Region')}:${orName(account, 'AWS::AccountId')}:${resource}`;
  acknowledge(role, `AwsSolutions-IAM5[Resource::${arn}]`, reason);
}

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
