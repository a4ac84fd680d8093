import { PowertoolsTelemetry } from '../adapters/powertools-telemetry.ts';
import { FLEET_METRICS } from '../contract.ts';
import type { LogMembers, TokenStates } from '../core/ports.ts';

/**
 * Such a run says nothing of its token, or nothing that a later run could mend. Only the last may pass by itself: the alarm
 * waits for three quarters of an hour.
 */
const UNUSABLE: ReadonlySet<string | undefined> = new Set([
  'CREDENTIALS_INVALID',
  'CREDENTIALS_INCOMPLETE',
  'STORE_DENIED',
  'not-configured',
  'STORE_UNAVAILABLE',
]);

/** As for one secret; and states whose maximum says of the whole fleet whether something is wrong with some secret. */
export class FleetTelemetry extends PowertoolsTelemetry {
  #overdueSeconds: number | undefined;

  override begin(runId: string, functionName: string, secretId?: string): void {
    this.#overdueSeconds = undefined;
    super.begin(runId, functionName, secretId);
  }

  override recordStates(states: TokenStates): void {
    super.recordStates(states);
    this.#overdueSeconds = states.isReauthorizationRequired ? 0 : Math.max(0, -states.tokenSecondsUntilDue);
  }

  override end(level: 'info' | 'error', message: string, members: LogMembers): void {
    const isUnusable = UNUSABLE.has(members.code ?? members.outcome);
    this.recordState(FLEET_METRICS.secretUnusable, isUnusable);
    // What has an alarm of its own must not keep this one on, and so hide the others from it.
    if (this.#overdueSeconds !== undefined) {
      this.recordSeconds(FLEET_METRICS.tokenSecondsOverdue, isUnusable ? 0 : this.#overdueSeconds);
    }
    super.end(level, message, members);
  }
}
