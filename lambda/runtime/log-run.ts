import type { PowertoolsTelemetry } from '../adapters/powertools-telemetry.ts';
import { toRunbookEntry } from '../contract.ts';
import { Fault, nameClass, nameOf } from '../core/fault.ts';
import { type Judgment, judgeFault } from '../core/health.ts';
import type { Result } from '../core/result.ts';

/**
 * Performs one run, then logs how it ended and publishes its metrics.
 *
 * @throws an error whose `name` is its code
 */
export async function logRun(telemetry: PowertoolsTelemetry, run: () => Promise<Result>): Promise<Result> {
  try {
    const result = await run();
    const { outcome, message, decision, retryAt, health, action, code } = result;
    if (code !== undefined) endFailed(telemetry, code, message, result);
    else telemetry.end('info', message, { outcome, decision, retryAt, health, action });
    return result;
  } catch (error) {
    const fault = toFault(error);
    const judgment = fault instanceof Fault ? judgeFault(fault.name, fault.failureCause) : judgeFault('UNEXPECTED');
    endFailed(telemetry, fault.name, fault.message, judgment);
    throw fault;
  }
}

function endFailed(
  telemetry: PowertoolsTelemetry,
  code: string,
  message: string,
  { health, action }: Pick<Judgment, 'health' | 'action'>,
): void {
  telemetry.countFailed(code);
  telemetry.end('error', message, { outcome: 'failed', health, action, code, runbook: toRunbookEntry(code) });
}

/** Returns a fault as it is, and replaces any other error: the message of a bug may quote a secret. */
export function toFault(error: unknown): Error {
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
