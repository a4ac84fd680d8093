import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EventBridgePublisher } from '../../../lambda/adapters/event-bridge-publisher.ts';
import { LOG_EVENTS } from '../../../lambda/core/log-events.ts';
import type { Announcement } from '../../../lambda/core/ports.ts';
import { ANNOUNCE_MAX_MS } from '../../../lambda/core/time-reserves.ts';
import { type Aws, startAws } from '../../sandbox/aws/aws-server.ts';
import { startLoopbackServer } from '../../sandbox/loopback-server.ts';
import { awsClientOptions } from '../../support/aws-client-options.ts';
import { FakeTelemetry } from '../../support/fake-telemetry.ts';

vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');

const REFRESHED: Announcement = {
  type: 'refreshed',
  secretId: 'RetentlyCredentials',
  versionId: 'version-2',
  expiresAt: '2026-11-22T18:00:00.000Z',
  rotated: true,
  attempt: 0,
  fingerprints: { accessToken: '0123456789ab' },
};

let aws: Aws;
let telemetry: FakeTelemetry;

beforeEach(async () => {
  aws = await startAws({ eventBusNames: ['operations'] });
  telemetry = new FakeTelemetry();
});

afterEach(() => aws.close());

function publish(announcements: readonly Announcement[], { url = aws.url, bus = 'operations' } = {}) {
  return new EventBridgePublisher(awsClientOptions(url), bus, telemetry).publish(announcements);
}

test("one PutEvents call contains all events of one change, in the contract's format", async () => {
  const announcements = [REFRESHED, { ...REFRESHED, type: 'recovered' as const }];
  await publish(announcements);
  expect(aws.calls).toHaveLength(1);
  const { type: _, ...detail } = REFRESHED;
  const event = {
    source: 'retently.token-refresh',
    eventBusName: 'operations',
    detail: { version: '1', ...detail },
  };
  expect(aws.eventBridge.events).toMatchObject([
    { ...event, detailType: 'Retently Token Refreshed' },
    { ...event, detailType: 'Retently Token Recovered' },
  ]);
  expect(telemetry.lines).toEqual([]);
});

test.each([
  ['failed', 'Retently Token Refresh Failed'],
  ['reauthorizationRequired', 'Retently Reauthorization Required'],
] as const)('%s is "%s", with its code', async (type, detailType) => {
  await publish([{ ...REFRESHED, type, attempt: 2, code: 'REAUTHORIZATION_REQUIRED' }]);
  expect(aws.eventBridge.events).toMatchObject([{ detailType, detail: { code: 'REAUTHORIZATION_REQUIRED' } }]);
});

describe('a failed announcement never fails a stored refresh', () => {
  test.each([
    ['throttle', 'ThrottlingException'],
    ['access-denied', 'AccessDeniedException'],
    ['internal-error', 'InternalException'],
  ] as const)('%s: logged by its name', async (kind, reason) => {
    aws.inject({ kind, operation: 'PutEvents' });
    await publish([REFRESHED]);
    expect(telemetry.lines).toEqual([{ level: 'warn', message: LOG_EVENTS.eventsNotPublished, members: { reason } }]);
  });

  test('an unreachable EventBridge is logged', async () => {
    await aws.close();
    await publish([REFRESHED]);
    expect(telemetry.lines).toMatchObject([{ level: 'warn' }]);
  });

  test('a rejected entry in a response of 200 is logged', async () => {
    const { url, close } = await startLoopbackServer((_request, response) => {
      const entries = [{ EventId: 'taken' }, { ErrorCode: 'InternalFailure', ErrorMessage: 'P1ANTED' }];
      response.end(JSON.stringify({ FailedEntryCount: 1, Entries: entries }));
    });
    await publish([REFRESHED, REFRESHED], { url });
    await close();
    const line = {
      level: 'warn',
      message: LOG_EVENTS.eventRejected,
      members: { reason: 'InternalFailure' },
    };
    expect(telemetry.lines).toEqual([line]);
  });

  test('a call ends within the time that a run reserves for it', async () => {
    const timeout = vi.spyOn(AbortSignal, 'timeout');
    try {
      await publish([REFRESHED]);
      expect(timeout).toHaveBeenCalledTimes(1);
      expect(Math.max(...timeout.mock.calls.flat())).toBeLessThan(ANNOUNCE_MAX_MS);
    } finally {
      timeout.mockRestore();
    }
  });

  test('an empty response is not a failure', async () => {
    const { url, close } = await startLoopbackServer((_request, response) => response.end('{}'));
    await publish([REFRESHED], { url });
    await close();
    expect(telemetry.lines).toEqual([]);
  });
});
