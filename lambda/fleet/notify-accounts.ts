import { nameOf } from '../core/fault.ts';
import { FLEET_LOG_EVENTS } from '../core/log-events.ts';
import type { Telemetry } from '../core/ports.ts';
import { decideNotices, type Notified, renderNotice, renderOthers } from './decide-notices.ts';
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
}

/** Time for which no other sweep gets the state: longer than the notices of one sweep take. */
const TAKE_SECONDS = 120;

/**
 * Notifies people of each account that changed. Never throws: the fleet's alarms do not depend on notices, and the next sweep
 * reports an account that was not reported.
 */
export async function notifyAccounts(
  { accounts, publish, telemetry, now }: NotifyPorts,
  judgments: readonly SecretJudgment[],
): Promise<void> {
  try {
    const taken = await accounts.take(TAKE_SECONDS);
    if (taken === undefined) return;
    const { notices, others, next } = decideNotices(taken.state, judgments);
    const emails = notices.map((notice) => renderNotice(notice, judgments.length));
    if (others > 0) emails.push(renderOthers(others));
    for (const { subject, message } of emails) await publish(subject, message);
    await accounts.put(taken, next, now());
  } catch (error) {
    telemetry.warn(FLEET_LOG_EVENTS.noticesNotSent, { code: nameOf(error) });
  }
}
