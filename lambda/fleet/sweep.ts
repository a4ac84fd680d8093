import { setTimeout as sleep } from 'node:timers/promises';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SecretsManagerCredentialStore } from '../adapters/secrets-manager-credential-store.ts';
import { toRunbookEntry } from '../contract.ts';
import { Fault } from '../core/fault.ts';
import { FLEET_LOG_EVENTS } from '../core/log-events.ts';
import { CLIENT_OPTIONS } from '../runtime/aws-clients.ts';
import { parseSharedConfiguration } from '../runtime/configuration.ts';
import { isPlainEvent } from '../runtime/event.ts';
import { toFault } from '../runtime/log-run.ts';
import { judgeTrouble } from './decide-notices.ts';
import { placeOf } from './fleet-event.ts';
import type { FleetLambdaContext } from './fleet-lambda-context.ts';
import { type SecretJudgment, TROUBLE_CODES } from './judge-secret.ts';
import { NotifiedAccounts } from './notified-accounts.ts';
import { notifyAccounts } from './notify-accounts.ts';
import { SecretsManagerLister } from './secrets-manager-lister.ts';
import { SecretsManagerReader } from './secrets-manager-reader.ts';
import { SqsRefreshQueue } from './sqs-refresh-queue.ts';
import { parseSweepConfiguration, type SweepConfiguration } from './sweep-configuration.ts';
import { type Sweep, sweepSecrets } from './sweep-secrets.ts';
import { SweepTelemetry } from './sweep-telemetry.ts';

/** SDK options. No one waits for a sweep, so it retries more often than a refresh if AWS throttles it. */
const OPTIONS = { ...CLIENT_OPTIONS, maxAttempts: 6 };

const SWEPT = 'Every secret with the tag was read, and each one that may need a run is in a queue.';
const NONE = 'No secret has the tag, so there is nothing to refresh. Tag a secret, or correct the tag of the fleet.';

/** Sweeps after which an overdue token is reported: it had two runs by then. */
const OVERDUE_SWEEPS = 2;

/** Maximum time of one call of SNS, with the SDK's retries. */
const PUBLISH_TIMEOUT_MS = 10_000;

/** Maximum number of secrets that a warning names. */
const MAX_NAMED = 20;

/** Reasons why secrets with the tag are skipped. */
const SKIPPED = {
  replicas: [FLEET_LOG_EVENTS.replicasSkipped, 'Only the original in its own region can be written.'],
  managed: [FLEET_LOG_EVENTS.managedSkipped, 'Another AWS service manages these secrets and rotates them.'],
  others: [FLEET_LOG_EVENTS.othersSkipped, 'They are token secrets, which hold nothing to refresh. Remove the tag.'],
} as const;

/** Result of a sweep that read every secret of the fleet. */
export interface SweepResult {
  /** Secrets of the fleet. */
  readonly listed: number;
  /** Secrets that may need a run, and were put into a queue. */
  readonly queued: number;
  /** Secrets that may need a run, and wait for the next sweep. */
  readonly deferred: number;
  /** Secrets with the tag that are skipped, by kind. */
  readonly replicas: number;
  readonly managed: number;
  readonly others: number;
}

const telemetry = new SweepTelemetry();
const secretsManager = new SecretsManagerClient(OPTIONS);
const sqs = new SQSClient(OPTIONS);
const sns = new SNSClient(OPTIONS);

/**
 * Handles one tick of a fleet: reads its secrets, and puts each one that may need a run into a queue.
 *
 * @throws an error whose `name` is its code
 */
export async function handler(event: unknown, lambdaContext: FleetLambdaContext): Promise<SweepResult> {
  telemetry.begin(lambdaContext.awsRequestId, lambdaContext.functionName);
  try {
    const configuration = parseEvent(event);
    const swept = await sweep(configuration, lambdaContext);
    for (const kind of ['replicas', 'managed', 'others'] as const) warnOfSkipped(kind, swept[kind]);
    warnOfTroubles(swept.judgments, configuration.sweepSeconds);
    const result = toResult(swept);
    if (swept.problem !== undefined) throw withCounts(swept.problem, result);
    await notify(configuration, swept.judgments, lambdaContext);
    const { listed, queued } = result;
    telemetry.recordSweep(result, swept.judgments, Date.now());
    telemetry.end('info', listed === 0 ? NONE : SWEPT, { outcome: 'swept', listed, queued });
    return result;
  } catch (error) {
    const fault = toFault(error);
    telemetry.error(fault.message, { outcome: 'failed', code: fault.name, runbook: toRunbookEntry(fault.name) });
    throw fault;
  }
}

