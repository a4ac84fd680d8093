import * as z from 'zod/mini';
import { FLEET_ENVIRONMENT, type FleetTag } from '../contract.ts';
import { parseEnvironment, type Variables } from '../runtime/configuration.ts';

export interface SweepConfiguration {
  readonly tag: FleetTag;
  readonly queueUrl: string;
}

const required = (what: string) => z.string(`is not set: give ${what}`).check(z.minLength(1, `is empty: give ${what}`));

const Environment = z.object({
  [FLEET_ENVIRONMENT.tagKey]: required('the key of the tag that every secret of the fleet has'),
  [FLEET_ENVIRONMENT.tagValue]: z._default(z.string(), ''),
  [FLEET_ENVIRONMENT.queueUrl]: required('the URL of the queue'),
});

/** @throws Fault `CONFIGURATION_INVALID`, which names every mistake at once */
export function parseSweepConfiguration(variables?: Variables): SweepConfiguration {
  const data = parseEnvironment(Environment, variables);
  return {
    tag: { key: data[FLEET_ENVIRONMENT.tagKey], value: data[FLEET_ENVIRONMENT.tagValue] || undefined },
    queueUrl: data[FLEET_ENVIRONMENT.queueUrl],
  };
}
