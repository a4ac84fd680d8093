import { expect, test } from 'vitest';
import { announceFailed, announceRefreshed } from '../../../lambda/core/announce.ts';
import { Fault, type FaultCode } from '../../../lambda/core/fault.ts';
import { fingerprint, sha256 } from '../../../lambda/core/fingerprint.ts';
import { FakeContext } from '../../support/fake-context.ts';
import { SECRET_ID } from '../../support/fake-credential-store.ts';
import { refreshed, toDocumentEntry } from '../../support/secret-documents.ts';

const CURRENT = { secretId: SECRET_ID, versionId: 'version-of-current' };
const MEMBERS = refreshed(0, { spent_refresh_token_sha256: sha256('refresh-0') });

function announce(members: object, attempted = {}) {
  const context = new FakeContext();
  return announceRefreshed(context, toDocumentEntry(members), attempted).then(() => context);
}

function fail(code: FaultCode, isNewlyProbable?: boolean) {
  const context = new FakeContext();
  return announceFailed(context, toDocumentEntry(MEMBERS), new Fault(code, ''), 2, isNewlyProbable).then(() => context);
}

test('a refresh is counted and announced once, with fingerprints of 12 hex characters', async () => {
  const context = await announce(MEMBERS, { attempt: 3 });
  expect(context.telemetry.counts).toEqual(['refreshed']);
  expect(context.announcements).toEqual([
    [
      {
        type: 'refreshed',
        ...CURRENT,
        expiresAt: MEMBERS.expires_at,
        rotated: true,
        attempt: 3,
        fingerprints: {
          accessToken: fingerprint('access-1'),
          refreshToken: fingerprint('refresh-1'),
          spentRefreshToken: fingerprint('refresh-0'),
        },
      },
    ],
  ]);
});

test.each([
  ['cut short', 'a'.repeat(63)],
  ['with more before it', `P1ANTED${'a'.repeat(64)}`],
  ['with more behind it', `${'a'.repeat(64)}P1ANTED`],
  ['absent', undefined],
])('a hash %s is not a hash, and is not shown', async (_what, spent) => {
  const { announced } = await announce({ ...MEMBERS, spent_refresh_token_sha256: spent });
  expect(announced[0]?.fingerprints).not.toHaveProperty('spentRefreshToken');
});

test('the event shows that the server did not rotate', async () => {
  const { announced } = await announce({ ...MEMBERS, spent_refresh_token_sha256: sha256('refresh-1') });
  expect(announced).toMatchObject([{ rotated: false }]);
});

test('the first success after a failure also publishes recovered, in the same call', async () => {
  const { announcements } = await announce(MEMBERS, { attempt: 1, isRecovery: true });
  expect(announcements).toMatchObject([[{ type: 'refreshed' }, { type: 'recovered', attempt: 1 }]]);
});

test('members that a document does not have are omitted', async () => {
  const { announced } = await announce({ refresh_token: 'refresh-1' });
  expect(JSON.parse(JSON.stringify(announced))).toEqual([
    {
      type: 'refreshed',
      ...CURRENT,
      rotated: true,
      fingerprints: { refreshToken: fingerprint('refresh-1') },
    },
  ]);
  expect((await announce({ access_token: 'access-1' })).announced).toMatchObject([
    { fingerprints: { accessToken: fingerprint('access-1') } },
  ]);
});

test('a failure is announced with its code and attempt', async () => {
  const { announcements, telemetry } = await fail('PROVIDER_UNAVAILABLE');
  const judgment = { health: 'attention', action: 'fixNetwork', reason: expect.any(String) };
  const failed = { ...CURRENT, type: 'failed', attempt: 2, code: 'PROVIDER_UNAVAILABLE', ...judgment };
  expect(announcements).toEqual([[{ ...failed, expiresAt: expect.any(String) }]]);
  expect(telemetry.counts).toEqual([]);
});

test('a revoked grant also publishes reauthorization required, but a rejected client does not', async () => {
  const types = (await fail('REAUTHORIZATION_REQUIRED')).announced.map(({ type }) => type);
  expect(types).toEqual(['failed', 'reauthorizationRequired']);
  expect((await fail('CLIENT_REJECTED')).announced).toHaveLength(1);
});

test('a revoked grant is announced with the same document and attempt as the failure, and not as a guess', async () => {
  const judgment = { health: 'attention', action: 'reauthorize', reason: expect.any(String) };
  const announced = { ...CURRENT, attempt: 2, code: 'REAUTHORIZATION_REQUIRED', ...judgment };
  const { announcements } = await fail('REAUTHORIZATION_REQUIRED');
  expect(announcements).toEqual([
    [
      { ...announced, expiresAt: MEMBERS.expires_at, type: 'failed' },
      { ...announced, expiresAt: MEMBERS.expires_at, type: 'reauthorizationRequired' },
    ],
  ]);
});

test('a probably revoked grant publishes reauthorization required, marked as a guess', async () => {
  const { announcements } = await fail('REAUTHORIZATION_PROBABLE', true);
  expect(announcements).toMatchObject([[{ type: 'failed' }, { type: 'reauthorizationRequired', probable: true }]]);
  expect(announcements[0]?.[0]).not.toHaveProperty('probable');
  expect((await fail('REAUTHORIZATION_PROBABLE')).announced).toMatchObject([{ type: 'failed' }]);
});
