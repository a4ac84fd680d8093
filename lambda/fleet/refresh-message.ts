import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeSecretCommand, ResourceNotFoundException } from '@aws-sdk/client-secrets-manager';
import { describeAwsError } from '../adapters/describe-aws-error.ts';
import { PowertoolsTelemetry } from '../adapters/powertools-telemetry.ts';
import { SecretsManagerCredentialStore } from '../adapters/secrets-manager-credential-store.ts';
import { HttpTokenEndpoint } from '../adapters/token-endpoint.ts';
import { LEASE_OVER_TIMEOUT_SECONDS } from '../contract.ts';
import type { Context } from '../core/context.ts';
import { Fault } from '../core/fault.ts';
import { FLEET_LOG_EVENTS } from '../core/log-events.ts';
import { refresh } from '../core/refresh.ts';
import type { Result } from '../core/result.ts';
import { status } from '../core/status.ts';
import { STORE_CALL_MAX_MS } from '../core/time-reserves.ts';
import { connectSecretsManager, toEventPublisher } from '../runtime/aws-clients.ts';
import { parseSharedConfiguration } from '../runtime/configuration.ts';
import type { Action } from '../runtime/event.ts';
import { type LambdaContext, toRuntime } from '../runtime/lambda-context.ts';
import { logRun } from '../runtime/log-run.ts';
import { findReasonToGiveUp } from './find-reason-to-give-up.ts';
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

/** Answer to an event source mapping: the messages to deliver again. */
export interface BatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

const REFRESH_IF_DUE: Action = { action: 'refresh', force: false };

/** Advice on a denial: AWS distinguishes a missing tag from a missing permission only in words. */
const TAG_ADVICE =
  "Check that the secret still has the fleet's tag. If the tag was removed on purpose, this error is expected and will stop.";

/** Shortest time for a try to store an answer: a put or two. */
const STORE_MIN_MS = 10_000;

/** Age of an answer from which on a denial means that the secret has left the fleet. A wrong policy may be corrected before. */
const DENIED_FOR_GOOD_MS = 60 * 60_000;

/** Time to find a reason to give an answer up. */
const DESCRIBE_TIMEOUT_MS = 3_000;
const LOOK_MS = DESCRIBE_TIMEOUT_MS + 2 * STORE_CALL_MAX_MS;

const telemetry = new PowertoolsTelemetry();
const secretsManager = connectSecretsManager(telemetry);
const pendingAnswers = new PendingAnswers();
let connected: ReturnType<typeof connect> | undefined;

/**
 * Handles messages of the queue, one secret each, or the request of a person, which names its secret.
 *
 * @throws an error whose `name` is its code, for a request
 */
export async function handler(event: unknown, lambdaContext: FleetLambdaContext): Promise<BatchResponse | Result> {
  const place = placeOf(lambdaContext.invokedFunctionArn);
  const messages = parseBatch(event);
  if (messages === undefined) return await answer(event, place, lambdaContext);
  await storeRemembered(lambdaContext);
  for (const message of messages) await take(message, place, lambdaContext);
  // No message comes again: the next sweep reads the journal, and sends the secret when an attempt is due.
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
    telemetry.info(FLEET_LOG_EVENTS.messageLate);
    return;
  }
  await sleep(delayMs);
  // The run has logged how it ended.
  await run(lambdaContext, () => ({ ...parseMessage(body, place), action: REFRESH_IF_DUE })).catch(() => undefined);
  // The next invocation of this environment may come late or never, because a healthy secret needs few runs.
  if (queued !== undefined && pendingAnswers.find(queued.secretId) !== undefined)
    await storeAnswer(queued.secretId, lambdaContext);
}

/** Returns `undefined` for a message that the run itself rejects and reports. */
function parseQueued(body: string, place: Place): QueuedSecret | undefined {
  try {
    return parseMessage(body, place);
  } catch {
    return undefined;
  }
}

/**
 * Stores the answer that an earlier invocation could not store, whichever secret this invocation is for. The next message of that
 * secret most likely goes to another execution environment, which would send the refresh token again.
 */
async function storeRemembered(lambdaContext: FleetLambdaContext): Promise<void> {
  const secretId = pendingAnswers.next(Date.now());
  if (secretId !== undefined) await storeAnswer(secretId, lambdaContext, STORE_MIN_MS);
}

/**
 * Tries to store a pending answer while this invocation has time, or gives it up. If Lambda ended the invocation, the answer would
 * be lost with it.
 *
 * @param mostMs longest time that it may take of other secrets
 */
async function storeAnswer(
  secretId: string,
  lambdaContext: FleetLambdaContext,
  mostMs = Number.POSITIVE_INFINITY,
): Promise<void> {
  const timeMs = Math.min(mostMs, lambdaContext.getRemainingTimeInMillis() - LOOK_MS);
  if (timeMs < STORE_MIN_MS) return;
  const untilMs = Date.now() + timeMs;
  const short = { ...lambdaContext, getRemainingTimeInMillis: () => untilMs - Date.now() };
  // The run has logged how it ended.
  await run(short, () => ({ secretId, action: REFRESH_IF_DUE })).catch(() => undefined);
  const pendingAnswer = pendingAnswers.find(secretId);
  if (pendingAnswer === undefined) return;
  const store = new SecretsManagerCredentialStore(secretsManager, secretId);
  const isOld = Date.now() - pendingAnswer.askedAtMs > DENIED_FOR_GOOD_MS;
  const reason = await findReasonToGiveUp(pendingAnswer, store, () => hasLeft(secretId, isOld));
  if (reason === undefined) return;
  pendingAnswers.forget(secretId);
  telemetry.warn(FLEET_LOG_EVENTS.pendingAnswerDropped, { code: 'TOKEN_NOT_STORED', reason });
}

/**
 * Returns whether the secret is gone. The role may describe each secret with the tag, so a denial that lasts means that the tag is gone.
 * AWS answers alike if a policy denies everything for a while, and then the answer must not be lost.
 */
async function hasLeft(secretId: string, isDenialFinal: boolean): Promise<boolean> {
  try {
    const { DeletedDate } = await secretsManager.send(new DescribeSecretCommand({ SecretId: secretId }), {
      abortSignal: AbortSignal.timeout(DESCRIBE_TIMEOUT_MS),
    });
    return DeletedDate !== undefined;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return true;
    return isDenialFinal && describeAwsError(error, DESCRIBE_TIMEOUT_MS / 1000).isDenial;
  }
}

async function run(
  lambdaContext: LambdaContext,
  parse: () => { readonly secretId: string; readonly action: Action },
): Promise<Result> {
  const { awsRequestId, functionName } = lambdaContext;
  telemetry.begin(awsRequestId, functionName);
  return await logRun(telemetry, async () => {
    const { secretId, action } = parse();
    // From here on, each line names the secret.
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

/** Adds to a denial that the secret may have lost its tag, because the core does not know about tags. */
function withTagAdvice({ name, message }: Fault): Fault {
  return new Fault(name, `${message} ${TAG_ADVICE}`);
}

/** Limits a run to the time that its lease allows. The function has more, in which messages wait for their turn. */
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

/** Returns the parts that all secrets share. @throws Fault `CONFIGURATION_INVALID` */
function connect() {
  const { tokenEndpoint, eventBusName, ...rest } = parseSharedConfiguration();
  return {
    settings: { tokenEndpointUrl: tokenEndpoint.href, ...rest },
    tokenEndpoint: new HttpTokenEndpoint(tokenEndpoint, Date.now),
    events: toEventPublisher(eventBusName, telemetry),
  };
}
