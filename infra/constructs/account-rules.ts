import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { METRICS } from '../../lambda/contract.ts';
import { ATTEMPTS_PER_TICK } from '../options/schedule-limits.ts';
import { type AlarmRule, type AlarmRules, AT_ONCE } from './alarms.ts';
import { functionMetric } from './function-metric.ts';

const PERIOD_MINUTES = 5;
const DAY_MINUTES = 24 * 60;
// SQS publishes no metrics of an idle queue, and resumes up to fifteen minutes late.
const QUEUE_PERIOD_MINUTES = 15;

export interface AccountRulesProps {
  readonly lambdaFunction: IFunction;
  readonly undeliveredTicks: IQueue;
  readonly failedRuns: IQueue;
  /** Longest time without a run if at most one tick is lost. */
  readonly silenceMinutes: number;
  /** Minutes that a token must stay due before its alarm fires. */
  readonly noticeMinutes: number;
  readonly hasTokenSecret: boolean;
}

export function accountRules(props: AccountRulesProps): AlarmRules {
  const { lambdaFunction, silenceMinutes, hasTokenSecret } = props;
  // One more period than the wait: the run takes time, and CloudWatch takes time to extract metrics from the log.
  const noticePeriods = Math.ceil(props.noticeMinutes / PERIOD_MINUTES) + 1;
  // CloudWatch evaluates at most one day.
  const windowMinutes = Math.min(silenceMinutes, DAY_MINUTES / 2);
  return {
    TokenExpiringSoon: {
      metric: functionMetric(lambdaFunction, METRICS.tokenSecondsUntilDue, Stats.MAXIMUM, PERIOD_MINUTES),
      // A healthy run leaves a token that is not due. The alarm fires only if every period breaches, and a period without
      // a run breaches. So a single good run in the window prevents it, and a single bad run does not fire it.
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: noticePeriods,
      treatMissingData: TreatMissingData.BREACHING,
      says: `For ${noticePeriods * PERIOD_MINUTES} minutes, no run has left an access token that is not due, or the function did not run. Consumers can use the last token until it expires. Then every call to Retently fails.`,
    },
    ReauthorizationRequired: {
      metric: functionMetric(lambdaFunction, METRICS.reauthorizationRequired, Stats.MAXIMUM, PERIOD_MINUTES),
      ...AT_ONCE,
      // Every run reports this state; it holds until the next run.
      treatMissingData: TreatMissingData.IGNORE,
      says: 'Retently rejects the refresh token: the grant was revoked or has expired. Someone has to authorize the application again. Consumers can use the last access token until it expires, unless Retently revoked it with the grant.',
    },
    ...(hasTokenSecret && {
      TokenSecretBehind: {
        // After a crash, the token secret can be stale until the next run. This alarm fires if every run of two windows found it stale.
        metric: functionMetric(lambdaFunction, METRICS.tokenSecretBehind, Stats.MINIMUM, windowMinutes),
        evaluationPeriods: 2,
        threshold: 1,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treatMissingData: TreatMissingData.NOT_BREACHING,
        says: 'Every run finds that the token secret does not hold the access token of AWSCURRENT. Consumers read an older token there. When it expires, every call to Retently fails.',
      },
      TokenSecretUnreadable: {
        // Neither a deletion nor a denial is temporary. The first run that finds one fires the alarm, and the next good run clears it.
        metric: functionMetric(lambdaFunction, METRICS.tokenSecretUnreadable, Stats.MAXIMUM, PERIOD_MINUTES),
        ...AT_ONCE,
        treatMissingData: TreatMissingData.IGNORE,
        says: 'The function cannot use the token secret: it was deleted, or access to it or to its KMS key is denied. Consumers probably cannot read it either. The refresh itself continues.',
      },
    }),
    TokenNotStored: {
      metric: functionMetric(lambdaFunction, METRICS.tokenNotStored, Stats.SUM, PERIOD_MINUTES),
      ...AT_ONCE,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      says: 'Retently sent new tokens, and Secrets Manager did not store them, so the refresh token may be lost. Consumers can use the last access token until it expires, unless Retently revokes it with the refresh.',
    },
    FunctionFailing: {
      metric: lambdaFunction.metricErrors({ period: Duration.minutes(silenceMinutes), statistic: Stats.SUM }),
      // One tick fails at most twice, including its retry. Three errors need more than one tick.
      evaluationPeriods: 1,
      threshold: ATTEMPTS_PER_TICK + 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      says: `At least ${ATTEMPTS_PER_TICK + 1} runs failed in ${silenceMinutes} minutes: more than one tick and its retry. Consumers can use the last access token until it expires, but no run refreshes it.`,
    },
    UndeliveredTicks: {
      ...toQueueRule(props.undeliveredTicks),
      says: 'EventBridge Scheduler could not invoke the function and gave up on a tick. Consumers can use the last access token until it expires. If no later tick arrives, no run refreshes it.',
    },
    FailedRuns: {
      ...toQueueRule(props.failedRuns),
      says: 'The function failed on a tick and on its retry, or Lambda could not start it: access may be denied, or its concurrency may be 0. Consumers can use the last access token until it expires. The next tick retries.',
    },
  };
}

/** Returns a rule that fires when messages arrive, not while they wait: the alarm clears, and the messages stay. */
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
