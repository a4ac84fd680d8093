import type { AwsSettings } from './session.ts';

const NO_CREDENTIALS = new Set(['CredentialsProviderError', 'TokenProviderError', 'NoCredentials']);

/** Names of errors without the suffix `Exception`, which most of them have. The SDK has no classes for them. */
const REJECTED_CREDENTIALS = new Set([
  'ExpiredToken',
  'InvalidClientTokenId',
  'InvalidSignature',
  'SignatureDoesNotMatch',
  'UnrecognizedClient',
  'MissingAuthenticationToken',
  'IncompleteSignature',
]);
const DENIED = new Set(['AccessDenied', 'NotAuthorized', 'UnauthorizedOperation']);
const UNREACHABLE = new Set(['ENOTFOUND', 'ECONNREFUSED', 'ECONNRESET', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH']);

/** Explains a failed call to AWS, with advice. AWS's own message contains no secret. @param doing as in "read secret x" */
export function explainFailure(error: unknown, doing: string, { profile, region }: AwsSettings): string {
  if (!(error instanceof Error)) return `Cannot ${doing}.`;
  const name = error.name.replace(/Exception$/, '');
  const signIn = profile === undefined ? 'aws sso login' : `aws sso login --profile ${profile}`;
  if (NO_CREDENTIALS.has(name) && /multi-factor authentication/.test(error.message)) {
    const named = profile ?? 'default';
    return `AWS profile ${named} requires MFA, which this command cannot ask for. Get temporary credentials with the AWS CLI, and run the command again with --region instead of --profile: eval "$(aws configure export-credentials --profile ${named} --format env)"`;
  }
  if (NO_CREDENTIALS.has(name)) {
    // The SDK often names no cause, and not every profile uses SSO.
    const ask = ['aws sts get-caller-identity', ...(profile === undefined ? [] : [`--profile ${profile}`])].join(' ');
    return `Cannot find usable AWS credentials: ${firstLine(error)} To see the cause, run '${ask}'. Sign in ('${signIn}') if you use SSO, or choose others with --profile or AWS_PROFILE.`;
  }
  if (REJECTED_CREDENTIALS.has(name)) {
    return `AWS rejected these credentials (${name}): they are wrong or have expired. Sign in again ('${signIn}'), or choose others with --profile or AWS_PROFILE.`;
  }
  if (error.message === 'Region is missing') {
    return 'No AWS region is set. Pass --region, or set AWS_REGION or the region of your profile.';
  }
  if (DENIED.has(name)) {
    return `You are not allowed to ${doing}: ${firstLine(error)} Ask for that permission, or choose other credentials with --profile.`;
  }
  if (name === 'TimeoutError' || UNREACHABLE.has(codeOf(error))) {
    const where = region === undefined ? 'the region' : `--region ${region}`;
    return `Cannot ${doing}: AWS could not be reached (${codeOf(error) || name}). Check ${where} and your network.`;
  }
  return `Cannot ${doing}: ${name}: ${firstLine(error)}`;
}

function firstLine({ message }: Error): string {
  const [line = ''] = message.split('\n');
  return /[.!?]$/.test(line) ? line : `${line}.`;
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
