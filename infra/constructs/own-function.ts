import { Annotations, CfnResource, type Duration } from 'aws-cdk-lib';
import type { IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import {
  Architecture,
  type FunctionOptions,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  RuntimeFamily,
  SystemLogLevel,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { HandlerName } from '../bundle/bundle-handler.ts';
import { bundledCode } from '../bundle/bundled-code.ts';
import type { TokenRefreshSettings } from '../options/schema.ts';
import { acknowledge } from './acknowledge.ts';
import { toAlarmsAndLogsKey } from './alarms-and-logs-key.ts';
import { allow, denyToCode } from './statements.ts';

/** Environment variable that the AWS SDK reads. */
const FIPS = { AWS_USE_FIPS_ENDPOINT: 'true' };

// Older versions of aws-cdk-lib do not have a name for Node.js 24, but CloudFormation does.
const NODEJS_24 = Runtime.NODEJS_24_X ?? new Runtime('nodejs24.x', RuntimeFamily.NODEJS);

/** Options that concern every function. */
export type FunctionSettings = Pick<
  TokenRefreshSettings,
  | 'encryptionKey'
  | 'alarmsAndLogsKey'
  | 'logRetention'
  | 'memorySize'
  | 'xray'
  | 'fips'
  | 'vpc'
  | 'vpcSubnets'
  | 'securityGroups'
> & { readonly removalPolicies: Pick<TokenRefreshSettings['removalPolicies'], 'logs'> };

export interface OwnFunctionProps {
  readonly settings: FunctionSettings;
  readonly description: string;
  readonly handler: HandlerName;
  readonly timeout: Duration;
  readonly environment: Readonly<Record<string, string>>;
  readonly roleDescription: string;
  /** Permissions of the function, except to write its log. */
  readonly statements: readonly PolicyStatement[];
  /** Settings for asynchronous events and reserved concurrency. */
  readonly running: Pick<
    FunctionOptions,
    'retryAttempts' | 'maxEventAge' | 'onFailure' | 'reservedConcurrentExecutions'
  >;
}

/** Lambda function with its log group and a role that allows only the calls it makes. */
export class OwnFunction extends Construct {
  readonly lambdaFunction: LambdaFunction;
  readonly logGroup: LogGroup;
  readonly role: Role;

  constructor(scope: Construct, id: string, props: OwnFunctionProps) {
    super(scope, id);
    const { logRetention, memorySize, removalPolicies, securityGroups, vpc, vpcSubnets, xray } = props.settings;
    const logKey = toAlarmsAndLogsKey(props.settings);
    this.logGroup = new LogGroup(this, 'LogGroup', {
      retention: logRetention,
      removalPolicy: removalPolicies.logs,
      ...(logKey && { encryptionKey: Key.fromKeyArn(this, 'LogKey', logKey.keyArn) }),
    });
    // AWS managed policies and CDK grants would allow more than the function calls.
    this.role = new Role(this, 'Role', {
      description: props.roleDescription,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    });
    const writeLogs = allow('WriteLogs', ['logs:CreateLogStream', 'logs:PutLogEvents'], [this.logGroup.logGroupArn]);
    for (const statement of [...props.statements, writeLogs]) this.role.addToPolicy(statement);
    this.allowOptions(props.settings);
    this.lambdaFunction = new LambdaFunction(this, 'Function', {
      description: props.description,
      code: bundledCode(props.handler),
      timeout: props.timeout,
      environment: { ...props.environment, ...(props.settings.fips && FIPS) },
      ...props.running,
      handler: 'index.handler',
      runtime: NODEJS_24,
      architecture: Architecture.ARM_64,
      memorySize,
      // Otherwise, CDK adds statements of its own to the role.
      role: this.role.withoutPolicyUpdates(),
      logGroup: this.logGroup,
      loggingFormat: LoggingFormat.JSON,
      // Lambda's own lines about each run would triple the log. A timeout or a crash is logged as a warning.
      systemLogLevelV2: SystemLogLevel.WARN,
      tracing: xray ? Tracing.ACTIVE : Tracing.DISABLED,
    });
    const resource = this.lambdaFunction.node.defaultChild;
    if (vpc !== undefined && CfnResource.isCfnResource(resource)) {
      // By ids, because a Vpc construct needs the availability zones, which takes a lookup in the AWS account.
      resource.addPropertyOverride('VpcConfig', {
        SubnetIds: 'subnetIds' in vpc ? vpc.subnetIds : this.selectSubnetIds(vpc, vpcSubnets),
        SecurityGroupIds: securityGroups,
      });
    }
  }

  private selectSubnetIds(vpc: IVpc, selection: SubnetSelection | undefined): readonly string[] {
    const { subnetIds, hasPublic } = vpc.selectSubnets(selection);
    if (hasPublic) {
      Annotations.of(this).addWarningV2(
        'retently-token-refresh:publicSubnet',
        'The function cannot reach the internet: it is in a public subnet, where Lambda gives it no public IP address. Select subnets with a route through a NAT gateway. If VPC endpoints are enough, acknowledge this warning.',
      );
    }
    return subnetIds;
  }

  /** Allows the calls that Lambda makes with the function's role for tracing and network interfaces. */
  private allowOptions({ xray, vpc }: FunctionSettings): void {
    if (xray) this.role.addToPolicy(allow('Trace', ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'], ['*']));
    if (vpc !== undefined) {
      this.role.addToPolicy(allow('AttachToVpc', NETWORK_INTERFACE_ACTIONS, ['*']));
      this.role.addToPolicy(denyToCode('DenyNetworkToCode', NETWORK_INTERFACE_ACTIONS));
    }
    if (!xray && vpc === undefined) return;
    const reason = 'AWS accepts these actions, for X-Ray and for network interfaces, only on the resource *.';
    acknowledge(this.role, 'AwsSolutions-IAM5[Resource::*]', reason);
  }
}

const NETWORK_INTERFACE_ACTIONS = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
];
