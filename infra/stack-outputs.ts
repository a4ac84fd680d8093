import { CfnOutput, type Stack, type StackProps } from 'aws-cdk-lib';
import type { OperatorCommand } from './account-commands.ts';
import { consoleHost } from './console-host.ts';
import type { Placed } from './options/parse-context.ts';

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
    // Without this, the CDK CLI adds a resource that reports to AWS which constructs are used.
    analyticsReporting: false,
    env: { ...(account === undefined ? {} : { account }), ...(region === undefined ? {} : { region }) },
  };
}

/** What an operator needs: names, commands, and where the dashboard is. */
export function addOutputs(
  stack: Stack,
  { likelyRegion }: Placed,
  { outputs, commands, dashboard }: StackOutputs,
): void {
  const output = (id: string, description: string, value: string) => new CfnOutput(stack, id, { description, value });
  for (const [id, [description, value]] of Object.entries(outputs)) output(id, description, value);
  for (const [id, { description, command }] of Object.entries(commands)) {
    output(id, `${description}. ${WHERE}`, command);
  }
  if (dashboard === undefined) return;
  const { dashboardName } = dashboard;
  // Its host is known if the partition is.
  const host = likelyRegion && consoleHost(likelyRegion);
  if (!host) output('DashboardName', 'The dashboard in CloudWatch', dashboardName);
  else {
    const page = `/cloudwatch/home?region=${stack.region}#dashboards/dashboard/${dashboardName}`;
    output('DashboardUrl', 'The dashboard', `https://${stack.region}.${host}${page}`);
  }
}
