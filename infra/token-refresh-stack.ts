import { CfnOutput, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { consoleHost } from './console-host.ts';
import { createResources, type Resources } from './create-resources.ts';
import type { StackSettings } from './options/parse-context.ts';

// The AWS CLI gives up after a minute by default, and then invokes the function again.
const CLI_OVER_TIMEOUT_SECONDS = 30;

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
    this.addOutputs(resources, settings, likelyRegion && consoleHost(likelyRegion));
  }

  private addOutputs(
    { credentials, dashboard, refreshFunction }: Resources,
    { timeoutSeconds }: StackSettings['settings'],
    console: string | undefined,
  ): void {
    const { functionName } = refreshFunction.lambdaFunction;
    const { logGroupName } = refreshFunction.logGroup;
    const { secretArn, secretId } = credentials;
    const output = (id: string, description: string, value: string) => new CfnOutput(this, id, { description, value });
    output('FunctionName', 'The function', functionName);
    output('SecretArn', 'The secret that consumers read the bearer token from', secretArn);
    output(
      'InvokeCommand',
      'Refreshes the token if it is due, now',
      `aws lambda invoke --region ${this.region} --function-name ${functionName} --cli-read-timeout ${timeoutSeconds + CLI_OVER_TIMEOUT_SECONDS} --cli-binary-format raw-in-base64-out --payload '{}' /dev/stdout`,
    );
    output(
      'LogsCommand',
      'What went wrong in the last three hours, and what to do about it',
      `aws logs tail ${logGroupName} --region ${this.region} --since 3h --filter-pattern '{ $.level = "ERROR" }'`,
    );
    output(
      'GetSecretCommand',
      'Writes the current value to credentials.json, to change a member of it. Delete the file afterwards',
      `aws secretsmanager get-secret-value --region ${this.region} --secret-id ${secretId} --query SecretString --output text > credentials.json`,
    );
    output(
      'PutSecretCommand',
      'Stores credentials.json, the whole value: client_id, client_secret and refresh_token. Delete the file afterwards',
      `aws secretsmanager put-secret-value --region ${this.region} --secret-id ${secretId} --secret-string file://credentials.json`,
    );
    if (dashboard === undefined) return;
    const { dashboardName } = dashboard;
    if (console === undefined) output('DashboardName', 'The dashboard in CloudWatch', dashboardName);
    else {
      const page = `/cloudwatch/home?region=${this.region}#dashboards/dashboard/${dashboardName}`;
      output('DashboardUrl', 'The dashboard', `https://${this.region}.${console}${page}`);
    }
  }
}
