import { REFRESHES_PER_SECOND } from '../../lambda/contract.ts';

/** Default settings of a deployed fleet. A test compares them with the template. */
export const DEPLOYED = {
  tickMinutes: 10,
  windowMinutes: 0,
  /** Maximum concurrency of the two event source mappings, with one message per run. */
  maximumConcurrency: 320,
  retryConcurrency: 80,
  refreshesPerSecond: REFRESHES_PER_SECOND,
  batchSize: 1,
  /** Timeout of a run, without its wait. */
  timeoutSeconds: 60,
  visibilitySeconds: 720,
  retentionSeconds: 3_600,
  maxReceives: 5,
} as const;
