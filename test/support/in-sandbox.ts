import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect } from 'vitest';
import * as z from 'zod';
import type { Invocation, LambdaProcess } from '../sandbox/lambda/lambda-process.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../sandbox/sandbox.ts';
import { digestOf, findLeaks, journalOf, secretsOf, whatIsSeen } from './leaks.ts';

const POLL_MS = 5;

const anyResult = z.object({ outcome: z.string(), message: z.string() });

/** Runs `act` in its own sandbox, and checks that no secret leaked (invariant I5). */
export async function inSandbox(options: SandboxOptions, act: (sandbox: Sandbox) => Promise<void>): Promise<void> {
  await using sandbox = await startSandbox(options);
  await act(sandbox);
  await expectNoLeak(sandbox);
}

/** One sandbox and one warm process for all tests of a suite; at its end, the same search for secrets. */
export function useSandbox(options: SandboxOptions = {}): () => { sandbox: Sandbox; lambda: LambdaProcess } {
  let started: { sandbox: Sandbox; lambda: LambdaProcess } | undefined;
  const get = () => {
    if (started === undefined) throw new Error('The sandbox is there while tests run.');
    return started;
  };
  beforeAll(async () => {
    const sandbox = await startSandbox(options);
    started = { sandbox, lambda: await sandbox.startFunction() };
  });
  afterAll(async () => {
    await using sandbox = get().sandbox;
    await expectNoLeak(sandbox);
  });
  return get;
}

/** Recreates the secret with unused credentials. @returns its refresh token */
export async function configureAnew(sandbox: Sandbox): Promise<string> {
  sandbox.aws.clearFaults();
  sandbox.recreateSecret();
  const credentials = await sandbox.mintCredentials();
  sandbox.putCredentials(credentials);
  return credentials.refresh_token;
}

/**
 * Ends every process, so that its output is complete, and searches everything that can be seen.
 *
 * @param planted secrets beside those that went through the sandbox
 */
export async function expectNoLeak(sandbox: Sandbox, planted: readonly string[] = []): Promise<void> {
  await Promise.all(sandbox.processes.map((each) => each.stop()));
  const secrets = [...planted, ...secretsOf(sandbox)];
  const seen = whatIsSeen(sandbox);
  expect(findLeaks(seen + journalOf(sandbox), secrets)).toEqual([]);
  expect(findLeaks(seen, secrets.map(digestOf))).toEqual([]);
}

/** A function in `sandbox`, and credentials in the secret that were never used. */
export async function startConfigured(sandbox: Sandbox): Promise<{ lambda: LambdaProcess; refreshToken: string }> {
  const credentials = await sandbox.mintCredentials();
  sandbox.putCredentials(credentials);
  return { lambda: await sandbox.startFunction(), refreshToken: credentials.refresh_token };
}

/** Resolves once `isReached`, which watches what another process does. The test's own time-out ends a wait that hangs. */
export async function until(isReached: () => boolean): Promise<void> {
  while (!isReached()) await sleep(POLL_MS, undefined, { ref: false });
}

/** The outcome, or the code of the error. */
export function endingOf(invocation: Invocation): string {
  if (invocation.kind === 'ended') return 'ended';
  return invocation.kind === 'error' ? invocation.errorType : anyResult.parse(invocation.result).outcome;
}

/** Returns the message of an invocation. */
export function messageOf(invocation: Invocation): string {
  if (invocation.kind === 'ended') return '';
  return invocation.kind === 'error' ? invocation.errorMessage : anyResult.parse(invocation.result).message;
}

/** Recognizable in every form: no part of it occurs elsewhere, and each encoding changes it. A person may write one like it. */
export function plantSecret(): string {
  return `${randomBytes(12).toString('base64url')}" \\/${randomBytes(12).toString('base64url')}+&%=`;
}

/** The same, with characters that RFC 6749 does not allow, because a server's token is sent back byte for byte. */
export function plantToken(): string {
  return `${plantSecret()}é\n`;
}

/** Checks that AWSCURRENT has the last tokens that the authorization server issued, and the token secret only the access token. */
export async function expectLiveCurrent({ readVersion, readTokenSecret, authorizationServer }: Sandbox): Promise<void> {
  const { document } = readVersion('AWSCURRENT') ?? {};
  const { access_token: accessToken = '', refresh_token: refreshToken = '' } = document ?? {};
  const { token_type: tokenType, expires_at: expiresAt } = document ?? {};
  expect(readTokenSecret()).toEqual({ access_token: accessToken, token_type: tokenType, expires_at: expiresAt });
  expect(await authorizationServer.isAccessTokenLive(accessToken)).toBe(true);
  expect(await authorizationServer.isLive(refreshToken)).toBe(true);
}
