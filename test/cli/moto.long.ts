import { CloudFormationClient, CreateStackCommand } from '@aws-sdk/client-cloudformation';
import {
  CloudWatchClient,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import { CreateScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENVIRONMENT } from '../../lambda/contract.ts';
import { awsClientOptions } from '../support/aws-client-options.ts';
import { type Ended, runCommand } from '../support/command.ts';
import {
  ALARM_NAME,
  FUNCTION_NAME,
  type SandboxDeployment,
  SCHEDULE_NAME,
  startDeployment,
} from '../support/deployment.ts';
import { isMotoInstalled, type MotoServer, startMoto } from '../support/moto-server.ts';

const IS_THERE = isMotoInstalled();
const ROLE_ARN = 'arn:aws:iam::123456789012:role/any';

const NAME = 'stack-of-another-app';

/** Template with one function of this project. Stacks of moto have neither alarms nor schedules. */
const TEMPLATE = {
  Description: 'Anything',
  Resources: {
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: { AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [] } },
    },
    Function: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        FunctionName: FUNCTION_NAME,
        Code: { ZipFile: 'exports.handler = () => {}' },
        Handler: 'index.handler',
        Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
        Runtime: 'nodejs22.x',
        Environment: {
          Variables: {
            [ENVIRONMENT.credentialsSecretId]: 'secret',
            [ENVIRONMENT.tokenEndpoint]: 'https://token.invalid',
            [ENVIRONMENT.leaseSeconds]: '90',
          },
        },
      },
    },
  },
};

describe.skipIf(!IS_THERE)(
  `beside the AWS that moto plays${IS_THERE ? '' : ', SKIPPED: moto_server is not installed here'}`,
  () => {
    let moto: MotoServer;
    let deployment: SandboxDeployment;
    let cloudWatch: CloudWatchClient;

    beforeAll(async () => {
      [moto, deployment] = await Promise.all([startMoto(), startDeployment()]);
      const { sandbox, lambda } = deployment;
      sandbox.putCredentials(await sandbox.mintCredentials());
      await lambda.invoke({});
      cloudWatch = new CloudWatchClient(awsClientOptions(moto.url));
      const alarm = {
        EvaluationPeriods: 1,
        Period: 60,
        Statistic: 'Maximum',
        ComparisonOperator: 'LessThanThreshold',
      } as const;
      const metric = { Namespace: 'RetentlyTokenRefresh', MetricName: 'TokenSecondsRemaining', Threshold: 1 };
      await cloudWatch.send(new PutMetricAlarmCommand({ AlarmName: ALARM_NAME, ...alarm, ...metric }));
      const Dimensions = [{ Name: 'FunctionName', Value: FUNCTION_NAME }];
      const tick = {
        MetricName: 'AsyncEventsReceived',
        Dimensions,
        Timestamp: new Date(Date.now() - 300_000),
        Value: 1,
      };
      await cloudWatch.send(new PutMetricDataCommand({ Namespace: 'AWS/Lambda', MetricData: [tick] }));
      const schedule = { Name: SCHEDULE_NAME, ScheduleExpression: 'rate(10 minutes)', State: 'DISABLED' } as const;
      const Target = { Arn: `arn:aws:lambda:us-east-1:123456789012:function:${FUNCTION_NAME}`, RoleArn: ROLE_ARN };
      const scheduler = new SchedulerClient(awsClientOptions(moto.url));
      await scheduler.send(new CreateScheduleCommand({ ...schedule, FlexibleTimeWindow: { Mode: 'OFF' }, Target }));
    });

    afterAll(async () => {
      await deployment[Symbol.asyncDispose]();
      await moto.close();
    });

    const status = (services: readonly string[], ...args: readonly string[]): Promise<Ended> => {
      const endpoints = services.map((name) => [`AWS_ENDPOINT_URL_${name}`, moto.url]);
      return runCommand(['status', ...args], { ...deployment.environment, ...Object.fromEntries(endpoints) });
    };

    test('status reads alarms, metrics and the schedule', async () => {
      const disabled = await status(['CLOUDWATCH', 'SCHEDULER']);
      expect(disabled.stdout).toMatch(/Schedule +DISABLED, rate\(10 minutes\); last tick [56] min/);
      expect(disabled.stdout).toMatch(/Alarms +none of 1 is on/);
      expect(disabled.exitCode).toBe(1);
      const on = { AlarmName: ALARM_NAME, StateValue: 'ALARM', StateReason: 'a test' } as const;
      await cloudWatch.send(new SetAlarmStateCommand(on));
      const alarmed = await status(['CLOUDWATCH']);
      expect(alarmed.stdout).toContain(`Alarms     ${ALARM_NAME}`);
      expect(alarmed.exitCode).toBe(1);
    });

    test('finds a function by its stack, with any name and description', async () => {
      const none = await status(['CLOUDFORMATION'], '--stack', NAME);
      expect(none).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(NAME) });
      const cloudFormation = new CloudFormationClient(awsClientOptions(moto.url));
      await cloudFormation.send(new CreateStackCommand({ StackName: NAME, TemplateBody: JSON.stringify(TEMPLATE) }));
      const found = await status(['CLOUDFORMATION'], '--stack', NAME, '--json');
      expect(found.exitCode).toBe(0);
      expect(JSON.parse(found.stdout)).toMatchObject([{ account: NAME, functionName: FUNCTION_NAME }]);
    });

    test('finds a function among all by its environment variables', async () => {
      const found = await status(['LAMBDA'], '--json');
      expect(JSON.parse(found.stdout)).toMatchObject([{ functionName: FUNCTION_NAME }]);
    });
  },
);
