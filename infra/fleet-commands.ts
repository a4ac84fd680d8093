import { awsCli, type OperatorCommand, secretCommands } from './account-commands.ts';

export interface FleetNames {
  readonly region: string;
  readonly tagKey: string;
  readonly tagValue: string | undefined;
  readonly refreshName: string;
  readonly refreshTimeoutSeconds: number;
  readonly refreshLogGroupName: string;
  readonly sweepName: string;
  readonly sweepTimeoutSeconds: number;
  readonly sweepLogGroupName: string;
  readonly scheduleName: string;
  /** Longest time without a sweep if no more than one tick is lost. */
  readonly silenceMinutes: number;
  /** Ids of the two event source mappings. */
  readonly mappingIds: readonly string[];
  readonly deadLettersUrl: string;
  readonly deadLettersArn: string;
  readonly failedSweepsUrl: string;
  readonly undeliveredTicksUrl: string;
}

const FOR_SECRET = 'First set SECRET=<complete ARN>';
/** Filter for the lines of a sweep that name secrets. */
const NAMES_SECRETS = `'{ $.secretIds[0] = "*" }'`;

/** Returns each command that the runbook needs for a fleet. Only the secret is left to fill in. */
export function fleetCommands(names: FleetNames) {
  const { refreshName, refreshTimeoutSeconds, refreshLogGroupName, sweepName, scheduleName, deadLettersUrl } = names;
  const { aws, invoke, receive, purge, enableSchedule, storyOf } = awsCli(names.region);
  const minutes = Math.max(30, names.silenceMinutes);
  const both = (toCommand: (functionName: string) => string) => [refreshName, sweepName].map(toCommand).join(' && ');
  const ask = (members: string) =>
    invoke(refreshName, refreshTimeoutSeconds, `"{\\"secretId\\":\\"$SECRET\\",${members.replaceAll('"', '\\"')}}"`);
  const tag =
    names.tagValue === undefined ? `?Key=='${names.tagKey}'` : `?Key=='${names.tagKey}' && Value=='${names.tagValue}'`;
  return {
    AttentionCommand: {
      description: `Shows which secrets need attention, as the sweeps of the last ${minutes} minutes found them: one line per reason`,
      command: aws(
        `logs tail ${names.sweepLogGroupName}`,
        `--since ${minutes}m --format short --filter-pattern ${NAMES_SECRETS}`,
      ),
    },
    StatusCommand: {
      description: `Shows the token of one secret, its health, and what a refresh would do. Changes nothing. ${FOR_SECRET}`,
      command: ask('"action":"status"'),
    },
    InvokeCommand: {
      description: `Runs the refresh of one secret now, which refreshes the token if it is due. ${FOR_SECRET}`,
      command: ask('"action":"refresh"'),
    },
    ForceCommand: {
      description: `Refreshes the token of one secret now, even during a back-off or after a rejection. ${FOR_SECRET}`,
      command: ask('"action":"refresh","force":true'),
    },
    ...secretCommands(names.region, '"$SECRET"', FOR_SECRET),
    SecretsCommand: {
      description: 'Lists the secrets with the tag. AWS may show a change of tags five minutes late',
      command: aws(
        'secretsmanager list-secrets',
        `--filters Key=tag-key,Values='${names.tagKey}' --output text --query "SecretList[?Tags[${tag}]].ARN"`,
      ),
    },
    SweepCommand: {
      description: 'Reads every secret of the fleet now, and queues those that may need a run',
      command: invoke(sweepName, names.sweepTimeoutSeconds, "'{}'"),
    },
    LogsCommand: {
      description: `Shows one line per run of the last ${minutes} minutes. If the output is empty, no run started`,
      command: storyOf(refreshLogGroupName, `${minutes}m`),
    },
    SweepLogsCommand: {
      description: `Shows the log of the sweeps of the last ${minutes} minutes. If the output is empty, no sweep ran`,
      command: aws(`logs tail ${names.sweepLogGroupName}`, `--since ${minutes}m --format short`),
    },
    ScheduleCommand: {
      description: 'Prints the state of the schedule of the sweeps: ENABLED or DISABLED',
      command: aws('scheduler get-schedule', `--name ${scheduleName} --query State --output text`),
    },
    EnableScheduleCommand: {
      description: 'Enables the schedule and leaves its other settings unchanged',
      command: enableSchedule(scheduleName),
    },
    ConcurrencyCommand: {
      description:
        'Prints the reserved concurrency of the refresh and of the sweep. 0 stops a function. None means that none is reserved',
      command: both((name) =>
        aws(
          'lambda get-function-concurrency',
          `--function-name ${name} --query ReservedConcurrentExecutions --output text`,
        ),
      ),
    },
    RestoreConcurrencyCommand: {
      description: 'Removes the reserved concurrency of both functions, as the stack has it',
      command: both((name) => aws('lambda delete-function-concurrency', `--function-name ${name}`)),
    },
    MappingsCommand: {
      description: 'Prints the state of each of the two event source mappings: Enabled or Disabled',
      command: aws(
        'lambda list-event-source-mappings',
        `--function-name ${refreshName} --query "EventSourceMappings[].State" --output text`,
      ),
    },
    EnableMappingsCommand: {
      description: 'Enables both event source mappings, so that runs start again',
      command: names.mappingIds
        .map((id) => aws('lambda update-event-source-mapping', `--uuid ${id} --enabled --query State --output text`))
        .join(' && '),
    },
    DeadLettersCommand: {
      description: 'Shows messages whose runs ended without a result five times',
      command: receive(deadLettersUrl),
    },
    RedriveCommand: {
      description: 'Moves the dead letters back into the queue. A refresh that is not due changes nothing',
      command: aws('sqs start-message-move-task', `--source-arn ${names.deadLettersArn}`),
    },
    PurgeDeadLettersCommand: { description: 'Empties the queue of dead letters', command: purge(deadLettersUrl) },
    FailedSweepsCommand: {
      description: 'Shows sweeps that failed twice, and their errors',
      command: receive(names.failedSweepsUrl),
    },
    PurgeFailedSweepsCommand: {
      description: 'Empties the queue of failed sweeps',
      command: purge(names.failedSweepsUrl),
    },
    UndeliveredTicksCommand: {
      description: 'Shows ticks that did not reach the sweep, and why',
      command: receive(names.undeliveredTicksUrl),
    },
    PurgeUndeliveredTicksCommand: {
      description: 'Empties the queue of undelivered ticks',
      command: purge(names.undeliveredTicksUrl),
    },
  } satisfies Readonly<Record<string, OperatorCommand>>;
}
