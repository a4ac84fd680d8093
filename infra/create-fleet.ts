import { Duration, Stack } from 'aws-cdk-lib';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { AlarmTopic } from './constructs/alarm-topic.ts';
import { Alarms } from './constructs/alarms.ts';
import { DeadLetters } from './constructs/dead-letters.ts';
import { EventDestination } from './constructs/event-destination.ts';
import { FleetDashboard } from './constructs/fleet-dashboard.ts';
import { FleetFunction } from './constructs/fleet-function.ts';
import { fleetRules } from './constructs/fleet-rules.ts';
import { governAll } from './constructs/govern-all.ts';
import { RefreshQueue } from './constructs/refresh-queue.ts';
import { RefreshSchedule } from './constructs/refresh-schedule.ts';
import { SweepFunction } from './constructs/sweep-function.ts';
import { type FleetCommands, fleetCommands } from './fleet-commands.ts';
import type { FleetSettings } from './options/fleet-schema.ts';
import { eventAgeSeconds, silenceMinutes } from './options/schedule-limits.ts';

/** What refreshes the bearer tokens of every secret with a tag. */
export interface FleetResources {
  readonly sweep: SweepFunction;
  readonly refreshQueue: RefreshQueue;
  readonly refresh: FleetFunction;
  readonly schedule: RefreshSchedule;
  /** Of the sweep: ticks that were not delivered, and sweeps that failed twice. */
  readonly deadLetters: DeadLetters;
  readonly commands: FleetCommands;
  readonly alarmTopic: ITopic;
  readonly alarms: Alarms;
  readonly dashboard: FleetDashboard | undefined;
}

/**
 * Creates in `scope` what keeps a fleet: schedule, sweep, queue, refresh, and the alarms. It creates no secret.
 *
 * The ids of the constructs are part of the contract: a renamed one replaces its resource.
 *
 * @param existingTopic what the alarms publish to. Without it, a topic is created
 */
export function createFleet(scope: Construct, settings: FleetSettings, existingTopic?: ITopic): FleetResources {
  const { fleet, schedule: timing } = settings;
  const eventAge = Duration.seconds(eventAgeSeconds(timing));
  const eventDestination = new EventDestination(scope, 'Bus', settings);
  const deadLetters = new DeadLetters(scope, 'DeadLetters', settings);
  const { failedRuns: failedSweeps, undeliveredTicks } = deadLetters;
  const refreshQueue = new RefreshQueue(scope, 'Queue', settings);
  const { queue } = refreshQueue;
  const sweep = new SweepFunction(scope, 'Sweep', { settings, queue, failedSweeps, eventAge });
  const refresh = new FleetFunction(scope, 'Refresh', { settings, queue, eventDestination });
  const schedule = new RefreshSchedule(scope, 'Schedule', {
    description: 'Looks after a fleet of Retently bearer tokens',
    roleDescription: 'Invokes the sweep of a fleet of Retently bearer tokens',
    every: Duration.minutes(timing.everyMinutes),
    flexibleWindow: Duration.minutes(timing.flexibleWindowMinutes),
    eventAge,
    lambdaFunction: sweep.lambdaFunction,
    undeliveredTicks,
    kmsKeyArn: settings.kmsKeyArn,
  });
  const commands = fleetCommands({
    region: Stack.of(scope).region,
    tagKey: fleet.tagKey,
    tagValue: fleet.tagValue,
    refreshName: refresh.lambdaFunction.functionName,
    refreshTimeoutSeconds: settings.timeoutSeconds,
    refreshLogGroupName: refresh.logGroup.logGroupName,
    sweepName: sweep.lambdaFunction.functionName,
    sweepTimeoutSeconds: sweep.timeoutSeconds,
    sweepLogGroupName: sweep.logGroup.logGroupName,
    scheduleName: schedule.schedule.scheduleName,
    deadLettersUrl: refreshQueue.deadLetters.queueUrl,
    deadLettersArn: refreshQueue.deadLetters.queueArn,
    failedSweepsUrl: failedSweeps.queueUrl,
    undeliveredTicksUrl: undeliveredTicks.queueUrl,
  });
  const alarmTopic = existingTopic ?? new AlarmTopic(scope, 'AlarmTopic', settings).topic;
  const allDeadLetters = [refreshQueue.deadLetters, failedSweeps, undeliveredTicks];
  const alarms = new Alarms(scope, 'Alarms', {
    rules: fleetRules({
      sweep: sweep.lambdaFunction,
      refresh: refresh.lambdaFunction,
      queue,
      deadLetters: allDeadLetters,
      everyMinutes: timing.everyMinutes,
      silenceMinutes: silenceMinutes(timing),
    }),
    topic: alarmTopic,
    statusCommand: commands.AttentionCommand.command,
    runbookUrl: settings.runbookUrl,
  });
  const dashboard = settings.dashboard
    ? new FleetDashboard(scope, 'Overview', {
        sweep: sweep.lambdaFunction,
        refresh: refresh.lambdaFunction,
        queue,
        deadLetters: allDeadLetters,
        alarms: alarms.alarms,
        commands,
        runbookUrl: settings.runbookUrl,
      })
    : undefined;
  governAll(scope, settings);
  return { sweep, refreshQueue, refresh, schedule, deadLetters, commands, alarmTopic, alarms, dashboard };
}
