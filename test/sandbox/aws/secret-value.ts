import { toInvalidParameter, toValidationError } from './aws-error.ts';
import type { SecretValue } from './secrets-manager-api.ts';

const MAX_VALUE_BYTES = 65_536;
const MIN_VERSION_ID_LENGTH = 32;
const MAX_VERSION_ID_LENGTH = 64;
/** A UTF-16 code unit takes at most this many bytes of UTF-8: saves counting the bytes of every small value. */
const MAX_BYTES_PER_CODE_UNIT = 3;

export function hasValue({ SecretString, SecretBinary }: SecretValue): boolean {
  return SecretString !== undefined || SecretBinary !== undefined;
}

/** Throws unless there is exactly one of `SecretString` and `SecretBinary`, of 1 to 65,536 bytes. */
export function requireValidValue({ SecretString, SecretBinary }: SecretValue): void {
  if ((SecretString === undefined) === (SecretBinary === undefined)) {
    throw toInvalidParameter('You must provide either SecretString or SecretBinary, and not both.');
  }
  const parameter = SecretString === undefined ? 'secretBinary' : 'secretString';
  const length = SecretString === undefined ? (SecretBinary?.length ?? 0) : lengthOf(SecretString);
  if (length < 1) throw toValidationError(parameter, 'Member must have length greater than or equal to 1');
  if (length <= MAX_VALUE_BYTES) return;
  throw toValidationError(parameter, `Member must have length less than or equal to ${MAX_VALUE_BYTES}`);
}

export function requireValidVersionId(parameter: string, id: string): void {
  if (id.length >= MIN_VERSION_ID_LENGTH && id.length <= MAX_VERSION_ID_LENGTH) return;
  const constraint = `Member must have length between ${MIN_VERSION_ID_LENGTH} and ${MAX_VERSION_ID_LENGTH}`;
  throw toValidationError(parameter, constraint);
}

export function isSameValue(one: SecretValue, other: SecretValue): boolean {
  if (one.SecretBinary === undefined || other.SecretBinary === undefined) {
    return one.SecretString === other.SecretString && one.SecretBinary === other.SecretBinary;
  }
  return Buffer.compare(one.SecretBinary, other.SecretBinary) === 0;
}

function lengthOf(text: string): number {
  return text.length * MAX_BYTES_PER_CODE_UNIT <= MAX_VALUE_BYTES ? text.length : Buffer.byteLength(text);
}
