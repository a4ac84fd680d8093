import { Duration } from 'aws-cdk-lib';
import {
  ComparisonOperator,
  type IMetric,
  MathExpression,
  type Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { FLEET_METRICS, METRICS } from '../../lambda/contract.ts';
import { type AlarmRules, AT_ONCE } from './alarms.ts';
import { functionMetric } from './function-metric.ts';

const PERIOD_MINUTES = 5;
/**
 * Periods until *Secret unusable* fires. By then, a secret that was repaired or lost its tag no longer counts, despite the lag of
 * `ListSecrets`. Alarms on tokens and grants stay on for as long, because an account that a sweep could not read, or that became
 * unusable, is not healthy again.
 */
const UNUSABLE_PERIODS = 3;

/** Longest overdue time that notifies no one, if sweeps are not rarer than this. */
const LONGEST_OVERDUE_MINUTES = 60;

export interface FleetRulesProps {
  readonly sweep: IFunction;
  readonly refresh: IFunction;
  readonly queue: IQueue;
  /** Dead-letter queues of the refresh, of the sweep and of the schedule. */
  readonly deadLetters: readonly IQueue[];
  readonly everyMinutes: number;
  /** `undefined`: any number of secrets is accepted. */
  readonly minimumSecrets: number | undefined;
  /** Longest time without a sweep if no more than one tick is lost. */
  readonly silenceMinutes: number;
  /** Age at which SQS deletes a message of the queue. */
  readonly retentionSeconds: number;
}

/**
 * Returns the alarms of a fleet. Each one reports that something is wrong with some secret. The log, the events and the command line
 * show which one.
 */
export function fleetRules(props: FleetRulesProps): AlarmRules {
  const { sweep, refresh, queue, everyMinutes, silenceMinutes, minimumSecrets, retentionSeconds } = props;
  // Each whole sweep reports the state of every secret, whatever became of the runs.
  const tickMinutes = Math.ceil((silenceMinutes - everyMinutes) / PERIOD_MINUTES) * PERIOD_MINUTES;
  // Time by which a healthy token may be overdue when a sweep reads it: the sweep reads before the runs of its tick.
  const oneTickMinutes = silenceMinutes - everyMinutes;
  // A token that is overdue at the third sweep has had two runs. If sweeps are rare, its last token would expire before that.
  const overdueMinutes = Math.min(
    silenceMinutes + everyMinutes,
    Math.max(oneTickMinutes + PERIOD_MINUTES, LONGEST_OVERDUE_MINUTES),
  );
  const silencePeriods = Math.ceil(silenceMinutes / PERIOD_MINUTES) + 1;
  // If sweeps are rare, SQS deletes a message before the second sweep, and no message ever gets that old.
  const oldMinutes = Math.min(silenceMinutes, Math.floor(retentionSeconds / 2 / 60));
  // From when SQS deletes the messages of one sweep until those of the next one are old, the queue only has younger ones.
  const youngMinutes = Math.max(0, everyMinutes + oldMinutes - retentionSeconds / 60);
  const worst = (name: string): Metric => functionMetric(sweep, name, Stats.MAXIMUM, tickMinutes);
  const firstOfPeriods = { evaluationPeriods: UNUSABLE_PERIODS, datapointsToAlarm: 1 };
  return {
    TokenOverdue: {
      metric: worst(FLEET_METRICS.tokenSecondsOverdue),
      ...firstOfPeriods,
      // A temporary failure is over at the next tick, and a burst of 10,000 tokens takes less time.
      threshold: overdueMinutes * 60,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      // Without a whole sweep, nothing is known to be over, and *Sweep silent* fires.
      treatMissingData: TreatMissingData.IGNORE,
      says: `Some access token has been due for a refresh for more than ${overdueMinutes} minutes: its runs fail, or no run starts. Its consumers can use the last token until it expires; then every call to that Retently account fails.`,
    },
    ManyTokensOverdue: {
      // *Token overdue* cannot fire again while it is on for a single account.
      metric: worst(FLEET_METRICS.manyTokensSecondsOverdue),
      ...firstOfPeriods,
      threshold: overdueMinutes * 60,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.IGNORE,
      says: `More than a tenth of the access tokens have been due for a refresh for more than ${overdueMinutes} minutes: the provider fails, or no run starts. Their consumers can use the last tokens until they expire; then every call to Retently fails.`,
    },
    ReauthorizationRequired: {
      metric: worst(METRICS.reauthorizationRequired),
      ...AT_ONCE,
      ...firstOfPeriods,
      treatMissingData: TreatMissingData.IGNORE,
      says: "Retently rejects the refresh token of some account. Someone usually has to authorize the application again. The account's consumers can usually use the last access token until it expires.",
    },
    SecretUnusable: {
      metric: worst(FLEET_METRICS.secretUnusable),
      ...AT_ONCE,
      evaluationPeriods: UNUSABLE_PERIODS,
      treatMissingData: TreatMissingData.IGNORE,
      says: `For ${UNUSABLE_PERIODS * tickMinutes} minutes, some secret with the tag could not be used: it is empty, holds something else, or cannot be read or written. No one refreshes its token. The other secrets are refreshed.`,
    },
    TokenNotStored: {
      metric: functionMetric(refresh, METRICS.tokenNotStored, Stats.SUM, PERIOD_MINUTES),
      ...AT_ONCE,
      // If the tokens stay lost, a sweep has found the account rejected or overdue by then.
      evaluationPeriods: Math.ceil((overdueMinutes + tickMinutes) / PERIOD_MINUTES) + 1,
      datapointsToAlarm: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      says: "Retently sent new tokens for some account, and Secrets Manager did not store them, so the refresh token may be lost. The account's consumers can usually use the last access token until it expires.",
    },
    SweepSilent: {
      metric: functionMetric(sweep, FLEET_METRICS.secretsListed, Stats.MAXIMUM, PERIOD_MINUTES),
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: silencePeriods,
      // Fires only if each period breaches: one whole sweep keeps it quiet.
      treatMissingData: TreatMissingData.BREACHING,
      says: `For ${silencePeriods * PERIOD_MINUTES} minutes, no sweep has read all secrets of the fleet: none ran, none succeeded, or none found a secret with the tag. No other alarm is certain until a sweep succeeds; consumers can use the last tokens until they expire.`,
    },
    ...(minimumSecrets !== undefined && {
      FewerSecrets: {
        // The least of two windows: `ListSecrets` may lag, and one page may be missing for a moment.
        metric: functionMetric(sweep, FLEET_METRICS.secretsListed, Stats.MAXIMUM, tickMinutes),
        evaluationPeriods: 2,
        threshold: minimumSecrets,
        comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
        treatMissingData: TreatMissingData.IGNORE,
        says: `The fleet has fewer than ${minimumSecrets} secrets (minimumSecrets): secrets were deleted, or have lost the tag. No one refreshes their tokens, which expire within hours.`,
      },
    }),
    QueueOld: {
      metric: queue.metricApproximateAgeOfOldestMessage({
        period: Duration.minutes(PERIOD_MINUTES),
        statistic: Stats.MAXIMUM,
      }),
      ...AT_ONCE,
      threshold: oldMinutes * 60,
      evaluationPeriods: Math.ceil(youngMinutes / PERIOD_MINUTES) + 1,
      datapointsToAlarm: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      says: `Secrets have been waiting in the queue for more than ${oldMinutes} minutes: the refresh function does not run, or cannot keep up. After an outage, this is expected and ends by itself. Consumers notice nothing until the first token expires.`,
    },
    DeadLetters: {
      metric: sumOf(props.deadLetters),
      ...AT_ONCE,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      says: 'The fleet gave up on a message whose runs ended without a result five times, a sweep that failed twice, or a tick that was not delivered. Each one stays in a queue until someone removes it. Consumers notice nothing yet: the next sweep reads every secret again.',
    },
  };
}

/**
 * Returns the number of messages in these queues. SQS does not count a message as sent if it moves the message from another queue, so
 * the alarm fires until someone empties the queues.
 */
function sumOf(queues: readonly IQueue[]): IMetric {
  const period = Duration.minutes(PERIOD_MINUTES);
  const usingMetrics = Object.fromEntries(
    queues.map((queue, index) => [
      `queue${index}`,
      queue.metricApproximateNumberOfMessagesVisible({ period, statistic: Stats.MAXIMUM }),
    ]),
  );
  const terms = Object.keys(usingMetrics).map((id) => `FILL(${id}, 0)`);
  return new MathExpression({ expression: terms.join(' + '), usingMetrics, period, label: 'Dead letters' });
}
