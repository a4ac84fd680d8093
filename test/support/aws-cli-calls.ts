/** Options that every command of the AWS CLI takes. */
const GLOBAL = ['--region', '--query', '--output', '--cli-read-timeout', '--cli-binary-format', '--cli-input-json'];

/** Commands in documents and outputs, with the options that each may have. AWS CLI 1 lacks `logs tail`. */
export const AWS_COMMANDS: Readonly<Record<string, readonly string[]>> = {
  'cloudformation describe-stacks': ['--stack-name'],
  'kms cancel-key-deletion': ['--key-id'],
  'kms describe-key': ['--key-id'],
  'kms enable-key': ['--key-id'],
  'lambda delete-function-concurrency': ['--function-name'],
  'lambda get-function-concurrency': ['--function-name'],
  'lambda invoke': ['--function-name', '--payload'],
  'lambda list-event-source-mappings': ['--function-name'],
  'lambda put-function-concurrency': ['--function-name', '--reserved-concurrent-executions'],
  'lambda update-event-source-mapping': ['--uuid', '--enabled'],
  'logs tail': ['--since', '--format', '--filter-pattern'],
  'scheduler get-schedule': ['--name'],
  'scheduler update-schedule': [],
  'secretsmanager describe-secret': ['--secret-id'],
  'secretsmanager get-secret-value': ['--secret-id'],
  'secretsmanager list-secrets': ['--filters'],
  'secretsmanager list-secret-version-ids': ['--secret-id'],
  'secretsmanager put-secret-value': ['--secret-id', '--secret-string'],
  'secretsmanager restore-secret': ['--secret-id'],
  'secretsmanager tag-resource': ['--secret-id', '--tags'],
  'secretsmanager untag-resource': ['--secret-id', '--tag-keys'],
  'secretsmanager update-secret-version-stage': ['--secret-id', '--version-stage', '--remove-from-version-id'],
  'sqs purge-queue': ['--queue-url'],
  'sqs receive-message': [
    '--queue-url',
    '--max-number-of-messages',
    '--visibility-timeout',
    '--message-attribute-names',
  ],
  'sqs start-message-move-task': ['--source-arn'],
};

/** Returns a sentence for each mistake in the arguments of an AWS CLI call. */
export function findCallMistakes(call: readonly string[]): readonly string[] {
  const [service = '', operation = '', ...rest] = call;
  const name = `${service} ${operation}`;
  const allowed = AWS_COMMANDS[name];
  if (allowed === undefined) return [`aws ${name} is not known here`];
  const options = rest.filter((argument) => argument.startsWith('--'));
  return [
    ...options.filter((each) => !allowed.includes(each) && !GLOBAL.includes(each)).map((each) => `${name} has ${each}`),
    ...options.filter((each, index) => options.indexOf(each) !== index).map((each) => `${name} has ${each} twice`),
    ...call.filter((argument) => argument === '').map(() => `${name} has an empty argument`),
  ];
}
