import { expect } from 'vitest';
import { Fault } from '../../lambda/core/fault.ts';

/** The fault that `act` throws; anything else that it does fails the test. */
export function faultOf(act: () => unknown): Fault {
  try {
    act();
  } catch (error) {
    return toFault(error);
  }
  throw new Error('Nothing was thrown.');
}

/** The fault that `promise` is rejected with. */
export async function faultFrom(promise: Promise<unknown>): Promise<Fault> {
  return toFault(
    await promise.then(
      () => new Error('Nothing was thrown.'),
      (error: unknown) => error,
    ),
  );
}

function toFault(error: unknown): Fault {
  if (!(error instanceof Fault)) throw error;
  // Lambda logs the own members and the cause of a thrown error.
  expect(Object.keys(error)).toEqual(['name']);
  expect(error.cause).toBeUndefined();
  return error;
}
