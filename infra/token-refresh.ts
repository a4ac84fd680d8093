import { Duration, Stack, Tags, Token } from 'aws-cdk-lib';
import { ManagedPolicy, PermissionsBoundary } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { AlarmTopic } from './constructs/alarm-topic.ts';
import { Alarms } from './constructs/alarms.ts';
import { Credentials } from './constructs/credentials.ts';
import { DeadLetters } from './constructs/dead-letters.ts';
import { EventDestination } from './constructs/event-destination.ts';
import { RefreshFunction } from './constructs/refresh-function.ts';
import { RefreshSchedule } from './constructs/refresh-schedule.ts';
import { TokenDashboard } from './constructs/token-dashboard.ts';
import { type OperatorCommands, operatorCommands } from './operator-commands.ts';
import { parseOptions } from './options/parse-options.ts';
import { eventAgeSeconds, silenceMinutes } from './options/schedule-limits.ts';
import type { TokenRefreshProps } from './options/schema.ts';

/**
 * Keeps the bearer token of one Retently account fresh: the secret, the function, its schedule, and the alarms.
 *
 * The ids of the constructs are part of the contract: a renamed one replaces its resource.
 */
export class TokenRefresh extends Construct {
  readonly credentials: Credentials;
  readonly eventDestination: EventDestination;
  readonly deadLetters: DeadLetters;
  readonly refreshFunction: RefreshFunction;
  readonly refreshSchedule: RefreshSchedule;
  readonly alarmTopic: AlarmTopic;
  readonly alarms: Alarms;
  readonly dashboard: TokenDashboard | undefined;
  readonly commands: OperatorCommands;

  /** @throws OptionsError that names every mistake in `props` */
  constructor(scope: Construct, id: string, props: TokenRefreshProps = {}) {
    super(scope, id);
    const { region } = Stack.of(this);
    const settings = parseOptions(props, Token.isUnresolved(region) ? undefined : region);
    const { schedule } = settings;
    const eventAge = Duration.seconds(eventAgeSeconds(schedule));

    this.credentials = new Credentials(this, 'Credentials', settings);
    this.eventDestination = new EventDestination(this, 'Bus', settings);
    this.deadLetters = new DeadLetters(this, 'DeadLetters', settings);
    const { failedRuns, undeliveredTicks } = this.deadLetters;
    this.refreshFunction = new RefreshFunction(this, 'Function', {
      settings,
      eventAge,
      credentials: this.credentials,
      eventDestination: this.eventDestination,
      failedRuns,
    });
    const { lambdaFunction, logGroup } = this.refreshFunction;
    this.refreshSchedule = new RefreshSchedule(this, 'Schedule', {
      every: Duration.minutes(schedule.everyMinutes),
      flexibleWindow: Duration.minutes(schedule.flexibleWindowMinutes),
      eventAge,
      lambdaFunction,
      undeliveredTicks,
      kmsKeyArn: settings.kmsKeyArn,
    });
    this.commands = operatorCommands({
      region,
      functionName: lambdaFunction.functionName,
      timeoutSeconds: settings.timeoutSeconds,
      logGroupName: logGroup.logGroupName,
      secretId: this.credentials.secretId,
      scheduleName: this.refreshSchedule.schedule.scheduleName,
      failedRunsUrl: failedRuns.queueUrl,
      undeliveredTicksUrl: undeliveredTicks.queueUrl,
    });
    this.alarmTopic = new AlarmTopic(this, 'AlarmTopic', settings);
    this.alarms = new Alarms(this, 'Alarms', {
      lambdaFunction,
      undeliveredTicks,
      failedRuns,
      topic: this.alarmTopic.topic,
      silenceMinutes: silenceMinutes(schedule),
      statusCommand: this.commands.StatusCommand.command,
      runbookUrl: settings.runbookUrl,
    });
    if (settings.dashboard) {
      this.dashboard = new TokenDashboard(this, 'Overview', {
        lambdaFunction,
        alarms: this.alarms.alarms,
        queues: [failedRuns, undeliveredTicks],
        commands: this.commands,
        runbookUrl: settings.runbookUrl,
      });
    }

    for (const [key, value] of Object.entries(settings.tags)) Tags.of(this).add(key, value);
    if (settings.permissionsBoundaryArn !== undefined) {
      const boundary = ManagedPolicy.fromManagedPolicyArn(this, 'Boundary', settings.permissionsBoundaryArn);
      PermissionsBoundary.of(this).apply(boundary);
    }
  }
}
