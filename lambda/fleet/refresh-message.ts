import { setTimeout as sleep } from 'node:timers/promises';
import { PowertoolsTelemetry } from '../adapters/powertools-telemetry.ts';
import { SecretsManagerCredentialStore } from '../adapters/secrets-manager-credential-store.ts';
import { HttpTokenEndpoint } from '../adapters/token-endpoint.ts';
import { LEASE_OVER_TIMEOUT_SECONDS } from '../contract.ts';
import type { Context } from '../core/context.ts';
import { Fault } from '../core/fault.ts';
import { refresh } from '../core/refresh.ts';
import type { Result } from '../core/result.ts';
import { status } from '../core/status.ts';
import { connectSecretsManager, toEventPublisher } from '../runtime/aws-clients.ts';
import { parseSharedConfiguration } from '../runtime/configuration.ts';
import type { Action } from '../runtime/event.ts';
import { type LambdaContext, toRuntime } from '../runtime/lambda-context.ts';
import { logRun } from '../runtime/log-run.ts';
import {
  type Place,
  parseBatch,
  parseMessage,
  parseRequest,
  placeOf,
  type QueuedSecret,
  type QueueMessage,
  renderForceEvent,
} from './fleet-event.ts';
import type { FleetLambdaContext } from './fleet-lambda-context.ts';
import { PendingAnswers } from './pending-answers.ts';
import { waitMs } from './wait-ms.ts';

/** What an event source mapping takes back: messages that are to come again. */
export interface BatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

const REFRESH_IF_DUE: Action = { action: 'refresh', force: false };

/** For an answer of another secret that is not stored yet: a put or two, and no more of the time of this one. */
const REMEMBERED_RUN_MS = 10_000;

/** Advice on a denial: AWS distinguishes a missing tag from a missing permission only in words. */
const TAG_ADVICE =
  'Has the secret still the tag of the fleet? Without it, this is as it should be, and no sweep names it any more.';

const LATE = 'Message received too late for its turn; the next sweep sends it again if the secret needs a run';

const telemetry = new PowertoolsTelemetry();
const secretsManager = connectSecretsManager(telemetry);
const pendingAnswers = new PendingAnswers();
let connected: ReturnType<typeof connect> | undefined;

/**
 * Messages of the queue, a secret each; or one request of a person, which names its secret.
 *
 * @throws an error whose `name` is its code, for a request
 */
export async function handler(event: unknown, lambdaContext: FleetLambdaContext): Promise<BatchResponse | Result> {
  const place = placeOf(lambdaContext.invokedFunctionArn);
  const messages = parseBatch(event);
  if (messages === undefined) return await answer(event, place, lambdaContext);
  await storeRemembered(lambdaContext);
  for (const message of messages) await take(message, place, lambdaContext);
  // Each message is done: the next sweep reads the journal, and sends the secret again when an attempt is due.
  return { batchItemFailures: [] };
}

async function answer(event: unknown, place: Place, lambdaContext: FleetLambdaContext): Promise<Result> {
  return await run(lambdaContext, () => parseRequest(event, place));
}

async function take({ body }: QueueMessage, place: Place, lambdaContext: FleetLambdaContext): Promise<void> {
  const { awsRequestId, functionName } = lambdaContext;
  const queued = parseQueued(body, place);
  const delayMs = queued ? waitMs(queued, Date.now(), Math.random()) : 0;
  if (delayMs === undefined) {
    telemetry.begin(awsRequestId, functionName, queued?.secretId);
    telemetry.info(LATE);
    return;
  }
  await sleep(delayMs);
  // The run has logged how it ended.
  await run(lambdaContext, () => ({ ...parseMessage(body, place), action: REFRESH_IF_DUE })).catch(() => undefined);
}

/** Returns `undefined` for a message that the run itself refuses and reports. */
function parseQueued(body: string, place: Place): QueuedSecret | undefined {
  try {
    return parseMessage(body, place);
  } catch {
    return undefined;
  }
}

/**
 * The next message of that secret goes to another execution environment, most likely, which knows nothing of the answer and
 * sends the refresh token again. So each run here tries to store it before that, whichever secret the run is for.
 */
async function storeRemembered(lambdaContext: FleetLambdaContext): Promise<void> {
  const secretId = pendingAnswers.next(Date.now());
  if (secretId === undefined || lambdaContext.getRemainingTimeInMillis() < REMEMBERED_RUN_MS) return;
  const untilMs = Date.now() + REMEMBERED_RUN_MS;
  const short = { ...lambdaContext, getRemainingTimeInMillis: () => untilMs - Date.now() };
  // The run has logged how it ended.
  await run(short, () => ({ secretId, action: REFRESH_IF_DUE })).catch(() => undefined);
}

async function run(
  lambdaContext: LambdaContext,
  parse: () => { readonly secretId: string; readonly action: Action },
): Promise<Result> {
  const { awsRequestId, functionName } = lambdaContext;
  telemetry.begin(awsRequestId, functionName);
  return await logRun(telemetry, async () => {
    const { secretId, action } = parse();
    // Once more, now that it is known: each line names the secret.
    telemetry.begin(awsRequestId, functionName, secretId);
    const context = wire(secretId, lambdaContext);
    try {
      return action.action === 'status' ? await status(context) : await refresh(context, action);
    } catch (error) {
      throw error instanceof Fault && error.name === 'STORE_DENIED' ? withTagAdvice(error) : error;
    } finally {
      pendingAnswers.close(secretId);
    }
  });
}

/** Adds to a denial that the secret may have lost its tag: the core does not know of tags. */
function withTagAdvice({ name, message }: Fault): Fault {
  return new Fault(name, `${message} ${TAG_ADVICE}`);
}

/** Leaves a run the time that its lease allows: the function has more, in which messages wait for their turn. */
function withinLease(lambdaContext: LambdaContext, leaseSeconds: number): LambdaContext {
  const endsAtMs = Date.now() + (leaseSeconds - LEASE_OVER_TIMEOUT_SECONDS) * 1000;
  return {
    ...lambdaContext,
    getRemainingTimeInMillis: () => Math.min(lambdaContext.getRemainingTimeInMillis(), endsAtMs - Date.now()),
  };
}

function wire(secretId: string, lambdaContext: LambdaContext): Context {
  connected ??= connect();
  const { settings, ...shared } = connected;
  return {
    ...shared,
    settings: { ...settings, secretId, forceEvent: renderForceEvent(secretId) },
    store: new SecretsManagerCredentialStore(secretsManager, secretId, { variable: 'who named it' }),
    telemetry,
    runtime: toRuntime(withinLease(lambdaContext, settings.leaseSeconds), settings.leaseSeconds),
    memory: pendingAnswers.open(secretId, Date.now()),
  };
}

/** What all secrets share. @throws Fault `CONFIGURATION_INVALID` */
function connect() {
  const { tokenEndpoint, eventBusName, ...rest } = parseSharedConfiguration();
  return {
    settings: { tokenEndpointUrl: tokenEndpoint.href, ...rest },
    tokenEndpoint: new HttpTokenEndpoint(tokenEndpoint, Date.now),
    events: toEventPublisher(eventBusName, telemetry),
  };
}
