import type { FailureCause } from './journal.ts';

/**
 * Everything that can go wrong, by the name that callers, alarms and events see. An outcome that is part of normal
 * work ("still fresh", "another run has it") is a value, never one of these codes.
 */
export type FaultCode =
  | 'CONFIGURATION_INVALID'
  | 'EVENT_INVALID'
  | 'CREDENTIALS_INVALID'
  | 'CREDENTIALS_INCOMPLETE'
  | 'SECRET_NOT_FOUND'
  | 'STORE_DENIED'
  | 'STORE_UNAVAILABLE'
  | 'REAUTHORIZATION_REQUIRED'
  | 'REAUTHORIZATION_PROBABLE'
  | 'CLIENT_REJECTED'
  | 'PROVIDER_UNAVAILABLE'
  | 'PROVIDER_AMBIGUOUS'
  | 'TOKEN_NOT_STORED'
  | 'SWEEP_INCOMPLETE';

/**
 * An error whose `name` is its code and whose `message` says what happened, what was received if that is safe, and
 * what to do. It never has a `cause`: Lambda logs thrown errors whole, and what libraries put into theirs may quote a
 * secret.
 */
export class Fault extends Error {
  override readonly name: FaultCode;
  readonly #failureCause: FailureCause | undefined;

  constructor(code: FaultCode, message: string, failureCause?: FailureCause) {
    super(message);
    this.name = code;
    this.#failureCause = failureCause;
    nameClass(this, code);
  }

  /** Why an attempt got no token. A getter: Lambda logs every own member of what is thrown. */
  get failureCause(): FailureCause | undefined {
    return this.#failureCause;
  }
}

/**
 * An attempt that failed, or a rejection, as the journal holds it. A scheduled run returns it as a result: Lambda would retry what is
 * thrown, and count it as an error of the function.
 */
export class RecordedFailure extends Fault {}

/** Sets `constructor.name`, which Lambda's runtime logs as `errorType`, to the code: minifying has made the name a letter. */
export function nameClass(error: Error, code: string): void {
  Object.defineProperty(error, 'constructor', { value: { name: code } });
}

/** Returns the name of a thrown value: the only part of it that quotes nothing. */
export function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : typeof thrown;
}
