import { CfnOutput, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { consoleHost } from './console-host.ts';
import { createResources, type Resources } from './create-resources.ts';
import type { StackSettings } from './options/parse-context.ts';

const WHERE = 'In AWS CloudShell, or in bash with AWS CLI 2';

/** The stack of one Retently account; its outputs are the commands that an operator needs. */
export class TokenRefreshStack extends Stack {
  constructor(scope: Construct, { stackName, account, region, likelyRegion, settings }: StackSettings) {
    super(scope, stackName, {
      description: 'Keeps a Retently OAuth bearer token fresh in AWS Secrets Manager',
      // Without this, the CDK CLI adds a resource that reports to AWS which constructs are used.
      analyticsReporting: false,
      env: { ...(account === undefined ? {} : { account }), ...(region === undefined ? {} : { region }) },
    });
    const resources = createResources(new Construct(this, 'TokenRefresh'), settings);
    this.addOutputs(resources, likelyRegion && consoleHost(likelyRegion));
  }

  private addOutputs(
    { commands, credentials, tokenSecret, dashboard, deadLetters, refreshFunction, refreshSchedule }: Resources,
    console: string | undefined,
  ): void {
    const output = (id: string, description: string, value: string) => new CfnOutput(this, id, { description, value });
    output('FunctionName', 'The function', refreshFunction.lambdaFunction.functionName);
    output('SecretArn', 'The secret of the credentials', credentials.secretArn);
    output('SecretId', 'What commands call the secret of the credentials', credentials.secretId);
    if (tokenSecret !== undefined) {
      output('TokenSecretArn', 'The secret that consumers read the bearer token from', tokenSecret.names.secretArn);
    }
    output('ScheduleName', 'The schedule of the ticks', refreshSchedule.schedule.scheduleName);
    output('FailedRunsUrl', 'The queue of failed runs', deadLetters.failedRuns.queueUrl);
    output('UndeliveredTicksUrl', 'The queue of undelivered ticks', deadLetters.undeliveredTicks.queueUrl);
    for (const [id, { description, command }] of Object.entries(commands)) {
      output(id, `${description}. ${WHERE}`, command);
    }
    if (dashboard === undefined) return;
    const { dashboardName } = dashboard;
    if (console === undefined) output('DashboardName', 'The dashboard in CloudWatch', dashboardName);
    else {
      const page = `/cloudwatch/home?region=${this.region}#dashboards/dashboard/${dashboardName}`;
      output('DashboardUrl', 'The dashboard', `https://${this.region}.${console}${page}`);
    }
  }
}
