import { beforeEach, describe, expect, test } from 'vitest';
import { JOURNAL_STAGE } from '../../../lambda/contract.ts';
import { Fault } from '../../../lambda/core/fault.ts';
import {
  claimId,
  digestGrant,
  failureId,
  renderClaim,
  renderFailure,
  successorId,
} from '../../../lambda/core/journal.ts';
import { status } from '../../../lambda/core/status.ts';
import { FakeContext } from '../../support/fake-context.ts';
import { SECRET_ID } from '../../support/fake-credential-store.ts';
import { faultFrom } from '../../support/fault-of.ts';
import { CREDENTIALS, iso, MINUTE_MS, NOW_MS, refreshed, toDocumentEntry } from '../../support/secret-documents.ts';

const { key } = toDocumentEntry(CREDENTIALS);
const READS = new Set(['readCurrent', 'readHead', 'readVersion']);

const UNSAVED = new Fault('TOKEN_NOT_STORED', 'The store refused.');

let context: FakeContext;

beforeEach(() => {
  context = FakeContext.withSecret(CREDENTIALS);
});

function failedWith(code: 'PROVIDER_UNAVAILABLE' | 'REAUTHORIZATION_REQUIRED', label: string = JOURNAL_STAGE): void {
  const grant = { clientId: 'client-id-1', clientSecret: 'client-secret-1', refreshToken: 'refresh-1' };
  const digest = digestGrant(grant, context.settings.tokenEndpointUrl);
  context.writeText(renderClaim({ key, attempt: 0, nonce: 'n', leaseSeconds: 90 }), [], claimId(key, 0));
  context.writeText(renderFailure({ key, attempt: 0, code, digest }), [label], failureId(key, 0));
}

describe('status says what a refresh would decide, reads only, and calls nobody', () => {
  test.each<[string, () => unknown, object]>([
    [
      'fresh',
      () => context.write(refreshed(1)),
      { secondsRemaining: 18_000, expiresAt: iso(NOW_MS + 300 * MINUTE_MS) },
    ],
    ['attempt', () => undefined, { secondsRemaining: 0, expiresAt: null }],
    [
      'busy',
      () =>
        context.writeText(
          renderClaim({ key, attempt: 0, nonce: 'n', leaseSeconds: 90 }),
          [JOURNAL_STAGE],
          claimId(key, 0),
        ),
      {},
    ],
    ['waiting', () => failedWith('PROVIDER_UNAVAILABLE'), { retryAt: iso(NOW_MS + MINUTE_MS) }],
    ['rejected', () => failedWith('REAUTHORIZATION_REQUIRED'), {}],
    [
      'settle',
      () => context.writeText(JSON.stringify(refreshed(0)), [JOURNAL_STAGE], successorId(key)),
      { message: expect.stringContaining('a spent refresh token; the next refresh settles it') },
    ],
  ])('%s', async (decision, prepare, members) => {
    prepare();
    const before = [context.currentVersionId, ...context.versionIds];
    const result = await status(context);
    expect(result).toMatchObject({ outcome: 'status', decision, versionId: context.currentVersionId, ...members });
    expect(result.message).toContain(decision);
    expect([context.currentVersionId, ...context.versionIds]).toEqual(before);
    expect(context.store.calls.filter((call) => !READS.has(call))).toEqual(
      decision === 'attempt' ? ['listVersionTimes'] : [],
    );
    expect(context.telemetry.states).toMatchObject([{ isReauthorizationRequired: decision === 'rejected' }]);
  });

  test.each<[string, () => unknown]>([
    [
      'busy',
      () =>
        context.writeText(
          renderClaim({ key, attempt: 0, nonce: 'n', leaseSeconds: 90 }),
          ['elsewhere'],
          claimId(key, 0),
        ),
    ],
    ['waiting', () => failedWith('PROVIDER_UNAVAILABLE', 'elsewhere')],
    ['rejected', () => failedWith('REAUTHORIZATION_REQUIRED', 'elsewhere')],
    ['settle', () => context.writeText(JSON.stringify(refreshed(0)), ['elsewhere'], successorId(key))],
  ])('%s, by the ids, where the label is gone', async (decision, prepare) => {
    prepare();
    const before = [context.currentVersionId, ...context.versionIds];
    expect(await status(context)).toMatchObject({ decision });
    expect([context.currentVersionId, ...context.versionIds]).toEqual(before);
    expect(context.telemetry.states).toMatchObject([{ isReauthorizationRequired: decision === 'rejected' }]);
  });

  test('waiting, where the version history has no room for an attempt', async () => {
    for (let number = 1; number < 90; number += 1) context.writeText('{}', ['filler']);
    expect(await status(context)).toMatchObject({ decision: 'waiting', retryAt: expect.any(String) });
  });

  test('settle, where an answer waits in memory alone', async () => {
    context.memory.unsaved = { parent: toDocumentEntry(CREDENTIALS), tokens: {}, fault: UNSAVED };
    expect(await status(context)).toMatchObject({
      outcome: 'status',
      decision: 'settle',
      message: expect.stringContaining('Do not deploy'),
    });
    const parent = toDocumentEntry({ ...CREDENTIALS, refresh_token: 'another' });
    context.memory.unsaved = { parent, tokens: {}, fault: UNSAVED };
    expect(await status(context)).toMatchObject({ decision: 'attempt' });
  });

  test('not-configured', async () => {
    const empty = new FakeContext();
    empty.world.secretsManager.createSecret({ Name: SECRET_ID });
    expect(await status(empty)).toMatchObject({ outcome: 'status', decision: 'not-configured', versionId: null });
  });

  test('throws for a secret that cannot be used, and records the states all the same', async () => {
    context.write({ refresh_token: 'refresh-1' });
    expect((await faultFrom(status(context))).name).toBe('CREDENTIALS_INCOMPLETE');
    expect(context.telemetry.states).toHaveLength(1);
  });
});
