import { Duration, Stack } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
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
import { eventAgeSeconds, silenceMinutes } from './options/schedule-limits.ts';
import type { TokenRefreshSettings } from './options/schema.ts';

/** Constructs of the app that stand in for what the settings can only name. */
export interface GivenConstructs {
  readonly alarmTopic?: ITopic | undefined;
  readonly encryptionKey?: IKey | undefined;
}

/**
 * Creates in `scope` what refreshes the bearer token of one Retently account: the secret, the function, its schedule, and the
 * alarms.
 *
 * The ids of the constructs are part of the contract: a renamed one replaces its resource.
 *
 * @param given.alarmTopic what the alarms publish to. Without it, a topic is created
 * @param given.encryptionKey the key of `settings`, if it is a construct of the app
 */
export function createAccount(scope: Construct, settings: TokenRefreshSettings, given: GivenConstructs = {}) {
  const { schedule, kmsKeyArn } = settings;
  const eventAge = Duration.seconds(eventAgeSeconds(schedule));
  const { names: credentials, secret } = new Credentials(scope, 'Credentials', settings, given.encryptionKey);
  const tokenSecret =
    settings.tokenSecret === false ? undefined : new TokenSecret(scope, 'Token', settings, given.encryptionKey);
  const eventDestination = new EventDestination(scope, 'Bus', settings);
  const { failedRuns, undeliveredTicks } = new DeadLetters(scope, 'DeadLetters', settings);
  const { lambdaFunction, logGroup } = new RefreshFunction(scope, 'Function', {
    settings,
    eventAge,
    credentials,
    tokenSecret: tokenSecret?.names,
    eventDestination,
    failedRuns,
  });
  const { scheduleName } = new RefreshSchedule(scope, 'Schedule', {
    description: 'Looks after the Retently bearer token',
    roleDescription: 'Invokes the function that refreshes the Retently bearer token',
    schedule,
    lambdaFunction,
    undeliveredTicks,
    kmsKeyArn,
  }).schedule;
  const commands = accountCommands({
    region: Stack.of(scope).region,
    functionName: lambdaFunction.functionName,
    timeoutSeconds: settings.timeoutSeconds,
    logGroupName: logGroup.logGroupName,
    secretId: credentials.secretId,
    tokenSecretId: tokenSecret?.names.secretId,
    scheduleName,
    failedRunsUrl: failedRuns.queueUrl,
    undeliveredTicksUrl: undeliveredTicks.queueUrl,
  });
  const monitoring = monitor(scope, settings, {
    rules: accountRules({
      lambdaFunction,
      undeliveredTicks,
      failedRuns,
      silenceMinutes: silenceMinutes(schedule),
      hasTokenSecret: tokenSecret !== undefined,
    }),
    guide: [commands.StatusCommand, commands.LogsCommand, commands.ScheduleCommand],
    rows: accountRows(lambdaFunction, [failedRuns, undeliveredTicks]),
    topic: given.alarmTopic,
  });
  applyTagsAndBoundary(scope, settings);
  const outputs = {
    FunctionName: ['The function', lambdaFunction.functionName],
    SecretArn: ['The secret of the credentials', credentials.secretArn],
    SecretId: ['What commands call the secret of the credentials', credentials.secretId],
    ...(tokenSecret !== undefined && {
      TokenSecretArn: ['The secret that consumers read the bearer token from', tokenSecret.names.secretArn] as const,
    }),
    ScheduleName: ['The schedule of the ticks', scheduleName],
    FailedRunsUrl: ['The queue of failed runs', failedRuns.queueUrl],
    UndeliveredTicksUrl: ['The queue of undelivered ticks', undeliveredTicks.queueUrl],
  } as const;
  return {
    credentials,
    secret,
    tokenSecret,
    failedRuns,
    undeliveredTicks,
    lambdaFunction,
    logGroup,
    commands,
    outputs,
    ...monitoring,
  };
}
