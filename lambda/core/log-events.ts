/**
 * Events during a run. They are stable over releases, and everything that varies is in the members of the log line. The table
 * in docs/events-and-metrics.md describes each.
 */
export const LOG_EVENTS = {
  tokenRequestFailed: 'Token request failed',
  claimTakenOver: 'Claim expired without a result; taking it over',
  rolledForward: 'AWSCURRENT rolled forward',
  noProgress: 'Same access token received again',
  unusualLifetime: 'Token lifetime is unusual',
  responseTruncated: 'Token response truncated',
  writeRetried: 'Version not stored; retrying',
  pendingAnswerStored: 'Pending answer stored',
  failureNotRecorded: 'Failure not recorded',
  labelMisplaced: 'Journal label is not on a journal entry; ignoring it',
  budgetUsedUp: 'Version budget used up',
  tokenSecretUnreadable: 'Token secret unreadable',
  tokenSecretStale: 'Token secret is stale',
  tokenSecretRepaired: 'Token secret repaired',
  eventRejected: 'Event rejected by EventBridge',
  eventsNotPublished: 'Events not published',
} as const;

/** Events that only the functions of a fleet log. */
export const FLEET_LOG_EVENTS = {
  messageLate: 'Message received too late for its turn',
  pendingAnswerDropped: 'Pending answer dropped',
  noticesNotSent: 'Notices not sent',
  secretsTroubled: 'Secrets need attention',
  tokensOverdue: 'Access tokens are overdue',
  replicasSkipped: 'Replicas skipped',
  managedSkipped: 'Managed secrets skipped',
  othersSkipped: 'Secrets without credentials skipped',
} as const;

export type LogEvent =
  | (typeof LOG_EVENTS)[keyof typeof LOG_EVENTS]
  | (typeof FLEET_LOG_EVENTS)[keyof typeof FLEET_LOG_EVENTS];
