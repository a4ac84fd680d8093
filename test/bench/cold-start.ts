import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const MEASURED_PROCESS = fileURLToPath(new URL('measured-process.mjs', import.meta.url));
const TIMEOUT_MS = 30_000;

const phase = z.object({
  ms: z.number(),
  /** CPU time of all threads. */
  cpuMs: z.number(),
  /** At its end. */
  residentBytes: z.number(),
  result: z.object({ outcome: z.string() }).optional(),
});
const report = z.object({
  /** The import, then each invocation. */
  phases: z.tuple([phase], phase),
  /** From the start of the process to its end. */
  cpuMs: z.number(),
  /** Node's own modules that were loaded, as `process.moduleLoadList` has them. */
  modules: z.array(z.string()),
});
export type Phase = z.infer<typeof phase>;
export type ColdStart = z.infer<typeof report>;

export interface ColdStartOptions {
  /** @default the Node that runs this */
  readonly node?: string | undefined;
  readonly bundlePath: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly events: readonly object[];
}

/** Loads a bundle in a new process, and invokes it with one event after the other. @throws what the process wrote */
export async function coldStart({ node, bundlePath, environment, events }: ColdStartOptions): Promise<ColdStart> {
  const directory = mkdtempSync(join(tmpdir(), 'cold-start-'));
  const reportPath = join(directory, 'report.json');
  try {
    const inputs = events.map((event) => JSON.stringify(event));
    const child = spawn(node ?? process.execPath, [MEASURED_PROCESS, bundlePath, reportPath, ...inputs], {
      env: { ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: TIMEOUT_MS,
    });
    const [stderr] = await Promise.all([text(child.stderr), once(child, 'close')]);
    if (!existsSync(reportPath)) throw new Error(`${bundlePath} did not come to its end:\n${stderr.slice(-2_000)}`);
    return report.parse(JSON.parse(readFileSync(reportPath, 'utf8')));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
