import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { devNull } from 'node:os';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const RUNTIME = fileURLToPath(new URL('lambda-runtime.mjs', import.meta.url));
const DEFAULT_TIMEOUT_MS = 60_000;

/** Variables that Lambda sets in every function, and variables that shut out this machine's own AWS settings. */
export const LAMBDA_ENVIRONMENT = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'sandbox',
  AWS_SECRET_ACCESS_KEY: 'sandbox',
  AWS_SESSION_TOKEN: 'sandbox',
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
  AWS_LAMBDA_LOG_FORMAT: 'JSON',
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  AWS_EC2_METADATA_DISABLED: 'true',
  // The SDK warns of Node 20; deployed, it runs on 24.
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
};

const error = z.object({
  kind: z.literal('error'),
  errorType: z.string(),
  errorMessage: z.string(),
  trace: z.array(z.string()),
  /** Own enumerable members of the thrown value. */
  members: z.record(z.string(), z.unknown()),
  /** `util.inspect` of the thrown value: hidden members, getters, `cause`, to any depth. */
  inspected: z.string(),
});
const result = z.object({ kind: z.literal('result'), json: z.string() });
const answer = z.discriminatedUnion('kind', [result, error]);
const ready = z.object({ kind: z.literal('ready') });

/** Result of an invocation. `ended`: the process was killed or timed out before it responded. */
export type Invocation =
  | { readonly kind: 'result'; readonly result: unknown }
  | Readonly<z.infer<typeof error>>
  | { readonly kind: 'ended' };

export interface InvokeOptions {
  /** After this the process is killed, as Lambda does. @default 60000 */
  readonly timeoutMs?: number;
  /** @default random */
  readonly awsRequestId?: string;
  /** Offset of the function's clock from this machine's, so that a test need not wait for hours. @default 0 */
  readonly clockOffsetMs?: number;
}

export interface LambdaProcessOptions {
  /** Module that exports `handler`; see `bundleOnce`. */
  readonly bundlePath: string;
  /** Variables in addition to those that Lambda sets itself. */
  readonly environment: Readonly<Record<string, string>>;
  /** @default 'token-refresh' */
  readonly functionName?: string;
  /** AWS account that it runs in. @default that of the sandbox */
  readonly accountId?: string;
  /** Command that starts Node.js, such as a tracer with its arguments. @default none */
  readonly under?: readonly [file: string, ...args: string[]];
}

/** Starts an execution environment; resolves once the bundle is loaded. */
export async function startLambdaProcess(options: LambdaProcessOptions): Promise<LambdaProcess> {
  const { bundlePath, environment, functionName = 'token-refresh', accountId = '000000000000', under } = options;
  const [execPath, ...tracerArgs] = under ?? [process.execPath];
  const child = fork(RUNTIME, [bundlePath, functionName, accountId], {
    execPath,
    // Not the parent's own `--import tsx`, which Lambda does not have.
    execArgv: under === undefined ? [] : [...tracerArgs, process.execPath],
    env: { ...LAMBDA_ENVIRONMENT, AWS_LAMBDA_FUNCTION_NAME: functionName, ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const lambda = new LambdaProcess(child);
  const message = await lambda.nextMessage();
  if (!ready.safeParse(message).success) throw new Error(`The bundle could not be loaded:\n${lambda.stderr}`);
  return lambda;
}

/** One execution environment of the function: serves one invocation at a time, and stays warm between them. */
export class LambdaProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #stdout = '';
  #stderr = '';
  /** Results of the invocations, oldest first. */
  readonly invocations: Invocation[] = [];

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#closed = once(child, 'close');
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
  }

  /** All that was written so far; whole once `stop` or `kill` has resolved. */
  get stdout(): string {
    return this.#stdout;
  }

  /** Standard error, in the same form as `stdout`. */
  get stderr(): string {
    return this.#stderr;
  }

  async invoke(event?: unknown, options: InvokeOptions = {}): Promise<Invocation> {
    const invocation = await this.#invoke(event, options);
    this.invocations.push(invocation);
    return invocation;
  }

  async #invoke(event: unknown, options: InvokeOptions): Promise<Invocation> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, awsRequestId = randomUUID(), clockOffsetMs = 0 } = options;
    if (!this.#child.connected) return { kind: 'ended' };
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs);
    const message = this.nextMessage();
    this.#child.send({ kind: 'invoke', event, awsRequestId, timeoutMs, clockOffsetMs });
    const answered = answer.safeParse(await message);
    clearTimeout(timer);
    if (!answered.success) return { kind: 'ended' };
    const { data } = answered;
    return data.kind === 'error' ? data : { kind: 'result', result: JSON.parse(data.json) };
  }

  /** Brings the deadline of the invocation that runs closer, so that its last seconds can be seen without the others. */
  hasten(remainingMs: number): void {
    this.#child.send({ kind: 'hasten', remainingMs });
  }

  /** SIGKILL, whatever it is doing. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }

  /** Ends the process when it is idle, so that its output is complete. */
  async stop(): Promise<void> {
    // Not `disconnect`: after that, Node never signals the end of the child's output.
    if (this.#child.connected) this.#child.send({ kind: 'stop' });
    await this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  /** Returns the next message of the process; `undefined` if the process ends. */
  async nextMessage(): Promise<unknown> {
    const settled = new AbortController();
    const { signal } = settled;
    try {
      const message = once(this.#child, 'message', { signal }).then(([first]: unknown[]) => first);
      return await Promise.race([message, this.#closed.then(() => undefined)]);
    } finally {
      // `once` rejects when it is aborted, and nothing awaits it any more.
      settled.abort();
    }
  }
}
