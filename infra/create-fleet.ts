import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { toAlarmsAndLogsKey } from './constructs/alarms-and-logs-key.ts';
import { applyTagsAndBoundary } from './constructs/apply-tags-and-boundary.ts';
import { fleetRows } from './constructs/dashboard-rows.ts';
import { DeadLetters } from './constructs/dead-letters.ts';
import { EventDestination } from './constructs/event-destination.ts';
import { FleetRefreshFunction } from './constructs/fleet-refresh-function.ts';
import { fleetRules } from './constructs/fleet-rules.ts';
import { createNotifiedQueue, RefreshQueue } from './constructs/refresh-queue.ts';
import { RefreshSchedule } from './constructs/refresh-schedule.ts';
import { SweepFunction } from './constructs/sweep-function.ts';
import { warnAboutTaggedSecrets } from './constructs/tagged-secrets.ts';
import { fleetCommands } from './fleet-commands.ts';
import { monitor } from './monitor.ts';
import type { FleetSettings } from './options/fleet-schema.ts';
import { eventAge, silenceMinutes } from './options/schedule-limits.ts';

/**
 * Creates the parts of a fleet in `scope`: schedule, sweep, queues, refresh and alarms. It creates no secret.
 *
 * The construct ids are part of the contract: CloudFormation replaces a resource whose id changes.
 */
export function createFleet(scope: Construct, settings: FleetSettings) {
  const { tagKey, tagValue, interval, flexibleWindow, timeout, encryptionKey } = settings;
  const eventDestination = new EventDestination(scope, 'Bus', settings);
  // For sweeps that failed twice, and for ticks that were not delivered.
  const { failedRuns: failedSweeps, undeliveredTicks } = new DeadLetters(scope, 'DeadLetters', settings);
  const { queue, retries, deadLetters, retention } = new RefreshQueue(scope, 'Queue', settings);
  const sweep = new SweepFunction(scope, 'Sweep', {
    settings,
    queue,
    retries,
    failedSweeps,
    eventAge: eventAge(interval),
  });
  const refresh = new FleetRefreshFunction(scope, 'Refresh', { settings, queue, retries, eventDestination });
  const { scheduleName } = new RefreshSchedule(scope, 'Schedule', {
    description: 'Refreshes the Retently access tokens of a fleet',
    roleDescription: 'Invokes the sweep of a fleet of Retently access tokens',
    interval,
    flexibleWindow,
    lambdaFunction: sweep.lambdaFunction,
    undeliveredTicks,
    input: {},
    encryptionKey,
  }).schedule;
  const commands = fleetCommands({
    region: Stack.of(scope).region,
    tagKey,
    tagValue,
    refreshName: refresh.lambdaFunction.functionName,
    refreshTimeoutSeconds: timeout.toSeconds(),
    refreshLogGroupName: refresh.logGroup.logGroupName,
    sweepName: sweep.lambdaFunction.functionName,
    sweepTimeoutSeconds: sweep.timeoutSeconds,
    sweepLogGroupName: sweep.logGroup.logGroupName,
    scheduleName,
    silenceMinutes: silenceMinutes({ interval, flexibleWindow }),
    mappingIds: refresh.mappings.map(({ eventSourceMappingId }) => eventSourceMappingId),
    deadLettersUrl: deadLetters.queueUrl,
    deadLettersArn: deadLetters.queueArn,
    failedSweepsUrl: failedSweeps.queueUrl,
    undeliveredTicksUrl: undeliveredTicks.queueUrl,
  });
  const parts = {
    sweep: sweep.lambdaFunction,
    refresh: refresh.lambdaFunction,
    queue,
    deadLetters: [deadLetters, failedSweeps, undeliveredTicks],
  };
  const monitoring = monitor(scope, settings, {
    rules: fleetRules({
      ...parts,
      everyMinutes: interval.toMinutes(),
      minimumSecrets: settings.minimumSecrets,
      silenceMinutes: silenceMinutes({ interval, flexibleWindow }),
      retentionSeconds: retention.toSeconds(),
    }),
    guide: [commands.AttentionCommand, commands.StatusCommand, commands.SweepLogsCommand],
    rows: fleetRows({ ...parts, sweepLogs: sweep.logGroup }),
    clearTogetherAfter: 'SweepSilent',
  });
  if (settings.notifyPerAccount) {
    const notified = createNotifiedQueue(scope, 'Notified', settings);
    const { alarmTopic } = monitoring;
    // The key of an imported topic is not known.
    sweep.notify(alarmTopic, alarmTopic.masterKey ?? toAlarmsAndLogsKey(settings), notified);
  }
  applyTagsAndBoundary(scope, settings);
  warnAboutTaggedSecrets(scope, settings);
  const outputs = {
    FunctionName: ['Name of the function that refreshes', parts.refresh.functionName],
    SweepName: ['Name of the function that sweeps', parts.sweep.functionName],
    QueueUrl: ['URL of the queue of secrets to refresh', queue.queueUrl],
    DeadLettersUrl: [
      'URL of the queue for messages whose runs ended without a result five times',
      deadLetters.queueUrl,
    ],
    ScheduleName: ['Name of the schedule of the sweeps', scheduleName],
    FailedSweepsUrl: ['URL of the queue for failed sweeps', failedSweeps.queueUrl],
    UndeliveredTicksUrl: ['URL of the queue for undelivered ticks', undeliveredTicks.queueUrl],
  } as const;
  return {
    ...parts,
    deadLetters,
    failedSweeps,
    undeliveredTicks,
    outputs,
    ...monitoring,
    commands: { ...commands, ...monitoring.emailCommands },
  };
}
