import { expect, test } from 'vitest';
import type { CredentialStore } from '../../../lambda/core/ports.ts';
import { refresh } from '../../../lambda/core/refresh.ts';
import { FakeContext } from '../../support/fake-context.ts';
import { INVALID_GRANT, TOKEN } from '../../support/fake-token-endpoint.ts';
import { CREDENTIALS, refreshed } from '../../support/secret-documents.ts';

/** Timeout of each call in the adapters. */
const SLOWEST_MS = 7_000;
const OPERATIONS = ['readCurrent', 'readLatestEntry', 'readVersion', 'putVersion', 'promote', 'listVersions'] as const;

/** Makes the POST take all of its time, and each call from `when` on as long as possible. */
function slowFrom(when: 'the POST' | 'the claim', answer = TOKEN as typeof TOKEN | typeof INVALID_GRANT): FakeContext {
  const context = FakeContext.withSecret(CREDENTIALS);
  context.giveTokenSecret();
  let isSlow = false;
  const slow = async () => void (isSlow && context.advance(SLOWEST_MS));
  for (const operation of OPERATIONS) {
    context.store.intercept(operation as keyof CredentialStore, 'after', slow, 1_000);
    context.tokenSecret?.intercept(operation as keyof CredentialStore, 'after', slow, 1_000);
  }
  context.store.intercept('putVersion', 'before', () => {
    isSlow = when === 'the claim';
  });
  context.tokenEndpoint.willAnswer(() => {
    context.advance(context.tokenEndpoint.timeoutsMs.at(-1) ?? 0);
    isSlow = true;
    return answer;
  });
  const { publish } = context.events;
  Object.assign(context.events, {
    publish: async (...announcements: Parameters<typeof publish>) => {
      context.advance(SLOWEST_MS);
      // After the timeout of Lambda, nothing is published.
      if (context.runtime.remainingMs() > 0) await publish(...announcements);
    },
  });
  return context;
}

test.each(['the POST', 'the claim'] as const)(
  'with every call at its slowest from %s on, an answer of the last moment is recorded, promoted and announced',
  async (when) => {
    const context = slowFrom(when);
    expect(await refresh(context, { force: false })).toMatchObject({ outcome: 'refreshed' });
    expect(context.currentDocument).toMatchObject({ refresh_token: 'refresh-2' });
    expect(context.announced).toMatchObject([{ type: 'refreshed' }]);
    expect(context.runtime.remainingMs()).toBeGreaterThan(0);
  },
);

test('a rejection at the last moment is recorded and announced', async () => {
  const context = slowFrom('the POST', INVALID_GRANT);
  await expect(refresh(context, { force: false })).rejects.toMatchObject({ name: 'REAUTHORIZATION_REQUIRED' });
  expect(context.announced).toMatchObject([{ type: 'failed' }, { type: 'reauthorizationRequired' }]);
  expect(context.runtime.remainingMs()).toBeGreaterThan(0);
});

test('the next run updates the stale token secret', async () => {
  const context = slowFrom('the POST');
  await refresh(context, { force: false });
  expect(context.tokenSecretText).toBeUndefined();
  expect(context.telemetry.states.at(-1)?.isTokenSecretStale).toBeUndefined();
  const next = context.nextRun();
  expect(await refresh(next, { force: false })).toMatchObject({ outcome: 'fresh' });
  expect(next.tokenSecretText).toContain('access-2');
});

test('a token secret without time before the announcement is synced after it', async () => {
  const context = FakeContext.withSecret(refreshed(4));
  context.giveTokenSecret();
  context.tokenEndpoint.willAnswer(TOKEN);
  // Enough for a call, but not for the announcement as well.
  context.store.intercept('promote', 'after', () => {
    context.deadlineMs = context.world.nowMs + 10_000;
  });
  expect(await refresh(context, { force: false })).toMatchObject({ outcome: 'refreshed' });
  expect(context.tokenSecretText).toContain('access-2');
  expect(context.telemetry.states.at(-1)?.isTokenSecretStale).toBe(false);
});
