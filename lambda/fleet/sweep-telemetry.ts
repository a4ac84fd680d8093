import { PowertoolsTelemetry } from '../adapters/powertools-telemetry.ts';
import { FLEET_METRICS, METRICS } from '../contract.ts';
import type { SecretJudgment } from './judge-secret.ts';

/** Share of the accounts that has a cause in common, if so many are overdue. */
const MANY = 0.1;

/** Counts of a whole sweep. */
export interface SweepCounts {
  readonly listed: number;
  readonly queued: number;
}

/** Telemetry of sweeps: the states of a fleet come from what a sweep read, so they do not depend on any run. */
export class SweepTelemetry extends PowertoolsTelemetry {
  /** Records the metrics of a whole sweep. Without them, *Sweep silent* fires and no other alarm clears. */
  recordSweep({ listed, queued }: SweepCounts, judgments: readonly SecretJudgment[], nowMs: number): void {
    this.count(FLEET_METRICS.secretsListed, listed);
    this.count(FLEET_METRICS.secretsQueued, queued);
    const isReauthorization = ({ trouble }: SecretJudgment) => trouble?.startsWith('REAUTHORIZATION') === true;
    const unusable = judgments.filter((each) => each.trouble !== undefined && !isReauthorization(each));
    const needing = judgments.filter(isReauthorization);
    this.count(METRICS.reauthorizationRequired, needing.length);
    this.count(FLEET_METRICS.secretUnusable, unusable.length);
    const known = judgments.filter(({ secondsUntilDue }) => secondsUntilDue !== undefined);
    const least = (values: readonly number[]) => values.reduce((one, other) => Math.min(one, other), Infinity);
    if (known.length === 0) return;
    const expiresAtMs = least(known.map((each) => each.expiresAtMs));
    const untilDue = least(known.map(({ secondsUntilDue = 0 }) => secondsUntilDue));
    // An account that needs authorization has its own alarm. It must not keep this one on, and so hide others that are overdue.
    const waiting = known.filter((each) => !isReauthorization(each));
    const byDue = waiting.map(({ secondsUntilDue = 0 }) => secondsUntilDue).sort((one, other) => one - other);
    const overdueAt = (place: number) => Math.max(0, Math.floor(-(byDue[place] ?? 0)));
    this.recordSeconds(METRICS.tokenSecondsRemaining, Math.max(0, Math.floor((expiresAtMs - nowMs) / 1000)));
    this.recordSeconds(METRICS.tokenSecondsUntilDue, Math.max(0, Math.floor(untilDue)));
    this.recordSeconds(FLEET_METRICS.tokenSecondsOverdue, overdueAt(0));
    // A few accounts that fail for weeks keep the alarm for one token on. It then hides an outage of all others.
    const many = Math.max(1, Math.floor(MANY * known.length));
    this.recordSeconds(FLEET_METRICS.manyTokensSecondsOverdue, overdueAt(many));
  }
}
