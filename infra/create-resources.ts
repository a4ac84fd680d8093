import { Duration, Stack } from 'aws-cdk-lib';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { accountRules } from './constructs/account-rules.ts';
import { AlarmTopic } from './constructs/alarm-topic.ts';
import { Alarms } from './constructs/alarms.ts';
import { Credentials } from './constructs/credentials.ts';
import { DeadLetters } from './constructs/dead-letters.ts';
import { EventDestination } from './constructs/event-destination.ts';
import { governAll } from './constructs/govern-all.ts';
import { RefreshFunction } from './constructs/refresh-function.ts';
import { RefreshSchedule } from './constructs/refresh-schedule.ts';
import type { SecretNames } from './constructs/secret-names.ts';
import { TokenDashboard } from './constructs/token-dashboard.ts';
import { TokenSecret } from './constructs/token-secret.ts';
import { type OperatorCommands, operatorCommands } from './operator-commands.ts';
import { eventAgeSeconds, silenceMinutes } from './options/schedule-limits.ts';
import type { TokenRefreshSettings } from './options/schema.ts';

/** What refreshes the bearer token of one Retently account. */
export interface Resources {
  readonly credentials: SecretNames;
  /** `undefined` if the options want none. */
  readonly tokenSecret: TokenSecret | undefined;
  readonly deadLetters: DeadLetters;
  readonly refreshFunction: RefreshFunction;
  readonly refreshSchedule: RefreshSchedule;
  readonly commands: OperatorCommands;
  readonly alarmTopic: ITopic;
  readonly alarms: Alarms;
  readonly dashboard: TokenDashboard | undefined;
}

/**
 * Creates in `scope` what refreshes the bearer token of one Retently account: the secret, the function, its schedule, and the
 * alarms.
 *
 * The ids of the constructs are part of the contract: a renamed one replaces its resource.
 *
 * @param existingTopic what the alarms publish to. Without it, a topic is created
 */
export function createResources(scope: Construct, settings: TokenRefreshSettings, existingTopic?: ITopic): Resources {
  const { schedule } = settings;
  const eventAge = Duration.seconds(eventAgeSeconds(schedule));
  const credentials = new Credentials(scope, 'Credentials', settings).names;
  const tokenSecret = settings.tokenSecret === false ? undefined : new TokenSecret(scope, 'Token', settings);
  const eventDestination = new EventDestination(scope, 'Bus', settings);
  const deadLetters = new DeadLetters(scope, 'DeadLetters', settings);
  const { failedRuns, undeliveredTicks } = deadLetters;
  const refreshFunction = new RefreshFunction(scope, 'Function', {
    settings,
    eventAge,
    credentials,
    tokenSecret: tokenSecret?.names,
    eventDestination,
    failedRuns,
  });
  const { lambdaFunction, logGroup } = refreshFunction;
  const refreshSchedule = new RefreshSchedule(scope, 'Schedule', {
    description: 'Looks after the Retently bearer token',
    roleDescription: 'Invokes the function that refreshes the Retently bearer token',
    every: Duration.minutes(schedule.everyMinutes),
    flexibleWindow: Duration.minutes(schedule.flexibleWindowMinutes),
    eventAge,
    lambdaFunction,
    undeliveredTicks,
    kmsKeyArn: settings.kmsKeyArn,
  });
  const commands = operatorCommands({
    region: Stack.of(scope).region,
    functionName: lambdaFunction.functionName,
    timeoutSeconds: settings.timeoutSeconds,
    logGroupName: logGroup.logGroupName,
    secretId: credentials.secretId,
    tokenSecretId: tokenSecret?.names.secretId,
    scheduleName: refreshSchedule.schedule.scheduleName,
    failedRunsUrl: failedRuns.queueUrl,
    undeliveredTicksUrl: undeliveredTicks.queueUrl,
  });
  const alarmTopic = existingTopic ?? new AlarmTopic(scope, 'AlarmTopic', settings).topic;
  const alarms = new Alarms(scope, 'Alarms', {
    rules: accountRules({
      lambdaFunction,
      undeliveredTicks,
      failedRuns,
      silenceMinutes: silenceMinutes(schedule),
      hasTokenSecret: tokenSecret !== undefined,
    }),
    topic: alarmTopic,
    statusCommand: commands.StatusCommand.command,
    runbookUrl: settings.runbookUrl,
  });
  const dashboard = settings.dashboard
    ? new TokenDashboard(scope, 'Overview', {
        lambdaFunction,
        alarms: alarms.alarms,
        queues: [failedRuns, undeliveredTicks],
        commands,
        runbookUrl: settings.runbookUrl,
      })
    : undefined;

  governAll(scope, settings);
  return {
    credentials,
    tokenSecret,
    deadLetters,
    refreshFunction,
    refreshSchedule,
    commands,
    alarmTopic,
    alarms,
    dashboard,
  };
}
