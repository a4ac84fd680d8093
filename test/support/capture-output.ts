import { vi } from 'vitest';
import * as z from 'zod';

const metricsLine = z.looseObject({ _aws: z.looseObject({}) });
const logLine = z.looseObject({ level: z.string(), message: z.string() });

/** Captures standard output and standard error. `vi.restoreAllMocks` ends the capture. */
export function captureOutput() {
  const chunks: string[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => chunks.push(String(chunk)) > 0);
  }
  const parsed = (): unknown[] => chunks.map((chunk) => JSON.parse(chunk));
  return {
    text: () => chunks.join(''),
    /** Forgets what was written so far. */
    clear: () => void chunks.splice(0),
    /** Log lines, oldest first. */
    logs: () => parsed().flatMap((line) => logLine.safeParse(line).data ?? []),
    /** CloudWatch EMF, oldest first. */
    metrics: () => parsed().flatMap((line) => metricsLine.safeParse(line).data ?? []),
  };
}
