import { expect } from 'vitest';
import * as z from 'zod';
import { toExitCode } from '../../cli/commands/refresh.ts';
import { toFaultCode } from '../../cli/status/judge.ts';
import { judgeFault } from '../../lambda/core/health.ts';
import type { InvokeOptions, LambdaProcess } from '../sandbox/lambda/lambda-process.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { endingOf, messageOf, plantSecret } from '../support/in-sandbox.ts';
import type { Answer } from './bad-answers.ts';
import type { BadSecret } from './bad-secrets.ts';

/** Result of one bad input. */
export interface Observed {
  readonly ending: string;
  readonly message: string;
  /** POSTs that were read to their end. */
  readonly posts: number;
  readonly result: unknown;
  /** Exit code of the command `refresh`. */
  readonly exitCode: number;
  /** Action that `status` advises afterwards. */
  readonly action: unknown;
}

export function plantCredentials() {
  return { client_id: 'retently-app', client_secret: plantSecret(), refresh_token: plantSecret(), note: plantSecret() };
}

/** One invocation with this secret, in which everything that should not be seen can be recognized. */
export async function tryBadSecret(sandbox: Sandbox, lambda: LambdaProcess, bad: BadSecret): Promise<Observed> {
  const { aws } = sandbox;
  aws.clearFaults();
  sandbox.recreateSecret();
  const { write = JSON.stringify, prepare } = bad;
  aws.secretsManager.putSecretValue({ SecretId: 'RetentlyCredentials', SecretString: write(plantCredentials()) });
  prepare?.(sandbox);
  return await invoke(sandbox, lambda);
}

/** One invocation that meets this answer, with fresh credentials. */
export async function tryAnswer(
  sandbox: Sandbox,
  lambda: LambdaProcess,
  answer: Answer,
  options?: InvokeOptions,
): Promise<Observed> {
  sandbox.aws.clearFaults();
  sandbox.recreateSecret();
  sandbox.putCredentials(plantCredentials());
  sandbox.tokenEndpoint.play(...answer.script);
  return await invoke(sandbox, lambda, options);
}

async function invoke({ tokenEndpoint }: Sandbox, lambda: LambdaProcess, options?: InvokeOptions): Promise<Observed> {
  const postCount = tokenEndpoint.requests.length;
  const invocation = await lambda.invoke({}, options);
  const posts = tokenEndpoint.requests.length - postCount;
  const result = invocation.kind === 'result' ? invocation.result : undefined;
  const ending = endingOf(invocation);
  return {
    ending,
    message: messageOf(invocation),
    posts,
    result,
    exitCode: toExitCode(ending),
    action: await readAction(lambda),
  };
}

async function readAction(lambda: LambdaProcess): Promise<unknown> {
  const invocation = await lambda.invoke({ action: 'status' });
  if (invocation.kind === 'result') return statusResult.parse(invocation.result).action;
  return judgeFault(toFaultCode(endingOf(invocation))).action;
}

const statusResult = z.object({ action: z.string() });

/** Checks the ending, the exit code, the action, the number of POSTs, and the document in AWSCURRENT. */
export function expectAnswer(sandbox: Sandbox, observed: Observed, answer: Answer): void {
  const { ending, posts, stored, lifetimeSeconds, action } = answer;
  const exitCode = ending === 'refreshed' ? 0 : 1;
  expect(observed).toMatchObject({ ending, exitCode, action, posts });
  const spent = sandbox.tokenEndpoint.requests.at(-1)?.form['refresh_token'] ?? '';
  if (stored === undefined) expect(currentOf(sandbox)).not.toHaveProperty('access_token');
  else expect(currentOf(sandbox)).toMatchObject({ ...stored, note: expect.any(String) });
  if (stored === undefined && posts > 0) expect(currentOf(sandbox)).toMatchObject({ refresh_token: spent });
  if (lifetimeSeconds === undefined) return;
  // At most that long; on a busy machine less, by the time that run and test took.
  const isLeft = (seconds: number) => seconds <= lifetimeSeconds && seconds > lifetimeSeconds - 600;
  expect(observed.result).toMatchObject({ secondsRemaining: expect.toSatisfy(isLeft) });
}

export function currentOf({ readVersion }: Sandbox): object | undefined {
  return readVersion('AWSCURRENT')?.document;
}
