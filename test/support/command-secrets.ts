import { expect } from 'vitest';
import type { SandboxDeployment } from './deployment.ts';
import { findLeaks, secretsOf } from './leaks.ts';

/** Where a command sends the browser, as it prints it. */
export const PAGE_URL = /(http:\/\/127\.0\.0\.1:\d+\/api\/oauth\/authorize\?\S+)/;

/** Values that the probe sends instead of a token and of a secret, so that the server rejects them. */
const MADE_UP = 'retently-token-refresh-probe-of-a-wrong-';

/** Nothing of the tokens, codes and client secrets that went through the sandbox is on the screen, in no encoding. */
export function expectNothingSecret({ sandbox }: SandboxDeployment, screen: string): void {
  const secrets = new Set([...secretsOf(sandbox), sandbox.authorizationServer.clientSecret]);
  for (const { form } of sandbox.tokenEndpoint.requests) {
    for (const name of ['code', 'code_verifier']) secrets.add(form[name] ?? '');
  }
  const real = [...secrets].filter((secret) => secret !== '' && !secret.startsWith(MADE_UP));
  // The search finds what it looks for.
  expect(findLeaks(`${screen} ${sandbox.authorizationServer.clientSecret}`, real)).toHaveLength(1);
  expect(findLeaks(screen, real)).toEqual([]);
}
