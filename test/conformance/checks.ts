import type { Check } from './check.ts';
import { limitChecks } from './limit-checks.ts';
import { putChecks } from './put-checks.ts';
import { readChecks } from './read-checks.ts';
import { stageChecks } from './stage-checks.ts';

/** All checks of AWS Secrets Manager. They are independent of each other, and run in any order. */
export const checks: readonly Check[] = [...putChecks, ...stageChecks, ...readChecks, ...limitChecks];
