import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { METRICS } from '../../lambda/contract.ts';
import { ATTEMPTS_PER_TICK } from '../options/schedule-limits.ts';
import { type AlarmRule, AT_ONCE } from './alarms.ts';
import { functionMetric } from './function-metric.ts';

const PERIOD_MINUTES = 5;
const DAY_MINUTES = 24 * 60;
// SQS sends nothing while a queue rests, and begins again up to fifteen minutes late.
const QUEUE_PERIOD_MINUTES = 15;

export interface AccountRulesProps {
  readonly lambdaFunction: IFunction;
  readonly undeliveredTicks: IQueue;
  readonly failedRuns: IQueue;
  /** The longest time without a run if no more than one tick is lost. */
  readonly silenceMinutes: number;
  readonly hasTokenSecret: boolean;
}

/** The alarms of one account. */
export function accountRules(props: AccountRulesProps): Readonly<Record<string, AlarmRule>> {
  const { lambdaFunction, silenceMinutes, hasTokenSecret } = props;
  // One period more than the silence: the run takes time, and CloudWatch takes time to read its metrics from the log.
  const silencePeriods = Math.ceil(silenceMinutes / PERIOD_MINUTES) + 1;
  // CloudWatch looks back a day at most.
  const windowMinutes = Math.min(silenceMinutes, DAY_MINUTES / 2);
  return {
    TokenExpiringSoon: {
      metric: functionMetric(lambdaFunction, METRICS.tokenSecondsUntilDue, Stats.MAXIMUM, PERIOD_MINUTES),
      // A healthy run leaves a token that is not due. The alarm fires only if every period breaches, and a period without
      // a run breaches: one good run in the whole window keeps it quiet, and one bad run does not fire it.
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: silencePeriods,
      treatMissingData: TreatMissingData.BREACHING,
      says: `For ${silencePeriods * PERIOD_MINUTES} minutes no run has left a bearer token that is not due for a refresh, or there was no run at all. Consumers can still read the last token, until it expires; then every call to Retently fails.`,
    },
    ReauthorizationRequired: {
      metric: functionMetric(lambdaFunction, METRICS.reauthorizationRequired, Stats.MAXIMUM, PERIOD_MINUTES),
      ...AT_ONCE,
      // Every run reports this state; it holds until the next run.
      treatMissingData: TreatMissingData.IGNORE,
      says: 'Retently refuses the refresh token, so a person must look: mostly only the consent screen can bring a new one. Consumers can mostly use the last bearer token until it expires; a server that took a second use of the refresh token for a theft has revoked it already.',
    },
    ...(hasTokenSecret && {
      TokenSecretBehind: {
        // A crash can leave it stale for one tick; the next run repairs it. This alarm fires if every run of two windows found it stale.
        metric: functionMetric(lambdaFunction, METRICS.tokenSecretBehind, Stats.MINIMUM, windowMinutes),
        evaluationPeriods: 2,
        threshold: 1,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treatMissingData: TreatMissingData.NOT_BREACHING,
        says: 'Run after run finds that the token secret does not hold the bearer token of AWSCURRENT. Consumers can read an older one there, until it expires; then every call to Retently fails.',
      },
    }),
    TokenNotStored: {
      metric: functionMetric(lambdaFunction, METRICS.tokenNotStored, Stats.SUM, PERIOD_MINUTES),
      ...AT_ONCE,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      says: 'Retently answered with new tokens and Secrets Manager did not take them, so the refresh token may be lost. Consumers can mostly use the last bearer token until it expires; a server may revoke it with the next refresh.',
    },
    FunctionFailing: {
      metric: lambdaFunction.metricErrors({ period: Duration.minutes(silenceMinutes), statistic: Stats.SUM }),
      // One tick fails twice at most, with its retry: three errors took more than one tick.
      evaluationPeriods: 1,
      threshold: ATTEMPTS_PER_TICK + 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      says: `Runs failed at least ${ATTEMPTS_PER_TICK + 1} times in ${silenceMinutes} minutes, which is more than one tick and its retry. Consumers notice nothing yet, but the token is not being refreshed.`,
    },
    UndeliveredTicks: {
      ...toQueueRule(props.undeliveredTicks),
      says: 'EventBridge Scheduler could not invoke the function and gave up on a tick. Consumers notice nothing yet. If the next ticks do not arrive either, nobody refreshes the token.',
    },
    FailedRuns: {
      ...toQueueRule(props.failedRuns),
      says: 'The function failed on an event and on its retry. Consumers notice nothing yet; the next tick tries again.',
    },
  };
}

/** Fires for what came, not for what is there: it ends by itself, and the messages stay for whoever wants to look. */
function toQueueRule(queue: IQueue): Omit<AlarmRule, 'says'> {
  return {
    metric: queue.metricNumberOfMessagesSent({
      period: Duration.minutes(QUEUE_PERIOD_MINUTES),
      statistic: Stats.SUM,
    }),
    ...AT_ONCE,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  };
}
