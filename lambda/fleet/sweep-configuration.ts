import * as z from 'zod/mini';
import { FLEET_ENVIRONMENT, type FleetTag, REFRESHES_PER_SECOND } from '../contract.ts';
import { parseEnvironment, type Variables, wholeNumber } from '../runtime/configuration.ts';

export interface SweepConfiguration {
  readonly tag: FleetTag;
  readonly queueUrl: string;
  readonly retryQueueUrl: string;
  readonly sweepSeconds: number;
  readonly refreshesPerSecond: number;
  /** `undefined`: no one is notified of single accounts. */
  readonly notify: { readonly topicArn: string; readonly queueUrl: string } | undefined;
}

const DAY_SECONDS = 86_400;

const required = (what: string) => z.string(`is not set: give ${what}`).check(z.minLength(1, `is empty: give ${what}`));

const Environment = z.object({
  [FLEET_ENVIRONMENT.tagKey]: required('the key of the tag that every secret of the fleet has'),
  [FLEET_ENVIRONMENT.tagValue]: z._default(z.string(), ''),
  [FLEET_ENVIRONMENT.queueUrl]: required('the URL of the queue'),
  [FLEET_ENVIRONMENT.retryQueueUrl]: required('the URL of the queue of retries'),
  [FLEET_ENVIRONMENT.sweepSeconds]: wholeNumber(DAY_SECONDS, 600),
  [FLEET_ENVIRONMENT.refreshesPerSecond]: wholeNumber(1_000, REFRESHES_PER_SECOND),
  [FLEET_ENVIRONMENT.notifyTopicArn]: z._default(z.string(), ''),
  [FLEET_ENVIRONMENT.notifiedQueueUrl]: z._default(z.string(), ''),
});

/** @throws Fault `CONFIGURATION_INVALID`, which names every mistake */
export function parseSweepConfiguration(variables?: Variables): SweepConfiguration {
  const data = parseEnvironment(Environment, variables);
  const topicArn = data[FLEET_ENVIRONMENT.notifyTopicArn];
  const notified = data[FLEET_ENVIRONMENT.notifiedQueueUrl];
  return {
    tag: { key: data[FLEET_ENVIRONMENT.tagKey], value: data[FLEET_ENVIRONMENT.tagValue] || undefined },
    queueUrl: data[FLEET_ENVIRONMENT.queueUrl],
    retryQueueUrl: data[FLEET_ENVIRONMENT.retryQueueUrl],
    sweepSeconds: data[FLEET_ENVIRONMENT.sweepSeconds],
    refreshesPerSecond: data[FLEET_ENVIRONMENT.refreshesPerSecond],
    notify: topicArn && notified ? { topicArn, queueUrl: notified } : undefined,
  };
}
