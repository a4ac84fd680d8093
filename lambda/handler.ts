import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { countCalls } from './adapters/count-calls.ts';
import { EventBridgePublisher } from './adapters/event-bridge-publisher.ts';
import { PowertoolsTelemetry } from './adapters/powertools-telemetry.ts';
import { SecretsManagerCredentialStore } from './adapters/secrets-manager-credential-store.ts';
import { HttpTokenEndpoint } from './adapters/token-endpoint.ts';
import { type Configuration, parseConfiguration } from './configuration.ts';
import { ENVIRONMENT, toRunbookEntry } from './contract.ts';
import type { Context, Memory } from './core/context.ts';
import { Fault, nameClass, nameOf } from './core/fault.ts';
import type { EventPublisher, Runtime, TokenSecret } from './core/ports.ts';
import { refresh } from './core/refresh.ts';
import type { Result } from './core/result.ts';
import { status } from './core/status.ts';
import { parseEvent } from './event.ts';

/** What is used of Lambda's context. */
export interface LambdaContext {
  readonly awsRequestId: string;
  readonly functionName: string;
  getRemainingTimeInMillis(): number;
}

/** Three tries of two seconds each. The adapter ends a call that still takes longer. */
const CLIENT_OPTIONS = {
  maxAttempts: 3,
  // Without throwOnRequestTimeout, the time-out is a line in the log and the call goes on.
  // `requestTimeout` ends with the headers; an answer whose body stalls is what `socketTimeout` is for.
  requestHandler: {
    connectionTimeout: 1_000,
    requestTimeout: 2_000,
    socketTimeout: 2_000,
    throwOnRequestTimeout: true,
  },
};

/** The token is saved by then: a token secret that hangs must not take the time of its announcement. */
const TOKEN_SECRET_CALL_TIMEOUT_MS = 3_000;

const telemetry = new PowertoolsTelemetry();
const wire = wiring();

/**
 * One invocation; see docs/reference.md for events, results and errors.
 *
 * @throws an error whose `name` is its code
 */
export async function handler(event: unknown, lambdaContext: LambdaContext): Promise<Result> {
  telemetry.begin(lambdaContext.awsRequestId, lambdaContext.functionName);
  try {
    const action = parseEvent(event);
    const context = wire(lambdaContext);
    const result = action.action === 'status' ? await status(context) : await refresh(context, action);
    const { outcome, message, decision, retryAt } = result;
    telemetry.end('info', message, { outcome, decision, retryAt });
    return result;
  } catch (error) {
    const fault = toFault(error);
    telemetry.countFailed(fault.name);
    telemetry.end('error', fault.message, {
      outcome: 'failed',
      code: fault.name,
      runbook: toRunbookEntry(fault.name),
    });
    throw fault;
  }
}

/** Made once in each execution environment, so that a warm invocation costs no set-up. */
function wiring(): (lambdaContext: LambdaContext) => Context {
  let configuration: Configuration;
  try {
    configuration = parseConfiguration();
  } catch (error) {
    // Each invocation says it, so that its caller and the metrics see it. Thrown here, it would only be an "init error".
    return () => {
      throw error;
    };
  }
  const { credentialsSecretId: secretId, tokenEndpoint, defaultTokenLifetimeSeconds, leaseSeconds } = configuration;
  const secretsManager = connectSecretsManager();
  const shared = {
    settings: { secretId, tokenEndpointUrl: tokenEndpoint.href, defaultTokenLifetimeSeconds, leaseSeconds },
    store: new SecretsManagerCredentialStore(secretsManager, secretId),
    tokenSecret: toTokenSecret(secretsManager, configuration),
    tokenEndpoint: new HttpTokenEndpoint(tokenEndpoint, Date.now),
    events: toEventPublisher(configuration),
    telemetry,
    memory: {} satisfies Memory,
  };
  return (lambdaContext) => ({ ...shared, runtime: toRuntime(lambdaContext, leaseSeconds) });
}

function connectSecretsManager(): SecretsManagerClient {
  const client = new SecretsManagerClient(CLIENT_OPTIONS);
  countCalls(client, (kind) => telemetry.countCall(kind));
  return client;
}

function toTokenSecret(client: SecretsManagerClient, { tokenSecretId }: Configuration): TokenSecret | undefined {
  if (tokenSecretId === undefined) return undefined;
  const options = { variable: ENVIRONMENT.tokenSecretId, callTimeoutMs: TOKEN_SECRET_CALL_TIMEOUT_MS };
  return new SecretsManagerCredentialStore(client, tokenSecretId, options);
}

function toEventPublisher({ eventBusName, credentialsSecretId }: Configuration): EventPublisher {
  if (eventBusName === undefined) return { publish: async () => {} };
  return new EventBridgePublisher(CLIENT_OPTIONS, eventBusName, credentialsSecretId, telemetry);
}

function toRuntime(lambdaContext: LambdaContext, leaseSeconds: number): Runtime {
  const remainingMs = () => lambdaContext.getRemainingTimeInMillis();
  // Round up: a few milliseconds of the timeout have passed already.
  if (Math.ceil(remainingMs() / 1000) >= leaseSeconds) {
    throw new Fault(
      'CONFIGURATION_INVALID',
      `LEASE_SECONDS is ${leaseSeconds} and this run may last ${Math.ceil(remainingMs() / 1000)} s: another run would take its claim for dead. ` +
        "Set it to the function's timeout and 30 s more. Nothing was read or sent.",
    );
  }
  return {
    now: Date.now,
    remainingMs,
    sleep: (milliseconds) => sleep(milliseconds),
    random: Math.random,
    nonce: randomUUID,
  };
}

/** A mistake of ours gets through without its message, which may quote what it failed on. */
function toFault(error: unknown): Error {
  if (error instanceof Fault) return error;
  const unexpected = new Error(`Unexpected ${nameOf(error)}. Please report it with this stack.`);
  unexpected.name = 'UNEXPECTED';
  nameClass(unexpected, unexpected.name);
  unexpected.stack = [`${unexpected.name}: ${unexpected.message}`, ...stackFrames(error)].join('\n');
  return unexpected;
}

function stackFrames(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [];
  const stack = error.stack?.replace(error.message, '') ?? '';
  return stack.split('\n').filter((line) => line.startsWith('    at '));
}
