import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

const WRITES = /^(Put|Update)/;

/** Calls `count` once for each call of `client`, even if the SDK retries the call. */
export function countCalls(client: SecretsManagerClient, count: (kind: 'reads' | 'writes') => void): void {
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      (args) => {
        count(WRITES.test(commandName) ? 'writes' : 'reads');
        return next(args);
      },
    { step: 'initialize' },
  );
}
