import { nameOf } from '../core/fault.ts';
import { FLEET_LOG_EVENTS } from '../core/log-events.ts';
import type { Telemetry } from '../core/ports.ts';
import { decideNotices, decideUnsent, type Notified, renderNotice, renderOthers } from './decide-notices.ts';
import type { SecretJudgment } from './judge-secret.ts';
import type { Taken } from './notified-accounts.ts';

export interface NotifyPorts {
  readonly accounts: {
    take(seconds: number): Promise<Taken | undefined>;
    put(taken: Taken, next: Notified, nowMs: number): Promise<void>;
  };
  /** Sends one email to the people who are notified of alarms. */
  readonly publish: (subject: string, message: string) => Promise<void>;
  readonly telemetry: Pick<Telemetry, 'warn'>;
  readonly now: () => number;
  /** Time until the platform ends this run. */
  readonly remainingMs: () => number;
}

/** Time for which no other sweep gets the state: longer than the notices of one sweep take. */
const TAKE_SECONDS = 120;

/** Time for the last email, and for storing the state: three calls of at most ten seconds each. */
const RESERVE_MS = 30_000;

/**
 * Notifies people of each account that changed. Never throws: the fleet's alarms do not depend on notices, and the next sweep
 * reports an account that was not reported, and only that one.
 */
export async function notifyAccounts(
  { accounts, publish: send, telemetry, now, remainingMs }: NotifyPorts,
  judgments: readonly SecretJudgment[],
): Promise<void> {
  const endsAtMs = now() + Math.min(remainingMs(), TAKE_SECONDS * 1000) - RESERVE_MS;
  const publish: NotifyPorts['publish'] = async (subject, message) => {
    if (now() > endsAtMs) throw Object.assign(new Error('No time left.'), { name: 'TimeoutError' });
    await send(subject, message);
  };
  try {
    const taken = await accounts.take(TAKE_SECONDS);
    if (taken === undefined) return;
    const decided = decideNotices(taken.state, judgments);
    const { notices, others, next } = decided;
    const sent = new Set<string>();
    try {
      for (const notice of notices) {
        const { subject, message } = renderNotice(notice, judgments.length);
        await publish(subject, message);
        for (const arn of notice.arns) sent.add(arn);
      }
      if (others > 0) {
        const { subject, message } = renderOthers(others);
        await publish(subject, message);
      }
    } catch (error) {
      // Without this, the next sweep would send the same emails again.
      if (sent.size > 0) await accounts.put(taken, decideUnsent(taken.state, judgments, decided, sent), now());
      throw error;
    }
    await accounts.put(taken, next, now());
  } catch (error) {
    telemetry.warn(FLEET_LOG_EVENTS.noticesNotSent, { code: nameOf(error) });
  }
}
