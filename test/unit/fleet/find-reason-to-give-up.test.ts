import { describe, expect, test } from 'vitest';
import { Fault } from '../../../lambda/core/fault.ts';
import { successorId } from '../../../lambda/core/journal.ts';
import type { Version } from '../../../lambda/core/ports.ts';
import { findReasonToGiveUp } from '../../../lambda/fleet/find-reason-to-give-up.ts';
import { CREDENTIALS, NOW_MS, refreshed, toDocumentEntry } from '../../support/secret-documents.ts';

describe('an answer is given up', () => {
  const pendingAnswer = {
    parent: toDocumentEntry(refreshed(4)),
    tokens: {},
    askedAtMs: NOW_MS,
    attempt: 0,
    fault: new Fault('TOKEN_NOT_STORED', ''),
  };
  const toVersion = (document: object, versionId = 'v') => ({
    versionId,
    createdAt: NOW_MS,
    secretString: JSON.stringify(document),
  });
  const storeWith = (document: object) => ({
    readCurrent: async (): Promise<Version | undefined> => toVersion(document),
    readVersion: async (_versionId: string): Promise<Version | undefined> => undefined,
  });
  const reasonFor = async (document: object, hasLeft = false) =>
    await findReasonToGiveUp(pendingAnswer, storeWith(document), async () => hasLeft);

  test('once its secret has left the fleet', async () => {
    expect(await reasonFor(refreshed(4), true)).toBeDefined();
  });

  test('once someone has stored new credentials', async () => {
    expect(await reasonFor({ ...CREDENTIALS, refresh_token: 'of another grant' })).toBeDefined();
  });

  test.each([
    ['its token is still the current one', refreshed(4)],
    ['another answer to it is current', refreshed(0, { refresh_token: 'refresh-2', spent_refresh_token_sha256: 'a' })],
    ['the current version cannot be understood', { kind: 'retently-token-refresh/claim' }],
  ])('not while %s', async (_what, document) => {
    expect(await reasonFor(document)).toBeUndefined();
  });

  const restored = { ...CREDENTIALS, refresh_token: 'refresh-0' };

  test('not while someone has restored an earlier document of the same grant', async () => {
    const answerId = successorId(toDocumentEntry(restored).tokenHash);
    const readVersion = async (versionId: string) =>
      versionId === answerId ? toVersion(refreshed(4), answerId) : undefined;
    const store = { ...storeWith(restored), readVersion };
    expect(await findReasonToGiveUp(pendingAnswer, store, async () => false)).toBeUndefined();
  });

  test.each(['readCurrent', 'readVersion'] as const)('not while %s fails, because that may pass', async (operation) => {
    const fail = async () => {
      throw new Fault('STORE_DENIED', 'KMS');
    };
    const store = { ...storeWith(restored), [operation]: fail };
    expect(await findReasonToGiveUp(pendingAnswer, store, async () => false)).toBeUndefined();
  });
});
