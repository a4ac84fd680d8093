import { announceFailed } from './announce.ts';
import type { Context } from './context.ts';
import type { NotExchanged } from './exchange.ts';
import { Fault, nameOf } from './fault.ts';
import { type DocumentEntry, failureId, renderFailure } from './journal.ts';
import { ADVICE } from './messages.ts';
import { putUntilDeadline } from './record.ts';

/**
 * Notes how an attempt ended.
 *
 * @param digest of the credentials that it was made with
 */
export async function recordFailure(
  context: Context,
  { key }: DocumentEntry,
  attempt: number,
  digest: string,
  { code, retryAfterSeconds }: NotExchanged,
): Promise<void> {
  const failure = renderFailure({ key, attempt, code, digest, retryAfterSeconds });
  try {
    await putUntilDeadline(context, failureId(key, attempt), failure);
  } catch (error) {
    // What Retently said matters more than that it could not be noted; the claim ages and is taken over.
    context.telemetry.warn('Could not record the failure', { code: nameOf(error) });
  }
}

/** Tells the world. @returns what the run ends with */
export async function announceFailure(
  context: Context,
  current: DocumentEntry,
  attempt: number,
  { code, reason }: NotExchanged,
): Promise<Fault> {
  const fault = new Fault(code, `${reason}. ${ADVICE[code]}`);
  await announceFailed(context, current, fault, attempt);
  return fault;
}