/** @throws Fault for anything but a tick, or for a wrong environment */
function parseEvent(event: unknown): SweepConfiguration {
  if (!isPlainEvent(event)) {
    throw new Fault(
      'EVENT_INVALID',
      'The event is not valid: a sweep accepts only {}. To refresh one secret or to read its status, invoke the refresh function. Nothing was read or sent.',
    );
  }
  return parseSweepConfiguration();
}

async function sweep(configuration: SweepConfiguration, lambdaContext: FleetLambdaContext): Promise<Sweep> {
  const { queueUrl, retryQueueUrl, ...options } = configuration;
  const { tokenEndpoint, ...settings } = parseSharedConfiguration();
  return await sweepSecrets(
    {
      lister: new SecretsManagerLister(secretsManager),
      reader: new SecretsManagerReader(secretsManager),
      judge: {
        settings: { ...settings, tokenEndpointUrl: tokenEndpoint.href },
        telemetry,
        now: Date.now,
        open: (arn) => new SecretsManagerCredentialStore(secretsManager, arn),
      },
      queue: new SqsRefreshQueue(sqs, queueUrl),
      retryQueue: new SqsRefreshQueue(sqs, retryQueueUrl),
      remainingMs: () => lambdaContext.getRemainingTimeInMillis(),
      sleep: async (milliseconds) => await sleep(milliseconds),
    },
    { ...options, region: placeOf(lambdaContext.invokedFunctionArn).region },
  );
}

async function notify(
  { notify: to }: SweepConfiguration,
  judgments: readonly SecretJudgment[],
  lambdaContext: FleetLambdaContext,
): Promise<void> {
  if (to === undefined) return;
  const { topicArn, queueUrl } = to;
  await notifyAccounts(
    {
      accounts: new NotifiedAccounts(sqs, queueUrl),
      publish: async (subject, message) => {
        const command = new PublishCommand({ TopicArn: topicArn, Subject: subject, Message: message });
        await sns.send(command, { abortSignal: AbortSignal.timeout(PUBLISH_TIMEOUT_MS) });
      },
      telemetry,
      now: Date.now,
      remainingMs: () => lambdaContext.getRemainingTimeInMillis(),
    },
    judgments,
  );
}

function toResult({ judgments, queued, deferred, replicas, managed, others }: Sweep): SweepResult {
  return {
    listed: judgments.length,
    queued,
    deferred,
    replicas: replicas.length,
    managed: managed.length,
    others: others.length,
  };
}

function warnOfSkipped(kind: keyof typeof SKIPPED, arns: readonly string[]): void {
  if (arns.length === 0) return;
  const [event, reason] = SKIPPED[kind];
  telemetry.warn(event, { reason, listed: arns.length, secretIds: arns.slice(0, MAX_NAMED) });
}

/** Logs one line per kind of trouble, so that the log of the sweep shows which secrets an alarm is about. */
function warnOfTroubles(judgments: readonly SecretJudgment[], sweepSeconds: number): void {
  for (const code of TROUBLE_CODES) {
    const arns = judgments.flatMap(({ arn, trouble }) => (trouble === code ? [arn] : []));
    const { health, action } = judgeTrouble(code);
    const members = {
      code,
      health,
      action,
      listed: arns.length,
      secretIds: arns.slice(0, MAX_NAMED),
      runbook: toRunbookEntry(code),
    };
    if (arns.length > 0) telemetry.warn(FLEET_LOG_EVENTS.secretsTroubled, members);
  }
  const overdue = judgments
    .filter(
      ({ trouble, secondsUntilDue = 0 }) => trouble === undefined && secondsUntilDue < -OVERDUE_SWEEPS * sweepSeconds,
    )
    .map(({ arn }) => arn);
  if (overdue.length === 0) return;
  const runbook = toRunbookEntry('TokenOverdue');
  telemetry.warn(FLEET_LOG_EVENTS.tokensOverdue, {
    listed: overdue.length,
    secretIds: overdue.slice(0, MAX_NAMED),
    runbook,
  });
}

function withCounts(problem: Error, { listed, queued }: SweepResult): Error {
  if (!(problem instanceof Fault)) return problem;
  return new Fault(
    problem.name,
    `${problem.message} Before that, the sweep listed ${listed} secrets and queued ${queued}. The next sweep starts over.`,
  );
}
