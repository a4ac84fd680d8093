import type { Check } from './check.ts';
import { putChecks } from './put-checks.ts';
import { readChecks } from './read-checks.ts';
import { stageChecks } from './stage-checks.ts';

/** Everything that the project relies on in AWS Secrets Manager. Independent of each other, in any order. */
export const checks: readonly Check[] = [...putChecks, ...stageChecks, ...readChecks];
