/** What a fleet is deployed with, unless its options say otherwise: a test compares it with the template. */
export const DEPLOYED = {
  tickMinutes: 10,
  /** A tick comes at any moment of it. */
  windowMinutes: 2,
  /** Of the event source mapping: runs at once, a message each. */
  maximumConcurrency: 8,
  batchSize: 1,
  timeoutSeconds: 60,
  visibilitySeconds: 360,
  retentionSeconds: 3_600,
  maxReceives: 5,
} as const;
