import { SecretsManagerCredentialStore } from '../adapters/secrets-manager-credential-store.ts';
import { HttpTokenEndpoint } from '../adapters/token-endpoint.ts';
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
  type QueueMessage,
  renderForceEvent,
} from './fleet-event.ts';
import type { FleetLambdaContext } from './fleet-lambda-context.ts';
import { FleetTelemetry } from './fleet-telemetry.ts';
import { PendingAnswers } from './pending-answers.ts';

/** What an event source mapping takes back: messages that are to come again. */
export interface BatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/**
 * After these a message comes again, and in the end it is a dead letter: they are no fault of its secret. After any other it
 * is done: the next sweep asks anew, the journal knows when an attempt is due, and a broken secret does not fill the queue.
 */
const COMES_AGAIN = new Set(['CONFIGURATION_INVALID', 'UNEXPECTED']);

const REFRESH_IF_DUE: Action = { action: 'refresh', force: false };

/** For an answer of another secret that is not stored yet: a put or two, and no more of the time of this one. */
const REMEMBERED_RUN_MS = 10_000;

/** Advice on a denial: AWS distinguishes a missing tag from a missing permission only in words. */
const TAG_ADVICE =
  'Has the secret still the tag of the fleet? Without it, this is as it should be, and no sweep names it any more.';

const telemetry = new FleetTelemetry();
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
  const failed: QueueMessage[] = [];
  for (const message of messages) {
    if (!(await take(message, place, lambdaContext))) failed.push(message);
  }
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

async function answer(event: unknown, place: Place, lambdaContext: FleetLambdaContext): Promise<Result> {
  return await run(lambdaContext, () => parseRequest(event, place));
}

/** @returns whether the message is done */
async function take({ body }: QueueMessage, place: Place, lambdaContext: FleetLambdaContext): Promise<boolean> {
  try {
    await run(lambdaContext, () => ({ secretId: parseMessage(body, place), action: REFRESH_IF_DUE }));
    return true;
  } catch (error) {
    return error instanceof Error && !COMES_AGAIN.has(error.name);
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

function wire(secretId: string, lambdaContext: LambdaContext): Context {
  connected ??= connect();
  const { settings, ...shared } = connected;
  return {
    ...shared,
    settings: { ...settings, secretId, forceEvent: renderForceEvent(secretId) },
    store: new SecretsManagerCredentialStore(secretsManager, secretId, { variable: 'who named it' }),
    telemetry,
    runtime: toRuntime(lambdaContext, settings.leaseSeconds),
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
