import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { CommandError, EXIT } from '../command-error.ts';
import type { RefreshFunction, RefreshTarget } from './deployment.ts';
import type { AwsSession } from './session.ts';

/** Wait beyond the function's timeout, because the response still has to arrive. */
const ANSWER_OVER_TIMEOUT_SECONDS = 30;

const lastFailure = z.object({
  code: z.string(),
  cause: z.string().optional(),
  at: z.string(),
  attempts: z.number(),
  retryAt: z.string().optional(),
  advice: z.string(),
});

const tokenSecret = z.object({
  secretId: z.string(),
  isBehind: z.boolean(),
  state: z.string().optional(),
  problem: z.string().nullable(),
});

/** Schema of the function's result. A later version may have more members, and an older one has no `details`. */
const resultSchema = z.object({
  outcome: z.enum(['refreshed', 'fresh', 'adopted', 'busy', 'waiting', 'not-configured', 'status']),
  message: z.string(),
  secretId: z.string(),
  versionId: z.string().nullable(),
  expiresAt: z.string().nullable(),
  secondsRemaining: z.number(),
  // Absent in the results of 0.2.0.
  health: z.enum(['healthy', 'attention', 'unknown']).optional(),
  action: z.string().optional(),
  reason: z.string().optional(),
  retryAt: z.string().optional(),
  decision: z.string().optional(),
  details: z
    .object({
      refreshedAt: z.string().nullable(),
      dueAt: z.string().nullable(),
      refreshTokenExpiresAt: z.string().optional(),
      journal: z.string(),
      isAnswerUnsaved: z.boolean(),
      lastFailure: lastFailure.nullable(),
      tokenSecret: tokenSecret.nullish(),
      versionsUsed: z.number(),
      versionsBudget: z.number(),
    })
    .optional(),
});
export type FunctionResult = z.infer<typeof resultSchema>;

const faultSchema = z.object({ errorType: z.string().default('UNEXPECTED'), errorMessage: z.string().default('') });

/** Result of an invocation. A fault has the error's name as `code`. */
export type Invoked =
  | { readonly kind: 'result'; readonly result: FunctionResult }
  | { readonly kind: 'fault'; readonly code: string; readonly message: string }
  /** Lambda throttled the invocation: nothing ran. */
  | { readonly kind: 'throttled'; readonly message: string };

export type RefreshEvent = { action: 'status' } | { action: 'refresh'; force?: true };

/** Client that waits longer than a function can run. */
export type Invoker = Pick<LambdaClient, 'send'>;

/** Creates a client for invocations of this function. */
export async function connectInvoker(session: AwsSession, { timeoutSeconds }: RefreshFunction): Promise<Invoker> {
  return await session.connectInvoker(toWaitSeconds(timeoutSeconds) * 1000);
}

function toWaitSeconds(timeoutSeconds: number): number {
  return timeoutSeconds + ANSWER_OVER_TIMEOUT_SECONDS;
}

/**
 * Invokes the function once.
 *
 * @param invoker client for many invocations, because each new client looks up AWS credentials again
 * @throws CommandError if no response came. In that case, it is unknown whether the function ran
 */
export async function invokeFunction(
  session: AwsSession,
  { deployment, secret }: RefreshTarget,
  event: RefreshEvent,
  invoker?: Invoker,
): Promise<Invoked> {
  const { name, timeoutSeconds } = deployment.refreshFunction;
  const named = secret === undefined ? event : { ...event, secretId: secret.arn };
  const client = invoker ?? (await connectInvoker(session, deployment.refreshFunction));
  try {
    const answer = await client.send(new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(named) }));
    const payload: unknown = JSON.parse(answer.Payload?.transformToString() ?? 'null');
    return answer.FunctionError === undefined ? toResult(payload, name) : toFault(payload);
  } catch (error) {
    if (error instanceof Error && error.name === 'TooManyRequestsException') {
      return {
        kind: 'throttled',
        message: `Lambda throttled function ${name} (TooManyRequestsException). Nothing ran.`,
      };
    }
    throw toInvokeFailure(session, error, name, toWaitSeconds(timeoutSeconds));
  }
}

function toResult(payload: unknown, name: string): Invoked {
  const parsed = resultSchema.safeParse(payload);
  if (parsed.success) return { kind: 'result', result: parsed.data };
  throw new CommandError(
    EXIT.unable,
    `Cannot read the result of function ${name}: this version does not know its format. Deploy the stack and run this command from the same version.`,
  );
}

function toFault(payload: unknown): Invoked {
  const { errorType, errorMessage } = faultSchema.catch({ errorType: 'UNEXPECTED', errorMessage: '' }).parse(payload);
  const isTimeout = errorType === 'Sandbox.Timedout' || errorMessage.includes('Task timed out');
  if (isTimeout) return { kind: 'fault', code: 'UNEXPECTED', message: 'Lambda ended the run at its timeout.' };
  return { kind: 'fault', code: errorType, message: errorMessage };
}

function toInvokeFailure(session: AwsSession, error: unknown, name: string, waitSeconds: number): CommandError {
  if (isAnswerLost(error)) {
    const message = `Function ${name} sent no result within ${waitSeconds} s. It may have run: check with 'status' before you retry.`;
    return new CommandError(EXIT.unable, message);
  }
  return session.failure(error, `invoke function ${name}`);
}

function isAnswerLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'TimeoutError' || ('code' in error && error.code === 'ECONNRESET');
}
