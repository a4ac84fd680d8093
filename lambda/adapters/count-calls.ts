import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

const WRITES = /^(Put|Update)/;

/** Tells `count` of each call of `client`, once however often the SDK tries. */
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
