import { awsCli, type OperatorCommand, secretCommands } from './account-commands.ts';

/** What the resources of a fleet are called. */
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
  readonly deadLettersUrl: string;
  readonly deadLettersArn: string;
  readonly failedSweepsUrl: string;
  readonly undeliveredTicksUrl: string;
}

const FOR_SECRET = 'Say before it: SECRET=<complete ARN>';
/** A line of a sweep that names secrets. */
const NAMES_SECRETS = `'{ $.secretIds[0] = "*" }'`;

/** Each command that the runbook needs for a fleet, filled in but for the secret. */
export function fleetCommands(names: FleetNames) {
  const { refreshName, refreshTimeoutSeconds, refreshLogGroupName, sweepName, scheduleName, deadLettersUrl } = names;
  const { aws, invoke, receive, purge, enableSchedule, storyOf } = awsCli(names.region);
  const ask = (members: string) =>
    invoke(refreshName, refreshTimeoutSeconds, `"{\\"secretId\\":\\"$SECRET\\",${members.replaceAll('"', '\\"')}}"`);
  const tag =
    names.tagValue === undefined ? `?Key=='${names.tagKey}'` : `?Key=='${names.tagKey}' && Value=='${names.tagValue}'`;
  return {
    AttentionCommand: {
      description:
        'The secrets that need attention, as the sweeps of the last half hour found them: one line per reason',
      command: aws(
        `logs tail ${names.sweepLogGroupName}`,
        `--since 30m --format short --filter-pattern ${NAMES_SECRETS}`,
      ),
    },
    StatusCommand: {
      description: `Says how the token of one secret is and what a refresh would do. Changes nothing. ${FOR_SECRET}`,
      command: ask('"action":"status"'),
    },
    InvokeCommand: {
      description: `Refreshes the token of one secret if it is due, now. ${FOR_SECRET}`,
      command: ask('"action":"refresh"'),
    },
    ForceCommand: {
      description: `Refreshes the token of one secret now, past a back-off or a refusal. ${FOR_SECRET}`,
      command: ask('"action":"refresh","force":true'),
    },
    ...secretCommands(names.region, '"$SECRET"', FOR_SECRET),
    SecretsCommand: {
      description: 'The secrets with the tag. AWS may show a change of tags five minutes late',
      command: aws(
        'secretsmanager list-secrets',
        `--filters Key=tag-key,Values='${names.tagKey}' --output text --query "SecretList[?Tags[${tag}]].ARN"`,
      ),
    },
    SweepCommand: {
      description: 'Puts every secret of the fleet into the queue, now',
      command: invoke(sweepName, names.sweepTimeoutSeconds, "'{}'"),
    },
    LogsCommand: {
      description: 'The story of each run of the last three hours, a line each',
      command: storyOf(refreshLogGroupName),
    },
    SweepLogsCommand: {
      description: 'The log of the sweeps of the last three hours. No line: none ran',
      command: aws(`logs tail ${names.sweepLogGroupName}`, '--since 3h --format short'),
    },
    ScheduleCommand: {
      description: 'Whether the schedule of the sweeps is ENABLED or DISABLED',
      command: aws('scheduler get-schedule', `--name ${scheduleName} --query State --output text`),
    },
    EnableScheduleCommand: {
      description: 'Enables the schedule, and changes nothing else of it',
      command: enableSchedule(scheduleName),
    },
    DeadLettersCommand: {
      description: 'Shows the secrets whose runs died again and again',
      command: receive(deadLettersUrl),
    },
    RedriveCommand: {
      description: 'Puts them back into the queue. A refresh that is not due changes nothing',
      command: aws('sqs start-message-move-task', `--source-arn ${names.deadLettersArn}`),
    },
    PurgeDeadLettersCommand: { description: 'Empties the queue of dead letters', command: purge(deadLettersUrl) },
    FailedSweepsCommand: {
      description: 'Shows sweeps that failed twice, with the error of each',
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
