import { CommandError, EXIT } from '../command-error.ts';
import type { AwsSettings } from './aws-settings.ts';

const NO_CREDENTIALS = new Set(['CredentialsProviderError', 'TokenProviderError', 'NoCredentials']);

/** By name, mostly with `Exception` behind it: they have no modelled class. */
const REFUSED_CREDENTIALS = new Set([
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

/** What a failed call to AWS means to a person, and what to do. AWS's own message holds no secret. */
export function toAwsFailure(error: unknown, doing: string, { profile, region }: AwsSettings): CommandError {
  if (error instanceof CommandError) return error;
  return new CommandError(EXIT.unable, explain(error, doing, profile, region));
}

function explain(error: unknown, doing: string, profile: string | undefined, region: string | undefined): string {
  if (!(error instanceof Error)) return `${doing} failed.`;
  const name = error.name.replace(/Exception$/, '');
  const signIn = profile === undefined ? 'aws sso login' : `aws sso login --profile ${profile}`;
  if (NO_CREDENTIALS.has(name)) {
    return `There are no usable AWS credentials: ${firstLine(error)} Sign in ('${signIn}'), or choose others with --profile or AWS_PROFILE.`;
  }
  if (REFUSED_CREDENTIALS.has(name)) {
    return `AWS refused these credentials (${name}): they are wrong or have expired. Sign in again ('${signIn}'), or choose others with --profile or AWS_PROFILE.`;
  }
  if (error.message === 'Region is missing') {
    return 'No AWS region is known. Give --region, or set AWS_REGION or the region of your profile.';
  }
  if (DENIED.has(name)) {
    return `${doing} is not allowed to you: ${firstLine(error)} Ask for that permission, or choose other credentials with --profile.`;
  }
  if (name === 'TimeoutError' || UNREACHABLE.has(codeOf(error))) {
    const where = region === undefined ? 'the region' : `--region ${region}`;
    return `${doing} failed: AWS could not be reached (${codeOf(error) || name}). Check ${where} and your network.`;
  }
  return `${doing} failed: ${name}: ${firstLine(error)}`;
}

function firstLine({ message }: Error): string {
  const [line = ''] = message.split('\n');
  return /[.!?]$/.test(line) ? line : `${line}.`;
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
