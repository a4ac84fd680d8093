import { expect } from 'vitest';
import type { InjectedFault } from '../sandbox/aws/injected-fault.ts';
import type { Step } from '../sandbox/oauth/scripted-token-endpoint.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { configureAnew, endingOf, expectLiveCurrent, until, type useSandbox } from '../support/in-sandbox.ts';

type Started = ReturnType<ReturnType<typeof useSandbox>>;

/** Longer than the default lease. */
const LONG_AGO_SECONDS = 100;

export interface Crash {
  readonly at: string;
  /** Point at which the run waits until it is killed. */
  readonly fault?: Pick<InjectedFault, 'kind' | 'operation' | 'when'>;
  readonly step?: Step;
  /** Result of the next run after the lease. */
  readonly next: string;
  /** POSTs of both runs together. */
  readonly posts: number;
}

const isClaim = (input: object) => JSON.stringify(input).includes('retently-token-refresh/claim');
const isDocument = (input: object) => !isClaim(input);
const isLook = (input: object) => 'VersionId' in input;

const PUT = { operation: 'PutSecretValue' };
const CLAIM = { ...PUT, when: isClaim };
const RECORD = { ...PUT, when: isDocument };
const PROMOTION = { operation: 'UpdateSecretVersionStage' };

/** A refresh, step by step. */
export const BEFORE_THE_ANSWER: readonly Crash[] = [
  { at: 'the reads', fault: { kind: 'hang-before', operation: 'GetSecretValue' }, next: 'refreshed', posts: 1 },
  { at: 'the count', fault: { kind: 'hang-before', operation: 'ListSecretVersionIds' }, next: 'refreshed', posts: 1 },
  { at: 'the claim, unwritten', fault: { kind: 'hang-before', ...CLAIM }, next: 'refreshed', posts: 1 },
  { at: 'the claim, written', fault: { kind: 'hang-after', ...CLAIM }, next: 'refreshed', posts: 1 },
  {
    at: 'the look',
    fault: { kind: 'hang-before', operation: 'GetSecretValue', when: isLook },
    next: 'refreshed',
    posts: 1,
  },
  { at: 'the POST, unheard', step: 'hang', next: 'refreshed', posts: 2 },
];
export const AFTER_THE_RECORD: readonly Crash[] = [
  { at: 'the record, written', fault: { kind: 'hang-after', ...RECORD }, next: 'adopted', posts: 1 },
  { at: 'the promotion, undone', fault: { kind: 'hang-before', ...PROMOTION }, next: 'adopted', posts: 1 },
  { at: 'the promotion, done', fault: { kind: 'hang-after', ...PROMOTION }, next: 'fresh', posts: 1 },
  { at: 'the event, unsent', fault: { kind: 'hang-before', operation: 'PutEvents' }, next: 'fresh', posts: 1 },
  { at: 'the event, sent', fault: { kind: 'hang-after', operation: 'PutEvents' }, next: 'fresh', posts: 1 },
];
/** The one window of invariant I1: the provider has answered, and nothing is stored. */
export const BETWEEN: readonly Omit<Crash, 'next'>[] = [
  { at: 'the POST, answered', step: 'hold-answer', posts: 2 },
  { at: 'the record, unwritten', fault: { kind: 'hang-before', ...RECORD }, posts: 2 },
];

/** Kills a run at `crash`, and expects the next one to continue from there. */
export async function expectRecovery({ sandbox, lambda }: Started, crash: Crash) {
  const postCount = sandbox.tokenEndpoint.requests.length;
  await crashAt(sandbox, crash);
  expect(endingOf(await lambda.invoke({}))).toBe(crash.next);
  expect(sandbox.tokenEndpoint.requests).toHaveLength(postCount + crash.posts);
  await expectLiveCurrent(sandbox);
  expect(endingOf(await lambda.invoke({}))).toBe('fresh');
}

/** Runs a refresh up to that point, and kills it. Afterwards, the clock shows that this was `secondsAgo`. */
export async function crashAt(
  sandbox: Sandbox,
  { fault, step }: Omit<Crash, 'next'>,
  secondsAgo = LONG_AGO_SECONDS,
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { aws, tokenEndpoint } = sandbox;
  const [callCount, postCount] = [aws.calls.length, tokenEndpoint.requests.length];
  const isHeld = () =>
    aws.calls.slice(callCount).some((call) => call.fault !== undefined) ||
    tokenEndpoint.requests.slice(postCount).some(({ isAnswerLost }) => isAnswerLost || step === 'hang');
  await sandbox.ago(secondsAgo, async () => {
    await configureAnew(sandbox);
    if (fault !== undefined) aws.inject(fault);
    tokenEndpoint.play(...(step === undefined ? [] : [step]), 'forward');
    const lambda = await sandbox.startFunction(environment);
    const running = lambda.invoke({});
    await until(isHeld);
    await lambda.kill();
    expect(endingOf(await running)).toBe('ended');
  });
  aws.clearFaults();
}

/** Kills a run of which a strict server may have used up the token, and expects that an admin is notified, once. */
export async function expectReauthorization({ sandbox, lambda }: Started, crash: Omit<Crash, 'next'>): Promise<void> {
  const postCount = sandbox.tokenEndpoint.requests.length;
  await crashAt(sandbox, crash);
  expect(endingOf(await lambda.invoke({}))).toBe('REAUTHORIZATION_REQUIRED');
  expect(endingOf(await lambda.invoke({}))).toBe('REAUTHORIZATION_REQUIRED');
  expect(sandbox.tokenEndpoint.requests).toHaveLength(postCount + crash.posts);
  expect(sandbox.aws.eventBridge.events.at(-1)).toMatchObject({ detailType: 'Retently Reauthorization Required' });
}
