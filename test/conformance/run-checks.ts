import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Check, Emulator } from './check.ts';

type Verdict =
  | 'passed'
  | 'failed'
  /** Fails, which is listed as a departure. */
  | 'known departure'
  /** Passes, but is listed as a departure: the list is out of date. */
  | 'departure is gone';

export interface CheckResult {
  name: string;
  verdict: Verdict;
  /** Why it failed, or why it was expected to. */
  reason?: string;
}

export function isAcceptable({ verdict }: CheckResult): boolean {
  return verdict === 'passed' || verdict === 'known departure';
}

/** Runs the checks one after the other. Never rejects: whatever a check throws is its result. */
export async function runChecks(
  checks: readonly Check[],
  client: SecretsManagerClient,
  emulator?: Emulator,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of checks) results.push(await runCheck(check, client, emulator));
  return results;
}

async function runCheck(check: Check, client: SecretsManagerClient, emulator?: Emulator): Promise<CheckResult> {
  const { name } = check;
  const departure = emulator === undefined ? undefined : check.knownDepartures?.[emulator];
  try {
    await check.run(client);
    return departure === undefined
      ? { name, verdict: 'passed' }
      : { name, verdict: 'departure is gone', reason: departure };
  } catch (error) {
    if (departure !== undefined) return { name, verdict: 'known departure', reason: departure };
    return {
      name,
      verdict: 'failed',
      reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    };
  }
}

/** A client for an emulator: any credentials do, and nothing reaches AWS. */
export function createEmulatorClient(endpoint: string): SecretsManagerClient {
  return new SecretsManagerClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
}
