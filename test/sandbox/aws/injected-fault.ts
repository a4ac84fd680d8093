import { AwsError } from './aws-error.ts';

export type FaultKind =
  | 'throttle'
  | 'internal-error'
  | 'access-denied'
  /** The KMS key of the secret does not work: disabled, deleted, or out of reach. */
  | 'kms'
  /** The connection is closed before the call is executed. */
  | 'drop-before'
  /** The connection is closed after the call is executed, so the response is lost. */
  | 'drop-after'
  /** Nothing was done, and no answer ever comes: time to kill a caller. */
  | 'hang-before'
  /** It was done, and no answer ever comes. */
  | 'hang-after'
  /** The answer comes, late. */
  | 'latency'
  /** The call is carried out once `until` has resolved. */
  | 'held';

export interface InjectedFault {
  kind: FaultKind;
  /** Name of the operation, such as `PutSecretValue`, or `*`. */
  operation: string;
  /** Affects only calls with this input. @default all */
  when?: (input: object) => boolean;
  /** Number of calls that succeed before the fault occurs. @default 0 */
  skip?: number;
  /** Number of times that the fault occurs, including the SDK's own retries. @default 1 */
  times?: number;
  /** Promise for which a `held` call waits. */
  until?: Promise<unknown>;
  /** Duration of `latency`. @default 100 */
  latencyMs?: number;
}

/** Faults that have not occurred yet, oldest first; a call meets at most one of them. */
export class FaultPlan {
  #pending: { fault: InjectedFault; skip: number; times: number }[] = [];

  clear(): void {
    this.#pending = [];
  }

  add(fault: InjectedFault): void {
    this.#pending.push({ fault, skip: fault.skip ?? 0, times: fault.times ?? 1 });
  }

  /** The fault of this call, which then counts as used; `undefined` if the call succeeds. */
  take(operation: string, input: object): InjectedFault | undefined {
    for (const entry of this.#pending) {
      const { fault } = entry;
      const isMeant = fault.operation === '*' || fault.operation === operation;
      if (!isMeant || fault.when?.(input) === false) continue;
      if (entry.skip > 0) {
        entry.skip -= 1;
        continue;
      }
      entry.times -= 1;
      this.#pending = this.#pending.filter(({ times }) => times > 0);
      return fault;
    }
    return undefined;
  }
}

/** The error that AWS answers under this fault; `undefined` for the faults of the network. */
export function toFaultError(kind: FaultKind, operation: string): AwsError | undefined {
  switch (kind) {
    case 'throttle':
      return new AwsError('ThrottlingException', 'Rate exceeded');
    case 'internal-error':
      return new AwsError(operation === 'PutEvents' ? 'InternalException' : 'InternalServiceError', 'Try again.', 500);
    case 'access-denied':
      return toAccessDenied(operation);
    case 'kms':
      return operation === 'GetSecretValue'
        ? new AwsError('DecryptionFailure', "Secrets Manager can't decrypt the protected secret text.")
        : new AwsError('EncryptionFailure', "Secrets Manager can't encrypt the protected secret text.");
    default:
      return undefined;
  }
}

export function toAccessDenied(action: string): AwsError {
  return new AwsError('AccessDeniedException', `User is not authorized to perform: ${action}`);
}
