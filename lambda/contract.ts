/**
 * Names, defaults, limits and rules that the functions, the stack and the commands share, each declared once. This file
 * imports nothing, and `infra/` reads no other file of `lambda/`.
 */

/** Event that a schedule sends: a failure that the journal holds is then a result, and Lambda does not retry it. */
export const SCHEDULED_EVENT = { action: 'refresh', trigger: 'schedule' } as const;

/** Environment variables of the function; `runtime/configuration.ts` reads them, the stack sets them. */
export const ENVIRONMENT = {
  credentialsSecretId: 'CREDENTIALS_SECRET_ID',
  tokenEndpoint: 'TOKEN_ENDPOINT',
  eventBusName: 'EVENT_BUS_NAME',
  defaultTokenLifetimeSeconds: 'DEFAULT_TOKEN_LIFETIME_SECONDS',
  leaseSeconds: 'LEASE_SECONDS',
  scheduleSeconds: 'SCHEDULE_SECONDS',
  tokenSecretId: 'TOKEN_SECRET_ID',
} as const;

/** Environment variables of a fleet's functions, beside those that its refresh shares with the function of one secret. */
export const FLEET_ENVIRONMENT = {
  tagKey: 'FLEET_TAG_KEY',
  /** Absent or empty: any value. */
  tagValue: 'FLEET_TAG_VALUE',
  queueUrl: 'REFRESH_QUEUE_URL',
  /** Queue of the secrets whose last attempt failed. */
  retryQueueUrl: 'RETRY_QUEUE_URL',
  /** Shortest time between two ticks of the schedule. */
  sweepSeconds: 'SECONDS_BETWEEN_SWEEPS',
  refreshesPerSecond: 'REFRESHES_PER_SECOND',
  /** Topic for notifications of single accounts, and the queue that remembers them; absent: none are sent. */
  notifyTopicArn: 'NOTIFY_TOPIC_ARN',
  notifiedQueueUrl: 'NOTIFIED_QUEUE_URL',
} as const;

/**
 * Refreshes that a fleet starts per second. A refresh writes three times, and AWS allows 50 writes per second in an account
 * and region. See docs/fleet-at-scale.md.
 */
export const REFRESHES_PER_SECOND = 7;

/** Longest time that a run of a fleet waits for its turn, before it reads its secret. */
export const MAX_WAIT_SECONDS = 60;

/** Defaults of the environment variables. */
export const DEFAULTS = {
  tokenEndpoint: 'https://app.retently.com/api/oauth/token',
  eventBusName: 'default',
  defaultTokenLifetimeSeconds: 21_600,
  leaseSeconds: 90,
  /** Ten minutes from tick to tick, without a flexible window. */
  scheduleSeconds: 600,
} as const;

const DAY_SECONDS = 86_400;

/** Secrets Manager keeps every version of the last 24 hours and rejects a new one beyond 100. */
export const VERSION_RETENTION_SECONDS = DAY_SECONDS;
export const MAX_RECENT_VERSIONS = 100;
/** Versions reserved for operators' edits and merges: a claim in the last place would leave none for its answer. */
export const RESERVED_VERSIONS = 10;
/** A claim, and the answer or failure that ends it. */
export const VERSIONS_PER_ATTEMPT = 2;
/** Attempts for which any 24 hours have room. The function counts before each attempt. */
export const MAX_ATTEMPTS_PER_DAY = (MAX_RECENT_VERSIONS - RESERVED_VERSIONS) / VERSIONS_PER_ATTEMPT;

/** Most refreshes a day without a failure. The rest of the budget is for failures. */
const MAX_REFRESHES_PER_DAY = 40;

/** Back-off after the first failed attempt; each further one doubles it. */
export const FIRST_BACK_OFF_SECONDS = 60;
export const MAX_BACK_OFF_SECONDS = 45 * 60;

/** Shortest time for an attempt: its claim, a POST, and the time to record, promote and announce the answer. */
export const ATTEMPT_MIN_SECONDS = 35;

/** Far above the longest interval with its flexible window. */
export const MAX_SCHEDULE_SECONDS = DAY_SECONDS;

/** Far above Lambda's longest timeout. A longer lease only delays takeovers. */
export const MAX_LEASE_SECONDS = 3_600;
/** Margin of a claim's lease over the function's timeout, because clocks differ. */
export const LEASE_OVER_TIMEOUT_SECONDS = 30;

/** Longest accepted lifetime. A longer one is treated as a server error. */
export const MAX_TOKEN_LIFETIME_SECONDS = 365 * DAY_SECONDS;

/** Shortest lifetime that the stack accepts: the version budget has no room for shorter ones. */
export const MIN_TOKEN_LIFETIME_SECONDS = 3_600;

/**
 * Returns the age at which an access token is due for a refresh: half of its lifetime. Under 72 minutes, that would exceed the
 * version budget, so the token is due after 36 minutes. Under an hour, it is due after 36 sixtieths of its lifetime.
 */
export function dueAfterSeconds(lifetimeSeconds: number): number {
  const shortestSeconds = DAY_SECONDS / MAX_REFRESHES_PER_DAY;
  const share = Math.min(1, lifetimeSeconds / MIN_TOKEN_LIFETIME_SECONDS);
  return Math.max(lifetimeSeconds / 2, shortestSeconds * share);
}

/** Answers to "is this account healthy?". `unknown`: it could not be determined, which is never healthy. */
export type Health = 'healthy' | 'attention' | 'unknown';

