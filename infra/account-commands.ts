import { JOURNAL_STAGE } from '../lambda/contract.ts';

/** What the resources of one stack are called. */
export interface DeployedNames {
  readonly region: string;
  readonly functionName: string;
  readonly timeoutSeconds: number;
  readonly logGroupName: string;
  readonly secretId: string;
  readonly tokenSecretId: string | undefined;
  readonly scheduleName: string;
  /** `undefined`: none is set aside. */
  readonly reservedConcurrency: number | undefined;
  /** The longest time without a run if no more than one tick is lost. */
  readonly silenceMinutes: number;
  readonly failedRunsUrl: string;
  readonly undeliveredTicksUrl: string;
}

/** A command for a person. It works as it stands in AWS CloudShell, and in bash or zsh with AWS CLI 2. */
export interface OperatorCommand {
  /** What it does; ends without a full stop. */
  readonly description: string;
  readonly command: string;
}

export type AccountCommands = ReturnType<typeof accountCommands>;

// The AWS CLI gives up after a minute by default, and then invokes the function again.
const CLI_OVER_TIMEOUT_SECONDS = 30;

const SCHEDULE_MEMBERS = [
  'Name',
  'Description',
  'ScheduleExpression',
  'ScheduleExpressionTimezone',
  'FlexibleTimeWindow',
  'Target',
];

/** The calls of AWS CLI that more than one command is made of. */
export function awsCli(region: string) {
  const aws = (call: string, options: string) => `aws ${call} --region ${region} ${options}`;
  return {
    aws,
    /** @param payload quoted for the shell */
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
    /** Enables what CloudFormation has set, since an update replaces the whole schedule. */
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

/** Commands for emails that SNS could not deliver. */
export function emailCommands(region: string, url: string) {
  const { receive, purge } = awsCli(region);
  return {
    UndeliveredEmailsCommand: { description: 'Shows alarm emails that could not be delivered', command: receive(url) },
    PurgeUndeliveredEmailsCommand: { description: 'Empties the queue of undelivered emails', command: purge(url) },
  } satisfies Readonly<Record<string, OperatorCommand>>;
}

/** What is done to one secret. @param secretId as the shell has it. @param hint at the end of each description */
export function secretCommands(region: string, secretId: string, hint?: string) {
  const { aws } = awsCli(region);
  // In a file that only its owner can read, and only once the whole value is there.
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
      description: describe('Writes the current value to credentials.json, to change a member of it'),
      command: `(umask 077; rm -f credentials.json.new; ${get} > credentials.json.new && mv -f credentials.json.new credentials.json)`,
    },
    PutSecretCommand: {
      description: describe('Stores credentials.json, the whole value, and deletes the file'),
      command: `${put} && rm credentials.json`,
    },
    RestoreSecretCommand: {
      description: describe('Brings back a secret that is scheduled for deletion, with all its versions'),
      command: aws('secretsmanager restore-secret', `--secret-id ${secretId}`),
    },
    RemoveLabelCommand: {
      description: describe(`Takes the label ${JOURNAL_STAGE} off the version that has it. Nothing is lost`),
      command: `${removeLabel} --remove-from-version-id "$(${findLabel})"`,
    },
    KeyCommand: {
      description: describe('Prints the KMS key of the secret. None: a key of AWS, which no one can disable'),
      command: keyId,
    },
    KeyStateCommand: {
      description: describe('Prints the state of that key: Enabled, Disabled or PendingDeletion'),
      command: aws('kms describe-key', `--key-id "$(${keyId})" --query KeyMetadata.KeyState --output text`),
    },
    CancelKeyDeletionCommand: {
      description: describe('Cancels the deletion of that key, which is then disabled'),
      command: aws('kms cancel-key-deletion', `--key-id "$(${keyId})"`),
    },
    EnableKeyCommand: {
      description: describe('Enables that key'),
      command: aws('kms enable-key', `--key-id "$(${keyId})"`),
    },
  };
}

/** Each command that the runbook needs, filled in. */
export function accountCommands(names: DeployedNames) {
  const { logGroupName, secretId, tokenSecretId, scheduleName, failedRunsUrl, undeliveredTicksUrl } = names;
  const { aws, receive, purge, enableSchedule, storyOf, ...cli } = awsCli(names.region);
  const { functionName, reservedConcurrency } = names;
  const minutes = Math.max(30, names.silenceMinutes);
  const invoke = (payload: string) => cli.invoke(names.functionName, names.timeoutSeconds, `'${payload}'`);
  return {
    StatusCommand: {
      description: 'Says how the token is and what a refresh would do. Changes nothing',
      command: invoke('{"action":"status"}'),
    },
    InvokeCommand: { description: 'Refreshes the token if it is due, now', command: invoke('{}') },
    ForceCommand: {
      description: 'Refreshes the token now, past a back-off or a refusal',
      command: invoke('{"action":"refresh","force":true}'),
    },
    LogsCommand: {
      description: `Shows one line per run of the last ${minutes} minutes. No output: the function did not run`,
      command: storyOf(logGroupName, `${minutes}m`),
    },
    AllLogsCommand: {
      description: 'Shows every log line of the last three hours, including those of Lambda',
      command: aws(`logs tail ${logGroupName}`, '--since 3h --format short'),
    },
    ScheduleCommand: {
      description: 'Whether the schedule is ENABLED or DISABLED',
      command: aws('scheduler get-schedule', `--name ${scheduleName} --query State --output text`),
    },
    EnableScheduleCommand: {
      description: 'Enables the schedule, and changes nothing else of it',
      command: enableSchedule(scheduleName),
    },
    ConcurrencyCommand: {
      description: 'Prints the reserved concurrency of the function. 0 stops the function; None: none is reserved',
      command: aws(
        'lambda get-function-concurrency',
        `--function-name ${functionName} --query ReservedConcurrentExecutions --output text`,
      ),
    },
    RestoreConcurrencyCommand: {
      description: 'Sets the reserved concurrency to what the stack says',
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
        description: 'Empties the token secret, whatever it holds; the next run puts the bearer token there',
        command: aws('secretsmanager put-secret-value', `--secret-id ${tokenSecretId} --secret-string '{}'`),
      },
      RestoreTokenSecretCommand: {
        description: 'Brings back a token secret that is scheduled for deletion',
        command: aws('secretsmanager restore-secret', `--secret-id ${tokenSecretId}`),
      },
    }),
    FailedRunsCommand: { description: 'Shows failed runs, with the error of each', command: receive(failedRunsUrl) },
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
