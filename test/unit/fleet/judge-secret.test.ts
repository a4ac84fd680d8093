import { describe, expect, test } from 'vitest';
import { Fault, type FaultCode } from '../../../lambda/core/fault.ts';
import {
  claimId,
  digestGrant,
  failureId,
  renderClaim,
  renderFailure,
  successorId,
  tokenVersionId,
} from '../../../lambda/core/journal.ts';
import type { Version } from '../../../lambda/core/ports.ts';
import { type HistoryReader, judgeSecret, type SecretRead, unread } from '../../../lambda/fleet/judge-secret.ts';
import { FakeTelemetry } from '../../support/fake-telemetry.ts';
import {
  CREDENTIALS,
  HOUR_MS,
  MINUTE_MS,
  NOW_MS,
  refreshed,
  toDocumentEntry,
  versionIdOf,
} from '../../support/secret-documents.ts';

const ARN = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:acme-AbCdEf';
const ENDPOINT = 'https://retently.invalid/token';
const HOUR = 3_600;

interface Given {
  readonly document?: object | string;
  readonly createdAt?: number;
  readonly latestEntry?: Version;
  readonly versions?: readonly Version[];
  readonly isAtRest?: boolean;
  readonly versionId?: string;
  readonly fails?: Error;
}

async function judge({ document = refreshed(1), createdAt = NOW_MS, isAtRest = false, ...given }: Given) {
  const reads: string[] = [];
  const secretString = typeof document === 'string' ? document : JSON.stringify(document);
  const version = { versionId: given.versionId ?? versionIdOf('current'), createdAt, secretString };
  const read = async (what: string, found: Version | undefined) => {
    reads.push(what);
    if (given.fails) throw given.fails;
    return found;
  };
  const history: HistoryReader = {
    readLatestEntry: () => read('latest entry', given.latestEntry),
    readVersion: (id) =>
      read(
        'version',
        given.versions?.find(({ versionId }) => versionId === id),
      ),
  };
  const judgment = await judgeSecret(
    {
      settings: { tokenEndpointUrl: ENDPOINT, defaultTokenLifetimeSeconds: 6 * HOUR, scheduleSeconds: 600 },
      telemetry: new FakeTelemetry(),
      now: () => NOW_MS,
      open: () => history,
    },
    { arn: ARN, kind: 'value', version, isAtRest },
  );
  return { judgment, reads };
}

const DUE = refreshed(4);
const { tokenHash } = toDocumentEntry(DUE);
const GRANT = { clientId: 'client-id-1', clientSecret: 'client-secret-1', refreshToken: 'refresh-1' };
const DIGEST = digestGrant(GRANT, ENDPOINT);

function failure(
  code: 'PROVIDER_UNAVAILABLE' | 'REAUTHORIZATION_REQUIRED' | 'REAUTHORIZATION_PROBABLE',
  ageMs: number,
): Version {
  const secretString = renderFailure({ tokenHash, attempt: 6, code, digest: DIGEST });
  return { versionId: failureId(tokenHash, 6), createdAt: NOW_MS - ageMs, secretString };
}

function claim(attempt: number, ageMs: number): Version {
  const secretString = renderClaim({ tokenHash, attempt, nonce: 'n', leaseSeconds: 90 });
  return { versionId: claimId(tokenHash, attempt), createdAt: NOW_MS - ageMs, secretString };
}

describe('a secret at rest', () => {
  test('needs no run while its token is not due, and no second read', async () => {
    const { judgment, reads } = await judge({ isAtRest: true });
    expect(judgment).toEqual({
      arn: ARN,
      turn: 'none',
      fromMs: 0,
      expiresAtMs: NOW_MS + 5 * HOUR_MS,
      secondsUntilDue: 2 * HOUR,
      trouble: undefined,
    });
    expect(reads).toEqual([]);
  });

  test('needs a run once its token is due', async () => {
    const { judgment } = await judge({ document: DUE, isAtRest: true });
    expect(judgment).toMatchObject({ turn: 'refresh', secondsUntilDue: -HOUR, trouble: undefined });
  });

  test('needs a run if its token may be revoked, although it is not due', async () => {
    const document = refreshed(1, { may_be_revoked: 'PROVIDER_AMBIGUOUS' });
    expect((await judge({ document, isAtRest: true })).judgment).toMatchObject({ turn: 'refresh' });
  });
});

