import { REFRESHES_PER_SECOND } from '../../lambda/contract.ts';

/** What a fleet is deployed with, unless its options say otherwise: a test compares it with the template. */
export const DEPLOYED = {
  tickMinutes: 10,
  windowMinutes: 0,
  /** Of the two event source mappings: runs at once, a message each. */
  maximumConcurrency: 320,
  retryConcurrency: 40,
  refreshesPerSecond: REFRESHES_PER_SECOND,
  batchSize: 1,
  /** Of a run, its wait aside. */
  timeoutSeconds: 60,
  visibilitySeconds: 720,
  retentionSeconds: 3_600,
  maxReceives: 5,
} as const;
