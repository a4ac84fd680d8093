import { beforeEach, describe, expect, test } from 'vitest';
import { SecretsManager } from './secrets-manager.ts';

const HOUR_MS = 3_600_000;
const SecretId = 'RetentlyCredentials';

let nowMs: number;
let service: SecretsManager;

beforeEach(() => {
  nowMs = Date.UTC(2026, 10, 22);
  service = new SecretsManager({ now: () => nowMs, arnSuffix: () => 'AbCdEf' });
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

describe('versions', () => {
  beforeEach(() => {
    service.createSecret({ Name: SecretId, ClientRequestToken: versionId(0), SecretString: 'first' });
  });

  test('the 101st version within 24 hours is refused', () => {
    put(1, 99);
    expect(() => put(100, 100)).toThrow(expect.objectContaining({ name: 'LimitExceededException' }));
    expect(listVersionIds()).toHaveLength(100);
  });

  test('repeating a put is no new version: it succeeds even if there is no room', () => {
    put(1, 99);
    expect(() => put(99, 99)).not.toThrow();
  });

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
});

describe('staging labels', () => {
  beforeEach(() => {
    service.createSecret({ Name: SecretId, ClientRequestToken: versionId(0), SecretString: 'first' });
    put(1, 1);
  });

  test('a version takes 20 labels and no more', () => {
    const move = (number: number) =>
      service.updateSecretVersionStage({ SecretId, VersionStage: `label-${number}`, MoveToVersionId: versionId(0) });
    for (let number = 1; number <= 19; number += 1) move(number);
    expect(() => move(20)).toThrow(expect.objectContaining({ name: 'LimitExceededException' }));
  });

  test('a label that is already on the version stays there', () => {
    const request = { SecretId, VersionStage: 'AWSCURRENT', MoveToVersionId: versionId(0) };
    service.updateSecretVersionStage(request);
    service.updateSecretVersionStage({ ...request, RemoveFromVersionId: versionId(0) });
    expect(service.describeSecret({ SecretId }).VersionIdsToStages).toEqual({
      [versionId(0)]: ['AWSCURRENT'],
      [versionId(1)]: ['TOKEN_REFRESH'],
    });
  });

  test('a label does not move to a version that does not exist', () => {
    const request = { SecretId, VersionStage: 'AWSCURRENT', RemoveFromVersionId: versionId(0) };
    expect(() => service.updateSecretVersionStage({ ...request, MoveToVersionId: versionId(7) })).toThrow(
      expect.objectContaining({ name: 'ResourceNotFoundException' }),
    );
  });

  test('a label is removed from the version that holds it', () => {
    const request = { SecretId, VersionStage: 'TOKEN_REFRESH' };
    expect(() => service.updateSecretVersionStage({ ...request, RemoveFromVersionId: versionId(0) })).toThrow(
      expect.objectContaining({ name: 'InvalidParameterException' }),
    );
    service.updateSecretVersionStage({ ...request, RemoveFromVersionId: versionId(1) });
    expect(service.getSecretValue({ SecretId, VersionId: versionId(1) }).VersionStages).toBeUndefined();
  });

  test('AWSPREVIOUS leaves a version that becomes current again', () => {
    const swap = (from: number, to: number) =>
      service.updateSecretVersionStage({
        SecretId,
        VersionStage: 'AWSCURRENT',
        RemoveFromVersionId: versionId(from),
        MoveToVersionId: versionId(to),
      });
    swap(0, 1);
    swap(1, 0);
    expect(service.describeSecret({ SecretId }).VersionIdsToStages).toEqual({
      [versionId(0)]: ['AWSCURRENT'],
      [versionId(1)]: ['TOKEN_REFRESH', 'AWSPREVIOUS'],
    });
  });

  test('a read by id and stage wants both to name the same version', () => {
    expect(() => service.getSecretValue({ SecretId, VersionId: versionId(1), VersionStage: 'AWSCURRENT' })).toThrow(
      expect.objectContaining({ name: 'InvalidRequestException' }),
    );
  });
});

describe('secrets', () => {
  test('the limit is 65,536 bytes of UTF-8, not characters', () => {
    service.createSecret({ Name: SecretId });
    const write = (SecretString: string) => service.putSecretValue({ SecretId, SecretString });
    expect(() => write('é'.repeat(32_768))).not.toThrow();
    expect(() => write(`${'é'.repeat(32_768)}x`)).toThrow(expect.objectContaining({ name: 'ValidationException' }));
  });

  test('a secret is found by its name, its ARN, and its ARN without the suffix', () => {
    const { ARN } = service.createSecret({ Name: SecretId });
    expect(ARN).toMatch(/:secret:RetentlyCredentials-AbCdEf$/);
    for (const id of [SecretId, ARN, ARN.slice(0, -7)]) {
      expect(service.describeSecret({ SecretId: id }).Name).toBe(SecretId);
    }
  });

  test('creating a secret twice is fine only as a repetition', () => {
    const request = { Name: SecretId, ClientRequestToken: versionId(0), SecretString: 'first' };
    expect(service.createSecret(request)).toEqual(service.createSecret(request));
    expect(() => service.createSecret({ ...request, SecretString: 'other' })).toThrow(
      expect.objectContaining({ name: 'ResourceExistsException' }),
    );
  });

  test('a secret that was scheduled for deletion comes back whole', () => {
    service.createSecret({ Name: SecretId, SecretString: 'first' });
    service.deleteSecret({ SecretId });
    expect(() => service.createSecret({ Name: SecretId })).toThrow(
      expect.objectContaining({ name: 'InvalidRequestException' }),
    );
    service.restoreSecret({ SecretId });
    expect(service.getSecretValue({ SecretId }).SecretString).toBe('first');
  });
});
