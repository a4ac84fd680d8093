import { describe, expect, test } from 'vitest';
import type { FaultKind, InjectedFault } from '../sandbox/aws/injected-fault.ts';
import type { LambdaProcess } from '../sandbox/lambda/lambda-process.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { endingOf, expectLiveCurrent, inSandbox, messageOf, startConfigured, until } from '../support/in-sandbox.ts';
import { plantCredentials } from './planted.ts';

const FORCED = { action: 'refresh', force: true };
/** Number of tries of the SDK for one call. */
const ATTEMPTS = 3;
/** More often than a run can call. */
const ALWAYS = 1_000;

const isClaim = (input: object) => JSON.stringify(input).includes('retently-token-refresh/claim');
const isDocument = (input: object) => !isClaim(input);
const isStage = (input: object) => 'VersionStage' in input;
const isLook = (input: object) => !isStage(input);

type Call = Pick<InjectedFault, 'operation' | 'when'>;
const RECORD: Call = { operation: 'PutSecretValue', when: isDocument };
const PROMOTION: Call = { operation: 'UpdateSecretVersionStage' };
const EVENT: Call = { operation: 'PutEvents' };
const BEFORE_THE_POST: readonly (readonly [string, Call])[] = [
  ['the reads', { operation: 'GetSecretValue', when: isStage }],
  ['the count', { operation: 'ListSecretVersionIds' }],
  ['the claim', { operation: 'PutSecretValue', when: isClaim }],
  ['the look', { operation: 'GetSecretValue', when: isLook }],
];
const EVERY_CALL = [
  ...BEFORE_THE_POST,
  ['the record', RECORD],
  ['the promotion', PROMOTION],
  ['the event', EVENT],
] as const;

describe.concurrent('a token endpoint that cannot be reached', () => {
  test('a reset before anything was read: no answer to store, and no token used', () =>
    inSandbox({ script: ['reset-before'] }, async (sandbox) => {
      const { lambda, refreshToken } = await startConfigured(sandbox);
      // Whether a byte had left by then is a race, and both answers to it are right.
      expect(endingOf(await lambda.invoke({}))).toMatch(/^PROVIDER_(AMBIGUOUS|UNAVAILABLE)$/);
      expect(sandbox.tokenEndpoint.requests).toEqual([]);
      expect(await sandbox.authorizationServer.isLive(refreshToken)).toBe(true);
    }));

  test('no server listens: PROVIDER_UNAVAILABLE, and the token is not used', () =>
    inSandbox({}, async (sandbox) => {
      sandbox.putCredentials(plantCredentials());
      const lambda = await sandbox.startFunction({ TOKEN_ENDPOINT: 'http://127.0.0.1:1/' });
      const invocation = await lambda.invoke({});
      expect(endingOf(invocation)).toBe('PROVIDER_UNAVAILABLE');
      expect(messageOf(invocation)).toContain('ECONNREFUSED');
    }));
});

describe.concurrent('one fault in a refresh is survived', () => {
  test.each(EVERY_CALL)('in %s', (_name, call) =>
    inSandbox({}, async (sandbox) => {
      const { lambda } = await startConfigured(sandbox);
      const kinds: FaultKind[] = ['throttle', 'internal-error', 'drop-before', 'drop-after'];
      for (const [index, kind] of kinds.entries()) {
        sandbox.aws.inject({ kind, ...call });
        expect([kind, endingOf(await lambda.invoke(FORCED))]).toEqual([kind, 'refreshed']);
        expect(sandbox.tokenEndpoint.requests).toHaveLength(index + 1);
        expect(sandbox.aws.calls.filter(({ fault }) => fault === kind)).toHaveLength(1);
      }
      await expectLiveCurrent(sandbox);
    }),
  );
});

