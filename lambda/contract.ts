/**
 * The names that the function and the stack must agree on, each declared once. No code, no imports: `infra/` reads
 * this file and no other of `lambda/`.
 */

/** Environment variables of the function; `configuration.ts` reads them, the stack sets them. */
export const ENVIRONMENT = {
  credentialsSecretId: 'CREDENTIALS_SECRET_ID',
  tokenEndpoint: 'TOKEN_ENDPOINT',
  eventBusName: 'EVENT_BUS_NAME',
  defaultTokenLifetimeSeconds: 'DEFAULT_TOKEN_LIFETIME_SECONDS',
  leaseSeconds: 'LEASE_SECONDS',
} as const;

/** What holds where an environment variable is absent. */
export const DEFAULTS = {
  tokenEndpoint: 'https://app.retently.com/api/oauth/token',
  eventBusName: 'default',
  defaultTokenLifetimeSeconds: 21_600,
  leaseSeconds: 90,
} as const;

/** The staging label on the newest entry of the journal. A label of our own: `AWSPENDING` would block `RotateSecret`. */
export const JOURNAL_STAGE = 'TOKEN_REFRESH';

/** EventBridge `source` of everything that is published; the role may publish under this one alone. */
export const EVENT_SOURCE = 'retently.token-refresh';

/** EventBridge `detail-type`s. */
export const EVENT_DETAIL_TYPES = {
  refreshed: 'Retently Token Refreshed',
  failed: 'Retently Token Refresh Failed',
  reauthorizationRequired: 'Retently Reauthorization Required',
  recovered: 'Retently Token Recovered',
} as const;

/** CloudWatch namespace of every metric. */
export const METRIC_NAMESPACE = 'RetentlyTokenRefresh';

/** The one dimension of every metric; its value is the name of the function. */
export const METRIC_DIMENSION = 'FunctionName';

/** The second dimension, of a second copy of `RefreshFailed` alone. */
export const METRIC_CODE_DIMENSION = 'Code';

/** Metric names. The first two are states, sent on every run; the others are sent as they happen. */
export const METRICS = {
  tokenSecondsRemaining: 'TokenSecondsRemaining',
  reauthorizationRequired: 'ReauthorizationRequired',
  refreshed: 'Refreshed',
  refreshFailed: 'RefreshFailed',
  tokenNotStored: 'TokenNotStored',
  claimTakenOver: 'ClaimTakenOver',
  exchangeMilliseconds: 'ExchangeMilliseconds',
} as const;
