import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../core/fault.ts';
import type { Runtime } from '../core/ports.ts';

/** Members of Lambda's context that the function uses. */
export interface LambdaContext {
  readonly awsRequestId: string;
  readonly functionName: string;
  getRemainingTimeInMillis(): number;
}

/** @throws Fault `CONFIGURATION_INVALID` if the run may outlive its claim */
export function toRuntime(lambdaContext: LambdaContext, leaseSeconds: number): Runtime {
  const remainingMs = () => lambdaContext.getRemainingTimeInMillis();
  // Round up: a few milliseconds of the timeout have passed already.
  if (Math.ceil(remainingMs() / 1000) >= leaseSeconds) {
    throw new Fault(
      'CONFIGURATION_INVALID',
      `LEASE_SECONDS is ${leaseSeconds}, but must be longer than a run, which may last ${Math.ceil(remainingMs() / 1000)} s: otherwise, another run takes over its claim too early. ` +
        "Set it to the function's timeout plus 30 s. Nothing was read or sent.",
    );
  }
  return {
    now: Date.now,
    remainingMs,
    sleep: (milliseconds) => sleep(milliseconds),
    random: Math.random,
    nonce: randomUUID,
  };
}
