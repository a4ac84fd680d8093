import { beforeEach, expect, test } from 'vitest';
import { SecretsManager } from './secrets-manager.ts';

const HOUR_MS = 3_600_000;
const SecretId = 'RetentlyCredentials';

let nowMs: number;
let service: SecretsManager;

beforeEach(() => {
  nowMs = Date.UTC(2026, 10, 22);
  service = new SecretsManager({ now: () => nowMs, arnSuffix: () => 'AbCdEf' });
  service.createSecret({ Name: SecretId, ClientRequestToken: versionId(0), SecretString: 'first' });
});

function versionId(number: number): string {
  return `version-${String(number).padStart(32, '0')}`;
}

/** Puts versions `from` to `to`, each with the label of the journal. */
function put(from: number, to: number): void {
  for (let number = from; number <= to; number += 1) {
    const id = versionId(number);
    service.putSecretValue({ SecretId, ClientRequestToken: id, SecretString: id, VersionStages: ['TOKEN_REFRESH'] });
  }
}

function listVersionIds(): string[] {
  const { Versions } = service.listSecretVersionIds({ SecretId, IncludeDeprecated: true });
  return Versions.map(({ VersionId }) => VersionId);
}

// test/conformance has the checks that AWS can answer. These tests would have to wait for a day, or need a clock.

test('beyond 100, the oldest version that is a day old and has no label is removed', () => {
  put(1, 99);
  nowMs += 24 * HOUR_MS;
  put(100, 101);
  const ids = listVersionIds();
  expect(ids).toHaveLength(100);
  expect(ids).toContain(versionId(0));
  expect(ids).not.toContain(versionId(1));
  expect(ids).not.toContain(versionId(2));
  expect(ids).toContain(versionId(3));
});

test('no version is removed before it is a day old', () => {
  put(1, 50);
  nowMs += 23 * HOUR_MS;
  put(51, 99);
  nowMs += HOUR_MS - 1;
  expect(() => put(100, 100)).toThrow(expect.objectContaining({ name: 'LimitExceededException' }));
  nowMs += 1;
  put(100, 100);
  expect(listVersionIds()).not.toContain(versionId(1));
});

test('a simulation may have versions removed early', () => {
  service = new SecretsManager({ now: () => nowMs, maxVersions: 3, retentionMs: 0 });
  service.createSecret({ Name: SecretId, ClientRequestToken: versionId(0), SecretString: 'first' });
  put(1, 9);
  expect(listVersionIds()).toEqual([versionId(0), versionId(8), versionId(9)]);
});

test('CreatedDate is the clock of the service, to the millisecond', () => {
  nowMs += 1234;
  put(1, 1);
  const { CreatedDate } = service.getSecretValue({ SecretId, VersionId: versionId(1) });
  expect(CreatedDate.getTime()).toBe(nowMs);
});
