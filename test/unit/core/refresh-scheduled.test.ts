import { describe, expect, test } from 'vitest';
import { RecordedFailure } from '../../../lambda/core/fault.ts';
import { refresh } from '../../../lambda/core/refresh.ts';
import { FakeContext } from '../../support/fake-context.ts';
import {
  AMBIGUOUS,
  INVALID_CLIENT,
  INVALID_GRANT,
  MISDIRECTED,
  NOT_SENT,
  REFRESH_TOKEN_ONLY,
  THROTTLED,
} from '../../support/fake-token-endpoint.ts';
import { CREDENTIALS } from '../../support/secret-documents.ts';

const SCHEDULED = { force: false, isScheduled: true };

describe('a recorded failure is a result for the schedule, and an error for other callers', () => {
  test.each([
    ['PROVIDER_UNAVAILABLE', NOT_SENT],
    ['PROVIDER_UNAVAILABLE', THROTTLED],
    ['PROVIDER_UNAVAILABLE', MISDIRECTED],
    ['PROVIDER_AMBIGUOUS', AMBIGUOUS],
    ['REAUTHORIZATION_REQUIRED', INVALID_GRANT],
    ['CLIENT_REJECTED', INVALID_CLIENT],
  ])('%s', async (code, answer) => {
    const asked = FakeContext.withSecret(CREDENTIALS);
    const told = FakeContext.withSecret(CREDENTIALS);
    for (const { tokenEndpoint } of [asked, told]) tokenEndpoint.willAnswer(...Array.from({ length: 9 }, () => answer));
    const result = await refresh(told, SCHEDULED);
    expect(result).toMatchObject({ outcome: 'failed', code, health: 'attention', versionId: expect.any(String) });
    await expect(refresh(asked, { force: false })).rejects.toMatchObject({ name: code, message: result.message });
    expect(told.announcements).toEqual(asked.announcements);
    expect(told.telemetry.states).toEqual(asked.telemetry.states);
  });

  test.each([
    ['REAUTHORIZATION_REQUIRED', INVALID_GRANT],
    ['CLIENT_REJECTED', INVALID_CLIENT],
  ])('%s in every later run, without another request', async (code, answer) => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.tokenEndpoint.willAnswer(answer);
    await refresh(context, SCHEDULED);
    const next = context.nextRun({ afterMs: 600_000 });
    expect(await refresh(next, SCHEDULED)).toMatchObject({ outcome: 'failed', code });
    await expect(refresh(next.nextRun({ afterMs: 600_000 }), { force: false })).rejects.toBeInstanceOf(RecordedFailure);
  });
});

describe('the schedule receives an error', () => {
  test('if the failure could not be recorded', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.tokenEndpoint.willAnswer(() => {
      context.store.refuse('putVersion', 1_000);
      return INVALID_CLIENT;
    });
    await expect(refresh(context, SCHEDULED)).rejects.toMatchObject({ name: 'CLIENT_REJECTED' });
  });

  test('if the response had a refresh token only', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.tokenEndpoint.willAnswer(REFRESH_TOKEN_ONLY);
    await expect(refresh(context, SCHEDULED)).rejects.toMatchObject({ name: 'PROVIDER_AMBIGUOUS' });
  });

  test('if the secret cannot be read', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.store.refuse('readCurrent', 9);
    await expect(refresh(context, SCHEDULED)).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
  });
});
