import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { PowertoolsTelemetry } from '../adapters/powertools-telemetry.ts';
import { FLEET_METRICS, toRunbookEntry } from '../contract.ts';
import { Fault } from '../core/fault.ts';
import { CLIENT_OPTIONS } from '../runtime/aws-clients.ts';
import { isPlainEvent } from '../runtime/event.ts';
import { toFault } from '../runtime/log-run.ts';
import { placeOf } from './fleet-event.ts';
import type { FleetLambdaContext } from './fleet-lambda-context.ts';
import { SecretsManagerLister } from './secrets-manager-lister.ts';
import { SqsRefreshQueue } from './sqs-refresh-queue.ts';
import { parseSweepConfiguration } from './sweep-configuration.ts';
import { type Sweep, sweepSecrets } from './sweep-secrets.ts';

/** Nobody waits for a sweep: one that AWS throttles tries more often than a refresh does. */
const OPTIONS = { ...CLIENT_OPTIONS, maxAttempts: 6 };

const SWEPT = 'Every secret with the tag is in the queue.';
const NONE = 'No secret has the tag, so there is nothing to refresh. Tag a secret, or correct the tag of the fleet.';
const REPLICAS =
  'Copies of secrets of another region have the tag and are left alone: only the original can be written';

class SweepTelemetry extends PowertoolsTelemetry {
  /** Of a whole sweep alone: an alarm fires if they stay away. */
  countSwept({ listed, queued }: Sweep): void {
    this.count(FLEET_METRICS.secretsListed, listed);
    this.count(FLEET_METRICS.secretsQueued, queued);
  }
}

const telemetry = new SweepTelemetry();
const secretsManager = new SecretsManagerClient(OPTIONS);
const sqs = new SQSClient(OPTIONS);

/**
 * One tick of a fleet: its secrets, into the queue.
 *
 * @throws an error whose `name` is its code
 */
export async function handler(event: unknown, lambdaContext: FleetLambdaContext): Promise<Sweep> {
  telemetry.begin(lambdaContext.awsRequestId, lambdaContext.functionName);
  try {
    const swept = await sweep(event, lambdaContext);
    const { listed, queued, replicas } = swept;
    telemetry.countSwept(swept);
    if (replicas > 0) telemetry.warn(REPLICAS, { listed: replicas });
    telemetry.end('info', listed === 0 ? NONE : SWEPT, { outcome: 'swept', listed, queued });
    return swept;
  } catch (error) {
    const fault = toFault(error);
    telemetry.error(fault.message, { outcome: 'failed', code: fault.name, runbook: toRunbookEntry(fault.name) });
    throw fault;
  }
}

async function sweep(event: unknown, lambdaContext: FleetLambdaContext): Promise<Sweep> {
  if (!isPlainEvent(event)) {
    throw new Fault(
      'EVENT_INVALID',
      'The event is not accepted: a sweep takes {} alone. To refresh one secret, or to ask how it is, invoke the refresh function. Nothing was read or sent.',
    );
  }
  const { tag, queueUrl } = parseSweepConfiguration();
  return await sweepSecrets(
    {
      lister: new SecretsManagerLister(secretsManager),
      queue: new SqsRefreshQueue(sqs, queueUrl),
      remainingMs: () => lambdaContext.getRemainingTimeInMillis(),
    },
    tag,
    placeOf(lambdaContext.invokedFunctionArn).region,
  );
}
