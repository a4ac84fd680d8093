import { describe, expect, test } from 'vitest';
import { Fault } from '../../../lambda/core/fault.ts';
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
  const reasonFor = async (document: object, hasLeft = false) =>
    await findReasonToGiveUp(
      pendingAnswer,
      {
        readCurrent: async () => ({ versionId: 'v', createdAt: NOW_MS, secretString: JSON.stringify(document) }),
      },
      async () => hasLeft,
    );

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

  test('not while the secret cannot be read, because that may pass', async () => {
    const readCurrent = async () => {
      throw new Fault('STORE_DENIED', 'KMS');
    };
    expect(await findReasonToGiveUp(pendingAnswer, { readCurrent }, async () => false)).toBeUndefined();
  });
});
