import { JOURNAL_STAGE } from '../lambda/contract.ts';

/** Names of one stack's resources. */
export interface DeployedNames {
  readonly region: string;
  readonly functionName: string;
  readonly timeoutSeconds: number;
  readonly logGroupName: string;
  readonly secretId: string;
  readonly tokenSecretId: string | undefined;
  readonly scheduleName: string;
  /** `undefined` if none is reserved. */
  readonly reservedConcurrency: number | undefined;
  /** Longest time without a run if at most one tick is lost. */
  readonly silenceMinutes: number;
  readonly failedRunsUrl: string;
  readonly undeliveredTicksUrl: string;
}

/** Command for an operator. It works as printed in AWS CloudShell, and in bash or zsh with AWS CLI 2. */
export interface OperatorCommand {
  /** Effect of the command, without a full stop at the end. */
  readonly description: string;
  readonly command: string;
}

export type AccountCommands = ReturnType<typeof accountCommands>;

// By default, the AWS CLI times out after a minute and then invokes the function again.
const CLI_OVER_TIMEOUT_SECONDS = 30;

const SCHEDULE_MEMBERS = [
  'Name',
  'Description',
  'ScheduleExpression',
  'ScheduleExpressionTimezone',
  'FlexibleTimeWindow',
  'Target',
];

/** Returns builders for the AWS CLI calls that several commands share. */
export function awsCli(region: string) {
  const aws = (call: string, options: string) => `aws ${call} --region ${region} ${options}`;
  return {
    aws,
    /** Returns a command that invokes a function. @param payload quoted for the shell */
    invoke: (functionName: string, timeoutSeconds: number, payload: string) =>
      aws(
        'lambda invoke',
        `--function-name ${functionName} --cli-read-timeout ${timeoutSeconds + CLI_OVER_TIMEOUT_SECONDS} --cli-binary-format raw-in-base64-out --payload ${payload} /dev/stdout`,
      ),
    receive: (url: string) =>
      aws(
        'sqs receive-message',
        `--queue-url ${url} --max-number-of-messages 10 --visibility-timeout 0 --message-attribute-names All`,
      ),
    purge: (url: string) => aws('sqs purge-queue', `--queue-url ${url}`),
    /** Returns a command that enables a schedule. It passes every other member as it is, because an update replaces all of them. */
    enableSchedule: (name: string) => {
      const members = SCHEDULE_MEMBERS.map((member) => `${member}:${member}`).join(',');
      const query = `--output json --query "{${members},State:'ENABLED'}"`;
      const get = aws('scheduler get-schedule', `--name ${name} ${query}`);
      return aws('scheduler update-schedule', `--cli-input-json "$(${get})"`);
    },
    storyOf: (logGroupName: string, since = '3h') =>
      aws(`logs tail ${logGroupName}`, `--since ${since} --format short --filter-pattern '{ $.durationMs >= 0 }'`),
  };
}

/** Returns the commands for emails that SNS could not deliver. */
export function emailCommands(region: string, url: string) {
  const { receive, purge } = awsCli(region);
  return {
    UndeliveredEmailsCommand: { description: 'Shows alarm emails that could not be delivered', command: receive(url) },
    PurgeUndeliveredEmailsCommand: { description: 'Empties the queue of undelivered emails', command: purge(url) },
  } satisfies Readonly<Record<string, OperatorCommand>>;
}

/** Returns the commands for one secret. @param secretId as written in the shell. @param hint appended to each description */
export function secretCommands(region: string, secretId: string, hint?: string) {
  const { aws } = awsCli(region);
  // Only its owner can read the file, and the file appears only when the value is complete.
  const get = aws('secretsmanager get-secret-value', `--secret-id ${secretId} --query SecretString --output text`);
  const put = aws('secretsmanager put-secret-value', `--secret-id ${secretId} --secret-string file://credentials.json`);
  const removeLabel = aws(
    'secretsmanager update-secret-version-stage',
    `--secret-id ${secretId} --version-stage ${JOURNAL_STAGE}`,
  );
  const findLabel = aws(
    'secretsmanager list-secret-version-ids',
    `--secret-id ${secretId} --output text --query "Versions[?contains(VersionStages, '${JOURNAL_STAGE}')].VersionId"`,
  );
  const keyId = aws('secretsmanager describe-secret', `--secret-id ${secretId} --query KmsKeyId --output text`);
  const describe = (text: string) => (hint === undefined ? text : `${text}. ${hint}`);
  return {
    GetSecretCommand: {
      description: describe('Writes the current value to credentials.json, so that you can edit it'),
      command: `(umask 077; rm -f credentials.json.new; ${get} > credentials.json.new && mv -f credentials.json.new credentials.json)`,
    },
    PutSecretCommand: {
      description: describe('Stores the contents of credentials.json as the new value, and deletes the file'),
      command: `${put} && rm credentials.json`,
    },
    RestoreSecretCommand: {
      description: describe('Restores a secret that is scheduled for deletion, with all its versions'),
      command: aws('secretsmanager restore-secret', `--secret-id ${secretId}`),
    },
    RemoveLabelCommand: {
      description: describe(`Removes the label ${JOURNAL_STAGE} from its version. No data is lost`),
      command: `${removeLabel} --remove-from-version-id "$(${findLabel})"`,
    },
    KeyCommand: {
      description: describe("Prints the secret's KMS key. None means an AWS managed key, which no one can disable"),
      command: keyId,
    },
    KeyStateCommand: {
      description: describe("Prints the state of the secret's KMS key: Enabled, Disabled or PendingDeletion"),
      command: aws('kms describe-key', `--key-id "$(${keyId})" --query KeyMetadata.KeyState --output text`),
    },
    CancelKeyDeletionCommand: {
      description: describe("Cancels the deletion of the secret's KMS key. The key is then disabled"),
      command: aws('kms cancel-key-deletion', `--key-id "$(${keyId})"`),
    },
    EnableKeyCommand: {
      description: describe("Enables the secret's KMS key"),
      command: aws('kms enable-key', `--key-id "$(${keyId})"`),
    },
  };
}