describe('a secret that is not at rest', () => {
  test('needs a run if it was never refreshed', async () => {
    const { judgment } = await judge({ document: CREDENTIALS, createdAt: NOW_MS - MINUTE_MS });
    expect(judgment).toMatchObject({ turn: 'refresh', expiresAtMs: -Infinity, secondsUntilDue: -60 });
  });

  test('needs a run if the answer to its refresh token was not promoted, whatever else is in it', async () => {
    const secretString = JSON.stringify(refreshed(0, { refresh_token: 'refresh-2' }));
    const successor = { versionId: successorId(tokenHash), createdAt: NOW_MS, secretString };
    const { judgment } = await judge({ document: DUE, latestEntry: successor, versions: [successor] });
    expect(judgment).toMatchObject({ turn: 'refresh', trouble: undefined });
  });

  test('needs a run like any due secret if its client secret was corrected', async () => {
    const { judgment } = await judge({
      document: { ...DUE, client_secret: 'corrected' },
      latestEntry: failure('REAUTHORIZATION_REQUIRED', HOUR_MS),
    });
    expect(judgment).toMatchObject({ turn: 'refresh', trouble: undefined });
  });

  test('needs none while another run has its claim', async () => {
    const { judgment } = await judge({ document: DUE, latestEntry: claim(0, 30_000) });
    expect(judgment).toMatchObject({ turn: 'none', trouble: undefined });
  });

  test('has a problem if the run behind its claim crashed', async () => {
    const { judgment } = await judge({ document: DUE, latestEntry: claim(0, 5 * MINUTE_MS) });
    expect(judgment).toMatchObject({ turn: 'retry', fromMs: 0 });
  });

  test('waits for the end of its back-off, and then retries', async () => {
    const waiting = await judge({ document: DUE, latestEntry: failure('PROVIDER_UNAVAILABLE', MINUTE_MS) });
    expect(waiting.judgment).toMatchObject({ turn: 'retry', fromMs: NOW_MS + 44 * MINUTE_MS, trouble: undefined });
    const over = await judge({ document: DUE, latestEntry: failure('PROVIDER_UNAVAILABLE', HOUR_MS) });
    expect(over.judgment).toMatchObject({ turn: 'retry', fromMs: NOW_MS - HOUR_MS });
  });

  test('needs an operator, and no run, after its grant is rejected', async () => {
    const { judgment } = await judge({ document: DUE, latestEntry: failure('REAUTHORIZATION_REQUIRED', HOUR_MS) });
    expect(judgment).toMatchObject({ turn: 'none', secondsUntilDue: -HOUR, trouble: 'REAUTHORIZATION_REQUIRED' });
  });

  test('still needs an operator during another attempt', async () => {
    const latestEntry = claim(7, 30_000);
    const versions = [failure('REAUTHORIZATION_PROBABLE', HOUR_MS)];
    const { judgment } = await judge({ document: DUE, latestEntry, versions });
    expect(judgment).toMatchObject({ turn: 'none', trouble: 'REAUTHORIZATION_PROBABLE' });
  });
});

describe('a secret that no run can use', () => {
  test.each<[string, string | object, string]>([
    ['garbage', 'not JSON', 'CREDENTIALS_INVALID'],
    ['something else', { user: 'root' }, 'CREDENTIALS_INCOMPLETE'],
    ['credentials without a client secret', { ...DUE, client_secret: '' }, 'CREDENTIALS_INCOMPLETE'],
  ])('needs no run: %s', async (_what, document, trouble) => {
    const { judgment } = await judge({ document });
    expect(judgment).toMatchObject({ turn: 'none', trouble });
  });

  test.each<[Exclude<SecretRead['kind'], 'value'>, object]>([
    ['absent', { turn: 'none', trouble: 'not-configured' }],
    ['denied', { turn: 'none', trouble: 'STORE_DENIED' }],
    ['failed', { turn: 'refresh', trouble: 'STORE_UNAVAILABLE' }],
  ])('is judged without a value: %s', async (kind, expected) => {
    const context = { settings: { tokenEndpointUrl: ENDPOINT, defaultTokenLifetimeSeconds: 1, scheduleSeconds: 1 } };
    const never = () => {
      throw new Error('Nothing of it is read.');
    };
    const judgment = await judgeSecret(
      { ...context, telemetry: new FakeTelemetry(), now: never, open: never },
      { arn: ARN, kind },
    );
    expect(judgment).toMatchObject({ arn: ARN, secondsUntilDue: undefined, ...expected });
  });

  test.each<[FaultCode, object]>([
    ['STORE_DENIED', { turn: 'none', trouble: 'STORE_DENIED' }],
    ['STORE_UNAVAILABLE', unread(ARN)],
    ['SECRET_NOT_FOUND', unread(ARN)],
  ])('is judged by the error that its history gives: %s', async (code, expected) => {
    const { judgment } = await judge({ document: DUE, fails: new Fault(code, 'Denied.') });
    expect(judgment).toMatchObject(expected);
  });

  test('does not hide a bug', async () => {
    await expect(judge({ document: DUE, fails: new TypeError('ours') })).rejects.toThrow('ours');
  });
});

test('a token secret does not belong to the fleet, even with its tag', async () => {
  const document = JSON.stringify({ access_token: 'access-1', token_type: 'Bearer' });
  const { judgment } = await judge({ document, versionId: tokenVersionId(document) });
  expect(judgment).toMatchObject({ turn: 'skip', trouble: undefined });
});

test('a token is overdue since it was due, even if versions without a new token were stored since', async () => {
  const { refreshed_at: _, ...half } = refreshed(5, { spent_refresh_token_sha256: 'spent' });
  const { judgment } = await judge({ document: half, createdAt: NOW_MS - MINUTE_MS });
  expect(judgment.secondsUntilDue).toBe(-2 * HOUR);
});
