import { CfnOutput, Stack, type StackProps, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { OperatorCommand } from './account-commands.ts';
import { consoleHost } from './console-host.ts';
import type { Placed } from './options/parse-context.ts';
import type { OutputOptions } from './output-options.ts';

const WHERE = 'In AWS CloudShell, or in bash with AWS CLI 2';

export interface StackOutputs {
  /** Description and value, by the id of the output. */
  readonly outputs: Readonly<Record<string, readonly [string, string]>>;
  readonly commands: Readonly<Record<string, OperatorCommand>>;
  readonly dashboard: { readonly dashboardName: string } | undefined;
}

export function toStackProps(description: string, { account, region }: Placed): StackProps {
  return {
    description,
    // Otherwise, the CDK CLI adds a resource that reports the constructs in use to AWS.
    analyticsReporting: false,
    env: { ...(account === undefined ? {} : { account }), ...(region === undefined ? {} : { region }) },
  };
}

/** Adds the outputs that an operator needs to a stack of this app: names, commands, and the dashboard's address. */
export function addStackOutputs(stack: Stack, { likely }: Placed, values: StackOutputs): void {
  for (const [id, [description, value]] of toOutputs(stack, likely.region, values)) {
    new CfnOutput(stack, id, { description, value });
  }
}

/**
 * Adds the same outputs to the stack of a construct.
 *
 * @throws Error if the prefix is invalid, or another construct in the stack already has outputs with this prefix
 */
export function addConstructOutputs(construct: Construct, values: StackOutputs, { prefix = '' }: OutputOptions): void {
  if (!/^[A-Za-z0-9]*$/.test(prefix)) {
    throw new Error(`\`prefix\` is ${JSON.stringify(prefix)}, but must consist of letters and digits.`);
  }
  const stack = Stack.of(construct);
  const id = `RetentlyOutputs${prefix}`;
  if (stack.node.tryFindChild(id) !== undefined) {
    throw new Error(
      'Cannot add the outputs: the stack already has outputs with this prefix. Pass a different { prefix }.',
    );
  }
  const scope = new Construct(stack, id);
  const region = Token.isUnresolved(stack.region) ? undefined : stack.region;
  for (const [name, [description, value]] of toOutputs(stack, region, values)) {
    new CfnOutput(scope, name, { description, value }).overrideLogicalId(`${prefix}${name}`);
  }
}

/** Returns the description and value of each output, by its id. */
function toOutputs(
  stack: Stack,
  likelyRegion: string | undefined,
  { outputs, commands, dashboard }: StackOutputs,
): readonly (readonly [string, readonly [string, string]])[] {
  return [
    ...Object.entries(outputs),
    ...Object.entries(commands).map(
      ([id, { description, command }]) => [id, [`${description}. ${WHERE}`, command]] as const,
    ),
    ...(dashboard === undefined ? [] : [toDashboardOutput(stack.region, likelyRegion, dashboard.dashboardName)]),
  ];
}

/** Returns the dashboard's URL, or its name if the console's host is unknown because the partition is. */
function toDashboardOutput(
  region: string,
  likelyRegion: string | undefined,
  dashboardName: string,
): readonly [string, readonly [string, string]] {
  const host = likelyRegion && consoleHost(likelyRegion);
  if (!host) return ['DashboardName', ['Name of the dashboard in CloudWatch', dashboardName]];
  const page = `/cloudwatch/home?region=${region}#dashboards/dashboard/${dashboardName}`;
  return ['DashboardUrl', ['The dashboard', `https://${region}.${host}${page}`]];
}