describe.concurrent('a fault that lasts', () => {
  test.each(BEFORE_THE_POST)('in %s, sends nothing', (_name, call) =>
    inSandbox({}, async (sandbox) => {
      const { lambda, refreshToken } = await startConfigured(sandbox);
      const before = sandbox.readVersion('AWSCURRENT');
      sandbox.aws.inject({ kind: 'drop-before', ...call, times: ALWAYS });
      expect(endingOf(await lambda.invoke({}))).toBe('STORE_UNAVAILABLE');
      expect(sandbox.tokenEndpoint.requests).toEqual([]);
      expect(sandbox.readVersion('AWSCURRENT')).toEqual(before);
      expect(await sandbox.authorizationServer.isLive(refreshToken)).toBe(true);
    }),
  );

  test.each(['access-denied', 'kms'] as const)('%s on a write is found before anything is sent', (kind) =>
    inSandbox({}, async (sandbox) => {
      const { lambda, refreshToken } = await startConfigured(sandbox);
      sandbox.aws.inject({ kind, operation: 'PutSecretValue', times: ALWAYS });
      expect(endingOf(await lambda.invoke({}))).toBe('STORE_DENIED');
      expect(endingOf(await lambda.invoke(FORCED))).toBe('STORE_DENIED');
      expect(sandbox.tokenEndpoint.requests).toEqual([]);
      expect(await sandbox.authorizationServer.isLive(refreshToken)).toBe(true);
      sandbox.aws.clearFaults();
      expect(endingOf(await lambda.invoke({}))).toBe('refreshed');
    }),
  );

  test("in the record, longer than the SDK's retries, is survived", () =>
    inSandbox({}, async (sandbox) => {
      const { lambda } = await startConfigured(sandbox);
      sandbox.aws.inject({ kind: 'drop-before', ...RECORD, times: 2 * ATTEMPTS });
      expect(endingOf(await lambda.invoke({}))).toBe('refreshed');
      expect(sandbox.tokenEndpoint.requests).toHaveLength(1);
      await expectLiveCurrent(sandbox);
    }));

  test('in the promotion, loses nothing: the next run promotes the recorded answer', () =>
    inSandbox({}, async (sandbox) => {
      const { lambda } = await startConfigured(sandbox);
      sandbox.aws.inject({ kind: 'drop-before', ...PROMOTION, times: ATTEMPTS });
      expect(endingOf(await lambda.invoke({}))).toBe('STORE_UNAVAILABLE');
      expect(endingOf(await lambda.invoke({}))).toBe('adopted');
      expect(sandbox.tokenEndpoint.requests).toHaveLength(1);
      await expectLiveCurrent(sandbox);
      expect(sandbox.aws.eventBridge.events.map(({ detailType }) => detailType)).toEqual(['Retently Token Refreshed']);
    }));
});

// A run once mistook its own promotion for another run's, and published nothing.
test('the run that moved AWSCURRENT announces it, even if the response was lost', () =>
  inSandbox({}, async (sandbox) => {
    const { lambda } = await startConfigured(sandbox);
    sandbox.aws.inject({ kind: 'drop-before', ...PROMOTION, times: ATTEMPTS });
    await lambda.invoke({});
    sandbox.aws.inject({ kind: 'drop-after', ...PROMOTION });
    expect(endingOf(await lambda.invoke({}))).toBe('adopted');
    expect(sandbox.aws.eventBridge.events).toHaveLength(1);
  }));

describe.concurrent('an answer that could not be stored until the deadline', () => {
  test('is TOKEN_NOT_STORED, and the next run in the same process stores it', () =>
    inSandbox({}, async (sandbox) => {
      const { lambda } = await startConfigured(sandbox);
      const before = sandbox.readVersion('AWSCURRENT');
      expect(await refuseRecord(sandbox, lambda)).toBe('TOKEN_NOT_STORED');
      expect(sandbox.readVersion('AWSCURRENT')).toEqual(before);
      sandbox.aws.clearFaults();
      expect(endingOf(await lambda.invoke({}))).toBe('adopted');
      expect(sandbox.tokenEndpoint.requests).toHaveLength(1);
      await expectLiveCurrent(sandbox);
      await lambda.stop();
      expect(lambda.stdout).toContain('"TokenNotStored":1');
    }));

  test('stays in memory for as long as it takes', () =>
    inSandbox({}, async (sandbox) => {
      const { lambda } = await startConfigured(sandbox);
      expect(await refuseRecord(sandbox, lambda)).toBe('TOKEN_NOT_STORED');
      expect(await refuseRecord(sandbox, lambda)).toBe('TOKEN_NOT_STORED');
      sandbox.aws.clearFaults();
      expect(endingOf(await lambda.invoke({}))).toBe('adopted');
      expect(sandbox.tokenEndpoint.requests).toHaveLength(1);
      await expectLiveCurrent(sandbox);
    }));
});

/** Makes the time run out when the first record was rejected. */
async function refuseRecord({ aws }: Sandbox, lambda: LambdaProcess): Promise<string> {
  aws.clearFaults();
  const callCount = aws.calls.length;
  aws.inject({ kind: 'access-denied', ...RECORD, times: ALWAYS });
  const running = lambda.invoke({});
  const isRefused = () => aws.calls.slice(callCount).some(({ fault }) => fault === 'access-denied');
  await until(isRefused);
  lambda.hasten(5_000);
  return endingOf(await running);
}