/** Returns every command that the runbook uses, ready to run. */
export function accountCommands(names: DeployedNames) {
  const { logGroupName, secretId, tokenSecretId, scheduleName, failedRunsUrl, undeliveredTicksUrl } = names;
  const { aws, receive, purge, enableSchedule, storyOf, ...cli } = awsCli(names.region);
  const { functionName, reservedConcurrency } = names;
  const minutes = Math.max(30, names.silenceMinutes);
  const invoke = (payload: string) => cli.invoke(names.functionName, names.timeoutSeconds, `'${payload}'`);
  return {
    StatusCommand: {
      description: 'Shows the state of the token and what a refresh would do. Changes nothing',
      command: invoke('{"action":"status"}'),
    },
    InvokeCommand: {
      description: 'Runs the function now, which refreshes the token if it is due',
      command: invoke('{}'),
    },
    ForceCommand: {
      description: 'Refreshes the token now, even during a back-off or after a rejection',
      command: invoke('{"action":"refresh","force":true}'),
    },
    LogsCommand: {
      description: `Shows one line per run of the last ${minutes} minutes. If the output is empty, the function did not run`,
      command: storyOf(logGroupName, `${minutes}m`),
    },
    AllLogsCommand: {
      description: 'Shows every log line of the last three hours, including those written by Lambda',
      command: aws(`logs tail ${logGroupName}`, '--since 3h --format short'),
    },
    ScheduleCommand: {
      description: 'Prints the state of the schedule: ENABLED or DISABLED',
      command: aws('scheduler get-schedule', `--name ${scheduleName} --query State --output text`),
    },
    EnableScheduleCommand: {
      description: 'Enables the schedule and leaves its other settings unchanged',
      command: enableSchedule(scheduleName),
    },
    ConcurrencyCommand: {
      description:
        'Prints the reserved concurrency of the function. 0 stops the function. None means that none is reserved',
      command: aws(
        'lambda get-function-concurrency',
        `--function-name ${functionName} --query ReservedConcurrentExecutions --output text`,
      ),
    },
    RestoreConcurrencyCommand: {
      description: 'Resets the reserved concurrency to the value in the stack',
      command:
        reservedConcurrency === undefined
          ? aws('lambda delete-function-concurrency', `--function-name ${functionName}`)
          : aws(
              'lambda put-function-concurrency',
              `--function-name ${functionName} --reserved-concurrent-executions ${reservedConcurrency}`,
            ),
    },
    ...secretCommands(names.region, secretId),
    ...(tokenSecretId !== undefined && {
      EmptyTokenSecretCommand: {
        description: 'Empties the token secret. The next run stores the access token in it',
        command: aws('secretsmanager put-secret-value', `--secret-id ${tokenSecretId} --secret-string '{}'`),
      },
      RestoreTokenSecretCommand: {
        description: 'Restores a token secret that is scheduled for deletion',
        command: aws('secretsmanager restore-secret', `--secret-id ${tokenSecretId}`),
      },
    }),
    FailedRunsCommand: { description: 'Shows failed runs and their errors', command: receive(failedRunsUrl) },
    PurgeFailedRunsCommand: { description: 'Empties the queue of failed runs', command: purge(failedRunsUrl) },
    UndeliveredTicksCommand: {
      description: 'Shows ticks that did not reach the function, and why',
      command: receive(undeliveredTicksUrl),
    },
    PurgeUndeliveredTicksCommand: {
      description: 'Empties the queue of undelivered ticks',
      command: purge(undeliveredTicksUrl),
    },
  } satisfies Readonly<Record<string, OperatorCommand>>;
}
