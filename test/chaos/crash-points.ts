import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuthorizationServerOptions } from '../sandbox/oauth/authorization-server.ts';
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts';
import { configureAnew, endingOf, expectLiveCurrent } from '../support/in-sandbox.ts';

/** Longer than the default lease, so that the next run takes over a claim that the killed run left. */
const LONG_AGO_SECONDS = 100;
/** System calls that reach another process: requests, log lines, and the result. Only Node's main thread is traced. */
const WRITES = ['write', 'writev'] as const;
const TRACE = `trace=${WRITES.join()}`;

/** The one result of a next run that needs a person. */
export const NOT_RECOVERED = 'REAUTHORIZATION_REQUIRED';

type Counts = { readonly [call in (typeof WRITES)[number]]: number };

export type ServerKind = AuthorizationServerOptions['kind'];

export interface CrashPoint {
  /** Which call it is: `writev 7` is the seventh `writev` of the process. strace counts each system call by itself. */
  readonly write: string;
  /** Whether the process was killed there; a run may make one write more or less than the run that was counted. */
  readonly isKilled: boolean;
  /** Token requests that reached the server before the process was killed. */
  readonly posts: number;
  /** Versions that the process had stored: a claim, the answer, the token secret's. */
  readonly puts: number;
  /** Result of the next run. */
  readonly next: string;
}

export function isStraceUsable(): boolean {
  return spawnSync('strace', ['-e', TRACE, '-o', '/dev/null', 'true'], { stdio: 'ignore' }).status === 0;
}

/**
 * Kills the deployed bundle at every write system call of one refresh, before the kernel carries out the write, and checks how
 * the next run continues.
 */
export async function killAtEveryWrite(kind: ServerKind): Promise<readonly CrashPoint[]> {
  await using sandbox = await startSandbox({ kind });
  const idle = await countWrites(sandbox, async () => undefined);
  const whole = await countWrites(sandbox, (lambda) => lambda.invoke({}));
  const points: CrashPoint[] = [];
  for (const call of WRITES) {
    for (let nth = idle[call] + 1; nth <= whole[call]; nth++) points.push(await killAt(sandbox, call, nth));
  }
  return points;
}

type Lambda = Awaited<ReturnType<Sandbox['startFunction']>>;

async function countWrites(sandbox: Sandbox, act: (lambda: Lambda) => Promise<unknown>): Promise<Counts> {
  const directory = await mkdtemp(join(tmpdir(), 'crash-points-'));
  const log = join(directory, 'writes.log');
  try {
    await configureAnew(sandbox);
    const lambda = await sandbox.startFunction({}, 'handler', ['strace', '-e', TRACE, '-o', log]);
    await act(lambda);
    await lambda.stop();
    const lines = (await readFile(log, 'utf8')).split('\n');
    const count = (call: string) => lines.filter((line) => line.startsWith(`${call}(`)).length;
    return { write: count('write'), writev: count('writev') };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function killAt(sandbox: Sandbox, call: string, nth: number): Promise<CrashPoint> {
  const { aws, tokenEndpoint } = sandbox;
  const killer = ['-o', '/dev/null', '-e', `inject=${call}:signal=KILL:when=${nth}`];
  const killed = await sandbox.ago(LONG_AGO_SECONDS, async () => {
    await configureAnew(sandbox);
    const [callCount, postCount] = [aws.calls.length, tokenEndpoint.requests.length];
    const lambda = await sandbox.startFunction({}, 'handler', ['strace', ...killer]);
    const invocation = await lambda.invoke({});
    await lambda.stop();
    const puts = aws.calls.slice(callCount).filter(({ operation }) => operation === 'PutSecretValue').length;
    const posts = tokenEndpoint.requests.length - postCount;
    return { isKilled: invocation.kind === 'ended', posts, puts };
  });
  const lambda = await sandbox.startFunction();
  const next = endingOf(await lambda.invoke({}));
  await lambda.stop();
  if (next !== NOT_RECOVERED) await expectLiveCurrent(sandbox);
  return { write: `${call} ${nth}`, ...killed, next };
}
