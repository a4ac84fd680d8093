import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { countCalls } from '../adapters/count-calls.ts';
import { EventBridgePublisher } from '../adapters/event-bridge-publisher.ts';
import type { PowertoolsTelemetry } from '../adapters/powertools-telemetry.ts';
import type { EventPublisher } from '../core/ports.ts';

/** Three attempts of two seconds each. The adapter ends a call that takes longer. */
export const CLIENT_OPTIONS = {
  maxAttempts: 3,
  // Without throwOnRequestTimeout, a timeout only writes a log line, and the call continues.
  // `requestTimeout` applies until the headers arrive; `socketTimeout` ends a response whose body stalls.
  requestHandler: {
    connectionTimeout: 1_000,
    requestTimeout: 2_000,
    socketTimeout: 2_000,
    throwOnRequestTimeout: true,
  },
};

export function connectSecretsManager(telemetry: PowertoolsTelemetry): SecretsManagerClient {
  const client = new SecretsManagerClient(CLIENT_OPTIONS);
  countCalls(client, (kind) => telemetry.countCall(kind));
  return client;
}

/** @param eventBusName `undefined`: no events */
export function toEventPublisher(eventBusName: string | undefined, telemetry: PowertoolsTelemetry): EventPublisher {
  if (eventBusName === undefined) return { publish: async () => {} };
  return new EventBridgePublisher(CLIENT_OPTIONS, eventBusName, telemetry);
}
