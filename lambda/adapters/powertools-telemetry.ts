import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { METRIC_CODE_DIMENSION, METRIC_DIMENSION, METRIC_NAMESPACE, METRICS } from '../contract.ts';
import type { LogEvent } from '../core/log-events.ts';
import type { LogMembers, Telemetry, TokenStates } from '../core/ports.ts';

/** Telemetry as JSON log lines and CloudWatch EMF. */
export class PowertoolsTelemetry implements Telemetry {
  readonly #logger = new Logger({ serviceName: 'retently-token-refresh' });
  readonly #metrics = new Metrics({ namespace: METRIC_NAMESPACE });
  #functionName = '';
  #noted: LogMembers = {};
  #startedAtMs = 0;
  #calls = { reads: 0, writes: 0 };

  /** Begins a run. @param secretId if the function has many secrets: each log line names the secret */
  begin(runId: string, functionName: string, secretId?: string): void {
    this.#functionName = functionName;
    this.#noted = {};
    this.#startedAtMs = Date.now();
    this.#calls = { reads: 0, writes: 0 };
    this.#logger.resetKeys();
    this.#logger.appendKeys({ runId, secretId });
    useDimensions(this.#metrics, { [METRIC_DIMENSION]: functionName });
  }

  /** Ends a run: prints its metrics and its one summary line. */
  end(level: 'info' | 'error', message: string, members: LogMembers): void {
    const durationMs = Date.now() - this.#startedAtMs;
    this.#logger[level](message, { ...this.#noted, ...members, durationMs, ...this.#calls });
    this.#metrics.publishStoredMetrics();
  }

  note(members: LogMembers): void {
    this.#noted = { ...this.#noted, ...members };
  }

  countCall(kind: 'reads' | 'writes'): void {
    this.#calls[kind]++;
  }

  info(event: LogEvent, members: LogMembers = {}): void {
    this.#logger.info(event, { ...members });
  }

  warn(event: LogEvent, members: LogMembers = {}): void {
    this.#logger.warn(event, { ...members });
  }

  error(message: string, members: LogMembers = {}): void {
    this.#logger.error(message, { ...members });
  }

  recordStates(states: TokenStates): void {
    const { tokenSecondsRemaining, tokenSecondsUntilDue, isReauthorizationRequired } = states;
    this.recordSeconds(METRICS.tokenSecondsRemaining, tokenSecondsRemaining);
    this.recordSeconds(METRICS.tokenSecondsUntilDue, Math.max(0, tokenSecondsUntilDue));
    this.recordState(METRICS.reauthorizationRequired, isReauthorizationRequired);
    this.recordState(METRICS.tokenSecretBehind, states.isTokenSecretStale);
    this.recordState(METRICS.tokenSecretUnreadable, states.isTokenSecretUnreadable);
  }

  protected recordState(name: string, state: boolean | undefined): void {
    if (state !== undefined) this.count(name, state ? 1 : 0);
  }

  protected count(name: string, number = 1): void {
    this.#metrics.addMetric(name, MetricUnit.Count, number);
  }

  protected recordSeconds(name: string, seconds: number): void {
    this.#metrics.addMetric(name, MetricUnit.Seconds, seconds);
  }

  countRefreshed(): void {
    this.count(METRICS.refreshed);
  }

  countFailed(code: string): void {
    this.count(METRICS.refreshFailed);
    // An alarm sees a metric only under exactly its own set of dimensions, so this is a second one.
    const byCode = this.#metrics.singleMetric();
    useDimensions(byCode, { [METRIC_DIMENSION]: this.#functionName, [METRIC_CODE_DIMENSION]: code });
    byCode.addMetric(METRICS.refreshFailed, MetricUnit.Count, 1);
  }

  countTokenNotStored(): void {
    this.count(METRICS.tokenNotStored);
  }

  countClaimTakenOver(): void {
    this.count(METRICS.claimTakenOver);
  }

  recordExchangeMilliseconds(milliseconds: number): void {
    this.#metrics.addMetric(METRICS.exchangeMilliseconds, MetricUnit.Milliseconds, milliseconds);
  }
}

/** Sets these dimensions and no others: Powertools adds a dimension `service` by default. */
function useDimensions(metrics: Metrics, dimensions: { [name: string]: string }): void {
  metrics.clearDefaultDimensions();
  metrics.setDefaultDimensions(dimensions);
}
