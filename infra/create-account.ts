import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { SCHEDULED_EVENT } from '../lambda/contract.ts';
import { accountCommands } from './account-commands.ts';
import { accountRules } from './constructs/account-rules.ts';
import { applyTagsAndBoundary } from './constructs/apply-tags-and-boundary.ts';
import { Credentials } from './constructs/credentials.ts';
import { accountRows } from './constructs/dashboard-rows.ts';
import { DeadLetters } from './constructs/dead-letters.ts';
import { EventDestination } from './constructs/event-destination.ts';
import { RefreshFunction } from './constructs/refresh-function.ts';
import { RefreshSchedule } from './constructs/refresh-schedule.ts';
import { TokenSecret } from './constructs/token-secret.ts';
import { monitor } from './monitor.ts';
import { eventAge, noticeMinutes, silenceMinutes } from './options/schedule-limits.ts';
import type { TokenRefreshSettings } from './options/schema.ts';

/**
 * Creates the parts that refresh the access token of one Retently account: the secret, the function, its schedule, and the
 * alarms.
 *
 * The construct ids are part of the contract: CloudFormation replaces a resource whose id changes.
 */
export function createAccount(scope: Construct, settings: TokenRefreshSettings) {
  const { interval, flexibleWindow, timeout, encryptionKey } = settings;
  const { names: credentials, secret } = new Credentials(scope, 'Credentials', settings);
  const tokenSecret = settings.tokenSecret === false ? undefined : new TokenSecret(scope, 'Token', settings);
  const eventDestination = new EventDestination(scope, 'Bus', settings);
  const { failedRuns, undeliveredTicks } = new DeadLetters(scope, 'DeadLetters', settings);
  const { lambdaFunction, logGroup, role } = new RefreshFunction(scope, 'Function', {
    settings,
    eventAge: eventAge(interval),
    credentials,
    tokenSecret: tokenSecret?.names,
    eventDestination,
    failedRuns,
  });
  const { scheduleName } = new RefreshSchedule(scope, 'Schedule', {
    description: 'Refreshes the Retently access token',
    roleDescription: 'Invokes the function that refreshes the Retently access token',
    interval,
    flexibleWindow,
    lambdaFunction,
    undeliveredTicks,
    input: SCHEDULED_EVENT,
    encryptionKey,
  }).schedule;
  const commands = accountCommands({
    region: Stack.of(scope).region,
    functionName: lambdaFunction.functionName,
    timeoutSeconds: timeout.toSeconds(),
    logGroupName: logGroup.logGroupName,
    secretId: credentials.secretId,
    tokenSecretId: tokenSecret?.names.secretId,
    scheduleName,
    reservedConcurrency: settings.reservedConcurrentExecutions,
    silenceMinutes: silenceMinutes({ interval, flexibleWindow }),
    failedRunsUrl: failedRuns.queueUrl,
    undeliveredTicksUrl: undeliveredTicks.queueUrl,
  });
  const monitoring = monitor(scope, settings, {
    rules: accountRules({
      lambdaFunction,
      undeliveredTicks,
      failedRuns,
      silenceMinutes: silenceMinutes({ interval, flexibleWindow }),
      noticeMinutes: noticeMinutes({ interval, flexibleWindow }),
      hasTokenSecret: tokenSecret !== undefined,
    }),
    guide: [commands.StatusCommand, commands.LogsCommand, commands.ScheduleCommand],
    rows: accountRows(lambdaFunction, logGroup, [failedRuns, undeliveredTicks]),
  });
  applyTagsAndBoundary(scope, settings);
  const outputs = {
    FunctionName: ['The function', lambdaFunction.functionName],
    SecretArn: ['ARN of the secret that holds the credentials', credentials.secretArn],
    SecretId: ['Id of the secret that holds the credentials, as commands use it', credentials.secretId],
    ...(tokenSecret !== undefined && {
      TokenSecretArn: [
        'ARN of the secret from which consumers read the access token',
        tokenSecret.names.secretArn,
      ] as const,
    }),
    ScheduleName: ['Name of the schedule', scheduleName],
    FailedRunsUrl: ['URL of the queue for failed runs', failedRuns.queueUrl],
    UndeliveredTicksUrl: ['URL of the queue for undelivered ticks', undeliveredTicks.queueUrl],
  } as const;
  return {
    credentials,
    secret,
    tokenSecret,
    failedRuns,
    undeliveredTicks,
    lambdaFunction,
    role,
    logGroup,
    commands: { ...commands, ...monitoring.emailCommands },
    outputs,
    ...monitoring,
  };
}
