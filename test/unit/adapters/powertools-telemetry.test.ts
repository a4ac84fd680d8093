import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PowertoolsTelemetry } from '../../../lambda/adapters/powertools-telemetry.ts';
import { LOG_EVENTS } from '../../../lambda/core/log-events.ts';
import { captureOutput } from '../../support/capture-output.ts';

const STATES = { tokenSecondsRemaining: 18_000, tokenSecondsUntilDue: 7_200, isReauthorizationRequired: false };

let output: ReturnType<typeof captureOutput>;
let telemetry: PowertoolsTelemetry;

beforeEach(() => {
  output = captureOutput();
  telemetry = new PowertoolsTelemetry();
  telemetry.begin('run-1', 'refresh-function');
});

afterEach(() => {
  vi.restoreAllMocks();
});

function end(): void {
  telemetry.end('info', 'It ended', { outcome: 'fresh' });
}

/** Returns one complete line of EMF: an additional dimension would hide a metric from its alarm. */
function emf(dimensions: Record<string, string>, metrics: Record<string, [unit: string, value: number | number[]]>) {
  const definitions = Object.entries(metrics).map(([Name, [Unit]]) => ({ Name, Unit }));
  return {
    _aws: {
      Timestamp: expect.any(Number),
      CloudWatchMetrics: [
        { Namespace: 'RetentlyTokenRefresh', Dimensions: [Object.keys(dimensions)], Metrics: definitions },
      ],
    },
    ...dimensions,
    ...Object.fromEntries(Object.entries(metrics).map(([name, [, value]]) => [name, value])),
  };
}

describe('metrics', () => {
  test('have only the dimension FunctionName, and are sent at the end of the run', () => {
    telemetry.recordStates(STATES);
    telemetry.countRefreshed();
    telemetry.recordExchangeMilliseconds(120);
    telemetry.recordExchangeMilliseconds(80);
    telemetry.countClaimTakenOver();
    telemetry.countTokenNotStored();
    expect(output.text()).toBe('');
    end();
    expect(output.metrics()).toEqual([
      emf(
        { FunctionName: 'refresh-function' },
        {
          TokenSecondsRemaining: ['Seconds', 18_000],
          TokenSecondsUntilDue: ['Seconds', 7_200],
          ReauthorizationRequired: ['Count', 0],
          Refreshed: ['Count', 1],
          ExchangeMilliseconds: ['Milliseconds', [120, 80]],
          ClaimTakenOver: ['Count', 1],
          TokenNotStored: ['Count', 1],
        },
      ),
    ]);
  });

  test('report 0 seconds for a token that is due, however long it has been', () => {
    telemetry.recordStates({ ...STATES, tokenSecondsUntilDue: -3_600 });
    end();
    expect(output.metrics()).toMatchObject([{ TokenSecondsUntilDue: 0 }]);
  });

  test('ReauthorizationRequired is 1 if it is required', () => {
    telemetry.recordStates({ ...STATES, isReauthorizationRequired: true });
    end();
    expect(output.metrics()).toMatchObject([{ TokenSecondsRemaining: 18_000, ReauthorizationRequired: 1 }]);
  });

  test('ReauthorizationRequired is omitted if the state of the grant is unknown, because a 0 would clear the alarm', () => {
    telemetry.recordStates({ ...STATES, isReauthorizationRequired: undefined });
    end();
    const [metrics] = output.metrics();
    expect(metrics).toMatchObject({ TokenSecondsRemaining: 18_000 });
    expect(metrics).not.toHaveProperty('ReauthorizationRequired');
  });

  test('RefreshFailed is sent twice: by FunctionName, and by FunctionName and Code', () => {
    telemetry.countFailed('CLIENT_REJECTED');
    end();
    const failed = { RefreshFailed: ['Count', 1] as [string, number] };
    expect(output.metrics()).toEqual([
      emf({ FunctionName: 'refresh-function', Code: 'CLIENT_REJECTED' }, failed),
      emf({ FunctionName: 'refresh-function' }, failed),
    ]);
  });

  test('a run in the same environment starts without values of the last one', () => {
    telemetry.countFailed('STORE_DENIED');
    end();
    telemetry.begin('run-2', 'another-alias');
    telemetry.recordStates(STATES);
    end();
    expect(output.metrics().at(-1)).toEqual(
      emf(
        { FunctionName: 'another-alias' },
        {
          TokenSecondsRemaining: ['Seconds', 18_000],
          TokenSecondsUntilDue: ['Seconds', 7_200],
          ReauthorizationRequired: ['Count', 0],
        },
      ),
    );
  });

  test('a failed run leaves none of its figures to the next one', () => {
    telemetry.note({ expiresAt: '2026-11-22T18:00:00Z' });
    telemetry.recordStates({ ...STATES, tokenSecondsUntilDue: -3_600 });
    telemetry.end('error', 'It failed', { outcome: 'failed' });
    telemetry.begin('run-2', 'refresh-function');
    telemetry.countRefreshed();
    end();
    expect(output.metrics().at(-1)).toEqual(emf({ FunctionName: 'refresh-function' }, { Refreshed: ['Count', 1] }));
    expect(output.logs().at(-1)).not.toHaveProperty('expiresAt');
  });
});

describe('log lines', () => {
  test.each([
    ['info', 'INFO'],
    ['warn', 'WARN'],
    ['error', 'ERROR'],
  ] as const)('%s: JSON with run id, message and the members that were given', (method, level) => {
    telemetry[method](LOG_EVENTS.eventRejected, { code: 'STORE_DENIED', attempt: 2 });
    telemetry[method](LOG_EVENTS.rolledForward);
    const ofPowertools = { service: 'retently-token-refresh', sampling_rate: 0, timestamp: expect.any(String) };
    const line = { ...ofPowertools, level, runId: 'run-1' };
    expect(output.logs()).toEqual([
      { ...line, message: LOG_EVENTS.eventRejected, code: 'STORE_DENIED', attempt: 2 },
      { ...line, message: LOG_EVENTS.rolledForward },
    ]);
  });

  test('each run has its own id', () => {
    telemetry.begin('run-2', 'refresh-function');
    telemetry.info(LOG_EVENTS.eventRejected);
    expect(output.logs()).toMatchObject([{ runId: 'run-2' }]);
  });

  test('the last one has the noted members, the calls and the duration', () => {
    telemetry.note({ attempt: 1, versionId: 'version-1' });
    telemetry.note({ versionId: 'version-2' });
    for (const kind of ['reads', 'writes', 'reads'] as const) telemetry.countCall(kind);
    expect(output.text()).toBe('');
    telemetry.countFailed('STORE_DENIED');
    telemetry.end('error', 'It failed', { outcome: 'failed', code: 'STORE_DENIED' });
    telemetry.begin('run-2', 'refresh-function');
    telemetry.recordStates(STATES);
    end();
    const story = { durationMs: expect.any(Number), attempt: 1, versionId: 'version-2', reads: 2, writes: 1 };
    expect(output.logs()).toMatchObject([
      { level: 'ERROR', message: 'It failed', runId: 'run-1', outcome: 'failed', code: 'STORE_DENIED', ...story },
      { level: 'INFO', message: 'It ended', runId: 'run-2', outcome: 'fresh', reads: 0, writes: 0 },
    ]);
    expect(output.logs().at(-1)).not.toHaveProperty('attempt');
  });
});