/**
 * Actions that a person should take for an account: a closed list for programs. `docs/reference.md` describes each.
 * The last four need more than the function can see, so only the command line returns them.
 */
export const ACTIONS = [
  'none',
  'wait',
  'refresh',
  'reauthorize',
  'fixClient',
  'fixClientOrReauthorize',
  'fixStore',
  'fixNetwork',
  'fixConfiguration',
  'fixTokenSecret',
  'restoreSecret',
  'freeBudget',
  'askProvider',
  'report',
  'enableSchedule',
  'restoreConcurrency',
  'checkSchedule',
  'checkAlarms',
] as const;
export type Action = (typeof ACTIONS)[number];

/** The staging label on the newest entry of the journal. A label of our own: `AWSPENDING` would block `RotateSecret`. */
export const JOURNAL_STAGE = 'TOKEN_REFRESH';

/** EventBridge `source` of everything that is published; the role may publish only under this one. */
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

/** Dimension of every metric. Its value is the name of the function. */
export const METRIC_DIMENSION = 'FunctionName';

/** Second dimension, only on a second copy of `RefreshFailed`. */
export const METRIC_CODE_DIMENSION = 'Code';

/** Metric names. The first five are states, sent in every run that could read the secret; the others are sent as they happen. */
export const METRICS = {
  tokenSecondsRemaining: 'TokenSecondsRemaining',
  tokenSecondsUntilDue: 'TokenSecondsUntilDue',
  reauthorizationRequired: 'ReauthorizationRequired',
  tokenSecretBehind: 'TokenSecretBehind',
  tokenSecretUnreadable: 'TokenSecretUnreadable',
  refreshed: 'Refreshed',
  refreshFailed: 'RefreshFailed',
  tokenNotStored: 'TokenNotStored',
  claimTakenOver: 'ClaimTakenOver',
  exchangeMilliseconds: 'ExchangeMilliseconds',
} as const;

/** Metrics that only a fleet has. Each whole sweep sends them, together with the first three of {@link METRICS}. */
export const FLEET_METRICS = {
  tokenSecondsOverdue: 'TokenSecondsOverdue',
  manyTokensSecondsOverdue: 'ManyTokensSecondsOverdue',
  secretUnusable: 'SecretUnusable',
  secretsListed: 'SecretsListed',
  secretsQueued: 'SecretsQueued',
} as const;

/** Ids of the alarms' constructs, and so parts of their logical ids. The most urgent comes first. */
export const ALARM_KINDS = [
  'TokenNotStored',
  'ReauthorizationRequired',
  'FunctionFailing',
  'SweepSilent',
  'ManyTokensOverdue',
  'QueueOld',
  'UndeliveredTicks',
  'FailedRuns',
  'DeadLetters',
  'TokenExpiringSoon',
  'TokenOverdue',
  'SecretUnusable',
  'TokenSecretUnreadable',
  'FewerSecrets',
  'TokenSecretBehind',
] as const;
export type AlarmKind = (typeof ALARM_KINDS)[number];

/** Returns the kind of the alarm with this logical id, which CDK ends with the construct's id and eight hex digits. */
export function findAlarmKind(logicalId: string): AlarmKind | undefined {
  return ALARM_KINDS.find((kind) => new RegExp(`${kind}[0-9A-F]{8}$`).test(logicalId));
}

/**
 * Returns a link to the runbook's entry for an error code (`TOKEN_NOT_STORED`) or an alarm (`TokenNotStored`).
 *
 * @param runbook path or URL of the runbook
 */
export function toRunbookEntry(codeOrAlarm: string, runbook = 'docs/runbook.md'): string {
  // One entry has the steps for both alarms.
  const entry = codeOrAlarm === 'ManyTokensOverdue' ? 'TokenOverdue' : codeOrAlarm;
  const words = entry.replace(/([a-z])(?=[A-Z])/g, '$1-').replaceAll('_', '-');
  return `${runbook}#${words.toLowerCase()}`;
}

/** Tag that the secrets of a fleet have; without a value, any value matches. */
export interface FleetTag {
  readonly key: string;
  readonly value: string | undefined;
}

/** Returns whether `tags` make a secret one of the fleet with this tag. */
export function hasTag(tags: ReadonlyMap<string, string>, { key, value }: FleetTag): boolean {
  return value === undefined ? tags.has(key) : tags.get(key) === value;
}

/**
 * Returns whether both ids can name one secret. An id is a name, or an ARN, which ends in the name, a hyphen and six characters.
 * Two different ARNs are two secrets.
 */
export function isSameSecret(one: string, other: string): boolean {
  return one === other || [`${one} ${other}`, `${other} ${one}`].some((pair) => /:secret:(.+)-\w{6} \1$/.test(pair));
}

/** Pattern of the names that Secrets Manager accepts. */
export const SECRET_NAME = '[\\w/+=.@-]{1,512}';

/** Returns the value of a JSON text; `undefined` if it is not JSON. Never throws, because a `SyntaxError` quotes the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const LOOPBACK_HOSTS = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** Returns whether a text is an `https:` URL without user name and fragment; `http:` on loopback too, if that is allowed. */
export function isTokenEndpoint(text: string, { isLoopbackAllowed = false } = {}): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, hash } = new URL(text);
  const isPlain = username === '' && password === '' && hash === '';
  const isLoopback = isLoopbackAllowed && protocol === 'http:' && LOOPBACK_HOSTS.has(hostname);
  return isPlain && (protocol === 'https:' || isLoopback);
}
