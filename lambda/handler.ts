import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PowertoolsTelemetry } from './adapters/powertools-telemetry.ts';
import { SecretsManagerCredentialStore } from './adapters/secrets-manager-credential-store.ts';
import { HttpTokenEndpoint } from './adapters/token-endpoint.ts';
import { ENVIRONMENT } from './contract.ts';
import type { Context, Memory } from './core/context.ts';
import type { TokenSecret } from './core/ports.ts';
import { refresh } from './core/refresh.ts';
import type { Result } from './core/result.ts';
import { status } from './core/status.ts';
import { connectSecretsManager, toEventPublisher } from './runtime/aws-clients.ts';
import { type Configuration, parseConfiguration } from './runtime/configuration.ts';
import { FORCE_EVENT, parseEvent } from './runtime/event.ts';
import { type LambdaContext, toRuntime } from './runtime/lambda-context.ts';
import { logRun } from './runtime/log-run.ts';

/** Short, because the token is saved by then: a token secret that hangs must not use up the time for the announcement. */
const TOKEN_SECRET_CALL_TIMEOUT_MS = 3_000;

const telemetry = new PowertoolsTelemetry();
const wire = wiring();

/**
 * Handles one invocation; see docs/reference.md for events, results and errors.
 *
 * @throws an error whose `name` is its code
 */
export async function handler(event: unknown, lambdaContext: LambdaContext): Promise<Result> {
  telemetry.begin(lambdaContext.awsRequestId, lambdaContext.functionName);
  return await logRun(telemetry, async () => {
    const action = parseEvent(event);
    const context = wire(lambdaContext);
    return action.action === 'status' ? await status(context) : await refresh(context, action);
  });
}

/** Creates everything that invocations share, once per execution environment. */
function wiring(): (lambdaContext: LambdaContext) => Context {
  let configuration: Configuration;
  try {
    configuration = parseConfiguration();
  } catch (error) {
    // Each invocation throws the fault, so that its caller and the metrics see it. Thrown here, it would only be an "init error".
    return () => {
      throw error;
    };
  }
  const { credentialsSecretId: secretId, tokenEndpoint } = configuration;
  const { defaultTokenLifetimeSeconds, leaseSeconds, scheduleSeconds } = configuration;
  const secretsManager = connectSecretsManager(telemetry);
  const shared = {
    settings: {
      secretId,
      tokenEndpointUrl: tokenEndpoint.href,
      defaultTokenLifetimeSeconds,
      leaseSeconds,
      scheduleSeconds,
      forceEvent: FORCE_EVENT,
    },
    store: new SecretsManagerCredentialStore(secretsManager, secretId),
    tokenSecret: toTokenSecret(secretsManager, configuration),
    tokenEndpoint: new HttpTokenEndpoint(tokenEndpoint, Date.now),
    events: toEventPublisher(configuration.eventBusName, telemetry),
    telemetry,
    memory: {} satisfies Memory,
  };
  return (lambdaContext) => ({ ...shared, runtime: toRuntime(lambdaContext, leaseSeconds) });
}

function toTokenSecret(client: SecretsManagerClient, { tokenSecretId }: Configuration): TokenSecret | undefined {
  if (tokenSecretId === undefined) return undefined;
  const options = { variable: ENVIRONMENT.tokenSecretId, callTimeoutMs: TOKEN_SECRET_CALL_TIMEOUT_MS };
  return new SecretsManagerCredentialStore(client, tokenSecretId, options);
}
